//! The child of a live capture: how it is made, and what it does until its end.
//!
//! It has one thread, and it may not look up, lock or log anything that another thread of the parent
//! could have been at: all it needs is in the [`Plan`] or was resolved before. The C library's
//! allocator works, since `fork` itself takes care of that (which a bare `clone` would not), and V8
//! needs it.
//!
//! It ends by `_exit`, so that nothing of the application's runs at its end either. No core file is
//! written: a core limit of 0, and "not dumpable" for systems that pipe cores to a program.
//!
//! # Safety
//!
//! - `fork` is called on the thread that has entered the isolate, which is the child's only thread.
//! - What the child replaces (signal actions, descriptors, memory, the platform's vtable) is its own
//!   copy, except for open files, which it only lets go of.
//! - A pid that has not been waited for is not used again; where the application has children reaped
//!   by the system (`SIGCHLD` ignored), the descriptor of the process keeps the identity.

#![expect(unsafe_code, reason = "fork, and a process's dealings with itself")]

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::contain;
use super::page::Page;
use crate::capture::encode::{Encoder, Encoding};
use crate::capture::{platform, redaction};
use crate::fault::faults;
use crate::redact::Key;
use crate::v8::platform_vtable::Platform;
use crate::v8::{ChunkSink, Isolate, Progress};

/// How a child ends by itself. Never what Node or V8 end with.
pub const WHOLE: c_int = 0;
pub const ORPHANED: c_int = 91;
pub const NOT_CONTAINED: c_int = 92;
pub const NO_SNAPSHOT: c_int = 93;
pub const NOT_WRITTEN: c_int = 94;
pub const PANICKED: c_int = 95;
/// It would have waited for a thread that only the parent has.
pub const LOCKED: c_int = 96;

/// A little behind the service, which it shares the processors with. More would starve it on a busy
/// machine: at 19 a child took twice as long, or did not end at all.
const NICENESS: c_int = 5;

/// Everything that a child needs, made ready before.
pub struct Plan<'a> {
    pub isolate: Isolate,
    pub platform: &'static Platform,
    pub page: &'a Page,
    pub output: RawFd,
    pub null: RawFd,
    pub header: Vec<u8>,
    pub encoding: &'a Encoding,
    /// Where it is to be redacted.
    pub key: Option<Key>,
    pub gc: bool,
    /// The first is 1.
    pub attempt: u32,
}

/// A child that has not been waited for.
#[derive(Debug)]
pub struct Process {
    pub pid: libc::pid_t,
    /// Where the kernel has descriptors of processes.
    descriptor: Option<OwnedFd>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Exit(c_int),
    Signal(c_int),
    /// The system reaped it, and nobody knows.
    Unknown,
}

/// Forks; the child carries out the plan, and never returns.
pub fn fork(plan: &Plan<'_>) -> io::Result<Process> {
    let refused = if faults().live_fork_eagain {
        Some(libc::EAGAIN)
    } else if faults().live_fork_enomem {
        Some(libc::ENOMEM)
    } else {
        None
    };
    if let Some(errno) = refused {
        return Err(io::Error::from_raw_os_error(errno));
    }
    let filter = contain::filter();
    // SAFETY: module head. Signals are kept away across the fork: a handler of the application that
    // ran in the child would write into pipes that it shares with its parent.
    unsafe {
        let parent = libc::getpid();
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let pid = libc::fork();
        if pid == 0 {
            carry_out(plan, parent, filter);
        }
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        if pid < 0 {
            return Err(error);
        }
        let descriptor = c_int::try_from(libc::syscall(libc::SYS_pidfd_open, pid, 0)).unwrap_or(-1);
        let descriptor = (descriptor >= 0).then(|| OwnedFd::from_raw_fd(descriptor));
        Ok(Process { pid, descriptor })
    }
}

impl Process {
    /// Waits up to `patience` for its end.
    pub fn wait(&self, patience: Duration) -> Option<End> {
        if let Some(end) = self.reap(libc::WNOHANG) {
            return Some(end);
        }
        match &self.descriptor {
            Some(descriptor) => {
                let mut poll = libc::pollfd {
                    fd: descriptor.as_raw_fd(),
                    events: libc::POLLIN,
                    revents: 0,
                };
                let patience_ms = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
                // SAFETY: one valid entry.
                unsafe { libc::poll(&raw mut poll, 1, patience_ms) };
            }
            None => std::thread::sleep(patience),
        }
        self.reap(libc::WNOHANG)
    }

