//! Snapshots that JavaScript has opened: each question is answered on a thread of its own, and the
//! answer crosses over as JSON, the same as the command line's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use super::convert::JsFailure;
use super::shelf::Shelf;
use crate::error::{Code, Error};
use crate::files::{Nobody, Opened, Reading, Wanted, hunt};
use crate::report::{Selection, SortDiff, SortSummary, write_json};

thread_local! {
    /// Of this thread's environment.
    static OPENED: Arc<Shelf<Opened>> = Arc::default();
}

/// The environment of this thread ends, and takes along what it has opened.
pub fn leave() {
    let _ = OPENED.try_with(|shelf| shelf.clear());
}

/// JSON, or why there is none.
#[napi(object)]
pub struct JsAnswer {
    pub json: Option<String>,
    pub handle: Option<u32>,
    pub failure: Option<JsFailure>,
}

type Answer = std::result::Result<(String, Option<u32>), Error>;

impl From<Answer> for JsAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok((json, handle)) => Self {
                json: Some(json),
                handle,
                failure: None,
            },
            Err(error) => Self {
                json: None,
                handle: None,
                failure: Some((&error).into()),
            },
        }
    }
}

/// Rows to answer with, as `index.js` has checked.
#[napi(object)]
pub struct JsSelection {
    pub sort: Option<String>,
    pub top: Option<u32>,
    pub filter: Option<String>,
}

impl JsSelection {
    fn select<K>(self, sort: K) -> Selection<K> {
        Selection {
            sort,
            top: self.top.map(|top| top as usize),
            filter: self.filter,
        }
    }
}

/// Reads a file; `done` gets a handle, and the facts.
#[napi(catch_unwind)]
pub fn open_snapshot(file: String, salvage: bool, redact: bool, done: Function<JsAnswer, ()>) -> Result<()> {
    let shelf = shelf();
    answer(done, move || {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let opened = Opened::open(Path::new(&file), Reading::new(salvage, redact)?, &Nobody)?;
        let json = json(&opened.facts())?;
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        if shelf.put(handle, opened) {
            Ok((json, Some(handle)))
        } else {
            Err(Error::new(
                Code::Aborted,
                "the thread that opened the snapshot has ended",
            ))
        }
    })
}

/// Lets go of a snapshot.
#[napi(catch_unwind)]
pub fn close_snapshot(handle: u32) {
    shelf().remove(handle);
}

#[napi(catch_unwind)]
pub fn summarize_snapshot(handle: u32, rows: JsSelection, done: Function<JsAnswer, ()>) -> Result<()> {
    let shelf = shelf();
    answer(done, move || {
        let sort = match rows.sort.as_deref() {
            Some("shallow") => SortSummary::Shallow,
            Some("count") => SortSummary::Count,
            Some("distance") => SortSummary::Distance,
            Some("name") => SortSummary::Name,
            _ => SortSummary::Retained,
        };
        Ok((json(&find(&shelf, handle)?.summary(&rows.select(sort)))?, None))
    })
}

#[napi(catch_unwind)]
pub fn diff_snapshots(handle: u32, later: String, rows: JsSelection, done: Function<JsAnswer, ()>) -> Result<()> {
    let shelf = shelf();
    answer(done, move || {
        let sort = match rows.sort.as_deref() {
            Some("delta") => SortDiff::Delta,
            Some("added") => SortDiff::Added,
            Some("removed") => SortDiff::Removed,
            Some("addedBytes") => SortDiff::AddedBytes,
            Some("removedBytes") => SortDiff::RemovedBytes,
            Some("count") => SortDiff::Count,
            Some("name") => SortDiff::Name,
            _ => SortDiff::DeltaBytes,
        };
        let diff = find(&shelf, handle)?.diff(Path::new(&later), &rows.select(sort))?;
        Ok((json(&diff)?, None))
    })
}

#[napi(catch_unwind)]
pub fn retainers_in_snapshot(
    handle: u32,
    id: Option<u32>,
    class_name: Option<String>,
    top: Option<u32>,
    done: Function<JsAnswer, ()>,
) -> Result<()> {
    let shelf = shelf();
    answer(done, move || {
        let wanted = match (id, class_name) {
            (Some(id), _) => Wanted::Id(id),
            (None, class) => Wanted::Class(class.unwrap_or_default()),
        };
        let top = top.map_or(usize::MAX, |top| top as usize);
        Ok((json(&find(&shelf, handle)?.retainers(&wanted, top)?)?, None))
    })
}

/// Looks for what grows through files of one process.
#[napi(catch_unwind)]
pub fn find_leaks(
    files: Vec<String>,
    top: Option<u32>,
    filter: Option<String>,
    salvage: bool,
    redact: bool,
    done: Function<JsAnswer, ()>,
) -> Result<()> {
    answer(done, move || {
        let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
        let wanted = hunt::Wanted {
            top: top.map(|top| top as usize),
            filter,
        };
        let report = hunt::run(&files, Reading::new(salvage, redact)?, &wanted, &Nobody)?;
        Ok((json(&report)?, None))
    })
}

fn shelf() -> Arc<Shelf<Opened>> {
    OPENED.with(Arc::clone)
}

fn find(shelf: &Shelf<Opened>, handle: u32) -> std::result::Result<Arc<Opened>, Error> {
    shelf
        .find(handle)
        .ok_or_else(|| Error::new(Code::Argument, "the snapshot is closed"))
}

fn json<R: serde::Serialize>(report: &R) -> std::result::Result<String, Error> {
    let mut text = Vec::new();
    write_json(report, &mut text)
        .ok()
        .and_then(|()| String::from_utf8(text).ok())
        .ok_or_else(|| Error::new(Code::Format, "the report cannot be written as JSON"))
}

/// Has `work` done beside the event loop, and `done` told on it.
fn answer(done: Function<JsAnswer, ()>, work: impl FnOnce() -> Answer + Send + 'static) -> Result<()> {
    let done = done
        .build_threadsafe_function::<JsAnswer>()
        .build_callback(|context| Ok(context.value))?;
    let done = Arc::new(done);
    let told = Arc::clone(&done);
    let begun = super::beside_loop("heapdump-read", move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
            .unwrap_or_else(|payload| Err(Error::panicked(&*payload)));
        told.call(outcome.into(), ThreadsafeFunctionCallMode::NonBlocking);
    });
    if let Err(error) = begun {
        let outcome: Answer = Err(Error::no_thread(&error, None));
        done.call(outcome.into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
    Ok(())
}
