//! What is shown: results of the analysis as values that become text for a terminal, JSON, or a page of HTML.
//!
//! A report is built from results, once, and then rendered: [`Report::text`] for people, [`write_json`]
//! for programs; [`write_page`] for a browser. All are pure functions; width and colour come in with the [`Page`].
//!
//! ```no_run
//! use rs_heapdump::analysis::{Classes, Interfaces};
//! use rs_heapdump::graph::Heap;
//! use rs_heapdump::report::{Page, Report, Selection, SortSummary, Summary};
//! use rs_heapdump::snapshot::{OpenOptions, Snapshot};
//!
//! let snapshot = Snapshot::open("app.heapsnapshot".as_ref(), &OpenOptions::default())?;
//! let classes = Classes::build(&snapshot, &Interfaces::infer(&snapshot));
//! let selection = Selection { sort: SortSummary::Retained, top: Some(20), filter: None };
//! let summary = Summary::build("app.heapsnapshot", &Heap::build(snapshot), &classes, &selection);
//! let table = summary.text(&Page { width: 80, color: false });
//! # Ok::<(), rs_heapdump::snapshot::SnapshotError>(())
//! ```
//!
//! # Text
//!
//! Numbers stand left, in columns; names stand last and take what room there is. A row is a line. Where
//! the page is narrow, columns that matter less are left out before names are cut. What comes from the
//! heap is hostile: control, bidirectional and invisible characters are shown by their codes.
//!
//! # JSON, version 1
//!
//! Fields may be added, never changed or removed. Sizes are bytes. Lines and columns count from 1. `script`
//! is `{"file","line","column"}` or null; its `file` is null where no closure of the script is left to tell.
//!
//! | report | beside `"version": 1` |
//! |---|---|
//! | [`Info`] | `file`, `file_bytes`, `compression`, `nodes`, `edges`, `extra_native_bytes`, `allocation_traces`, `node_types`, `provenance` (an object or null), `analysis_memory_bytes`: `{summary, diff}` |
//! | [`Snapshots`] | `snapshots`: `[{pid, by, path, bytes, nodes, edges, pause_ms, duration_ms, mode, thread_id, fallback, seen_as}]`, `by` being `addon` or `inspector`; `seen_as` is the path as seen from here, where the process has other mounts, or null |
//! | [`Processes`] | `processes`: `[{pid, user, node_version, rss_bytes, addon, script, own_pid}]`, `addon` being `listening`, `loaded` or `missing` |
//! | [`DoctorHere`] | `here`: `{version, node, mode, threads, capabilities}`, the last `[{name, available, detail, hint}]` |
//! | [`Doctor`] | `process`, as of `Processes`; `addon`, as `here`, or null; `addon_obstacle` and `inspector_obstacle`: `{code, message, hint}` or null; `inspector_open` |
//! | [`Summary`] | `snapshot`, `totals`: `{classes, count, shallow_bytes}`, `classes`: `[{name, script, count, shallow_bytes, retained_bytes, distance}]` |
//! | [`Diff`] | `snapshots`: a list of `snapshot`, `ids`: `comparable`, `partly`, `different-process` or `unstable`, `totals`: `{classes, added, removed, delta, added_bytes, removed_bytes, delta_bytes}`, `classes`: `[{name, script, added, removed, delta, added_bytes, removed_bytes, delta_bytes, counts, samples}]`, `samples` being ids of a few new objects |
//! | [`Dominators`] | `snapshot`, `dominated_by`: objects from the nearest one up, `nodes`: objects in preorder, with `depth`, `parent` (an id or null), `edge` (or null), `skipped` (nodes of a list between parent and this one), and of the dominated nodes that are not listed `more_count` and `more_bytes` |
//! | [`LeakReport`] | `snapshots`, `ids`, as of `Diff`; `growth`: `{bytes, explained_bytes}`, `bytes` being what the root retains in each snapshot; `notes`: texts; `suspects`: `[{rank, cause, name, why, advice, owner, owner_id, counts, retained_bytes, grows: {class, counts}, sample_keys, source, holder, frames, kept_variables, path, samples}]`. `counts` and `retained_bytes` have a figure for each snapshot; `source` and `holder` are `{file, line, column, function}` (and `generated`, where a source map led to it) or null; `frames` are `{of, file, line, column, first_line, lines, warning}`; `path` leads from a root to the owner and one sample, `[{edge, node, class, id, script}]` |
//! | [`Redacted`] | `file`, `redacted` and `redacted_bytes` of the file written, `policy`, `nodes`, `contents_replaced`, `names_replaced`, `names_kept` |
//! | [`Retainers`] | `snapshot`, `target`: `{class, count, sampled, shallow_bytes, retained_bytes, object}`, `kept_only_by` (an object or null), `paths`: `[{objects, example, omitted, path}]`, each `path` a list of objects from a root with `edge` (or null), `class`, `node` (the name) and `sole`; `omitted` steps are missing in its middle; `objects` is 0 for a further path of the same `example` |
//!
//! `snapshot` is `{file, nodes, edges, bytes, file_bytes}`, where `bytes` are those of the heap. An object
//! is `{id, name, type, script, shallow_bytes, retained_bytes, distance}`. `distance` is null for what only
//! V8 itself, or nothing, reaches; `edge` where V8 merely counts.
//!
//! # Cost
//!
//! Proportional to the classes or nodes that are looked at for it; of long strings only what is shown is kept.

mod captured;
mod diff;
mod doctor;
mod dominators;
mod facts;
mod html;
mod info;
mod json;
mod leaks;
mod object;
mod processes;
mod redacted;
mod retainers;
mod script;
mod select;
mod summary;
mod table;
mod text;

use anstyle::{AnsiColor, Style};

pub use captured::Snapshots;
pub use diff::{ClassChange, Diff, DiffBuilder, SortDiff};
pub use doctor::{Doctor, DoctorHere};
pub use dominators::{Dominators, TreeOptions};
pub use facts::SnapshotFacts;
pub use html::{MOST_CLASSES, PageWritten, write_page};
pub use info::Info;
pub use json::write as write_json;
pub use leaks::{CodeFrame, KeptVariable, LeakReport, Line, SuspectRow};
pub use object::{Object, Objects};
pub use processes::Processes;
pub use redacted::Redacted;
pub use retainers::{Retainers, Target};
pub use script::{Script, Scripts};
pub use select::Selection;
pub use summary::{ClassRow, SortSummary, Summary};
pub use text::{shell_word, shown};

/// Where text is shown.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// In columns.
    pub width: usize,
    /// Whether it may have colours.
    pub color: bool,
}

/// Something that can be shown.
pub trait Report: serde::Serialize {
    /// As a person reads it; ends with a line end.
    fn text(&self, page: &Page) -> String;
}

const PLAIN: Style = Style::new();
const HEADING: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GROWTH: Style = AnsiColor::Red.on_default();
const SHRINKAGE: Style = AnsiColor::Green.on_default();
const ACCENT: Style = AnsiColor::Cyan.on_default();

impl Page {
    /// `text` in this style, if the page has colours.
    fn paint(&self, style: Style, text: &str) -> String {
        if self.color && style != PLAIN && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// The last line: what one would do next.
    fn next(&self, command: &str) -> String {
        self.paint(DIM, &format!("next: rs-heapdump {command}")) + "\n"
    }
}
