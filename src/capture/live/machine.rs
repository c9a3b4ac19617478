//! The states of a live capture, pure.
//!
//! ```text
//! Prepare ──ready──▶ WaitQuiet ──overdue──▶ Late
//!                    ▲ │ ▲ busy │             │
//!                    │ │ └──────┘             │
//!                    │ └───────forked─────────┴──▶ Child ──whole──▶ Done
//!                    └─lost (two times at most), locked (nine)─┤
//!                  refused, or lost for good ──▶ Fallback ◀────┘
//! ```
//!
//! A child that was forked late is not followed by another.
//!
//! `Over` (a limit, memory, a full disk, the thread's end) leads to `Failed` from anywhere: capturing
//! in another way would fail for the same reason, or is not wanted any more.

/// Forks of one capture, where children crash or hang.
pub const FORKS_MAX: u32 = 3;
/// And where they come upon a lock, which is seen at once, and is another thread's for a moment only.
pub const FORKS_MAX_LOCKED: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Finding out whether it can work; everything that takes time and not the captured thread.
    Prepare,
    /// Asking the captured thread, again and again, to fork as soon as V8's workers are idle.
    WaitQuiet,
    /// The same, whether they are idle or not.
    Late,
    /// A child is at work.
    Child,
    /// The file is whole.
    Done,
    /// In another way, or not at all.
    Fallback,
    /// There is nothing to be done.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It can work.
    Ready,
    /// V8's workers were at work.
    Busy,
    /// They were for too long.
    Overdue,
    /// There is a child.
    Forked,
    /// The system refused to make one.
    Refused,
    /// The child wrote the whole file.
    Whole,
    /// The child crashed or hung.
    Lost,
    /// The child came upon a lock that a thread of its parent held at the fork.
    Locked,
    /// Broken off.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    pub state: State,
    pub forks: u32,
    /// The child under way was forked although V8's workers were at work.
    late: bool,
}

impl Machine {
    pub fn new() -> Self {
        Self {
            state: State::Prepare,
            forks: 0,
            late: false,
        }
    }

    pub fn on(&mut self, event: Event) {
        self.state = match (self.state, event) {
            (_, Event::Over) => State::Failed,
            (State::Prepare, Event::Ready) | (State::WaitQuiet, Event::Busy) => State::WaitQuiet,
            (State::WaitQuiet, Event::Overdue) => State::Late,
            (State::WaitQuiet | State::Late, Event::Forked) => {
                self.forks += 1;
                self.late = self.state == State::Late;
                State::Child
            }
            (State::Child, Event::Whole) => State::Done,
            (State::Child, Event::Lost) if self.forks < FORKS_MAX && !self.late => State::WaitQuiet,
            (State::Child, Event::Locked) if self.forks < FORKS_MAX_LOCKED && !self.late => State::WaitQuiet,
            _ => State::Fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Event::{Busy, Forked, Locked, Lost, Over, Overdue, Ready, Refused, Whole};

    #[test]
    fn every_way_through() {
        let cases: [(&str, &[Event], State, u32); 13] = [
            ("at once", &[Ready, Forked, Whole], State::Done, 1),
            ("after a wait", &[Ready, Busy, Busy, Forked, Whole], State::Done, 1),
            ("no fork", &[Ready, Refused], State::Fallback, 0),
            (
                "the second child",
                &[Ready, Forked, Lost, Busy, Forked, Whole],
                State::Done,
                2,
            ),
            (
                "the third child",
                &[Ready, Forked, Lost, Forked, Lost, Forked, Whole],
                State::Done,
                3,
            ),
            (
                "no fourth",
                &[Ready, Forked, Lost, Forked, Lost, Forked, Lost],
                State::Fallback,
                3,
            ),
            (
                "locks, and then none",
                &[Ready, Forked, Locked, Forked, Locked, Forked, Locked, Forked, Whole],
                State::Done,
                4,
            ),
            (
                "locks do not make more of crashes",
                &[Ready, Forked, Locked, Forked, Locked, Forked, Lost],
                State::Fallback,
                3,
            ),
            ("never quiet", &[Ready, Busy, Overdue, Forked, Whole], State::Done, 1),
            (
                "a late fork is not tried again",
                &[Ready, Overdue, Forked, Lost],
                State::Fallback,
                1,
            ),
            ("late, and no fork", &[Ready, Overdue, Refused], State::Fallback, 0),
            ("broken off while waiting", &[Ready, Busy, Over], State::Failed, 0),
            ("broken off with a child", &[Ready, Forked, Over], State::Failed, 1),
        ];
        for (name, events, state, forks) in cases {
            let mut machine = Machine::new();
            for event in events {
                machine.on(*event);
            }
            assert_eq!((machine.state, machine.forks), (state, forks), "{name}");
        }
    }
}
