//! Whether a file will fit where it goes, decided before the thread stands still for it.
//!
//! How large a snapshot becomes follows from the number of objects, not from the bytes of the heap: a file has 75 to
//! 145 bytes an object, on Node 20 and 24 alike, but 0.05 to 2.5 bytes a byte of heap (V8 cuts strings at 1024
//! characters, which is also why heaps of long strings come to several hundred bytes an object). So
//!
//! 1. a disk on which not even the snapshot of a bare process fits is refused at once;
//! 2. where the heap could be too large for what is left, V8 is made to count first, and the count decides.
//!
//! A reserve stays free: a full disk can end a service as surely as an out-of-memory kill. What is
//! free is what `statvfs` says to this user; quotas count where the file system shows them there. Where there is no reading
//! (streams, file systems without a size), there is no refusal. A disk that fills up meanwhile is an
//! error of the write, as ever.

use std::path::{Path, PathBuf};

use humansize::{BINARY, format_size};

use super::Request;
use super::sink::Sink;
use crate::compression::Compression;
use crate::error::{Error, Shortage};

/// Of a file, for each object.
const BYTES_PER_NODE: u64 = 100;
/// Of a file, for each byte of the heap, at most.
const BYTES_PER_HEAP_BYTE_MAX: u64 = 3;
/// The file of a process that has loaded nothing; 4 to 5 MB on Node 20 and 24.
const FILE_BYTES_MIN: u64 = 3 << 20;
/// What must be left for everybody else.
const RESERVE_BYTES: u64 = 16 << 20;

/// Looks after the room that there is for one snapshot.
pub struct Disk {
    /// Where there is something to look after.
    directory: Option<PathBuf>,
    /// For messages.
    shown: PathBuf,
    compression: Compression,
}

impl Disk {
    pub fn of(sink: &Sink, request: &Request) -> Self {
        let directory = sink.directory().filter(|_| request.memory_guard);
        Self {
            directory: directory.map(Path::to_owned),
            shown: sink.path().to_owned(),
            compression: request.encoding.compression,
        }
    }

    /// Is there room for any snapshot?
    pub fn admit_any(&self) -> Result<(), Error> {
        self.require(self.stored(FILE_BYTES_MIN), "the smallest heap snapshot")
    }

    /// V8 has counted: is there room for this one?
    pub fn admit(&self, nodes: u64) -> Result<(), Error> {
        let bytes = self.stored(nodes.saturating_mul(BYTES_PER_NODE));
        self.require(bytes, &format!("a heap snapshot of {nodes} objects"))
    }

    /// Whether a heap of this size could take more than there is.
    pub fn can_run_short(&self, heap_bytes: u64) -> bool {
        let most_bytes = self.stored(heap_bytes.saturating_mul(BYTES_PER_HEAP_BYTE_MAX));
        self.available_bytes()
            .is_some_and(|available| decide(most_bytes, available).is_err())
    }

    /// What text of that length takes, at most: snapshots were measured at 3.5 to 23 times with gzip, 4.9 to 46 with zstd.
    fn stored(&self, text_bytes: u64) -> u64 {
        match self.compression {
            Compression::None => text_bytes,
            Compression::Gzip => text_bytes / 3,
            Compression::Zstd => text_bytes / 4,
        }
    }

    fn available_bytes(&self) -> Option<u64> {
        available_bytes(self.directory.as_deref()?)
    }

    fn require(&self, bytes: u64, purpose: &str) -> Result<(), Error> {
        let Some(available_bytes) = self.available_bytes() else {
            return Ok(());
        };
        decide(bytes, available_bytes).map_err(|shortage| {
            let message = format!(
                "no space left on device, {purpose} needs about {} with the reserve, {} are free",
                format_size(shortage.needed_bytes, BINARY),
                format_size(shortage.available_bytes, BINARY),
            );
            let hint = match self.compression {
                Compression::Zstd => "write to another directory, or pass memoryGuard: false to try all the same",
                _ => {
                    "compress: 'zstd' takes a fifth or less; or write to another directory, or pass memoryGuard: false \
                     to try all the same"
                }
            };
            Error::disk(&message, &self.shown, shortage).with_hint(hint)
        })
    }
}

/// Refuses a need that would not leave the reserve.
fn decide(bytes: u64, available_bytes: u64) -> Result<(), Shortage> {
    let needed_bytes = bytes.saturating_add(RESERVE_BYTES);
    if needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(Shortage {
        needed_bytes,
        available_bytes,
        limit: "disk",
    })
}

/// What this user may still write there; nothing where the system does not tell.
fn available_bytes(directory: &Path) -> Option<u64> {
    let faults = crate::fault::faults();
    if faults.disk_full {
        return Some(1 << 20);
    }
    if faults.disk_tight {
        return Some(RESERVE_BYTES + (4 << 20));
    }
    #[cfg(unix)]
    {
        let found = nix::sys::statvfs::statvfs(directory).ok()?;
        // Some file systems in user space do not know, and say 0.
        (found.blocks() > 0).then(|| (found.blocks_available() as u64).saturating_mul(found.fragment_size() as u64))
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_stays_free() {
        assert_eq!(decide(300, RESERVE_BYTES + 300), Ok(()));
        let shortage = decide(301, RESERVE_BYTES + 300).unwrap_err();
        assert_eq!((shortage.needed_bytes, shortage.limit), (RESERVE_BYTES + 301, "disk"));
        assert!(decide(u64::MAX, 1 << 40).is_err());
    }

    #[test]
    fn compression_needs_less() {
        let disk = |compression| Disk {
            directory: None,
            shown: PathBuf::new(),
            compression,
        };
        let stored = [Compression::None, Compression::Gzip, Compression::Zstd].map(|c| disk(c).stored(1200));
        assert_eq!(stored, [1200, 400, 300]);
    }

    #[test]
    fn a_directory_that_cannot_be_asked_refuses_nothing() {
        assert_eq!(available_bytes(Path::new("/no/such/directory")), None);
        assert!(available_bytes(&std::env::temp_dir()).is_some() || cfg!(not(unix)));
    }
}
