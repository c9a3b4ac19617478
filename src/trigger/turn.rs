//! The wishes for one thread's captures: one under way, at most one after it.

/// Where a thread stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is wanted.
    #[default]
    Idle,
    /// A capture is wanted and has not begun.
    Wanted,
    /// A capture is under way; `again` says that another is wanted after it.
    Running { again: bool },
}

/// What a wish leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A capture; the thread has to be told.
    Start,
    /// A capture once the one under way has ended.
    Later,
    /// Nothing more: a capture that has not begun answers this wish too.
    Coalesced,
}

impl Turn {
    /// A capture is wanted.
    pub fn want(&mut self) -> Answer {
        let (next, answer) = match *self {
            Self::Idle => (Self::Wanted, Answer::Start),
            Self::Running { again: false } => (Self::Running { again: true }, Answer::Later),
            waiting => (waiting, Answer::Coalesced),
        };
        *self = next;
        answer
    }

    /// The thread is ready; answers whether it is to capture now.
    pub fn begin(&mut self) -> bool {
        let wanted = *self == Self::Wanted;
        if wanted {
            *self = Self::Running { again: false };
        }
        wanted
    }

    /// The capture has ended; answers whether the thread has to be told of another.
    pub fn end(&mut self) -> bool {
        let again = *self == Self::Running { again: true };
        *self = if again { Self::Wanted } else { Self::Idle };
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wishes_become_one_capture_and_one_more() {
        let mut turn = Turn::default();
        assert_eq!(turn.want(), Answer::Start);
        assert_eq!(turn.want(), Answer::Coalesced);
        assert!(turn.begin());
        assert!(!turn.begin(), "interrupt and wake-up: the first one captures");
        assert_eq!(turn.want(), Answer::Later);
        assert_eq!(turn.want(), Answer::Coalesced);
        assert!(turn.end());
        assert_eq!(turn.want(), Answer::Coalesced);
        assert!(turn.begin());
        assert!(!turn.end());
        assert_eq!(turn, Turn::Idle);
        assert!(!turn.begin());
    }
}
