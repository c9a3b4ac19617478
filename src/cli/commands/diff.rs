//! `diff`: the last file first, as its interfaces count for all; then the others, one in memory at a time.

use std::path::{Path, PathBuf};

use super::super::args::{Reading, Shown};
use super::super::failure::{Failure, warn};
use super::super::progress::Progress;
use super::{name, open, show};
use crate::analysis::{Comparability, Digest, Interfaces};
use crate::report::{Diff, DiffBuilder, Selection, SnapshotFacts, SortDiff, shown};
use crate::snapshot::Snapshot;

pub(super) fn run(
    files: &[PathBuf],
    reading: Reading,
    selection: &Selection<SortDiff>,
    how: Shown,
) -> Result<(), Failure> {
    let progress = Progress::new();
    let Compared { diff, doubts } = build(files, reading, selection, &progress)?;
    drop(progress);
    for (fact, hint) in doubts {
        warn(&fact, hint);
    }
    show(&diff, how)
}

/// A comparison, and what is to be said of it: facts, each with what to do.
pub(super) struct Compared {
    pub diff: Diff,
    pub doubts: Vec<(String, &'static str)>,
}

/// Compares them.
pub(super) fn build(
    files: &[PathBuf],
    reading: Reading,
    selection: &Selection<SortDiff>,
    progress: &Progress,
) -> Result<Compared, Failure> {
    let [first, between @ .., last] = files else {
        return Err(Failure::argument("a comparison takes two files or more"));
    };
    let snapshot = open(last, reading, progress)?;
    let interfaces = Interfaces::infer(&snapshot);
    let (facts, digest) = boil_down(last, snapshot, &interfaces, progress);
    let mut builder = DiffBuilder::new(facts, digest);
    let mut doubts = Vec::new();
    for file in std::iter::once(first).chain(between) {
        let snapshot = open(file, reading, progress)?;
        let (facts, digest) = boil_down(file, snapshot, &interfaces, progress);
        let ids = if file == first && builder.is_empty() {
            builder.first(facts, digest)
        } else {
            builder.between(facts, &digest)
        };
        doubts.extend(doubt(ids, file, last));
    }
    let diff = builder.build(selection);
    doubts.extend(diff.order_doubt());
    Ok(Compared { diff, doubts })
}

fn boil_down(file: &Path, snapshot: Snapshot, interfaces: &Interfaces, progress: &Progress) -> (SnapshotFacts, Digest) {
    progress.step("classes");
    (
        SnapshotFacts::of_snapshot(&name(file), &snapshot),
        Digest::build(snapshot, interfaces),
    )
}

/// What is to be said where ids cannot be compared.
fn doubt(ids: Comparability, file: &Path, last: &Path) -> Option<(String, &'static str)> {
    let (file, last) = (shown(&name(file)), shown(&name(last)));
    match ids {
        Comparability::Comparable => None,
        Comparability::DifferentProcess => Some((
            format!("'{file}' and '{last}' are of different processes: compared by counts, not object by object"),
            "take the snapshots from one process, without a restart between them",
        )),
        Comparability::Unstable => Some((
            format!("object ids of '{file}' and '{last}' do not compare: compared by counts, not object by object"),
            "take the snapshots in process, not live, and without numbering objects anew between them",
        )),
    }
}
