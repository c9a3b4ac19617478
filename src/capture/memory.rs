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

/// What this process occupies in memory; 0 where the platform does not tell.
pub fn rss_bytes() -> u64 {
    #[cfg(target_os = "linux")]
    return linux::rss_bytes();
    #[cfg(not(target_os = "linux"))]
    0
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

#[cfg(target_os = "linux")]
mod linux {
    use super::Headroom;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// All readings below `root`, which is `/` but for tests; `process` is its directory in `/proc`.
    pub fn headroom(root: &Path, process: &str) -> Option<Headroom> {
        let cgroup = cgroup(root, process).map(|bytes| (bytes, "cgroup"));
        let rlimit = rlimit(root, process).map(|bytes| (bytes, "rlimit"));
        let machine = machine(root).map(|bytes| (bytes, "machine"));
        [cgroup, rlimit, machine]
            .into_iter()
            .flatten()
            .min_by_key(|&(bytes, _)| bytes)
            .map(|(available_bytes, limit)| Headroom { available_bytes, limit })
    }

    pub fn rss_bytes() -> u64 {
        keyed_kib(Path::new("/proc/self/status"), "VmRSS:").unwrap_or(0)
    }

    pub fn private_bytes(pid: i32) -> u64 {
        keyed_kib(Path::new(&format!("/proc/{pid}/status")), "RssAnon:").unwrap_or(0)
    }

    pub fn is_killed_as_a_group(root: &Path) -> bool {
        let places = || {
            let memberships = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
            let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
            let path = memberships
                .lines()
                .find_map(|line| line.strip_prefix("0::"))?
                .to_owned();
            let (mount_root, mount_point) = V2.mount(&mounts)?;
            let top = root.join(mount_point.strip_prefix('/')?);
            let inner = path
                .strip_prefix(mount_root)
                .unwrap_or("")
                .trim_start_matches('/')
                .to_owned();
            Some((top.join(inner), top))
        };
        let Some((own, top)) = places() else { return false };
        own.ancestors()
            .take_while(|directory| directory.starts_with(&top))
            .any(|directory| {
                fs::read_to_string(directory.join("memory.oom.group")).is_ok_and(|flag| flag.trim() == "1")
            })
    }

    fn machine(root: &Path) -> Option<u64> {
        keyed_kib(&root.join("proc/meminfo"), "MemAvailable:")
    }

    fn rlimit(root: &Path, process: &str) -> Option<u64> {
        let own = root.join("proc").join(process);
        let limits = fs::read_to_string(own.join("limits")).ok()?;
        let status = own.join("status");
        let left = |limit: &str, used: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
            let soft: u64 = line.split_whitespace().next()?.parse().ok()?; // "unlimited" is none
            Some(soft.saturating_sub(keyed_kib(&status, used)?))
        };
        [left("Max address space", "VmSize:"), left("Max data size", "VmData:")]
            .into_iter()
            .flatten()
            .min()
    }

    /// The least that is left in any memory cgroup from the process's own up to the root.
    fn cgroup(root: &Path, process: &str) -> Option<u64> {
        let memberships = fs::read_to_string(root.join("proc").join(process).join("cgroup")).ok()?;
        let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
        memberships
            .lines()
            .filter_map(|line| {
                let mut fields = line.splitn(3, ':').skip(1);
                let (controllers, path) = (fields.next()?, fields.next()?);
                let files = if controllers.is_empty() {
                    &V2
                } else if controllers.split(',').any(|name| name == "memory") {
                    &V1
                } else {
                    return None;
                };
                let (mount_root, mount_point) = files.mount(&mounts)?;
                let top = root.join(mount_point.strip_prefix('/')?);
                // Inside a container the path may be the host's while the mount is the container's.
                let inner = path.strip_prefix(mount_root).unwrap_or("").trim_start_matches('/');
                files.least_left(&top, &top.join(inner))
            })
            .min()
    }

    /// How one version of the memory controller names things.
    struct Controller {
        file_system: &'static str,
        /// An option that the mount must have.
        option: Option<&'static str>,
        limit: &'static str,
        usage: &'static str,
        /// Key in `memory.stat`.
        droppable: &'static str,
    }

    const V1: Controller = Controller {
        file_system: "cgroup",
        option: Some("memory"),
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        droppable: "total_inactive_file",
    };

    const V2: Controller = Controller {
        file_system: "cgroup2",
        option: None,
        limit: "memory.max",
        usage: "memory.current",
        droppable: "inactive_file",
    };

    impl Controller {
        /// Root within the hierarchy and mount point, from `/proc/self/mountinfo` (proc(5)):
        /// `36 35 98:0 /root /mount/point options … - type source super,options`.
        fn mount<'a>(&self, mounts: &'a str) -> Option<(&'a str, &'a str)> {
            mounts.lines().find_map(|line| {
                let (place, kind) = line.split_once(" - ")?;
                let mut kind = kind.split(' ');
                let (file_system, options) = (kind.next()?, kind.nth(1)?);
                let wanted = file_system == self.file_system
                    && self
                        .option
                        .is_none_or(|option| options.split(',').any(|one| one == option));
                let mut place = place.split(' ').skip(3);
                wanted.then(|| Some((place.next()?, place.next()?)))?
            })
        }

        fn least_left(&self, top: &Path, own: &Path) -> Option<u64> {
            let mut directory: PathBuf = own.to_owned();
            let mut least = None;
            loop {
                least = match (least, self.left(&directory)) {
                    (Some(a), Some(b)) => Some(u64::min(a, b)),
                    (a, b) => a.or(b),
                };
                if directory == top || !directory.starts_with(top) || !directory.pop() {
                    return least;
                }
            }
        }

        /// Limit less usage, or nothing where there is no limit.
        fn left(&self, directory: &Path) -> Option<u64> {
            let number =
                |name: &str| -> Option<u64> { fs::read_to_string(directory.join(name)).ok()?.trim().parse().ok() };
            let limit = number(self.limit)?;
            let usage = number(self.usage)?;
            let droppable = fs::read_to_string(directory.join("memory.stat"))
                .ok()
                .and_then(|stat| {
                    stat.lines().find_map(|line| {
                        let (key, value) = line.split_once(' ')?;
                        (key == self.droppable).then(|| value.parse().ok())?
                    })
                })
                .unwrap_or(0);
            Some(limit.saturating_sub(usage.saturating_sub(droppable)))
        }
    }

    /// The value of a `Key:   123 kB` line, in bytes.
    fn keyed_kib(file: &Path, key: &str) -> Option<u64> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A made-up `/` with the given files.
        fn machine_with(files: &[(&str, &str)]) -> tempfile::TempDir {
            let root = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let file = root.path().join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            root
        }

        const PLENTY: (&str, &str) = ("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 9000 kB\n");

        #[test]
        fn the_tightest_cgroup_on_the_way_to_the_root_counts_v2() {
            let root = machine_with(&[
                PLENTY,
                ("proc/self/cgroup", "0::/pod/app\n"),
                (
                    "proc/self/mountinfo",
                    "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                ),
                ("sys/fs/cgroup/pod/memory.max", "1000\n"),
                ("sys/fs/cgroup/pod/memory.current", "900\n"),
                ("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 50\n"),
                ("sys/fs/cgroup/pod/app/memory.max", "max\n"),
                ("sys/fs/cgroup/pod/app/memory.current", "900\n"),
            ]);
            let left = headroom(root.path(), "self").unwrap();
            assert_eq!(
                left,
                Headroom {
                    available_bytes: 150,
                    limit: "cgroup"
                }
            );
        }

        #[test]
        fn a_group_that_dies_together_may_be_any_on_the_way_to_the_root() {
            let mount = (
                "proc/self/mountinfo",
                "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            );
            for (flag, expected) in [("1\n", true), ("0\n", false)] {
                let root = machine_with(&[
                    ("proc/self/cgroup", "0::/pod/app\n"),
                    mount,
                    ("sys/fs/cgroup/pod/memory.oom.group", flag),
                    ("sys/fs/cgroup/pod/app/memory.oom.group", "0\n"),
                ]);
                assert_eq!(is_killed_as_a_group(root.path()), expected, "{flag}");
            }
            assert!(!is_killed_as_a_group(machine_with(&[]).path()));
        }

        #[test]
        fn a_container_that_sees_the_hosts_path_uses_its_own_mount_v1() {
            let root = machine_with(&[
                PLENTY,
                ("proc/self/cgroup", "4:cpu:/x\n3:memory:/docker/abc\n"),
                (
                    "proc/self/mountinfo",
                    "30 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                     31 20 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
                ),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n"),
                ("sys/fs/cgroup/memory/memory.stat", "cache 1\n"),
            ]);
            assert_eq!(headroom(root.path(), "self").unwrap().available_bytes, 1000);
        }

        #[test]
        fn rlimits_and_the_machine_count_too() {
            let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                          Max address space         unlimited  unlimited  bytes\n\
                          Max data size             8192000  unlimited  bytes\n";
            let root = machine_with(&[
                PLENTY,
                ("proc/self/limits", limits),
                ("proc/self/status", "VmSize:\t 99999 kB\nVmData:\t    7000 kB\n"),
            ]);
            let left = headroom(root.path(), "self").unwrap();
            assert_eq!(
                left,
                Headroom {
                    available_bytes: 1000 * 1024,
                    limit: "rlimit"
                }
            );
            let root = machine_with(&[PLENTY]);
            assert_eq!(headroom(root.path(), "self").unwrap().limit, "machine");
        }

        #[test]
        fn nothing_readable_means_no_reading() {
            let root = machine_with(&[]);
            assert_eq!(headroom(root.path(), "self"), None);
        }

        #[test]
        fn this_machine_can_be_read() {
            assert!(super::super::headroom().unwrap().available_bytes > 0);
            assert!(rss_bytes() > 0);
        }
    }
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
