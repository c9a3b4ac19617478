//! Carries a live capture from state to state. See the [module](super) for the steps.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::child::{self, Plan, Process};
use super::machine::{Event, Machine, State};
use super::mappings::{self, Window};
use super::page::{Page, Reading};
use super::quiet::{self, Workers};
use super::watch::{Interest, Verdict, watch};
use super::{Obstacle, Phase, Reach, Told, fall_back, visit};
use crate::capture::disk::Disk;
use crate::capture::memory_watch::MemoryWatch;
use crate::capture::sink::Sink;
use crate::capture::{Captured, Estimate, Info, Mode, Observer, Request, ids, provenance, redaction};
use crate::error::{Code, Error};
use crate::fault::faults;
use crate::redact::Key;
use crate::v8::platform_vtable::{self, Platform};
use crate::v8::{self, CHUNK_BYTES, Isolate};

/// How long V8's workers are given to become idle.
const QUIET_WAIT: Duration = Duration::from_secs(5);
const QUIET_WAIT_HASTY: Duration = Duration::from_millis(200);
/// Between two looks at them.
const QUIET_STEP: Duration = Duration::from_millis(2);

/// Looks, on a JavaScript thread, whether live captures can work in this process.
pub fn look(isolate: Isolate) {
    let _ = platform_vtable::find(isolate);
}

/// Whether they can, or why not.
pub fn support() -> Result<(), &'static str> {
    if !v8::capabilities().snapshots {
        return Err("V8's functions are not to be found in this process");
    }
    platform_vtable::found()?;
    quiet::can_tell()
}

/// What goes to and fro between the two threads: each visit borrows it.
struct Kit {
    request: Request,
    time: DateTime<Utc>,
    platform: &'static Platform,
    workers: Workers,
    excluded: Vec<std::ops::Range<usize>>,
    maps: Vec<u8>,
    page: Page,
    output: i32,
    null: File,
    key: Option<Key>,
    memory: MemoryWatch,
    disk: Disk,
    /// The first visit has been.
    begun: bool,
    attempt: u32,
    /// How long the captured thread stood still, in all.
    pause: Duration,
}

/// What a visit led to.
enum Visited {
    Busy,
    Forked(Process),
    Refused(std::io::Error),
    Over(Error),
}

/// Captures in a child, from the preparation to the outcome.
pub fn run(reach: &dyn Reach, request: Request, mut sink: Sink, phase: Option<&Phase>, told: Told) {
    let started = Instant::now();
    let _turn = match Turn::wait(&request) {
        Ok(turn) => turn,
        Err(error) => return told.tell(Err(error)),
    };
    let disk = Disk::of(&sink, &request);
    if let Err(error) = disk.admit_any() {
        return told.tell(Err(error));
    }
    let mut machine = Machine::new();
    let mut kit = match prepare(&mut sink, request.encoding.redact) {
        Ok(parts) => parts.into_kit(request, disk),
        Err(why) => return fall_back(reach, request, sink, told, Obstacle::unsupported(&why)),
    };
    machine.on(Event::Ready);
    let mut observer = kit.request.observer.take();
    let mut obstacle = Obstacle::unsupported("the capture did not begin");
    let mut failure = None;
    let mut child = None;
    let mut written = None;
    let mut busy_since: Option<Instant> = None;
    loop {
        let event = match machine.state {
            State::WaitQuiet | State::Late => {
                let late = machine.state == State::Late;
                kit.attempt = machine.forks + 1;
                let limits = kit.request.limits.clone();
                let visited = match visit(reach, &limits, move |isolate| kit.visit(isolate, late)) {
                    Ok((returned, visited)) => {
                        kit = returned;
                        visited
                    }
                    // What the visit took along is gone with the thread.
                    Err(error) => return told.tell(Err(error)),
                };
                match visited {
                    Visited::Forked(process) => {
                        child = Some(process);
                        busy_since = None;
                        Event::Forked
                    }
                    Visited::Refused(error) => {
                        obstacle = Obstacle {
                            why: format!("the system refused to fork: {error}"),
                            error: Error::io(&error, "fork", sink.path()),
                        };
                        Event::Refused
                    }
                    Visited::Over(error) => {
                        failure = Some(error);
                        Event::Over
                    }
                    Visited::Busy => {
                        thread::sleep(QUIET_STEP);
                        let since = *busy_since.get_or_insert_with(Instant::now);
                        if since.elapsed() < quiet_wait() {
                            Event::Busy
                        } else {
                            Event::Overdue
                        }
                    }
                }
            }
            State::Child => {
                let verdict = child.take().map_or_else(
                    || Verdict::lost("there is no child"),
                    |process| kit.watch(&process, reach, &sink, &mut observer, phase),
                );
                match kit.accept(verdict, &mut sink) {
                    Verdict::Whole(reading) => {
                        written = Some(reading);
                        Event::Whole
                    }
                    Verdict::Lost { why, locked } => {
                        if faults().live_tell {
                            // The others of this file would say it only where no child succeeds.
                            let _ = writeln!(std::io::stderr(), "live capture: child {}: {why}", kit.attempt);
                        }
                        obstacle = Obstacle {
                            error: Error::new(Code::Aborted, format!("no live capture: {why}")),
                            why,
                        };
                        if locked { Event::Locked } else { Event::Lost }
                    }
                    Verdict::Over(error) => {
                        failure = Some(error);
                        Event::Over
                    }
                }
            }
            State::Done => {
                return told.tell(commit(sink, &kit, written.unwrap_or_default(), started));
            }
            State::Failed => return told.tell(Err(failure.unwrap_or(obstacle.error))),
            State::Prepare | State::Fallback => {
                kit.request.observer = observer;
                return fall_back(reach, kit.request, sink, told, obstacle);
            }
        };
        machine.on(event);
    }
}

