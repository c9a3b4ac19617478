//! What the targets share: bytes in a file, because snapshots are opened by path.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// In memory where there is such a place; one for each process, so that targets can run side by side.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new("/dev/shm");
    let directory = if directory.is_dir() {
        directory.to_owned()
    } else {
        std::env::temp_dir()
    };
    directory.join(format!("rs-heapdump-fuzz-{}.heapsnapshot", std::process::id()))
});

/// A file with these bytes.
pub fn file(bytes: &[u8]) -> &'static Path {
    fs::write(&*PATH, bytes).expect("the file can be written");
    &PATH
}
