//! Files that have no name until they are whole, so that nothing is left of them however the process ends.

use std::fs::File;
use std::io;
use std::path::Path;

/// A file in `directory` for its owner alone, where kernel and file system have such and `/proc` is there to name it
/// later.
#[cfg(target_os = "linux")]
pub fn create(directory: &Path) -> Option<File> {
    use std::fs::{OpenOptions, Permissions};
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    const OWNER_ONLY: u32 = 0o600;

    if crate::fault::faults().no_tmpfile {
        return None;
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(OWNER_ONLY)
        .custom_flags(libc::O_TMPFILE);
    let file = options.open(directory).ok()?;
    // The umask may have taken some of it.
    file.set_permissions(Permissions::from_mode(OWNER_ONLY)).ok()?;
    std::fs::symlink_metadata(descriptor_path(&file)).ok()?;
    Some(file)
}

/// Gives it a name, which must be free.
#[cfg(target_os = "linux")]
pub fn link(file: &File, path: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags};
    let linked = nix::unistd::linkat(
        AT_FDCWD,
        descriptor_path(file).as_str(),
        AT_FDCWD,
        path,
        AtFlags::AT_SYMLINK_FOLLOW,
    );
    Ok(linked?)
}

#[cfg(target_os = "linux")]
fn descriptor_path(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(not(target_os = "linux"))]
pub fn create(_directory: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub fn link(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