fn quiet_wait() -> Duration {
    if faults().live_hasty {
        QUIET_WAIT_HASTY
    } else {
        QUIET_WAIT
    }
}

/// What is made ready beside the captured thread.
struct Parts {
    key: Option<Key>,
    platform: &'static Platform,
    excluded: Vec<std::ops::Range<usize>>,
    page: Page,
    output: i32,
    null: File,
}

fn prepare(sink: &mut Sink, redact: bool) -> Result<Parts, String> {
    support()?;
    let key = redact
        .then(redaction::key)
        .transpose()
        .map_err(|error| error.to_string())?;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    super::contain::filter();
    Ok(Parts {
        key,
        platform: platform_vtable::found()?,
        excluded: mappings::excluded().map_err(failed("/proc/self/smaps cannot be read"))?,
        page: Page::new().map_err(failed("no memory to share with a child"))?,
        output: sink.descriptor(),
        null: File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(failed("/dev/null cannot be opened"))?,
    })
}

impl Parts {
    fn into_kit(self, request: Request, disk: Disk) -> Kit {
        Kit {
            key: self.key,
            disk,
            memory: MemoryWatch::new(request.memory_guard),
            request,
            time: Utc::now(),
            platform: self.platform,
            workers: Workers::default(),
            excluded: self.excluded,
            maps: Vec::with_capacity(1 << 20),
            page: self.page,
            output: self.output,
            null: self.null,
            begun: false,
            attempt: 0,
            pause: Duration::ZERO,
        }
    }
}

