//! Directories that others may write to, where a file of ours could be read, exchanged or led elsewhere.
//!
//! The file itself is 0600 and made exclusively. What is beyond that is the directory's doing:
//!
//! - Where others may write and there is no sticky bit, anybody can remove the file and put another one in its place. That is
//!   [told](exposure), once for each directory, and the snapshot is taken all the same: the user may know better.
//! - Where there is a sticky bit (`/tmp`), a name can have been taken beforehand: by a symbolic link that leads our
//!   bytes over somebody's file, or by a FIFO that leads them to its reader. What belongs to neither us nor the owner of the
//!   directory is [refused](check_trap), as the kernel does it for those who open by name (`protected_symlinks`), which
//!   we do not.
//!
//! An ordinary directory (0755, 0775) is neither: its group was given the right on purpose.

use std::io;
use std::path::Path;

#[cfg(unix)]
pub use imp::{check_trap, exposure};

/// What a refused name is told with.
pub const TRAP_HINT: &str =
    "it belongs to somebody else, in a directory that all may write to: remove it, or choose another name or directory";

#[cfg(unix)]
mod imp {
    use std::collections::HashSet;
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use super::{Path, io};

    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o002;
    /// Directories that were warned about; a process writes into few.
    const WARNED_MAX: usize = 1000;

    static WARNED: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

    /// What to tell of the directory of a file that was written, the first time.
    pub fn exposure(file: &Path) -> Option<String> {
        let directory = fs::canonicalize(file.parent()?).ok()?;
        // Who may rename a directory above, may put another one in its place.
        let open = directory
            .ancestors()
            .find(|each| fs::metadata(each).is_ok_and(|found| mode(&found, STICKY | OTHERS_WRITE) == OTHERS_WRITE))?;
        let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() >= WARNED_MAX || !warned.insert(directory.clone()) {
            return None;
        }
        Some(format!(
            "snapshots in {} can be removed or exchanged by anybody on this machine, because all may write to {}: \
             chmod o-w {}, or choose another directory",
            directory.display(),
            open.display(),
            open.display()
        ))
    }

    /// Whether `path`, a symbolic link or no regular file, is to be trusted where it is.
    pub fn check_trap(path: &Path, found: &Metadata) -> io::Result<()> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = fs::metadata(parent.unwrap_or(Path::new(".")))?;
        let shared = mode(&directory, STICKY | OTHERS_WRITE) == STICKY | OTHERS_WRITE;
        let owners = [nix::unistd::geteuid().as_raw(), directory.uid()];
        if shared && !owners.contains(&found.uid()) {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        Ok(())
    }

    fn mode(found: &Metadata, bits: u32) -> u32 {
        found.mode() & bits
    }
}

/// Access lists tell there who may do what; they are the administrator's business.
#[cfg(not(unix))]
pub fn exposure(_file: &Path) -> Option<String> {
    None
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub fn check_trap(_path: &Path, _found: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}
