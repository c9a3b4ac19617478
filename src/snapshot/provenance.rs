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
    /// What asked for it: `api`, `signal`, `growth` …
    pub trigger: Option<String>,
    /// `in-process` or `live`.
    pub mode: Option<String>,
    /// The process's memory at that time.
    pub memory: Memory,
    /// `comparable` where object ids may be compared with other snapshots of the process and thread …
    pub ids: Option<String>,
    /// … that have the same number here: it grows whenever objects were numbered anew.
    pub ids_generation: u32,
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

    /// Whether the ids of objects are declared not to compare between the two.
    #[must_use]
    pub fn has_other_ids(&self, other: &Self) -> bool {
        let unstable = |p: &Self| p.ids.as_deref().is_some_and(|ids| ids != "comparable");
        unstable(self) || unstable(other) || self.ids_generation != other.ids_generation
    }
}
