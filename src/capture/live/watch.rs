//! Watches a child until its end: that it gets on, that memory lasts, that nobody has had enough.
//!
//! Time alone says little, since a child that has to share its processors takes ten times as long. So a
//! child counts as hung when for [`STALL`] neither the shared page nor its processor time has moved
//! *and* it sleeps; one that waits for a disk or for a processor does not. A child that spins without
//! getting anywhere is given [`SPIN_MAX`].

use std::time::{Duration, Instant};

use super::child::{End, LOCKED, NOT_CONTAINED, NOT_WRITTEN, Process};
use super::page::{Page, Reading};
use crate::capture::disk::Disk;
use crate::capture::memory_watch::MemoryWatch;
use crate::capture::{Limits, memory};
use crate::error::{Error, Shortage};
use crate::fault::faults;

/// How often a child is looked at. What it takes of memory in that time must fit into the reserve.
const TICK: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_secs(3);
const STALL_HASTY: Duration = Duration::from_millis(300);
const SPIN_MAX: Duration = Duration::from_secs(600);
/// Where the kernel kills whole cgroups, more is kept back, as being the first to go does not help.
const RESERVE_IN_A_GROUP: u64 = 2;

/// What became of a child.
#[derive(Debug)]
pub enum Verdict {
    /// It says that all is written.
    Whole(Reading),
    /// It crashed, hung, or came upon a lock (`locked`); another one may do better.
    Lost { why: String, locked: bool },
    /// No other one would do better.
    Over(Error),
}

/// Who wants to know what, meanwhile.
pub struct Interest<'a> {
    pub limits: &'a Limits,
    pub memory: &'a mut MemoryWatch,
    pub disk: &'a Disk,
    pub guarded: bool,
    /// Told about how many objects there are, once.
    pub counted: Box<dyn FnMut(u32) + 'a>,
    /// Told once V8 has built its graph, and the file is being written.
    pub built: Box<dyn FnMut(Reading) + 'a>,
    /// Whether the thread that forked has ended, and its child with it.
    pub gone: Box<dyn Fn() -> bool + 'a>,
    /// Makes an error of what the system refused to the child's `write`.
    pub not_written: Box<dyn Fn(std::io::Error) -> Error + 'a>,
}

impl Verdict {
    pub fn lost(why: impl Into<String>) -> Self {
        Self::Lost {
            why: why.into(),
            locked: false,
        }
    }
}

pub fn watch(child: &Process, page: &Page, mut interest: Interest<'_>) -> Verdict {
    let reserve = if memory::is_killed_as_a_group() {
        RESERVE_IN_A_GROUP
    } else {
        1
    };
    let inherited_bytes = memory::private_bytes(child.pid);
    let stall = if faults().live_hasty { STALL_HASTY } else { STALL };
    let mut pulse = Pulse::new(Instant::now());
    let (mut counted, mut built) = (false, false);
    loop {
        if let Some(end) = child.wait(TICK) {
            return judge(end, page.read(), &interest);
        }
        let reading = page.read();
        if let Err(error) = interest.limits.check() {
            child.kill();
            return Verdict::Over(error);
        }
        if !counted && reading.total > 0 {
            counted = true;
            (interest.counted)(reading.total);
            let nodes = u64::from(reading.total);
            if let Err(error) = interest.disk.admit(nodes).and_then(|()| interest.memory.admit(nodes)) {
                child.kill();
                return Verdict::Over(error);
            }
        }
        if !built && reading.nodes > 0 {
            built = true;
            (interest.built)(reading);
        }
        let taken = || memory::private_bytes(child.pid).saturating_sub(inherited_bytes);
        let short = if faults().live_memory_low && interest.guarded {
            Err(out_of_memory("asked for by a test"))
        } else {
            interest.memory.check_against(reserve, taken)
        };
        if let Err(error) = short {
            child.kill();
            return Verdict::Over(error);
        }
        if let Some(why) = pulse.stopped(Instant::now(), reading.beats, Sample::of(child.pid), stall) {
            child.kill();
            return Verdict::lost(why);
        }
    }
}

