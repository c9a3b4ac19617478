//! Standard output and standard error that may be anybody's: Node makes pipes non-blocking, readers go away.
//! And files, which have their names only when they are whole.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error};
use crate::{privacy, unnamed};

/// As many links as the kernel follows.
const LINKS_MAX: u32 = 40;

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

/// Where a file goes, links followed.
#[derive(Debug)]
pub(super) struct Destination(PathBuf);

impl Destination {
    /// Follows links, also where nothing is at their end yet. A link, FIFO or device that somebody else may have put there
    /// is refused, as captures do it.
    pub(super) fn of(path: &Path) -> Result<Self, Error> {
        let failed = |error: &io::Error| Error::io(error, "open", path);
        let check = |name: &Path, found: &Metadata| {
            privacy::check_trap(name, found).map_err(|error| failed(&error).with_hint(privacy::TRAP_HINT))
        };
        let mut current = path.to_owned();
        for _ in 0..LINKS_MAX {
            // What is wrong with the name will show when the file is made.
            let Ok(found) = fs::symlink_metadata(&current) else {
                return Ok(Self(current));
            };
            if !found.is_symlink() {
                if !found.is_file() && !found.is_dir() {
                    check(&current, &found)?;
                }
                return Ok(Self(current));
            }
            check(&current, &found)?;
            if fs::canonicalize(current.parent().unwrap_or(&current)).is_ok_and(|parent| parent.starts_with("/proc")) {
                // What is behind /dev/stdout may have no name.
                return Ok(Self(fs::canonicalize(&current).unwrap_or(current)));
            }
            let target = fs::read_link(&current).map_err(|error| failed(&error))?;
            current = match current.parent() {
                Some(parent) => parent.join(target),
                None => target,
            };
        }
        Err(Error::new(
            Code::Io,
            format!("ELOOP: too many links, open '{}'", path.display()),
        ))
    }

    /// Writes a file that nobody else may read: without a name, or under another one beside it, then under its own,
    /// replacing what has that. A FIFO or a device is written to as it is.
    pub(super) fn save(&self, bytes: &[u8]) -> io::Result<()> {
        self.save_with(|file| file.write_all(bytes))
    }

    /// Likewise what `contents` writes; if that fails there is no file.
    pub(super) fn save_with<T, E: From<io::Error>>(
        &self,
        contents: impl FnOnce(&mut File) -> Result<T, E>,
    ) -> Result<T, E> {
        let target = &self.0;
        match fs::metadata(target) {
            Ok(found) if found.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory).into()),
            Ok(found) if !found.is_file() => return contents(&mut OpenOptions::new().write(true).open(target)?),
            _ => {}
        }
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let mut named = tempfile::Builder::new();
        named.prefix(".rs-heapdump-").suffix(".partial");
        if let Some(mut file) = unnamed::create(directory) {
            let written = contents(&mut file)?;
            file.sync_all()?;
            let linked = named.make_in(directory, |name| unnamed::link(&file, name))?;
            linked.persist(target).map_err(|error| error.error)?;
            return Ok(written);
        }
        let mut file = named.tempfile_in(directory)?;
        let written = contents(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(target).map_err(|error| error.error)?;
        Ok(written)
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
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn wait(_: &File) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(5));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
        Destination::of(path).unwrap().save(bytes)
    }

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

    /// Takes root, who can make a link that is somebody else's.
    #[cfg(unix)]
    #[test]
    fn a_link_of_somebody_elses_among_all_is_refused() {
        use std::os::unix::fs::{PermissionsExt, lchown, symlink};
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let (file, trap) = (directory.path().join("file"), directory.path().join("trap"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &trap).unwrap();
        assert!(Destination::of(&trap).is_ok());
        if lchown(&trap, Some(12345), None).is_err() {
            return;
        }
        let error = Destination::of(&trap).unwrap_err();
        assert!(error.to_string().starts_with("EACCES: "), "{error}");
        assert_eq!(error.hint(), Some(privacy::TRAP_HINT));
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
        fs::remove_file(&file).unwrap();
        save(&link, b"again").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "again");
    }
}
