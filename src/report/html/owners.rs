//! Who holds what was gained, for the page's icicle: files, in them the owners, and what no suspect explains.

use serde::Serialize;

use crate::report::LeakReport;

/// What keeps memory, with what it keeps through others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Owner {
    /// As one would write it, or its file.
    pub name: String,
    /// The suspect that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// Retained by it, in each snapshot.
    pub bytes: Vec<u64>,
    /// What is inside; together at most as much.
    pub children: Vec<Owner>,
}

/// The owners that a report names.
pub(super) fn of(report: &LeakReport) -> Vec<Owner> {
    let suspects = report.suspects.iter().map(|suspect| {
        let place = suspect.holder.as_ref().or(suspect.source.as_ref());
        let file = place.and_then(|place| place.file.as_deref());
        let owner = Owner {
            name: suspect.owner.clone(),
            rank: Some(suspect.rank),
            bytes: suspect.retained_bytes.clone(),
            children: Vec::new(),
        };
        (file, owner)
    });
    by_file(suspects, &report.growth.bytes)
}

/// Owners under the files they are in; and the rest of what there is, `total`.
fn by_file<'f>(suspects: impl Iterator<Item = (Option<&'f str>, Owner)>, total: &[u64]) -> Vec<Owner> {
    let steps = total.len();
    let mut owners: Vec<Owner> = Vec::new();
    for (file, owner) in suspects {
        let Some(file) = file else {
            owners.push(owner);
            continue;
        };
        let at = owners
            .iter()
            .position(|known| known.rank.is_none() && known.name == file);
        let at = at.unwrap_or_else(|| {
            owners.push(Owner {
                name: file.to_owned(),
                rank: None,
                bytes: Vec::new(),
                children: Vec::new(),
            });
            owners.len() - 1
        });
        owners[at].children.push(owner);
        owners[at].bytes = sum(&owners[at].children, steps);
    }
    let explained = sum(&owners, steps);
    let rest = total.iter().zip(explained).map(|(all, part)| all.saturating_sub(part));
    owners.push(Owner {
        name: "everything else".to_owned(),
        rank: None,
        bytes: rest.collect(),
        children: Vec::new(),
    });
    owners
}

fn sum(owners: &[Owner], steps: usize) -> Vec<u64> {
    let at = |step: usize| owners.iter().filter_map(move |owner| owner.bytes.get(step).copied());
    (0..steps).map(|step| at(step).fold(0, u64::saturating_add)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, rank: usize, bytes: [u64; 2]) -> Owner {
        Owner {
            name: name.to_owned(),
            rank: Some(rank),
            bytes: bytes.to_vec(),
            children: Vec::new(),
        }
    }

    #[test]
    fn owners_stand_under_their_files_and_the_rest_is_told() {
        let suspects = [
            (Some("store.js"), owner("sessions", 1, [10, 50])),
            (None, owner("timers", 2, [5, 10])),
            (Some("store.js"), owner("byDay", 3, [1, 2])),
        ];
        let owners = by_file(suspects.into_iter(), &[100, 150]);
        let told: Vec<(&str, &[u64], usize)> = owners
            .iter()
            .map(|owner| (owner.name.as_str(), owner.bytes.as_slice(), owner.children.len()))
            .collect();
        assert_eq!(
            told,
            [
                ("store.js", &[11, 52][..], 2),
                ("timers", &[5, 10][..], 0),
                ("everything else", &[84, 88][..], 0)
            ]
        );
    }

    #[test]
    fn suspects_that_overlap_leave_no_negative_rest() {
        let suspects = [(None, owner("a", 1, [90, 90])), (None, owner("b", 2, [90, 90]))];
        let owners = by_file(suspects.into_iter(), &[100, 100]);
        assert_eq!(owners[2].bytes, [0, 0]);
    }
}