    /// Ends it, and waits for that.
    pub fn kill(&self) -> End {
        // SAFETY: module head.
        unsafe {
            match &self.descriptor {
                Some(descriptor) => {
                    let nothing = std::ptr::null::<libc::siginfo_t>();
                    libc::syscall(
                        libc::SYS_pidfd_send_signal,
                        descriptor.as_raw_fd(),
                        libc::SIGKILL,
                        nothing,
                        0,
                    );
                }
                None => {
                    libc::kill(self.pid, libc::SIGKILL);
                }
            }
        }
        self.reap(0).unwrap_or(End::Unknown)
    }

    /// This child, and no other.
    fn reap(&self, flags: c_int) -> Option<End> {
        let mut status = 0;
        loop {
            // SAFETY: module head.
            let reaped = unsafe { libc::waitpid(self.pid, &raw mut status, flags) };
            if reaped == self.pid {
                return Some(if libc::WIFSIGNALED(status) {
                    End::Signal(libc::WTERMSIG(status))
                } else {
                    End::Exit(libc::WEXITSTATUS(status))
                });
            }
            if reaped == 0 {
                return None;
            }
            if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return Some(End::Unknown);
            }
        }
    }
}

/// The child's whole life.
unsafe fn carry_out(plan: &Plan<'_>, parent: libc::pid_t, filter: &'static [libc::sock_filter]) -> ! {
    let life = || -> Result<(), c_int> {
        // SAFETY: module head; this is the child.
        unsafe {
            detach(parent)?;
            contain(plan, filter).map_err(|error| {
                plan.page.refused(error.raw_os_error().unwrap_or(0));
                NOT_CONTAINED
            })?;
            plan.platform.forget_workers();
        }
        plan.page.beat();
        misbehave(plan);
        capture(plan)
    };
    let status = match catch_unwind(AssertUnwindSafe(life)) {
        Ok(Ok(())) => WHOLE,
        Ok(Err(status)) => status,
        Err(_) => PANICKED,
    };
    // SAFETY: nothing is to be run at the end.
    unsafe { libc::_exit(status) }
}

/// Dies with its parent, leaves no core, and hears no signal.
unsafe fn detach(parent: libc::pid_t) -> Result<(), c_int> {
    const FATAL: [c_int; 7] = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGABRT,
        libc::SIGTRAP,
        libc::SIGSYS,
    ];
    // SAFETY: module head. Signals are blocked since before the fork; these, when they come of a
    // fault, reach a handler all the same, which would be the application's.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            return Err(ORPHANED);
        }
        for signal in FATAL {
            libc::signal(signal, libc::SIG_DFL);
        }
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::setpriority(
            libc::PRIO_PROCESS,
            0,
            libc::getpriority(libc::PRIO_PROCESS, 0) + NICENESS,
        );
    }
    Ok(())
}

