//! The readings: Linux's own files, below a root that tests can make up.

use std::fs;
use std::path::{Path, PathBuf};

use super::Headroom;

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
        let path = memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
        V2.place(root, &mounts, path)
    };
    let Some((top, own)) = places() else { return false };
    own.ancestors()
        .take_while(|directory| directory.starts_with(&top))
        .any(|directory| fs::read_to_string(directory.join("memory.oom.group")).is_ok_and(|flag| flag.trim() == "1"))
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
            let (top, own) = files.place(root, &mounts, path)?;
            files.least_left(&top, &own)
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
    /// The directories of the mount, and of the group with that path in it.
    fn place(&self, root: &Path, mounts: &str, path: &str) -> Option<(PathBuf, PathBuf)> {
        let (mount_root, mount_point) = self.mount(mounts)?;
        let top = root.join(mount_point.strip_prefix('/')?);
        // Inside a container the path may be the host's while the mount is the container's.
        let inner = path.strip_prefix(mount_root).unwrap_or("").trim_start_matches('/');
        let own = top.join(inner);
        Some((top, own))
    }

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
        let number = |name: &str| -> Option<u64> { fs::read_to_string(directory.join(name)).ok()?.trim().parse().ok() };
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
