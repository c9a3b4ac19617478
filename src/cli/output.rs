//! Standard output and standard error that may be anybody's: Node makes pipes non-blocking, readers go away.
//! And files, which have their names only when they are whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// Writes a file that nobody else may read: under another name beside it, then under its own, replacing what has
/// that. Links are followed; a FIFO or a device is written to as it is.
pub(super) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    save_with(path, |file| file.write_all(bytes))
}

/// Likewise what `contents` writes; if that fails there is no file.
pub(super) fn save_with<T, E: From<io::Error>>(
    path: &Path,
    contents: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory).into()),
        Ok(found) if !found.is_file() => return contents(&mut OpenOptions::new().write(true).open(&target)?),
        _ => {}
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut file = tempfile::Builder::new()
        .prefix(".rs-heapdump-")
        .suffix(".partial")
        .tempfile_in(directory)?;
    let written = contents(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(written)
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
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn wait(_: &File) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(5));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_is_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leak.html");
        for text in ["first, and longer", "second"] {
            save(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(
            save(directory.path(), b"x").unwrap_err().kind(),
            io::ErrorKind::IsADirectory
        );
        let missing = directory.path().join("missing").join("leak.html");
        assert_eq!(save(&missing, b"x").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        save(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }
}
