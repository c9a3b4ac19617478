//! What keeps a child from acting on anything outside itself.
//!
//! V8 collects garbage in the child, and that calls destructors of native addons: one may unlink a
//! file (a database, when it closes its last connection, after copying the log into the database through
//! descriptors that lead nowhere in the child), send a signal, or move a position in memory that the
//! parent shares. Nothing of that may reach the world. So
//!
//! - [`silence`] puts `/dev/null` behind every descriptor but the output. They are not closed: libuv
//!   aborts on `EBADF`, and a number that is free could become another file.
//! - [`part_memory`] replaces memory that is shared and writable by a private copy, or, where there is
//!   too much of it, makes it read-only, so that a write ends the child;
//! - [`confine`] has the kernel refuse (`EPERM`) all system calls but those for memory, time, and
//!   descriptors that are open: no names, no sockets, no signals, no threads, no processes;
//! - [`notice_waiting`] ends the child where it would wait without end for another thread. It has only
//!   one: what it waits for is a lock that another thread of the parent held at the fork, such as the
//!   one of V8's that the collectors of all isolates share, and that nobody will ever release here.
//!
//! # Safety
//!
//! Only in a forked child with one thread: descriptors and memory of the whole process are replaced.

#![expect(unsafe_code, reason = "system calls on the process as a whole")]

use std::ffi::{c_int, c_long, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use super::mappings::Line;

/// Shared memory that is copied, in all.
const COPY_BYTES_MAX: usize = 64 << 20;

/// Puts `null` behind every descriptor but `output`.
///
/// # Safety
///
/// Module head.
pub unsafe fn silence(null: RawFd, output: RawFd) -> io::Result<()> {
    let mut open: Vec<RawFd> = Vec::with_capacity(1024);
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for descriptor in open {
        if descriptor != output && descriptor != null {
            // SAFETY: module head. The descriptor that listed them is closed again, and refused.
            unsafe { libc::dup2(null, descriptor) };
        }
    }
    Ok(())
}

/// Parts from the parent what memory the two share, but for the page at `keep`.
///
/// # Safety
///
/// Module head.
pub unsafe fn part_memory(keep: usize) -> io::Result<()> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mut copied = 0;
    for line in maps.lines().filter_map(Line::parse) {
        let shared = line.permissions.ends_with('s') && line.permissions.contains('w');
        if !shared || line.addresses.contains(&keep) {
            continue;
        }
        let length = line.addresses.len();
        let address = line.addresses.start as *mut c_void;
        copied += length;
        // SAFETY: module head; the range was mapped a moment ago, and nobody else unmaps anything.
        unsafe {
            let mut copy: Vec<u8> = Vec::new();
            if copied <= COPY_BYTES_MAX && copy.try_reserve_exact(length).is_ok() && read_memory(address, &mut copy) {
                let protection = libc::PROT_READ | libc::PROT_WRITE;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
                if libc::mmap(address, length, protection, flags, -1, 0) == libc::MAP_FAILED {
                    return Err(io::Error::last_os_error());
                }
                std::ptr::copy_nonoverlapping(copy.as_ptr(), address.cast(), length);
            } else if libc::mprotect(address, length, libc::PROT_READ) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

/// Fills `copy` to its capacity from `address`; false where that cannot be read (memory of a device,
/// a file that has been cut), which a plain read would crash at.
unsafe fn read_memory(address: *mut c_void, copy: &mut Vec<u8>) -> bool {
    let length = copy.capacity();
    let local = libc::iovec {
        iov_base: copy.as_mut_ptr().cast(),
        iov_len: length,
    };
    let remote = libc::iovec {
        iov_base: address,
        iov_len: length,
    };
    // SAFETY: one valid entry each; the kernel checks the remote one.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read) == Ok(length)
}

/// What V8, the C library's allocator and the writing of a file need.
const ALLOWED: [c_long; 43] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_close,
    libc::SYS_sync_file_range,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_brk,
    libc::SYS_pkey_mprotect,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_membarrier,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_time,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What of a futex operation is the command, and not a flag.
const FUTEX_COMMAND: u32 = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME).unsigned_abs();

/// The filter, made ready before a fork: a few instructions of the kernel's packet filter.
pub fn filter() -> &'static [libc::sock_filter] {
    static FILTER: OnceLock<Vec<libc::sock_filter>> = OnceLock::new();
    FILTER.get_or_init(|| {
        const ARCHITECTURE: u32 = 4; // offsets in `struct seccomp_data`
        const NUMBER: u32 = 0;
        const ARGUMENTS: u32 = 16; // of eight bytes each, the lower half first
        const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
        let step = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
            code: code as u16,
            jt,
            jf,
            k,
        };
        let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0);
        let equal = |k, jt, jf| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k, jt, jf);
        let answer = |verdict| step(libc::BPF_RET | libc::BPF_K, verdict, 0, 0);
        let number = |call: c_long| u32::try_from(call).unwrap_or(u32::MAX);
        let masked = |bits| step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, bits, 0, 0);
        let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
        let mut program = vec![
            load(ARCHITECTURE),
            equal(AUDIT_ARCH_X86_64, 1, 0),
            answer(refuse),
            load(NUMBER),
            // Waiting for a futex without a limit is what a child cannot do; everything else it may.
            equal(number(libc::SYS_futex), 0, 10),
            load(ARGUMENTS + 8),
            masked(FUTEX_COMMAND),
            equal(libc::FUTEX_WAIT.unsigned_abs(), 1, 0),
            equal(libc::FUTEX_WAIT_BITSET.unsigned_abs(), 0, 4),
            load(ARGUMENTS + 24),
            equal(0, 0, 2),
            load(ARGUMENTS + 28),
            equal(0, 1, 0),
            answer(libc::SECCOMP_RET_ALLOW),
            answer(libc::SECCOMP_RET_TRAP),
        ];
        for (at, call) in ALLOWED.iter().enumerate() {
            let to_allow = (ALLOWED.len() - at) as u8;
            program.push(equal(number(*call), to_allow, 0));
        }
        program.extend([answer(refuse), answer(libc::SECCOMP_RET_ALLOW)]);
        program
    })
}

