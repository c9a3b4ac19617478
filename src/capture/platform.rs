//! What the operating system offers beyond `std`: files without a name, descriptors by name,
//! streams that may stall, and giving memory back.
//!
//! # Safety
//!
//! Every call passes descriptors that are open for its duration and NUL-terminated strings that
//! outlive it.

#![cfg_attr(unix, expect(unsafe_code, reason = "system calls that std does not offer"))]

#[cfg(live)]
pub use imp::STALL_MAX;
pub use imp::{
    at_exit, begin_flush, block_signals, create_private, descriptor_alias, flush_directory, flush_stream, host_name,
    is_a_directory, is_running, is_same_file, is_same_owner, keep_across_exec, not_found, on_first_thread,
    open_no_link, open_stream, return_memory, too_many_links, write_stream,
};
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
mod imp {
    use super::{File, Path, io};
    use std::fs::{Metadata, OpenOptions, Permissions};
    use std::io::Write;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::time::{Duration, Instant};

    /// How long a FIFO may be without a reader.
    const READER_WAIT: Duration = Duration::from_secs(10);
    /// How long a reader may stall.
    pub const STALL_MAX: Duration = Duration::from_secs(60);
    const POLL_MS: i32 = 100;
    /// Snapshots hold everything that the process knows.
    const OWNER_ONLY: u32 = 0o600;

    pub fn not_found() -> io::Error {
        io::Error::from_raw_os_error(libc::ENOENT)
    }
    pub fn is_a_directory() -> io::Error {
        io::Error::from_raw_os_error(libc::EISDIR)
    }
    pub fn too_many_links() -> io::Error {
        io::Error::from_raw_os_error(libc::ELOOP)
    }

    /// This host's name.
    pub fn host_name() -> Option<String> {
        nix::unistd::gethostname().ok()?.into_string().ok()
    }