impl Kit {
    /// On the captured thread. Gives itself back with what came of it.
    fn visit(mut self, isolate: Isolate, late: bool) -> (Self, Visited) {
        let begun = Instant::now();
        let visited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.try_fork(isolate, late)))
            .unwrap_or_else(|payload| Visited::Over(Error::panicked(&*payload)));
        self.pause += begun.elapsed();
        (self, visited)
    }

    fn try_fork(&mut self, isolate: Isolate, late: bool) -> Visited {
        if !self.begun {
            self.begun = true;
            ids::prime(isolate, self.request.prime);
            if let Err(error) = self.memory.admit_counting(isolate.small_objects_bytes()) {
                return Visited::Over(error);
            }
        }
        if !late && !self.workers.are_idle(self.platform) {
            return Visited::Busy;
        }
        if !self.platform.is_intact() {
            return Visited::Refused(std::io::ErrorKind::Unsupported.into());
        }
        self.page.clear();
        let header = provenance::header(
            &self.request,
            Mode::Live,
            self.time,
            isolate.heap_statistics(),
            ids::current(),
        );
        let window = match Window::open(&self.excluded, &mut self.maps) {
            Ok(window) => window,
            Err(error) => return Visited::Refused(error),
        };
        if !late && !self.workers.are_idle(self.platform) {
            return Visited::Busy;
        }
        let forked = child::fork(&Plan {
            isolate,
            platform: self.platform,
            page: &self.page,
            output: self.output,
            null: self.null.as_raw_fd(),
            header,
            encoding: &self.request.encoding,
            key: self.key,
            gc: self.request.gc,
            attempt: self.attempt,
        });
        drop(window);
        match forked {
            Ok(process) => Visited::Forked(process),
            Err(error) => Visited::Refused(error),
        }
    }

    /// Looks whether a verdict holds, and makes the target ready for another child.
    fn accept(&mut self, verdict: Verdict, sink: &mut Sink) -> Verdict {
        let verdict = match verdict {
            Verdict::Whole(reading) => match (self.request.limits.check(), agree(sink, &reading)) {
                (Ok(()), Ok(())) => Verdict::Whole(reading),
                (Ok(()), Err(why)) => Verdict::lost(why),
                (Err(error), _) => Verdict::Over(error),
            },
            other => other,
        };
        match verdict {
            Verdict::Lost { why, .. } if !sink.restart(self.page.read().bytes) => Verdict::Over(Error::new(
                Code::Aborted,
                format!("{why}, after a part of the snapshot had been passed on"),
            )),
            other => other,
        }
    }

    fn watch(
        &mut self,
        process: &Process,
        reach: &dyn Reach,
        sink: &Sink,
        observer: &mut Option<Observer>,
        phase: Option<&Phase>,
    ) -> Verdict {
        let pause = self.pause;
        watch(
            process,
            &self.page,
            Interest {
                limits: &self.request.limits,
                guarded: self.request.memory_guard,
                memory: &mut self.memory,
                disk: &self.disk,
                counted: Box::new(move |nodes| {
                    if let Some(observer) = observer.take() {
                        observer(Estimate {
                            mode: Mode::Live,
                            nodes: u64::from(nodes),
                            pause,
                        });
                    }
                }),
                built: Box::new(move |reading| {
                    if let Some(phase) = phase {
                        phase(Captured {
                            nodes: reading.nodes,
                            bytes: reading.bytes,
                        });
                    }
                }),
                gone: Box::new(|| reach.is_gone()),
                not_written: Box::new(|error| Error::io(&error, "write", sink.path())),
            },
        )
    }
}

/// Whether the file is what the child says that it wrote.
fn agree(sink: &mut Sink, reading: &Reading) -> Result<(), String> {
    if !sink.adopt(reading.bytes) || reading.nodes == 0 || reading.edges == 0 {
        return Err("the file is not as long as the child said".to_owned());
    }
    match sink.beginning(CHUNK_BYTES) {
        Some(beginning) if provenance::counts(&beginning) != (reading.nodes, reading.edges) => {
            Err("the file does not count what the child counted".to_owned())
        }
        _ => Ok(()),
    }
}

fn commit(sink: Sink, kit: &Kit, reading: Reading, started: Instant) -> Result<Info, Error> {
    let committed = sink.commit()?;
    committed.tidy();
    Ok(Info {
        path: committed.path,
        bytes: reading.bytes,
        nodes: reading.nodes,
        edges: reading.edges,
        pause: kit.pause,
        duration: started.elapsed(),
        mode: Mode::Live,
        trigger: kit.request.trigger,
        pid: std::process::id(),
        thread_id: kit.request.thread_id,
        fallback: None,
    })
}

/// The right to have a child: one of the process's captures has it at a time.
struct Turn;

static TAKEN: Mutex<bool> = Mutex::new(false);
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn wait(request: &Request) -> Result<Self, Error> {
        let mut taken = Self::lock();
        while *taken {
            request.limits.check()?;
            taken = GIVEN_BACK
                .wait_timeout(taken, super::PATIENCE)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *taken = true;
        Ok(Self)
    }

    fn lock() -> MutexGuard<'static, bool> {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *Self::lock() = false;
        GIVEN_BACK.notify_one();
    }
}
