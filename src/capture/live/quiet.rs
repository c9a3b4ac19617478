//! Whether V8's worker threads are idle, read from `/proc` in some 25 µs.
//!
//! A fork copies one thread. What another one held or had begun stays as it was, for ever: V8 would
//! wait in the child for a worker that had joined a job of the collector. So the fork waits for a
//! moment in which all workers wait for work. Such a thread is in `futex(addr, FUTEX_WAIT_BITSET…)`,
//! which `/proc/self/task/TID/syscall` shows, and `addr` is the word of the condition variable that
//! belongs to the queue of Node's platform.
//!
//! Which threads are workers, and where that word is, is searched: an address that belongs to the
//! platform and that as many threads wait at as there are workers. The search succeeds once all are
//! idle, which is the answer looked for anyway; afterwards only those threads are read.

use std::collections::HashMap;
use std::fs;

use crate::v8::platform_vtable::Platform;

/// `futex`, on x86-64.
const FUTEX: &str = "202";
/// `FUTEX_WAIT_BITSET` without its flags (private, real-time clock), which glibc's condition variables use.
const WAIT_BITSET: usize = 9;
const COMMAND: usize = 0x7f;
/// A condition variable has two groups of waiters, whose words are neighbours.
const GROUPS: usize = !7;

const TASKS: &str = "/proc/self/task";

/// The worker threads, as far as they are known.
#[derive(Debug, Default)]
pub struct Workers {
    known: Option<(usize, Vec<String>)>,
}

impl Workers {
    /// Whether all are idle right now.
    pub fn are_idle(&mut self, platform: &Platform) -> bool {
        if crate::fault::faults().live_busy {
            return false;
        }
        if platform.workers() == 0 {
            return true;
        }
        if let Some((word, files)) = &self.known {
            return files.iter().all(|file| waiting_at(file) == Some(*word));
        }
        self.known = search(platform);
        self.known.is_some()
    }
}

/// Whether this kernel tells what a thread waits for.
pub fn can_tell() -> Result<(), &'static str> {
    let file = format!("{TASKS}/{}/syscall", std::process::id());
    if crate::fault::faults().live_no_syscall_files || fs::read(file).is_err() {
        return Err("the system does not tell what threads wait for (/proc/self/task/*/syscall)");
    }
    Ok(())
}

fn search(platform: &Platform) -> Option<(usize, Vec<String>)> {
    let mut waiting: HashMap<usize, Vec<String>> = HashMap::new();
    for task in fs::read_dir(TASKS).ok()?.flatten() {
        let file = format!("{TASKS}/{}/syscall", task.file_name().to_string_lossy());
        if let Some(word) = waiting_at(&file) {
            waiting.entry(word).or_default().push(file);
        }
    }
    waiting
        .into_iter()
        .find(|(word, files)| files.len() >= platform.workers() && platform.owns(*word))
}

fn waiting_at(file: &str) -> Option<usize> {
    waits_at(&fs::read_to_string(file).ok()?)
}

/// The condition variable that a thread waits at, by its line: number of the system call and its
/// arguments, or `running`.
fn waits_at(line: &str) -> Option<usize> {
    let mut fields = line.split_ascii_whitespace();
    if fields.next()? != FUTEX {
        return None;
    }
    let mut number = || usize::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok();
    let (address, operation) = (number()?, number()?);
    (operation & COMMAND == WAIT_BITSET).then_some(address & GROUPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wait_at_a_condition_variable_counts() {
        let cases = [
            (
                "202 0x55d0c8a3f0d4 0x189 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f2e",
                Some(0x55d0_c8a3_f0d0),
            ),
            (
                "202 0x55d0c8a3f0d0 0x89 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f2e",
                Some(0x55d0_c8a3_f0d0),
            ),
            ("202 0x55d0c8a3f0d0 0x80 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f2e", None), // a mutex
            ("232 0xd 0x7ffe 0x400 0xffffffff 0x0 0x0 0x7ffe 0x7f2e", None),        // epoll
            ("running", None),
            ("", None),
            ("202", None),
            ("202 0xzz 0x189", None),
        ];
        for (line, expected) in cases {
            assert_eq!(waits_at(line), expected, "{line}");
        }
    }
}
