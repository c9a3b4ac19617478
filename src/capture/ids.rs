//! Which objects of the current thread keep their ids.
//!
//! V8 numbers objects as they are first seen by a snapshot. In process, what was numbered once keeps
//! its id. In a forked child the numbering is the child's: the parent never hears of it, and the next
//! child gives the same numbers to other objects. So for a live capture ids have identity only up to
//! the largest one that was given in the process itself, by an earlier snapshot or by [`prime`].

use std::cell::Cell;

use crate::v8::Isolate;

/// How ids of this thread's objects stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// How often V8 was made to number the objects anew.
    pub generation: u32,
    /// The largest id that was given in this process; 0 where none was.
    pub stable_up_to: u32,
    /// Whether ids follow objects that move.
    tracked: bool,
}

/// When ids are given to the objects that have none, so that a live capture finds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prime {
    /// Never: only what was numbered anyway keeps its id.
    #[default]
    Never,
    /// Once a thread.
    Once,
    /// Before each capture.
    Each,
}

thread_local! {
    static IDS: Cell<Ids> = Cell::default();
}

pub fn current() -> Ids {
    IDS.get()
}

/// A snapshot in this process has numbered all objects, up to `max_id` if V8 told.
pub fn numbered(max_id: Option<u32>) {
    let ids = IDS.get();
    IDS.set(Ids {
        stable_up_to: max_id.unwrap_or(0).max(ids.stable_up_to),
        tracked: true,
        ..ids
    });
}

/// V8 was made to forget all ids.
pub fn forgotten() {
    IDS.set(Ids {
        generation: IDS.get().generation + 1,
        ..Ids::default()
    });
}

/// Has V8 number the objects of `isolate`, the current one, if `prime` wants that now. It takes a
/// garbage collection and a walk through the heap.
pub fn prime(isolate: Isolate, prime: Prime) {
    let ids = IDS.get();
    let wanted = match prime {
        Prime::Never => false,
        Prime::Once => ids.stable_up_to == 0,
        Prime::Each => true,
    };
    if wanted {
        numbered(isolate.number_objects(!ids.tracked));
    }
}
