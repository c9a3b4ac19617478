//! Where a snapshot's bytes go: a file that appears under its name only when it is whole.
//!
//! | the target is | what happens |
//! |---|---|
//! | not there yet, or a regular file | written without a name (`O_TMPFILE`) or under a temporary one beside it, flushed, then linked or renamed to its name: it never shows a part, and what was there before stays until the end |
//! | a symbolic link | followed; the same for its target, the link stays; somebody else's in `/tmp` and its like is refused |
//! | a default name | linked exclusively: an existing file is never replaced, the next free microsecond is taken |
//! | a FIFO, a device, a socket, `/dev/stdout`, `/proc/self/fd/N` | written to as it is; never replaced, never removed |
//! | a directory | refused (`EISDIR`) |
//!
//! Dropping a [`Sink`] without [`Sink::commit`] leaves nothing. With `O_TMPFILE` even a killed
//! process leaves nothing; elsewhere it can leave a `.heapdump-*.partial`, which stays locked while
//! its writer lives and which a later capture into that directory removes.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, Write};
use std::num::NonZeroU32;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tempfile::NamedTempFile;

use super::encode;
use super::name::{self, default_name, next_microsecond};
use super::{Limits, keep, platform};
use crate::compression::Compression;
use crate::error::{Code, Error};
use crate::{privacy, unnamed};

const PARTIAL_PREFIX: &str = ".heapdump-";
const PARTIAL_SUFFIX: &str = ".partial";
/// How many random letters and digits stand between.
const PARTIAL_RANDOM: usize = 6;
/// A partial file younger than this may not have been locked by its writer yet.
const PARTIAL_AGE_MIN: Duration = Duration::from_secs(60);
/// How much to write before the disk is put to work.
const FLUSH_STEP_BYTES: u64 = 4 << 20;
/// How many microseconds to try before giving up on a default name.
const NAMES_MAX: u32 = 10_000;
/// How many symbolic links to follow, as Linux does.
const LINKS_MAX: u32 = 40;

/// What the caller wants written.
#[derive(Clone, Debug)]
pub enum Target {
    /// The caller's own name; an existing regular file is replaced.
    Named(PathBuf),
    /// A default name in this directory; nothing is replaced.
    Default {
        directory: PathBuf,
        thread_id: u32,
        compression: Compression,
        /// How many of our files with such names are to be there at most, this one among them.
        keep: Option<NonZeroU32>,
    },
}

impl Target {
    /// How a file of that name is stored, unless somebody says otherwise.
    pub fn compression(&self) -> Compression {
        match self {
            Self::Named(path) => Compression::of_name(path),
            Self::Default { compression, .. } => *compression,
        }
    }

    /// The file, or the directory of a name that is not made yet.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Default { directory, .. } => directory,
        }
    }
}

/// An open destination.
#[derive(Debug)]
pub struct Sink {
    kind: Kind,
    /// Where it goes, for messages.
    shown: PathBuf,
    bytes: u64,
    /// How many of them are on their way to the disk.
    flushing: u64,
}

#[derive(Debug)]
enum Kind {
    /// A regular file in the making.
    File {
        partial: Partial,
        directory: PathBuf,
        name: FileName,
    },
    /// Not a regular file: written as it is.
    Stream(File),
}

#[derive(Debug)]
enum FileName {
    /// Replaces what has that path.
    Fixed(PathBuf),
    /// The first free default name from `time` on.
    Free {
        time: DateTime<Utc>,
        ending: String,
        keep: Option<NonZeroU32>,
    },
}

#[derive(Debug)]
enum Partial {
    Unnamed(File),
    Named(NamedTempFile),
}

impl Partial {
    fn file(&mut self) -> &mut File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }
}

impl Sink {
    /// Opens `target`, and finds out here what would only fail after the pause otherwise.
    ///
    /// `time` is what a default name is made of. A FIFO may have to wait for its reader, as long as
    /// `limits` allow.
    pub fn open(target: &Target, time: DateTime<Utc>, limits: &Limits) -> Result<Self, Error> {
        match target {
            Target::Default {
                directory,
                thread_id,
                compression,
                keep,
            } => {
                let ending = name::ending(*thread_id, *compression);
                let shown = directory.join(default_name(time, &ending));
                let name = FileName::Free {
                    time,
                    ending,
                    keep: *keep,
                };
                Self::open_file(directory.clone(), name, shown)
            }
            Target::Named(path) => Self::open_named(path, limits),
        }
    }

