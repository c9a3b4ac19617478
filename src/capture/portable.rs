//! The engine for processes in which V8's functions are not to be found: `node:v8` writes a
//! partial file, and what it wrote is taken over into a proper one.
//!
//! The caller runs JavaScript, so it goes in two steps: [`PortableCapture::begin`] makes the
//! partial file, `v8.writeHeapSnapshot(path)` fills it, and [`PortableCapture::finish`] copies it
//! into the target, with provenance, through the same [`Sink`] as every other snapshot. There is
//! nothing to count objects, report progress or stop in time here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tempfile::NamedTempFile;

use super::disk::Disk;
use super::encode::Encoder;
use super::ids::Ids;
use super::sink::Sink;
use super::{Info, Live, Mode, Outcome, Request, provenance};
use crate::error::{Code, Error};
use crate::v8::{CHUNK_BYTES, HeapStatistics};

/// A capture between its two steps. Dropped, it leaves nothing.
pub struct PortableCapture {
    request: Request,
    sink: Sink,
    partial: NamedTempFile,
    started: Instant,
    time: DateTime<Utc>,
}

impl PortableCapture {
    /// Opens the target and makes the file for `node:v8` to write.
    pub fn begin(mut request: Request) -> Result<Self, Error> {
        if request.encoding.redact {
            // Not even for a moment, not even under another name.
            return Err(Error::new(
                Code::Unsupported,
                "node:v8 writes what is to be redacted to the disk as it is",
            )
            .with_hint("take it without redact, and let rs-heapdump redact make another file of it"));
        }
        if request.live != Live::Off {
            let why = "V8's functions are not to be found in this process".to_owned();
            if request.live == Live::Require {
                return Err(super::live::unsupported(&why));
            }
            request.fallback = Some(why);
        }
        let time = Utc::now();
        let started = Instant::now();
        let sink = Sink::open(&request.target, time, &request.limits)?;
        Disk::of(&sink, &request).admit_any()?;
        // Beside the target, unless that is a device or a FIFO.
        let directory = sink.directory().map_or_else(std::env::temp_dir, Path::to_owned);
        let partial = super::sink::partial_file(&directory).map_err(|error| Error::io(&error, "open", sink.path()))?;
        Ok(Self {
            request,
            sink,
            partial,
            started,
            time,
        })
    }

    /// The file that `node:v8` is to write.
    pub fn partial_path(&self) -> &Path {
        self.partial.path()
    }

    /// Whether garbage is to be collected before `node:v8` writes.
    pub fn wants_gc(&self) -> bool {
        self.request.gc
    }

    /// What `node:v8` threw instead of writing, told of the target: nobody asked for the partial file.
    pub fn refused(self, message: &str, errno: Option<i32>, syscall: Option<&str>) -> Error {
        let path = self.sink.path();
        let syscall = match syscall {
            Some("open") => Some("open"),
            Some("write") => Some("write"),
            Some("close") => Some("close"),
            _ => None,
        };
        match (errno, syscall) {
            // libuv's numbers are the system's, negated, on Unix alone.
            (Some(errno), Some(syscall)) if cfg!(unix) => {
                Error::io(&io::Error::from_raw_os_error(errno.saturating_neg()), syscall, path)
            }
            _ => {
                let partial = self.partial.path().to_string_lossy();
                Error::new(Code::Io, message.replace(&*partial, &path.to_string_lossy()))
            }
        }
    }

    /// Takes over what was written. `heap` is the heap's state, which there is no V8 to ask for.
    pub fn finish(mut self, heap: HeapStatistics) -> Outcome {
        let header = provenance::header(&self.request, Mode::Portable, self.time, heap, Ids::default());
        let path = self.partial.path().to_owned();
        let failed = |error: io::Error, call| Error::io(&error, call, &path);
        let mut source = File::open(&path).map_err(|error| failed(error, "open"))?;
        check_ending(&mut source).map_err(|error| failed(error, "read"))??;

        let mut chunk = vec![0; CHUNK_BYTES];
        let sink = &mut self.sink;
        let mut encoder = Encoder::new(header, &self.request.encoding).map_err(|error| sink.not_encoded(&error))?;
        let limits = &self.request.limits;
        let patience = || limits.check().is_ok();
        loop {
            let length = source.read(&mut chunk).map_err(|error| failed(error, "read"))?;
            if length == 0 {
                break;
            }
            limits.check()?;
            sink.write(encoder.take(&chunk[..length]), &patience)
                .map_err(|error| limits.explain(error))?;
        }
        // A wait that ran into a limit shows as a failed write: name the limit.
        sink.write(encoder.end(), &patience)
            .map_err(|error| limits.explain(error))?;
        let (nodes, edges) = encoder.counts();
        let bytes = self.sink.bytes();
        let committed = self.sink.commit()?;
        committed.tidy();
        let path = committed.path;
        Ok(Info {
            path,
            bytes,
            nodes,
            edges,
            pause: self.started.elapsed(),
            duration: self.started.elapsed(),
            mode: Mode::Portable,
            trigger: self.request.trigger,
            pid: std::process::id(),
            thread_id: self.request.thread_id,
            fallback: self.request.fallback,
        })
    }
}

/// `node:v8` does not tell of every failed write: a snapshot that is whole ends with its strings.
fn check_ending(source: &mut File) -> io::Result<Result<(), Error>> {
    const TAIL_BYTES: u64 = 16;
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    source.read_to_end(&mut tail)?;
    source.rewind()?;
    let tail: Vec<u8> = tail.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Ok(if tail.ends_with(b"]}") {
        Ok(())
    } else {
        Err(Error::new(
            Code::Io,
            "node:v8 did not write the snapshot to its end; the disk may be full",
        ))
    })
}
