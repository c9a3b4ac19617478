//! A snapshot whose bytes come from elsewhere: another process hands them over, chunk by chunk.
//!
//! They go to the file as they come, with what is known of their source put into the header; nothing is kept in
//! memory. As with captures of our own, the file has its name when it is whole, and is not there otherwise.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

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
#[derive(Debug)]
pub struct Foreign {
    sink: Sink,
    opened: Instant,
    limits: Limits,
    /// What goes into the header, until it has gone there.
    source: Option<Source>,
    thread_id: u32,
    pid: u32,
    nodes: u64,
    edges: u64,
}

impl Foreign {
    /// Opens `target`, before anything is asked of the other process.
    pub fn open(target: &Target, limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            sink: Sink::open(target, Utc::now(), limits)?,
            opened: Instant::now(),
            limits: limits.clone(),
            source: None,
            thread_id: 0,
            pid: 0,
            nodes: 0,
            edges: 0,
        })
    }

    /// Says whose snapshot it will be.
    pub fn of(&mut self, source: Source) {
        self.thread_id = source.thread_id;
        self.pid = source.pid;
        self.source = Some(source);
    }

    /// The next part of V8's text.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.limits.check()?;
        let limits = &self.limits;
        let patience = || limits.check().is_ok();
        let mut write = |part: &[u8]| self.sink.write(part, &patience).map_err(|error| limits.explain(error));
        let Some(source) = self.source.take() else {
            return write(chunk);
        };
        (self.nodes, self.edges) = provenance::counts(chunk);
        match provenance::split_opening(chunk) {
            ([], rest) => write(rest),
            (opening, rest) => {
                write(opening)?;
                write(&provenance::foreign_header(&source, Utc::now()))?;
                write(rest)
            }
        }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.sink.bytes()
    }

    /// That was all: gives the file its name.
    pub fn finish(self, pause: Duration) -> Result<Info, Error> {
        self.limits.check()?;
        if self.nodes == 0 {
            return Err(Error::new(
                Code::Aborted,
                "what the process handed over is not a snapshot",
            ));
        }
        let bytes = self.sink.bytes();
        let committed = self.sink.commit()?;
        committed.tidy();
        Ok(Info {
            path: committed.path,
            bytes,
            nodes: self.nodes,
            edges: self.edges,
            pause,
            duration: self.opened.elapsed(),
            mode: Mode::Inspector,
            trigger: Trigger::Capture,
            pid: self.pid,
            thread_id: self.thread_id,
            fallback: None,
        })
    }
}