    fn open_named(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let failed = |error: &io::Error| Error::io(error, "open", path);
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(Error::new(Code::Argument, "the file name must not hold null bytes"));
        }
        if path.as_os_str().is_empty() {
            return Err(failed(&platform::not_found()));
        }
        let check = |name: &Path, found: &Metadata| {
            privacy::check_trap(name, found).map_err(|error| failed(&error).with_hint(privacy::TRAP_HINT))
        };
        let resolved = match resolve(path, &failed, &check)? {
            Resolved::Descriptor(file) => return Ok(Self::stream(file, path)),
            Resolved::Path(resolved) => resolved,
        };
        match fs::metadata(&resolved) {
            Ok(found) if found.is_dir() => return Err(failed(&platform::is_a_directory())),
            Ok(found) if !found.is_file() => {
                check(&resolved, &found)?;
                let patience = || limits.check().is_ok();
                let file =
                    platform::open_stream(&resolved, &patience).map_err(|error| limits.explain(failed(&error)))?;
                return Ok(Self::stream(file, path));
            }
            // An existing file that could not be written to must not be replaced either.
            Ok(_) => drop(
                OpenOptions::new()
                    .write(true)
                    .open(&resolved)
                    .map_err(|error| failed(&error))?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&error)),
        }
        if ends_like_a_directory(path) {
            return Err(failed(&platform::is_a_directory()));
        }
        let directory = match resolved.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Self::open_file(directory, FileName::Fixed(resolved), path.to_owned())
    }

    fn open_file(directory: PathBuf, name: FileName, shown: PathBuf) -> Result<Self, Error> {
        let partial = match unnamed::create(&directory) {
            Some(file) => Partial::Unnamed(file),
            None => Partial::Named(partial_file(&directory).map_err(|error| Error::io(&error, "open", &shown))?),
        };
        Ok(Self {
            kind: Kind::File {
                partial,
                directory,
                name,
            },
            shown,
            bytes: 0,
            flushing: 0,
        })
    }

    fn stream(file: File, shown: &Path) -> Self {
        Self {
            kind: Kind::Stream(file),
            shown: shown.to_owned(),
            bytes: 0,
            flushing: 0,
        }
    }

    /// Where it goes, as far as that is known before the end.
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// Where the file will be; nothing when the bytes go somewhere that is not a regular file.
    pub fn directory(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File { directory, .. } => Some(directory),
            Kind::Stream(_) => None,
        }
    }

    /// What to say where a filter failed before the bytes got here.
    pub fn not_encoded(&self, error: &io::Error) -> Error {
        Error::io(error, "encode", &self.shown)
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes all that an encoder gave, waiting for a slow reader as long as `patience` answers true.
    pub fn write(&mut self, encoded: io::Result<&[u8]>, patience: &dyn Fn() -> bool) -> Result<(), Error> {
        let chunk = encoded.map_err(|error| self.not_encoded(&error))?;
        if crate::fault::faults().slow_write {
            // A disk of five megabytes a second.
            std::thread::sleep(Duration::from_micros(chunk.len() as u64 / 5));
        }
        match &mut self.kind {
            Kind::File { partial, .. } => partial.file().write_all(chunk),
            Kind::Stream(file) => platform::write_stream(file, chunk, patience),
        }
        .map_err(|error| Error::io(&error, "write", &self.shown))?;
        self.bytes += chunk.len() as u64;
        if let Kind::File { partial, .. } = &mut self.kind
            && self.bytes - self.flushing >= FLUSH_STEP_BYTES
        {
            platform::begin_flush(partial.file(), self.flushing, self.bytes - self.flushing);
            self.flushing = self.bytes;
        }
        Ok(())
    }

    /// Where a child may write on its own.
    #[cfg(unix)]
    pub fn descriptor(&mut self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        match &mut self.kind {
            Kind::File { partial, .. } => partial.file().as_raw_fd(),
            Kind::Stream(file) => file.as_raw_fd(),
        }
    }

    /// Takes `bytes` that a child wrote for its own; false where they are not there.
    pub fn adopt(&mut self, bytes: u64) -> bool {
        self.bytes = bytes;
        match &mut self.kind {
            Kind::File { partial, .. } => partial.file().metadata().is_ok_and(|found| found.len() == bytes),
            Kind::Stream(_) => true,
        }
    }

    /// The beginning of the file's text; nothing of a stream.
    pub fn beginning(&mut self, length: usize) -> Option<Vec<u8>> {
        match &mut self.kind {
            Kind::File { partial, .. } => encode::beginning(partial.file(), length).ok(),
            Kind::Stream(_) => None,
        }
    }

    /// Empties the file again; false where bytes have gone to where they cannot be taken back from.
    pub fn restart(&mut self, written: u64) -> bool {
        self.bytes = 0;
        self.flushing = 0;
        match &mut self.kind {
            Kind::File { partial, .. } => partial.file().set_len(0).and_then(|()| partial.file().rewind()).is_ok(),
            Kind::Stream(_) => written == 0,
        }
    }

    /// Flushes to the disk and gives the file its name; then removes what is one too many.
    pub fn commit(self) -> Result<Committed, Error> {
        let Self { kind, shown, .. } = self;
        let (mut partial, directory, name) = match kind {
            Kind::Stream(file) => {
                platform::flush_stream(&file).map_err(|e| Error::io(&e, "fsync", &shown))?;
                return Ok(Committed::new(shown, None));
            }
            Kind::File {
                partial,
                directory,
                name,
            } => (partial, directory, name),
        };
        partial
            .file()
            .sync_all()
            .map_err(|error| Error::io(&error, "fsync", &shown))?;
        let path = match name {
            FileName::Fixed(path) => {
                replace(partial, &directory, &path).map_err(|error| Error::io(&error, "rename", &shown))?;
                path
            }
            FileName::Free { time, ending, keep } => {
                let path = claim_free_name(partial, &directory, time, &ending)
                    .map_err(|error| Error::io(&error, "link", &shown))?;
                if let Some(keep) = keep {
                    keep::prune(&directory, &path, keep);
                }
                path
            }
        };
        Ok(Committed::new(path, Some(directory)))
    }
}

