//! Standard output and standard error that may be anybody's: Node makes pipes non-blocking, readers go away.

use std::fs::File;
use std::io::{self, Write};

/// A standard stream, unbuffered and apart from the standard library's buffers, which lose count of what was
/// written when a pipe is full.
#[derive(Debug)]
pub(super) struct Sink(File);

impl Sink {
    /// Standard output, under a descriptor of its own.
    pub(super) fn stdout() -> io::Result<Self> {
        Self::of(&io::stdout())
    }

    /// Standard error, likewise.
    pub(super) fn stderr() -> io::Result<Self> {
        Self::of(&io::stderr())
    }

    #[cfg(unix)]
    fn of(stream: &impl std::os::fd::AsFd) -> io::Result<Self> {
        Ok(Self(stream.as_fd().try_clone_to_owned()?.into()))
    }

    #[cfg(windows)]
    fn of(stream: &impl std::os::windows::io::AsHandle) -> io::Result<Self> {
        Ok(Self(stream.as_handle().try_clone_to_owned()?.into()))
    }

    /// Writes all of it.
    pub(super) fn finish(mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&self.0)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Until there is room, or nobody left to make any.
#[cfg(unix)]
fn wait(file: &File) -> io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut wanted = [PollFd::new(std::os::fd::AsFd::as_fd(file), PollFlags::POLLOUT)];
    match poll(&mut wanted, PollTimeout::NONE) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Pipes block there; should one not, it is asked again soon.
#[cfg(not(unix))]
fn wait(_: &File) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(5));
    Ok(())
}
