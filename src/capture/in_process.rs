//! The engine that captures through V8's own API, on the thread whose heap is wanted.
//!
//! That thread stands still meanwhile: about 2 to 4 µs a node on Node 22 and later, more on 18
//! and 20. V8's graph costs up to [`memory::BYTES_PER_NODE`] a node in native memory until the
//! capture ends.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use chrono::Utc;
use humansize::{BINARY, format_size};

use super::memory::{self, BYTES_PER_NODE, Promise};
use super::provenance;
use super::sink::Sink;
use super::writer::{Summary, Writer};
use super::{Captured, Estimate, Limits, Mode, Observer, Outcome, Request, panicked};
use crate::error::{Code, Error, Shortage};
use crate::v8::{ChunkSink, Isolate, Progress};

/// How often, at most, the clock-driven checks of a capture are made.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Below this a capture under way gives up, so that the service lives.
const FLOOR_BYTES: u64 = 16 << 20;

/// Captures `isolate`'s heap. Returns when V8 is done; `done` is called with the outcome, once,
/// from the writer's thread (or from here, when there is nothing to write).
pub fn capture<F>(isolate: Isolate, mut request: Request, done: F) -> Option<Captured>
where
    F: FnOnce(Outcome) + Send + 'static,
{
    let started = Instant::now();
    let time = Utc::now();
    let sink = match Sink::open(&request.target, time, request.limits.deadline()) {
        Ok(sink) => sink,
        Err(error) => {
            done(Err(error));
            return None;
        }
    };
    let mut writer = match Writer::start(sink, request.limits.clone(), done) {
        Ok(writer) => writer,
        Err((error, done)) => {
            done(Err(error));
            return None;
        }
    };
    let header = provenance::header(&request, Mode::InProcess, time, isolate.heap_statistics());
    let recorded = catch_unwind(AssertUnwindSafe(|| {
        record(isolate, &mut request, header, &mut writer)
    }));
    match recorded {
        Ok(Ok(graph)) => {
            writer.end(Summary {
                nodes: graph.nodes,
                edges: graph.edges,
                started,
                pause: started.elapsed(),
                mode: Mode::InProcess,
                trigger: request.trigger,
                thread_id: request.thread_id,
            });
            Some(Captured {
                nodes: graph.nodes,
                bytes: graph.bytes,
            })
        }
        Ok(Err(error)) => {
            writer.fail(error);
            None
        }
        Err(payload) => {
            writer.fail(panicked(&*payload));
            None
        }
    }
}

struct Graph {
    nodes: u64,
    edges: u64,
    bytes: u64,
}

fn record(
    isolate: Isolate,
    request: &mut Request,
    header: Vec<u8>,
    writer: &mut Writer,
) -> Result<Graph, Error> {
    request.limits.check()?;
    if request.gc {
        isolate.collect_garbage();
        request.limits.check()?;
    }
    isolate.know_line_ends();

    let mut watch = Watch::new(
        &request.limits,
        request.memory_guard,
        request.observer.take(),
    );
    let Some(snapshot) = isolate.take_snapshot(&mut watch) else {
        return Err(watch.verdict.unwrap_or_else(|| {
            Error::new(Code::Aborted, "V8 gave no snapshot")
                .with_hint("V8 takes one snapshot of a heap at a time")
        }));
    };
    watch.finish(snapshot.nodes());

    let mut stream = Stream {
        writer,
        limits: &request.limits,
        header: Some(header),
        graph: Graph {
            nodes: snapshot.nodes(),
            edges: 0,
            bytes: 0,
        },
        whole: false,
    };
    snapshot.serialize(&mut stream);
    let Stream { graph, whole, .. } = stream;
    drop(snapshot);
    if whole {
        return Ok(graph);
    }
    request.limits.check()?;
    // The writer has a better reason and tells it; this is for the case that it has none.
    Err(Error::new(Code::Aborted, "V8 ended the snapshot early"))
}

/// Watches V8 build its graph: memory, time, and the estimate that the observer waits for.
struct Watch<'a> {
    limits: &'a Limits,
    memory_guard: bool,
    observer: Option<Observer>,
    /// First report: when, and how much had been done.
    first: Option<(Instant, u32)>,
    last_check: Instant,
    promise: Option<Promise>,
    verdict: Option<Error>,
}

