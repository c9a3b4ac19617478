//! A snapshot whose bytes come from elsewhere: another process hands them over, chunk by chunk.
//!
//! They go to the file as they come, with what is known of their source put into the header; nothing is kept in
//! memory. As with captures of our own, the file has its name when it is whole, and is not there otherwise.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::encode::{Encoder, Encoding};
use super::sink::Sink;
use super::{Info, Limits, Mode, Target, Trigger, provenance};
use crate::error::{Code, Error};
use crate::v8::HeapStatistics;

/// Whose heap it is.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// As the process sees it itself.
    pub pid: u32,
    pub thread_id: u32,
    pub started: Option<DateTime<Utc>>,
    pub node_version: Option<String>,
    pub rss_bytes: u64,
    pub heap: HeapStatistics,
}

/// A file in the making.
pub struct Foreign {
    sink: Sink,
    encoding: Encoding,
    opened: Instant,
    limits: Limits,
    /// What is known of its source, and the way of its chunks, once that is known.
    source: Option<(Source, Encoder)>,
}

impl Foreign {
    /// Opens `target`, before anything is asked of the other process.
    pub fn open(target: &Target, encoding: Encoding, limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            sink: Sink::open(target, Utc::now(), limits)?,
            encoding,
            opened: Instant::now(),
            limits: limits.clone(),
            source: None,
        })
    }

    /// Says whose snapshot it will be.
    pub fn of(&mut self, source: Source) -> Result<(), Error> {
        let header = provenance::foreign_header(&source, Utc::now());
        let encoder = Encoder::new(header, &self.encoding).map_err(|error| self.sink.not_encoded(&error))?;
        self.source = Some((source, encoder));
        Ok(())
    }

    /// The next part of V8's text; waits for a slow reader as long as `patience` answers true.
    pub fn write(&mut self, chunk: &[u8], patience: &dyn Fn() -> bool) -> Result<(), Error> {
        self.limits.check()?;
        let Some((_, encoder)) = &mut self.source else {
            return Err(nobodys());
        };
        self.sink.write(encoder.take(chunk), patience)
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.sink.bytes()
    }

    /// That was all: gives the file its name.
    pub fn finish(mut self, pause: Duration) -> Result<Info, Error> {
        self.limits.check()?;
        let (source, mut encoder) = self.source.ok_or_else(nobodys)?;
        let (nodes, edges) = encoder.counts();
        if nodes == 0 {
            return Err(nobodys());
        }
        let limits = &self.limits;
        let patience = || limits.check().is_ok();
        self.sink
            .write(encoder.end(), &patience)
            .map_err(|error| limits.explain(error))?;
        let bytes = self.sink.bytes();
        let committed = self.sink.commit()?;
        committed.tidy();
        Ok(Info {
            path: committed.path,
            bytes,
            nodes,
            edges,
            pause,
            duration: self.opened.elapsed(),
            mode: Mode::Inspector,
            trigger: Trigger::Capture,
            pid: source.pid,
            thread_id: source.thread_id,
            fallback: None,
        })
    }
}

fn nobodys() -> Error {
    Error::new(Code::Aborted, "what the process handed over is not a snapshot")
}