/// From now on the process ends with `status` where it would wait for a thread that it does not have.
///
/// # Safety
///
/// Module head.
pub unsafe fn notice_waiting(status: c_int) -> io::Result<()> {
    static STATUS: AtomicI32 = AtomicI32::new(0);
    extern "C" fn end(_signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
        const SYS_SECCOMP: c_int = 1; // and not a signal that somebody sent
        // SAFETY: the kernel's; ends the process, without anything else.
        unsafe {
            if (*info).si_code == SYS_SECCOMP {
                libc::_exit(STATUS.load(Ordering::Relaxed));
            }
        }
    }
    STATUS.store(status, Ordering::Relaxed);
    // SAFETY: both structures are made whole; the handler does what one may.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = end as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO;
        let mut set = MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGSYS);
        let set = set.assume_init();
        if libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) != 0
            || libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// From now on the kernel refuses what `filter` does not allow.
///
/// # Safety
///
/// Module head.
pub unsafe fn confine(filter: &'static [libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the program is valid for as many instructions as it says, and copied by the kernel.
    unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        // Without the flag older kernels switch off speculation, and V8 runs slower.
        for flags in [libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0] {
            let set = libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            );
            if set == 0 {
                return Ok(());
            }
        }
    }
    Err(io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_ends_in_its_two_answers() {
        let program = filter();
        let first = program.len() - 2 - ALLOWED.len();
        let [.., refuse, allow] = program else {
            panic!("too short")
        };
        assert_eq!(refuse.k, libc::SECCOMP_RET_ERRNO | 1);
        assert_eq!(allow.k, libc::SECCOMP_RET_ALLOW);
        for (at, step) in program.iter().enumerate().skip(first).take(ALLOWED.len()) {
            assert_eq!(
                at + 1 + usize::from(step.jt),
                program.len() - 1,
                "step {at} leads to the second"
            );
        }
        assert!(!ALLOWED.contains(&libc::SYS_unlink) && !ALLOWED.contains(&libc::SYS_kill));
    }
}
