//! Whether a capture fits into memory, decided before it takes any.
//!
//! V8 tells the number of objects before it builds its graph, and the graph then costs about
//! [`BYTES_PER_NODE`] each. That is compared with what is left under the tightest of
//!
//! - the memory cgroups, v1 and v2, from the process's own up to the root: limit less usage, where
//!   page cache that the kernel would drop first (`inactive_file`) does not count as usage,
//! - `RLIMIT_AS` and `RLIMIT_DATA`,
//! - `MemAvailable` of the machine,
//!
//! and a reserve is kept, so that the service can go on allocating. What a node really costs
//! depends on its edges and its name, so the capture is also watched while it runs: [`floor_bytes`]
//! is what must be left at any time. Both decisions are pure; the readings are Linux's own files.
//! Elsewhere there is no reading, and no guard.
//!
//! Cost of a reading: some ten small files of `/proc` and `/sys`, about 0.2 ms.

#[cfg(not(target_os = "linux"))]
mod libuv;
#[cfg(target_os = "linux")]
mod linux;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Shortage;

/// What V8 takes for each node of a snapshot at its peak: graph, ids, names and serializer.
/// Measured on Node 20 and 24: 410 to 670 for heaps of objects, arrays, lists and maps, up to 980
/// where every node is a string of its own.
pub const BYTES_PER_NODE: u64 = 650;
/// What must be left for the service in any case.
const RESERVE_BYTES: u64 = 32 << 20;

/// What is left, and under which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headroom {
    pub available_bytes: u64,
    /// `cgroup`, `rlimit` or `machine`.
    pub limit: &'static str,
}

/// What V8 takes before it has counted: some 25 MB, and up to V8 12 (Node 22) a mark for every
/// object, measured at 62 bytes for objects of 42 on average.
pub fn counting_bytes(v8_major_version: u32, small_objects_bytes: u64) -> u64 {
    const FIXED_BYTES: u64 = 25 << 20;
    if v8_major_version > 12 {
        FIXED_BYTES
    } else {
        FIXED_BYTES + small_objects_bytes / 2 * 3
    }
}

/// More than a snapshot of this heap can take: every object as small as objects get on average, and
/// a string of its own.
pub fn most_bytes(small_objects_bytes: u64) -> u64 {
    const OBJECT_BYTES_MIN: u64 = 24;
    const BYTES_PER_NODE_MAX: u64 = 1000;
    counting_bytes(0, small_objects_bytes) + small_objects_bytes / OBJECT_BYTES_MIN * BYTES_PER_NODE_MAX
}

/// Refuses a need that would not leave the reserve.
pub fn decide(needed_bytes: u64, headroom: Headroom) -> Result<(), Shortage> {
    let needed_bytes = needed_bytes.saturating_add(RESERVE_BYTES);
    if needed_bytes <= headroom.available_bytes {
        return Ok(());
    }
    Err(Shortage {
        needed_bytes,
        available_bytes: headroom.available_bytes,
        limit: headroom.limit,
    })
}

/// What must be left while a capture runs that has taken `taken_bytes` so far: the reserve, and
/// room for the largest single step, when V8 doubles one of its tables.
pub fn floor_bytes(taken_bytes: u64) -> u64 {
    RESERVE_BYTES + taken_bytes / 5
}

/// Memory promised to captures that are under way, so that two threads do not spend the same.
static PROMISED_BYTES: AtomicU64 = AtomicU64::new(0);

/// A part of the memory, promised to one capture until dropped.
#[derive(Debug)]
pub struct Promise {
    bytes: u64,
}

impl Promise {
    /// Promises what is needed if that much is left once earlier promises are kept.
    pub fn make(needed_bytes: u64, headroom: Option<Headroom>) -> Result<Self, Shortage> {
        let promised = PROMISED_BYTES.fetch_add(needed_bytes, Ordering::SeqCst);
        let promise = Self { bytes: needed_bytes };
        if let Some(mut headroom) = headroom {
            headroom.available_bytes = headroom.available_bytes.saturating_sub(promised);
            decide(needed_bytes, headroom)?; // an error drops the promise
        }
        Ok(promise)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        PROMISED_BYTES.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

/// What is left right now; `None` where the platform does not tell.
pub fn headroom() -> Option<Headroom> {
    headroom_in("self")
}

/// What is left for another process, as far as that is seen from here.
pub fn headroom_of(pid: u32) -> Option<Headroom> {
    headroom_in(&pid.to_string())
}

/// For the process with this directory in `/proc`.
fn headroom_in(process: &str) -> Option<Headroom> {
    if crate::fault::faults().memory_low {
        return Some(Headroom {
            available_bytes: 1 << 20,
            limit: "machine",
        });
    }
    #[cfg(target_os = "linux")]
    return linux::headroom(std::path::Path::new("/"), process);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = process;
        None
    }
}

/// What a snapshot takes where objects cannot be counted first, as for another process: objects of the size that they
/// have in a Node process that has just started, and in most others at least.
pub fn likely_bytes(small_objects_bytes: u64) -> u64 {
    const OBJECT_BYTES: u64 = 64;
    counting_bytes(0, small_objects_bytes) + small_objects_bytes / OBJECT_BYTES * BYTES_PER_NODE
}

/// What this process occupies in memory; 0 where that is not known.
pub fn rss_bytes() -> u64 {
    #[cfg(target_os = "linux")]
    return linux::rss_bytes();
    #[cfg(not(target_os = "linux"))]
    return libuv::rss_bytes();
}

/// What another process occupies apart from files.
#[cfg(target_os = "linux")]
pub fn private_bytes(pid: i32) -> u64 {
    linux::private_bytes(pid)
}

/// Whether the kernel, where memory runs out, kills a whole cgroup at once (`memory.oom.group`): then
/// a child that is to die first takes the service along.
#[cfg(target_os = "linux")]
pub fn is_killed_as_a_group() -> bool {
    linux::is_killed_as_a_group(std::path::Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_kept_for_the_service() {
        let headroom = Headroom {
            available_bytes: RESERVE_BYTES + 300,
            limit: "cgroup",
        };
        assert_eq!(decide(300, headroom), Ok(()));
        let shortage = decide(301, headroom).unwrap_err();
        assert_eq!(
            (shortage.needed_bytes, shortage.limit),
            (RESERVE_BYTES + 301, "cgroup"),
            "the figures explain the refusal"
        );
        assert!(decide(u64::MAX, headroom).is_err());
    }

    #[test]
    fn two_captures_do_not_spend_the_same_memory() {
        let headroom = Some(Headroom {
            available_bytes: RESERVE_BYTES + 1000,
            limit: "cgroup",
        });
        let first = Promise::make(600, headroom).unwrap();
        assert!(Promise::make(600, headroom).is_err());
        drop(first);
        assert!(Promise::make(600, headroom).is_ok());
    }
}
