//! Looks after the memory that is left while a capture runs.

use std::time::{Duration, Instant};

use humansize::{BINARY, format_size};

use super::memory::{self, BYTES_PER_NODE, Promise};
use crate::error::{Error, Shortage};
use crate::v8;

/// How often, at most, memory is looked at; in that time V8 takes some 30 MB.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// How many times the reserve of [`memory::floor_bytes`] must be left.
const RESERVE: u64 = 1;

/// Looks at the memory that is left, now and then, so that the service outlives its snapshot.
pub struct MemoryWatch {
    enabled: bool,
    last_check: Instant,
    rss_before_bytes: u64,
    /// What was set aside for this capture.
    promise: Option<Promise>,
}

impl MemoryWatch {
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            last_check: Instant::now(),
            rss_before_bytes: memory::rss_bytes(),
            promise: None,
        }
    }

    /// Whether a heap of this size could take more than there is.
    pub fn can_run_short(&self, small_objects_bytes: u64) -> bool {
        self.enabled
            && memory::headroom()
                .is_some_and(|headroom| memory::decide(memory::most_bytes(small_objects_bytes), headroom).is_err())
    }

    /// Will it fit to let V8 count the objects?
    pub fn admit_counting(&mut self, small_objects_bytes: u64) -> Result<(), Error> {
        let bytes = memory::counting_bytes(v8::major_version(), small_objects_bytes);
        self.set_aside(bytes, "counting the objects of the heap")
    }

    /// V8 has counted: will what it takes for a snapshot fit?
    pub fn admit(&mut self, nodes: u64) -> Result<(), Error> {
        self.promise = None; // what counting took is taken, or given back
        self.set_aside(nodes * BYTES_PER_NODE, &format!("a snapshot of {nodes} objects"))
    }

    fn set_aside(&mut self, bytes: u64, purpose: &str) -> Result<(), Error> {
        if !self.enabled {
            return Ok(());
        }
        let promise = Promise::make(bytes, memory::headroom()).map_err(|shortage| {
            Error::memory(
                format!(
                    "{purpose} needs about {} of memory, {} are left ({})",
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

    /// Is there still enough left, with what this process has taken since the beginning?
    pub fn check(&mut self) -> Result<(), Error> {
        let before = self.rss_before_bytes;
        self.check_against(RESERVE, || memory::rss_bytes().saturating_sub(before))
    }

    /// Is there still `reserve` times of what is kept for the service, with so much taken?
    pub fn check_against(&mut self, reserve: u64, taken_bytes: impl FnOnce() -> u64) -> Result<(), Error> {
        let now = Instant::now();
        if !self.enabled || now.duration_since(self.last_check) < CHECK_INTERVAL {
            return Ok(());
        }
        self.last_check = now;
        let Some(headroom) = memory::headroom() else {
            return Ok(());
        };
        let taken_bytes = taken_bytes();
        let floor_bytes = memory::floor_bytes(taken_bytes) * reserve;
        if headroom.available_bytes >= floor_bytes {
            return Ok(());
        }
        Err(Error::memory(
            format!(
                "memory ran short: the snapshot had taken {}, {} were left ({})",
                format_size(taken_bytes, BINARY),
                format_size(headroom.available_bytes, BINARY),
                headroom.limit
            ),
            Shortage {
                needed_bytes: floor_bytes,
                available_bytes: headroom.available_bytes,
                limit: headroom.limit,
            },
        ))
    }
}