unsafe fn contain(plan: &Plan<'_>, filter: &'static [libc::sock_filter]) -> io::Result<()> {
    // Where memory runs out this process goes, not the service.
    std::fs::write("/proc/self/oom_score_adj", "1000")?;
    // SAFETY: module head.
    unsafe {
        contain::silence(plan.null, plan.output)?;
        contain::part_memory(plan.page.address())?;
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        if faults().live_oom {
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
        if faults().live_unconfined {
            return Ok(());
        }
        contain::notice_waiting(LOCKED)?;
        contain::confine(filter)
    }
}

/// As tests ask for it.
fn misbehave(plan: &Plan<'_>) {
    let first = plan.attempt == 1;
    if faults().live_crash || (faults().live_crash_once && first) {
        // SAFETY: not at all, on purpose.
        unsafe { std::ptr::null_mut::<u8>().write_volatile(0) };
    }
    if faults().live_locked || (faults().live_locked_twice && plan.attempt <= 2) {
        let taken: u32 = 2;
        let forever = std::ptr::null::<libc::timespec>();
        let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: a word that nobody changes: what the C library does for a lock that is taken.
        unsafe { libc::syscall(libc::SYS_futex, &raw const taken, wait, taken, forever) };
    }
    while faults().live_hang || (faults().live_hang_once && first) {
        std::thread::sleep(Duration::from_secs(1));
    }
    while faults().live_linger {
        std::thread::sleep(Duration::from_millis(20));
        plan.page.beat();
    }
}

fn capture(plan: &Plan<'_>) -> Result<(), c_int> {
    struct Watch<'a>(&'a Page);
    impl Progress for Watch<'_> {
        fn report(&mut self, done: u32, total: u32) -> ControlFlow<()> {
            self.0.progress(done, total);
            ControlFlow::Continue(())
        }
    }
    if plan.gc {
        plan.isolate.collect_garbage();
        plan.page.beat();
    }
    plan.isolate.know_line_ends();
    plan.page.beat();
    let snapshot = plan
        .isolate
        .take_snapshot(Some(&mut Watch(plan.page)))
        .ok_or(NO_SNAPSHOT)?;
    plan.page.built(snapshot.nodes());
    let mut encoder =
        Encoder::new(plan.header.clone(), plan.encoding).map_err(|error| not_written(plan.page, &error))?;
    if let Some(key) = plan.key {
        let going_on = || {
            plan.page.beat();
            Ok(())
        };
        let redactor = redaction::survey(&snapshot, key, going_on).map_err(|_| NO_SNAPSHOT)?;
        encoder.redact(redactor);
    }
    let mut output = Output {
        page: plan.page,
        descriptor: plan.output,
        encoder,
        bytes: 0,
        whole: false,
    };
    snapshot.serialize(&mut output);
    // Freeing V8's graph takes time, and the process ends anyway.
    std::mem::forget(snapshot);
    if !output.whole {
        return Err(NOT_WRITTEN);
    }
    output.finish().map_err(|error| not_written(plan.page, &error))?;
    plan.page.complete();
    Ok(())
}

fn not_written(page: &Page, error: &io::Error) -> c_int {
    page.refused(error.raw_os_error().unwrap_or(libc::EIO));
    NOT_WRITTEN
}

/// Writes V8's chunks into the file, as they are to be stored.
struct Output<'a> {
    page: &'a Page,
    descriptor: RawFd,
    encoder: Encoder,
    bytes: u64,
    whole: bool,
}

impl Output<'_> {
    fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        let encoded = self.encoder.take(chunk)?;
        put(self.descriptor, self.page, &mut self.bytes, encoded)?;
        self.page.counted(self.encoder.counts().1);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let encoded = self.encoder.end()?;
        put(self.descriptor, self.page, &mut self.bytes, encoded)
    }
}

/// Writes all of `bytes`. Each part counts at once: what is in a stream stays there, whatever becomes of this child.
fn put(descriptor: RawFd, page: &Page, count: &mut u64, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    let mut since = Instant::now();
    while !rest.is_empty() {
        // SAFETY: the buffer has that length.
        let written = unsafe { libc::write(descriptor, rest.as_ptr().cast(), rest.len()) };
        if let Ok(written) = usize::try_from(written) {
            rest = &rest[written..];
            *count += written as u64;
            page.wrote(*count);
            since = Instant::now();
            continue;
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            // A stream whose reader is slow; the parent looks after the capture's own time.
            io::ErrorKind::WouldBlock => {
                if since.elapsed() > platform::STALL_MAX {
                    return Err(io::Error::from_raw_os_error(libc::ETIMEDOUT));
                }
                let mut poll = libc::pollfd {
                    fd: descriptor,
                    events: libc::POLLOUT,
                    revents: 0,
                };
                // SAFETY: one valid entry.
                unsafe { libc::poll(&raw mut poll, 1, 100) };
                page.beat();
            }
            _ => return Err(error),
        }
    }
    Ok(())
}

impl ChunkSink for Output<'_> {
    fn write(&mut self, chunk: &[u8]) -> ControlFlow<()> {
        if faults().slow_write {
            std::thread::sleep(Duration::from_micros(chunk.len() as u64 / 5));
        }
        match self.take(chunk) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                not_written(self.page, &error);
                ControlFlow::Break(())
            }
        }
    }

    fn end(&mut self) {
        self.whole = true;
    }
}