/// A file that is whole and has its name.
#[derive(Debug)]
pub struct Committed {
    /// Absolute.
    pub path: PathBuf,
    directory: Option<PathBuf>,
}

impl Committed {
    fn new(path: PathBuf, directory: Option<PathBuf>) -> Self {
        Self {
            path: std::path::absolute(&path).unwrap_or(path),
            directory,
        }
    }

    /// What nobody needs to wait for: makes the name durable too, and sweeps the directory.
    pub fn tidy(&self) {
        if let Some(directory) = &self.directory {
            platform::flush_directory(directory);
            sweep(directory);
        }
    }
}

/// A temporary file in `directory` that is removed when dropped, and by a later capture when its
/// process was killed.
pub fn partial_file(directory: &Path) -> io::Result<NamedTempFile> {
    let file = partial_name().make_in(directory, platform::create_private)?;
    // The lock tells the sweep of others that this file has a writer; not every file system has locks.
    let _ = file.as_file().try_lock();
    Ok(file)
}

fn partial_name() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(PARTIAL_PREFIX)
        .rand_bytes(PARTIAL_RANDOM)
        .suffix(PARTIAL_SUFFIX);
    builder
}

/// Gives the finished file its name, in place of what has that name.
fn replace(partial: Partial, directory: &Path, path: &Path) -> io::Result<()> {
    match partial {
        Partial::Named(file) => file.persist(path).map(drop).map_err(|e| e.error),
        // A link cannot replace a file, so the whole file gets a temporary name for a moment.
        Partial::Unnamed(file) => {
            // As others' sweeps see it: it has a writer, and is young, however long the flush took.
            let _ = file.try_lock();
            let _ = file.set_modified(SystemTime::now());
            let linked = partial_name().make_in(directory, |temporary| unnamed::link(&file, temporary))?;
            linked.into_temp_path().persist(path).map_err(|error| error.error)
        }
    }
}

/// Gives the finished file the first default name that is free.
fn claim_free_name(
    mut partial: Partial,
    directory: &Path,
    mut time: DateTime<Utc>,
    ending: &str,
) -> io::Result<PathBuf> {
    for _ in 0..NAMES_MAX {
        let path = directory.join(default_name(time, ending));
        let outcome = match partial {
            Partial::Unnamed(file) => {
                let outcome = unnamed::link(&file, &path);
                partial = Partial::Unnamed(file);
                outcome
            }
            Partial::Named(file) => match file.persist_noclobber(&path) {
                Ok(_) => return Ok(path),
                Err(refused) => {
                    partial = Partial::Named(refused.file);
                    Err(refused.error)
                }
            },
        };
        match outcome {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                time = next_microsecond(time);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

enum Resolved {
    Path(PathBuf),
    /// A name for a descriptor that is already open.
    Descriptor(File),
}

/// Follows symbolic links of the last component, so that a link's target is replaced and not the
/// link, also where the target is not there yet. Each link must pass `check`.
fn resolve(
    path: &Path,
    failed: &dyn Fn(&io::Error) -> Error,
    check: &dyn Fn(&Path, &Metadata) -> Result<(), Error>,
) -> Result<Resolved, Error> {
    let mut current = path.to_owned();
    for _ in 0..LINKS_MAX {
        if let Some(file) = platform::descriptor_alias(&current).map_err(|error| failed(&error))? {
            return Ok(Resolved::Descriptor(file));
        }
        match fs::symlink_metadata(&current) {
            Ok(found) if found.file_type().is_symlink() => {
                check(&current, &found)?;
                let target = fs::read_link(&current).map_err(|error| failed(&error))?;
                current = match current.parent() {
                    Some(parent) => parent.join(target),
                    None => target,
                };
            }
            Ok(_) => return Ok(Resolved::Path(current)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Resolved::Path(current));
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(failed(&platform::too_many_links()))
}

fn ends_like_a_directory(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.last().is_some_and(|&b| std::path::is_separator(char::from(b)))
        || matches!(
            path.components().next_back(),
            Some(Component::ParentDir | Component::CurDir)
        )
}

/// Whether this is a name that [`partial_name`] makes.
fn is_partial_name(name: &str) -> bool {
    name.strip_prefix(PARTIAL_PREFIX)
        .and_then(|rest| rest.strip_suffix(PARTIAL_SUFFIX))
        .is_some_and(|random| random.len() == PARTIAL_RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Removes what killed processes left in `directory`: our partial files that nobody has locked.
fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if !is_partial_name(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let old = entry
            .metadata()
            .ok()
            .filter(fs::Metadata::is_file)
            .and_then(|found| found.modified().ok())
            .and_then(|time| SystemTime::now().duration_since(time).ok())
            .is_some_and(|age| age > PARTIAL_AGE_MIN);
        if !old {
            continue;
        }
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}