fn judge(end: End, reading: Reading, interest: &Interest<'_>) -> Verdict {
    match end {
        // Where the system has reaped it, what it said last is all there is.
        End::Exit(super::child::WHOLE) | End::Unknown if reading.whole => Verdict::Whole(reading),
        End::Exit(NOT_WRITTEN) if reading.errno != 0 => {
            Verdict::Over((interest.not_written)(std::io::Error::from_raw_os_error(reading.errno)))
        }
        End::Signal(libc::SIGKILL) if (interest.gone)() => Verdict::Over(super::gone()),
        // Nobody else kills it like this: it is the first to go.
        End::Signal(libc::SIGKILL) => Verdict::Over(out_of_memory("the child was killed, as the kernel does")),
        End::Signal(signal) => Verdict::lost(format!("the child crashed (signal {signal})")),
        End::Exit(LOCKED) => Verdict::Lost {
            why: "the child came upon a lock that another thread held when it was made".to_owned(),
            locked: true,
        },
        End::Exit(NOT_CONTAINED) => Verdict::lost(format!(
            "the child could not be kept from acting outside itself ({})",
            std::io::Error::from_raw_os_error(reading.errno)
        )),
        End::Exit(status) => Verdict::lost(format!("the child gave up (status {status})")),
        End::Unknown => Verdict::lost("the child ended, nobody knows how"),
    }
}

fn out_of_memory(how: &str) -> Error {
    let left = memory::headroom();
    Error::memory(
        format!("memory ran short while a child wrote the snapshot: {how}"),
        Shortage {
            needed_bytes: memory::floor_bytes(0),
            available_bytes: left.map_or(0, |left| left.available_bytes),
            limit: left.map_or("machine", |left| left.limit),
        },
    )
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    state: char,
    /// Processor time.
    ticks: u64,
}

impl Sample {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `pid (name) S …`, where the name may hold anything; user and system time are fields 14 and 15.
    fn parse(stat: &str) -> Option<Self> {
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let mut time = fields.skip(10);
        let (user, system): (u64, u64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
        Some(Self {
            state,
            ticks: user + system,
        })
    }
}

/// When a child was last seen to do something.
#[derive(Debug)]
struct Pulse {
    beats: u64,
    ticks: u64,
    last_beat: Instant,
    last_sign: Instant,
}

impl Pulse {
    fn new(now: Instant) -> Self {
        Self {
            beats: 0,
            ticks: 0,
            last_beat: now,
            last_sign: now,
        }
    }

    fn stopped(&mut self, now: Instant, beats: u64, sample: Option<Sample>, stall: Duration) -> Option<String> {
        let sample = sample?;
        if beats != self.beats {
            self.beats = beats;
            self.last_beat = now;
            self.last_sign = now;
        }
        if sample.ticks != self.ticks || sample.state != 'S' {
            self.ticks = sample.ticks;
            self.last_sign = now;
        }
        let silent = now.duration_since(self.last_sign);
        let aimless = now.duration_since(self.last_beat);
        if silent >= stall {
            return Some(format!("the child stood still for {} ms", silent.as_millis()));
        }
        (aimless >= SPIN_MAX).then(|| format!("the child did not get on for {} s", aimless.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_time_come_after_a_name_that_may_hold_anything() {
        let stat = "42 (a ) R 9) S 1 2 3 4 5 6 7 8 9 10 700 25 0 0 25 5 1 0 9\n";
        let parsed = Sample { state: 'S', ticks: 725 };
        assert_eq!(Sample::parse(stat), Some(parsed));
        for text in ["", "42 (node) S 1", "42 node S"] {
            assert_eq!(Sample::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_child_that_sleeps_without_any_sign_of_life_hangs() {
        const STALL: Duration = Duration::from_secs(3);
        let cases: [(&str, char, u64, u64, Option<&str>); 5] = [
            ("asleep", 'S', 0, 0, Some("stood still")),
            ("waits for the disk", 'D', 0, 0, None),
            ("waits for a processor", 'R', 0, 0, None),
            ("takes processor time", 'S', 0, 1, None),
            ("gets on", 'S', 1, 0, None),
        ];
        for (name, state, beats, ticks, expected) in cases {
            let start = Instant::now();
            let mut pulse = Pulse::new(start);
            let mut seen = None;
            for second in 1..=10 {
                let sample = Sample {
                    state,
                    ticks: ticks * second,
                };
                let now = start + Duration::from_secs(second);
                seen = seen.or(pulse.stopped(now, beats * second, Some(sample), STALL));
            }
            assert_eq!(seen.is_some(), expected.is_some(), "{name}: {seen:?}");
            assert!(
                seen.unwrap_or_default().contains(expected.unwrap_or_default()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_child_that_spins_is_given_up_in_the_end() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        let running = |ticks| Some(Sample { state: 'R', ticks });
        assert_eq!(pulse.stopped(start + SPIN_MAX / 2, 0, running(1), STALL), None);
        assert!(pulse.stopped(start + SPIN_MAX, 0, running(2), STALL).is_some());
    }
}
