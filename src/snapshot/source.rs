//! Where the text of a snapshot comes from: a plain file read anywhere, or a stream that is decompressed.
//!
//! # Why not a memory map
//!
//! A map of a file that somebody truncates kills the process with SIGBUS, and this code runs inside
//! other people's Node processes. Reading ranges costs one copy from the page cache (under 0.1 CPU
//! seconds for 500 MB, measured), keeps no file page resident, and needs no `unsafe`.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::error::SnapshotError;
use crate::compression::Compression;

/// Decompressed text travels in blocks of this size.
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks under way between the decompressing thread and the scanner.
const BLOCKS_IN_FLIGHT: usize = 4;

/// A file that can be read at any offset, by several threads.
#[derive(Clone, Debug)]
pub(crate) struct RandomAccess {
    file: Arc<File>,
    path: Arc<PathBuf>,
    pub bytes: u64,
}

impl RandomAccess {
    fn new(file: File, path: &Path, bytes: u64) -> Self {
        Self {
            file: Arc::new(file),
            path: Arc::new(path.to_owned()),
            bytes,
        }
    }

    /// Fills `buffer` from `offset`; returns fewer bytes only at the end of the file.
    pub(crate) fn read_at(&self, mut buffer: &mut [u8], mut offset: u64) -> Result<usize, SnapshotError> {
        let mut total = 0;
        while !buffer.is_empty() {
            match read_at(&self.file, buffer, offset) {
                Ok(0) => break,
                Ok(count) => {
                    total += count;
                    offset += count as u64;
                    buffer = &mut buffer[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_error("read", &self.path, error)),
            }
        }
        Ok(total)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// The text, block by block, from a thread that decompresses.
pub(crate) struct Stream {
    blocks: Receiver<io::Result<Vec<u8>>>,
    path: PathBuf,
}

impl Stream {
    /// The next block; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        match self.blocks.recv() {
            Ok(Ok(block)) => Ok(Some(block)),
            Ok(Err(error)) => Err(io_error("decompress", &self.path, error)),
            Err(_) => Ok(None),
        }
    }
}

pub(crate) enum Source {
    File(RandomAccess),
    Stream(Stream),
}

/// Opens `path`, whatever it is compressed with (told by its first bytes, not by its name).
pub(crate) fn open(path: &Path) -> Result<(Source, Compression, u64), SnapshotError> {
    let file = File::open(path).map_err(|error| io_error("open", path, error))?;
    let metadata = file.metadata().map_err(|error| io_error("stat", path, error))?;
    if metadata.is_dir() {
        return Err(io_error("open", path, io::ErrorKind::IsADirectory.into()));
    }
    let (is_file, bytes) = (metadata.is_file(), metadata.len());
    let plain = RandomAccess::new(file, path, bytes);
    let mut magic = [0; 4];
    let got = if is_file { plain.read_at(&mut magic, 0)? } else { 0 };
    let compression = Compression::of_bytes(&magic[..got]);
    if compression == Compression::None && is_file {
        return Ok((Source::File(plain), compression, bytes));
    }
    let reopened = File::open(path).map_err(|error| io_error("open", path, error))?;
    let reader = BufReader::with_capacity(256 << 10, reopened);
    let reader = compression
        .text(reader)
        .map_err(|error| io_error("decompress", path, error))?;
    let stream = Stream {
        blocks: decompress(reader),
        path: path.to_owned(),
    };
    Ok((Source::Stream(stream), compression, bytes))
}

/// What is in `file` as it is; errors name it `path`.
pub(crate) fn plain(file: File, path: &Path) -> Result<RandomAccess, SnapshotError> {
    let bytes = file.metadata().map_err(|error| io_error("stat", path, error))?.len();
    Ok(RandomAccess::new(file, path, bytes))
}

/// Hands a file's text over, block by block; `progress` is told of bytes done and bytes in all, 0 where not known.
pub fn read<E: From<SnapshotError>>(
    path: &Path,
    progress: &dyn Fn(u64, u64),
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (source, compression, bytes) = open(path)?;
    let total = if compression == Compression::None { bytes } else { 0 };
    let mut done = 0;
    let mut step = |block: &[u8]| {
        done += block.len() as u64;
        progress(done, total);
        take(block)
    };
    match source {
        Source::Stream(mut stream) => {
            while let Some(block) = stream.next()? {
                step(&block)?;
            }
        }
        Source::File(file) => {
            let mut block = vec![0; BLOCK_BYTES];
            let mut at = 0;
            loop {
                let got = file.read_at(&mut block, at)?;
                if got == 0 {
                    break;
                }
                at += got as u64;
                step(&block[..got])?;
            }
        }
    }
    Ok(())
}

/// Reads ahead in a thread of its own, which ends when the receiver is dropped.
fn decompress(mut reader: Box<dyn Read + Send>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(BLOCKS_IN_FLIGHT);
    thread::spawn(move || {
        loop {
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            match reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block) {
                Ok(0) => return,
                Ok(_) => {
                    if sender.send(Ok(block)).is_err() {
                        return;
                    }
                }
                // A compressed file that is cut off has text before the cut: keep it.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let _ = sender.send(Ok(block));
                    return;
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return;
                }
            }
        }
    });
    receiver
}

pub(crate) fn io_error(operation: &'static str, path: &Path, source: io::Error) -> SnapshotError {
    SnapshotError::Io {
        operation,
        path: path.to_owned(),
        source: Arc::new(source),
    }
}
