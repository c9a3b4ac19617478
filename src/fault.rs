//! Faults that tests ask for by name, so that every way out can be walked.
//!
//! `RS_HEAPDUMP_FAULT=slow-write,no-tmpfile node app.js`. Nothing here is reachable without that
//! variable, and none of it is API: names come and go with the tests that use them.

use std::sync::OnceLock;

/// What can be made to go wrong.
#[cfg_attr(
    not(live),
    expect(dead_code, reason = "faults of what is not built for this platform")
)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// No symbol of V8 is found: the portable engine has to do.
    pub no_v8_symbols: bool,
    /// The kernel has no unnamed temporary files.
    pub no_tmpfile: bool,
    /// Hardly any memory is left.
    pub memory_low: bool,
    /// The disk is slow.
    pub slow_write: bool,
    /// The disk is full.
    pub disk_full: bool,
    /// The disk has room for a snapshot of a bare process alone.
    pub disk_tight: bool,
    /// The code that V8 calls back panics.
    pub panic: bool,
    /// V8's workers are never idle.
    pub live_busy: bool,
    /// A child stands still.
    pub live_hang: bool,
    /// The first child stands still.
    pub live_hang_once: bool,
    /// A child waits for a lock of a thread that it does not have.
    pub live_locked: bool,
    /// The first two children do.
    pub live_locked_twice: bool,
    /// A child crashes.
    pub live_crash: bool,
    /// The first child crashes.
    pub live_crash_once: bool,
    /// A child is killed, as the kernel does where memory runs out.
    pub live_oom: bool,
    /// The system makes no child: too many processes.
    pub live_fork_eagain: bool,
    /// The system makes no child: too little memory.
    pub live_fork_enomem: bool,
    /// The platform is not Node's.
    pub live_wrong_vtable: bool,
    /// The system does not tell what threads wait for.
    pub live_no_syscall_files: bool,
    /// A child goes on for ever.
    pub live_linger: bool,
    /// Hardly any memory is left while a child runs.
    pub live_memory_low: bool,
    /// A child is not confined: what its destructors do reaches the world.
    pub live_unconfined: bool,
    /// Deadlines of live captures are short.
    pub live_hasty: bool,
    /// It is told on stderr why a child was lost, though another one makes it good.
    pub live_tell: bool,
    /// What the environment has watched settles at once, and collecting garbage costs nothing.
    pub watch_hasty: bool,
}

/// The faults of this process, read once.
pub fn faults() -> Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    *FAULTS.get_or_init(|| {
        let words = std::env::var("RS_HEAPDUMP_FAULT").unwrap_or_default();
        let has = |name: &str| words.split(',').any(|word| word.trim() == name);
        Faults {
            no_v8_symbols: has("no-v8-symbols"),
            no_tmpfile: has("no-tmpfile"),
            memory_low: has("memory-low"),
            slow_write: has("slow-write"),
            disk_full: has("disk-full"),
            disk_tight: has("disk-tight"),
            panic: has("panic"),
            live_busy: has("live-busy"),
            live_hang: has("live-hang"),
            live_hang_once: has("live-hang-once"),
            live_locked: has("live-locked"),
            live_locked_twice: has("live-locked-twice"),
            live_crash: has("live-crash"),
            live_crash_once: has("live-crash-once"),
            live_oom: has("live-oom"),
            live_fork_eagain: has("live-fork-eagain"),
            live_fork_enomem: has("live-fork-enomem"),
            live_wrong_vtable: has("live-wrong-vtable"),
            live_no_syscall_files: has("live-no-syscall-files"),
            live_linger: has("live-linger"),
            live_memory_low: has("live-memory-low"),
            live_unconfined: has("live-unconfined"),
            live_hasty: has("live-hasty"),
            live_tell: has("live-tell"),
            watch_hasty: has("watch-hasty"),
        }
    })
}
