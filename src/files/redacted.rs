//! From a file to a redacted one: what `rs-heapdump redact` does.
//!
//! The file is read twice ([`redact`]); a compressed one is decompressed twice. What is written goes to any writer,
//! compressed as the name of its file says.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::Observer;
use crate::compression::Compression;
use crate::error::{Code, Error};
use crate::redact::{Failure, Figures, Key, Malformed, Survey};
use crate::snapshot::{SnapshotError, read_text};

/// A key that nobody keeps.
pub fn fresh_key() -> Result<Key, Error> {
    Key::random().map(Key::new)
}

/// The key in this file, which is made if there is none: files that are redacted with one key compare.
pub fn key_in(path: &Path) -> Result<Key, Error> {
    if let Some(key) = kept_key(path)? {
        return Ok(key);
    }
    let key = Key::random()?;
    let Err(error) = keep_key(path, key) else {
        return Ok(Key::new(key));
    };
    // Another may have been quicker.
    let other = match error.kind() {
        io::ErrorKind::AlreadyExists => kept_key(path)?,
        _ => None,
    };
    other.ok_or_else(|| Error::io(&error, "write", path))
}

/// Nothing where there is no such file.
fn kept_key(path: &Path) -> Result<Option<Key>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&error, "open", path)),
    };
    let mut key = Vec::new();
    file.take(Key::BYTES as u64 + 1)
        .read_to_end(&mut key)
        .map_err(|error| Error::io(&error, "read", path))?;
    let key = key.try_into().map_err(|_| {
        let message = format!("'{}' is no key: it must have {} bytes", path.display(), Key::BYTES);
        Error::new(Code::Argument, message).with_hint("name a file that does not exist, and it is made")
    })?;
    Ok(Some(Key::new(key)))
}

/// For the owner alone, and whole or not at all. Fails where the file exists.
fn keep_key(path: &Path, key: [u8; Key::BYTES]) -> io::Result<()> {
    let directory = path.parent().filter(|directory| *directory != Path::new(""));
    let mut file = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    file.write_all(&key)?;
    file.persist_noclobber(path)?;
    Ok(())
}

/// Why there is no redacted file.
#[derive(Debug)]
pub enum Stop {
    /// What is to be redacted cannot be read …
    Read(SnapshotError),
    /// … or is no snapshot.
    Malformed(Malformed),
    /// What came of it cannot be written.
    Write(io::Error),
}

impl From<SnapshotError> for Stop {
    fn from(error: SnapshotError) -> Self {
        Self::Read(error)
    }
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Failure<io::Error>> for Stop {
    fn from(failure: Failure<io::Error>) -> Self {
        match failure {
            Failure::Malformed(malformed) => Self::Malformed(malformed),
            Failure::Sink(error) => Self::Write(error),
        }
    }
}

impl Stop {
    /// The error as everybody else knows it, of redacting the file `from` into `to`.
    #[must_use]
    pub fn of(&self, from: &Path, to: &Path) -> Error {
        match self {
            Self::Read(error) => error.of(from),
            Self::Malformed(malformed) => malformed.of(&format!("'{}'", from.display())),
            Self::Write(error) => Error::io(error, "write", to),
        }
    }
}

/// Writes what is in `file` without its secrets.
pub fn write(
    file: &Path,
    key: Key,
    compression: Compression,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<Figures, Stop> {
    let mut survey = Survey::new(key);
    let first_half = |done, total| observer.reading(file, done, 2 * total);
    read_text(file, &first_half, |block| Ok::<_, Stop>(survey.feed(block)?))?;
    let mut redactor = survey.finish()?;

    let second_half = |done, total: u64| observer.reading(file, total + done, 2 * total);
    let mut compressor = compression.filter()?;
    let mut stored = Vec::new();
    let mut sink = |bytes: &[u8]| match &mut compressor {
        None => out.write_all(bytes),
        Some(compressor) => {
            stored.clear();
            compressor.take(bytes, &mut stored)?;
            out.write_all(&stored)
        }
    };
    read_text(file, &second_half, |block| {
        Ok::<_, Stop>(redactor.feed(block, &mut sink)?)
    })?;
    let figures = redactor.finish(&mut sink)?;
    if let Some(compressor) = &mut compressor {
        stored.clear();
        compressor.end(&mut stored)?;
        out.write_all(&stored)?;
    }
    Ok(figures)
}

/// A redacted copy of `file`, without a name, in the system's directory for temporary files: gone when it is closed,
/// however the process ends.
pub fn copy(file: &Path, key: Key, observer: &dyn Observer) -> Result<File, Error> {
    let directory = std::env::temp_dir();
    let mut copy = tempfile::tempfile().map_err(|error| Error::io(&error, "open", &directory))?;
    match write(file, key, Compression::None, &mut copy, observer) {
        Ok(_) => Ok(copy),
        Err(stop) => Err(stop.of(file, &directory)),
    }
}