    /// Whether there is a process of that number, of whichever user.
    pub fn is_running(pid: u32) -> bool {
        let Ok(pid) = i32::try_from(pid) else { return true };
        let found = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None);
        found != Err(nix::errno::Errno::ESRCH)
    }

    /// Opens for reading what is no link, and waits for nobody.
    pub fn open_no_link(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
    }

    pub fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    pub fn is_same_owner(one: &Metadata, other: &Metadata) -> bool {
        one.uid() == other.uid()
    }

    /// Creates a file that only its owner may read.
    pub fn create_private(path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY)
            .open(path)?;
        set_owner_only(&file)?;
        Ok(file)
    }

    /// Restores what the umask took away of the owner's own rights.
    fn set_owner_only(file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))
    }

    /// Makes a new name durable. Not every file system can; the file itself is flushed already.
    pub fn flush_directory(directory: &Path) {
        if let Ok(directory) = File::open(directory) {
            let _ = directory.sync_all();
        }
    }

    /// The open descriptor that `path` is another name of: `/dev/stdout`, `/dev/fd/3`,
    /// `/proc/self/fd/3`. Opening those anew would fail for sockets and write over the start of
    /// a redirected file.
    pub fn descriptor_alias(path: &Path) -> io::Result<Option<File>> {
        let Some(text) = path.to_str() else {
            return Ok(None);
        };
        let number = match text {
            "/dev/stdin" => Some("0"),
            "/dev/stdout" => Some("1"),
            "/dev/stderr" => Some("2"),
            _ => text
                .strip_prefix("/dev/fd/")
                .or_else(|| text.strip_prefix("/proc/self/fd/"))
                .or_else(|| text.strip_prefix("/proc/thread-self/fd/"))
                .or_else(|| text.strip_prefix(&format!("/proc/{}/fd/", std::process::id()))),
        };
        let Some(descriptor) = number.and_then(|number| number.parse::<i32>().ok()) else {
            return Ok(None);
        };
        // SAFETY: a number that is no open descriptor gives EBADF.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, and owned by nobody else.
        Ok(Some(unsafe { OwnedFd::from_raw_fd(copy) }.into()))
    }

    /// Opens what is not a regular file, without creating or cutting anything. A FIFO may be
    /// waiting for its reader.
    pub fn open_stream(path: &Path, patience: &dyn Fn() -> bool) -> io::Result<File> {
        let limit = Instant::now() + READER_WAIT;
        loop {
            let opened = OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(path);
            match opened {
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) && Instant::now() < limit && patience() => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                other => return other,
            }
        }
    }

    /// Writes everything to something that may be full for a while.
    pub fn write_stream(file: &mut File, mut chunk: &[u8], patience: &dyn Fn() -> bool) -> io::Result<()> {
        let mut stalled_since: Option<Instant> = None;
        while !chunk.is_empty() {
            match file.write(chunk) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    chunk = &chunk[written..];
                    stalled_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let since = *stalled_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > STALL_MAX || !patience() {
                        return Err(io::Error::from_raw_os_error(libc::ETIMEDOUT));
                    }
                    let mut poll = libc::pollfd {
                        fd: file.as_raw_fd(),
                        events: libc::POLLOUT,
                        revents: 0,
                    };
                    // SAFETY: one valid entry.
                    unsafe { libc::poll(&raw mut poll, 1, POLL_MS) };
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Flushes where flushing means something.
    pub fn flush_stream(file: &File) -> io::Result<()> {
        match file.sync_all() {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EROFS | libc::ENOTSUP)) => Ok(()),
            other => other,
        }
    }

    /// Has the system begin to write `length` bytes at `offset` to the disk, so that less is left to
    /// wait for at the end.
    pub fn begin_flush(file: &File, offset: u64, length: u64) {
        #[cfg(target_os = "linux")]
        if let (Ok(offset), Ok(length)) = (offset.try_into(), length.try_into()) {
            // SAFETY: module head. A refusal is nothing to act on: the flush at the end will tell.
            unsafe {
                libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE);
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (file, offset, length);
    }

    /// Whether this is the thread that the process began with; false where the platform does not tell.
    pub fn on_first_thread() -> bool {
        #[cfg(target_os = "linux")]
        {
            // SAFETY: neither takes anything.
            unsafe { libc::syscall(libc::SYS_gettid) == libc::c_long::from(libc::getpid()) }
        }
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Keeps signals away from the calling thread: they are for the application's own threads, and
    /// `SIGXFSZ` and `SIGPIPE` become plain errors of `write`.
    pub fn block_signals() {
        // SAFETY: `sigfillset` initialises the set that `pthread_sigmask` reads.
        unsafe {
            let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
        }
    }

    /// Leaves a descriptor open in the program that this process becomes; one that is not open stays so.
    pub fn keep_across_exec(descriptor: i32) {
        // SAFETY: flags of a number that is no open descriptor give EBADF.
        unsafe {
            let flags = libc::fcntl(descriptor, libc::F_GETFD);
            if flags >= 0 {
                libc::fcntl(descriptor, libc::F_SETFD, flags & !libc::FD_CLOEXEC);
            }
        }
    }

    /// Has `callback` called when the process exits of its own accord.
    pub fn at_exit(callback: extern "C" fn()) {
        // SAFETY: the function is part of this library, which is not unloaded before it is called: glibc is told so
        // (`-z nodelete`), musl never unloads, and macOS calls what a library has registered when it unloads it.
        unsafe { libc::atexit(callback) };
    }

    /// Gives freed memory back to the system; answers whether this platform can.
    pub fn return_memory() -> bool {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            // SAFETY: thread-safe, takes no pointers.
            unsafe { libc::malloc_trim(0) };
            true
        }
        #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
        false
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
mod imp {
    use super::{File, Path, io};
    use std::fs::Metadata;
    use std::io::Write;

    /// Without it nothing is ever removed.
    pub fn host_name() -> Option<String> {
        None
    }
    pub fn is_running(_pid: u32) -> bool {
        true
    }
    pub fn open_no_link(path: &Path) -> io::Result<File> {
        File::open(path)
    }
    pub fn is_same_file(_one: &Metadata, _other: &Metadata) -> bool {
        false
    }
    pub fn is_same_owner(_one: &Metadata, _other: &Metadata) -> bool {
        false
    }
    pub fn not_found() -> io::Error {
        io::ErrorKind::NotFound.into()
    }
    pub fn is_a_directory() -> io::Error {
        io::ErrorKind::IsADirectory.into()
    }
    pub fn too_many_links() -> io::Error {
        io::ErrorKind::InvalidFilename.into()
    }
    pub fn create_private(path: &Path) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(path)
    }
    pub fn flush_directory(_directory: &Path) {}
    pub fn descriptor_alias(_path: &Path) -> io::Result<Option<File>> {
        Ok(None)
    }
    pub fn open_stream(path: &Path, _patience: &dyn Fn() -> bool) -> io::Result<File> {
        File::options().write(true).open(path)
    }
    pub fn write_stream(file: &mut File, chunk: &[u8], _patience: &dyn Fn() -> bool) -> io::Result<()> {
        file.write_all(chunk)
    }
    pub fn flush_stream(_file: &File) -> io::Result<()> {
        Ok(())
    }
    pub fn at_exit(_callback: extern "C" fn()) {}
    pub fn begin_flush(_file: &File, _offset: u64, _length: u64) {}
    pub fn block_signals() {}
    pub fn keep_across_exec(_descriptor: i32) {}
    pub fn on_first_thread() -> bool {
        false
    }
    pub fn return_memory() -> bool {
        false
    }
}