impl<'a> Watch<'a> {
    fn new(limits: &'a Limits, memory_guard: bool, observer: Option<Observer>) -> Self {
        Self {
            limits,
            memory_guard,
            observer,
            first: None,
            last_check: Instant::now(),
            promise: None,
            verdict: None,
        }
    }

    fn examine(&mut self, done: u32, total: u32) -> Result<(), Error> {
        let now = Instant::now();
        let Some((begun, done_then)) = self.first else {
            self.first = Some((now, done));
            self.limits.check()?;
            return self.admit(total);
        };
        if now.duration_since(self.last_check) < CHECK_INTERVAL {
            return Ok(());
        }
        self.last_check = now;
        self.limits.check()?;
        if let Some(observer) = self.observer.take() {
            let share = f64::from(done - done_then.min(done)) / f64::from(total.max(1));
            observer(Estimate {
                nodes: u64::from(total),
                pause: scaled(now.duration_since(begun), share),
            });
        }
        if self.memory_guard
            && let Some(headroom) = memory::headroom()
            && headroom.available_bytes < FLOOR_BYTES
        {
            return Err(Error::memory(
                format!(
                    "memory ran short at {done} of {total} objects: {} left ({})",
                    format_size(headroom.available_bytes, BINARY),
                    headroom.limit
                ),
                Shortage {
                    needed_bytes: u64::from(total - done.min(total)) * BYTES_PER_NODE,
                    available_bytes: headroom.available_bytes,
                    limit: headroom.limit,
                },
            ));
        }
        Ok(())
    }

    /// V8 has counted: will its graph fit?
    fn admit(&mut self, total: u32) -> Result<(), Error> {
        if !self.memory_guard {
            return Ok(());
        }
        let needed_bytes = u64::from(total) * BYTES_PER_NODE;
        let promise = Promise::make(needed_bytes, memory::headroom()).map_err(|shortage| {
            Error::memory(
                format!(
                    "a snapshot of {total} objects needs about {} of memory, {} are left ({})",
                    format_size(shortage.needed_bytes, BINARY),
                    format_size(shortage.available_bytes, BINARY),
                    shortage.limit
                ),
                shortage,
            )
        })?;
        self.promise = Some(promise);
        Ok(())
    }

    /// V8 is through before there was an estimate: what it took is one.
    fn finish(&mut self, nodes: u64) {
        if let Some(observer) = self.observer.take() {
            let pause = self.first.map_or(Duration::ZERO, |(begun, _)| begun.elapsed());
            observer(Estimate { nodes, pause });
        }
    }
}

/// The whole, when `part` of it took `elapsed`; a day at most.
fn scaled(elapsed: Duration, part: f64) -> Duration {
    const DAY_S: f64 = 86_400.0;
    Duration::from_secs_f64((elapsed.as_secs_f64() / part.max(1e-9)).min(DAY_S))
}

impl Progress for Watch<'_> {
    fn report(&mut self, done: u32, total: u32) -> ControlFlow<()> {
        match self.examine(done, total) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.verdict = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Hands V8's chunks to the writer, with provenance in the first.
struct Stream<'a> {
    writer: &'a mut Writer,
    limits: &'a Limits,
    header: Option<Vec<u8>>,
    graph: Graph,
    whole: bool,
}

impl ChunkSink for Stream<'_> {
    fn write(&mut self, chunk: &[u8]) -> ControlFlow<()> {
        assert!(!crate::fault::faults().panic, "asked for by a test");
        if self.limits.check().is_err() {
            return ControlFlow::Break(());
        }
        self.graph.bytes += chunk.len() as u64;
        let accepted = match self.header.take() {
            None => self.writer.write(&[chunk]),
            Some(header) => {
                self.graph.edges = provenance::counts(chunk).1;
                match provenance::split_opening(chunk) {
                    ([], rest) => self.writer.write(&[rest]),
                    (opening, rest) => self.writer.write(&[opening, &header, rest]),
                }
            }
        };
        if accepted {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn end(&mut self) {
        self.whole = true;
    }
}
