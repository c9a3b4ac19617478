//! The engine that captures through V8's own API, on the thread whose heap is wanted.
//!
//! That thread stands still meanwhile: about 2 to 4 µs a node on Node 22 and later, more on 18
//! and 20. V8's graph costs up to [`BYTES_PER_NODE`](super::memory::BYTES_PER_NODE) a node in native memory until the
//! capture ends.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::encode::Encoder;
use super::memory_watch::MemoryWatch;
use super::sink::Sink;
use super::writer::{Summary, Writer};
use super::{Captured, Estimate, Limits, Mode, Observer, Outcome, Request, ids, platform, provenance, redaction};
use crate::error::{Code, Error};
use crate::v8::{ChunkSink, Isolate, Progress};
use chrono::Utc;

/// How long V8 is watched before its speed is believed.
const ESTIMATE_AFTER: Duration = Duration::from_millis(100);
/// Serializing and freeing come after what is watched, and take about a fifth of the whole.
const REST: f64 = 1.25;

thread_local! {
    static CAPTURING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the current thread is in the middle of a capture. V8, collecting garbage for it, may call other
/// hooks of ours.
pub fn is_capturing() -> bool {
    CAPTURING.get()
}

/// Opens the request's target and captures `isolate`'s heap into it.
///
/// Returns when V8 is done; `done` is called with the outcome, once, from the writer's thread (or
/// from here, when there is nothing to write).
pub fn capture<F>(isolate: Isolate, request: Request, done: F) -> Option<Captured>
where
    F: FnOnce(Outcome) + Send + 'static,
{
    match Sink::open(&request.target, Utc::now(), &request.limits) {
        Ok(sink) => capture_into(sink, isolate, request, done),
        Err(error) => {
            done(Err(error));
            None
        }
    }
}

/// [`capture`] into a target that is open already.
pub fn capture_into<F>(sink: Sink, isolate: Isolate, mut request: Request, done: F) -> Option<Captured>
where
    F: FnOnce(Outcome) + Send + 'static,
{
    let started = Instant::now();
    let time = Utc::now();
    let disk = Disk::of(&sink, &request);
    if let Err(error) = disk.admit_any() {
        done(Err(error));
        return None;
    }
    let header = provenance::header(
        &request,
        Mode::InProcess,
        time,
        isolate.heap_statistics(),
        ids::current(),
    );
    let encoder = match Encoder::new(header, &request.encoding) {
        Ok(encoder) => encoder,
        Err(error) => {
            done(Err(sink.not_encoded(&error)));
            return None;
        }
    };
    let mut writer = match Writer::start(sink, encoder, request.limits.clone(), done) {
        Ok(writer) => writer,
        Err((error, done)) => {
            done(Err(error));
            return None;
        }
    };
    CAPTURING.set(true);
    let recorded = catch_unwind(AssertUnwindSafe(|| {
        record(isolate, started, &mut request, disk, &mut writer)
    }));
    CAPTURING.set(false);
    match recorded {
        Ok(Ok(graph)) => {
            writer.end(Summary {
                nodes: graph.nodes,
                started,
                pause: started.elapsed(),
                mode: Mode::InProcess,
                trigger: request.trigger,
                thread_id: request.thread_id,
                fallback: request.fallback.clone(),
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
            writer.fail(Error::panicked(&*payload));
            None
        }
    }
}

/// What V8 handed over.
struct Graph {
    nodes: u64,
    bytes: u64,
}

fn record(
    isolate: Isolate,
    started: Instant,
    request: &mut Request,
    disk: Disk,
    writer: &mut Writer,
) -> Result<Graph, Error> {
    request.limits.check()?;
    if request.gc {
        isolate.collect_garbage();
        request.limits.check()?;
    }
    isolate.know_line_ends();
    // What earlier work has freed should not stand beside what V8 takes now.
    platform::return_memory();

    let mut watch = Watch {
        started,
        limits: &request.limits,
        memory: MemoryWatch::new(request.memory_guard),
        disk,
        observer: request.observer.take(),
        first: None,
        verdict: None,
    };
    let small_objects_bytes = isolate.small_objects_bytes();
    watch.memory.admit_counting(small_objects_bytes)?;
    let progress = watch
        .is_needed(small_objects_bytes)
        .then_some(&mut watch as &mut dyn Progress);
    let Some(snapshot) = isolate.take_snapshot(progress) else {
        return Err(watch.verdict.unwrap_or_else(|| {
            Error::new(Code::Aborted, "V8 gave no snapshot").with_hint("V8 takes one snapshot of a heap at a time")
        }));
    };
    watch.finish(snapshot.nodes());

    let redactor = if request.encoding.redact {
        let check = || request.limits.check().and_then(|()| watch.memory.check());
        redaction::key()
            .and_then(|key| Ok(redaction::survey(&snapshot, key, check)?))
            .map(Some)
    } else {
        Ok(None)
    };
    let mut stream = Stream {
        writer,
        limits: &request.limits,
        memory: watch.memory,
        verdict: None,
        graph: Graph {
            nodes: snapshot.nodes(),
            bytes: 0,
        },
        whole: false,
    };
    match redactor {
        Ok(None) => snapshot.serialize(&mut stream),
        Ok(Some(redactor)) => {
            if stream.writer.redact(redactor) {
                snapshot.serialize(&mut stream);
            }
        }
        Err(error) => stream.verdict = Some(error),
    }
    let Stream {
        graph, whole, verdict, ..
    } = stream;
    let max_id = snapshot.max_object_id();
    drop(snapshot);
    if request.comparable {
        ids::numbered(max_id);
    } else if isolate.clear_object_ids() {
        ids::forgotten();
    }
    if whole {
        return Ok(graph);
    }
    // Where the writer gave up, it knows why and tells it.
    Err(verdict.unwrap_or_else(|| Error::new(Code::Aborted, "V8 ended the snapshot early")))
}

/// Watches V8 build its graph: memory, time, and the estimate that the observer waits for.
struct Watch<'a> {
    started: Instant,
    limits: &'a Limits,
    memory: MemoryWatch,
    disk: Disk,
    observer: Option<Observer>,
    /// First report: when, and how much had been done.
    first: Option<(Instant, u32)>,
    verdict: Option<Error>,
}

impl Watch<'_> {
    /// Whether there is anything to watch for: being watched, V8 takes longer.
    fn is_needed(&self, small_objects_bytes: u64) -> bool {
        self.observer.is_some()
            || self.limits.can_end()
            || self.memory.can_run_short(small_objects_bytes)
            || self.disk.can_run_short(small_objects_bytes)
    }

    fn examine(&mut self, done: u32, total: u32) -> Result<(), Error> {
        self.limits.check()?;
        let Some((begun, done_then)) = self.first else {
            self.first = Some((Instant::now(), done));
            self.disk.admit(u64::from(total))?;
            return self.memory.admit(u64::from(total));
        };
        self.memory.check()?;
        let elapsed = begun.elapsed();
        if elapsed >= ESTIMATE_AFTER
            && let Some(observer) = self.observer.take()
        {
            let share = f64::from(done.saturating_sub(done_then)) / f64::from(total.max(1));
            observer(Estimate {
                mode: Mode::InProcess,
                nodes: u64::from(total),
                pause: begun.duration_since(self.started) + scaled(elapsed, share / REST),
            });
        }
        Ok(())
    }

    /// V8 is through before there was an estimate: what it took is one.
    fn finish(&mut self, nodes: u64) {
        if let Some(observer) = self.observer.take() {
            observer(Estimate {
                mode: Mode::InProcess,
                nodes,
                pause: self.started.elapsed().mul_f64(REST),
            });
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

/// Hands V8's chunks to the writer.
struct Stream<'a> {
    writer: &'a mut Writer,
    limits: &'a Limits,
    memory: MemoryWatch,
    graph: Graph,
    whole: bool,
    verdict: Option<Error>,
}

impl ChunkSink for Stream<'_> {
    fn write(&mut self, chunk: &[u8]) -> ControlFlow<()> {
        assert!(!crate::fault::faults().panic, "asked for by a test");
        if let Err(error) = self.limits.check().and_then(|()| self.memory.check()) {
            self.verdict = Some(error);
            return ControlFlow::Break(());
        }
        self.graph.bytes += chunk.len() as u64;
        if self.writer.write(chunk) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn end(&mut self) {
        self.whole = true;
    }
}
