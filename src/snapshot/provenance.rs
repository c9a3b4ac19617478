//! Who wrote a snapshot: the object `rs_heapdump` in its header, which other tools ignore.

use serde::{Deserialize, Serialize};

/// What our own captures write into the header. Each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Provenance {
    /// Version of rs-heapdump.
    pub version: Option<String>,
    /// The process.
    pub pid: Option<u32>,
    /// The thread in Node's numbering, 0 being the main thread.
    pub thread_id: Option<u32>,
    /// When the process started, as ISO 8601 in UTC. With `pid`, the identity of a process.
    pub process_start_time: Option<String>,
    /// Such as `v24.1.0`.
    pub node_version: Option<String>,
    /// When the snapshot was taken, as ISO 8601 in UTC.
    pub time: Option<String>,
    /// What asked for it: `api`, `signal`, `watch`, `near-limit` or `capture`.
    pub trigger: Option<String>,
    /// `in-process`, `live`, `portable` or `inspector`.
    pub mode: Option<String>,
    /// The process's memory at that time.
    pub memory: Memory,
    /// `comparable` where object ids may be compared with other snapshots of the process and thread,
    /// `live` where that goes for those up to `ids_stable_up_to` …
    pub ids: Option<String>,
    /// … that have the same number here: it grows whenever objects were numbered anew.
    pub ids_generation: u32,
    /// The largest id that is an object's own in a live capture; 0 where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids_stable_up_to: Option<u32>,
    /// Why the capture is not live, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Whether the contents of strings are left out.
    #[serde(skip_serializing_if = "is_false")]
    pub redacted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// As `process.memoryUsage()` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Memory {
    /// Resident set.
    pub rss_bytes: Option<u64>,
    /// JavaScript heap in use.
    pub heap_used_bytes: Option<u64>,
    /// JavaScript heap reserved.
    pub heap_total_bytes: Option<u64>,
    /// Memory of objects bound to JavaScript ones.
    pub external_bytes: Option<u64>,
}

impl Provenance {
    /// Whether two snapshots are known to be of one thread of one process; `None` where it is not known.
    #[must_use]
    pub fn same_process(&self, other: &Self) -> Option<bool> {
        let identity = |p: &Self| Some((p.pid?, p.process_start_time.clone()?, p.thread_id.unwrap_or(0)));
        Some(identity(self)? == identity(other)?)
    }

    /// Up to which id objects of the two are the same when their ids are, as far as that is declared:
    /// `u32::MAX` where there is no such limit, `None` where ids say nothing.
    #[must_use]
    pub fn common_ids(&self, other: &Self) -> Option<u32> {
        let limit = |p: &Self| match p.ids.as_deref() {
            None | Some("comparable") => Some(u32::MAX),
            Some("live") => p.ids_stable_up_to.filter(|limit| *limit > 0),
            Some(_) => None,
        };
        if self.ids_generation != other.ids_generation {
            return None;
        }
        Some(limit(self)?.min(limit(other)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_compare_up_to_the_smaller_limit() {
        let of = |ids: Option<&str>, stable: Option<u32>, ids_generation| Provenance {
            ids: ids.map(str::to_owned),
            ids_stable_up_to: stable,
            ids_generation,
            ..Provenance::default()
        };
        let whole = of(Some("comparable"), None, 0);
        let live = |stable| of(Some("live"), Some(stable), 0);
        let cases = [
            (&whole, &whole, Some(u32::MAX)),
            (&of(None, None, 0), &whole, Some(u32::MAX)),
            (&whole, &live(7), Some(7)),
            (&live(9), &live(7), Some(7)),
            (&live(0), &live(7), None),
            (&of(Some("live"), None, 0), &whole, None),
            (&of(Some("unstable"), Some(7), 0), &whole, None),
            (&whole, &of(Some("comparable"), None, 1), None),
        ];
        for (one, other, expected) in cases {
            assert_eq!(one.common_ids(other), expected, "{one:?} {other:?}");
            assert_eq!(other.common_ids(one), expected, "{other:?} {one:?}");
        }
    }
}
