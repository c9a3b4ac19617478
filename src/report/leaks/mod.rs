//! `leaks`: what grows and will not stop, who holds it, which line, and what to do.
//!
//! The first suspect is told in full, with its lines of source where they were found; the others in brief, so
//! that the usual answer fits one screen ([`shown`]). JSON has everything about each.

mod shown;

use std::fmt::Write;

use serde::Serialize;

use super::{Objects, Script, SnapshotFacts, select, text};
use crate::analysis::leaks::{Leaks, Shared, Suspect};
use crate::analysis::{Comparability, Source};
use crate::graph::Heap;

/// Steps of a path in JSON; of longer ones the middle is left out.
const MAX_STEPS: usize = 200;

/// A line of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Path or URL.
    pub file: Option<String>,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Function or constructor; empty if it has no name.
    pub function: String,
    /// Where this is in the file that ran, if a source map led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<Box<Line>>,
}

impl Line {
    fn of(source: &Source) -> Self {
        Self {
            file: source.file.clone(),
            line: source.line,
            column: source.column,
            function: source.function.clone(),
            generated: None,
        }
    }

    /// `outClosure3 (app.js:8:23)`
    fn called(&self) -> String {
        let name = match self.function.as_str() {
            "" => "a function",
            name => name,
        };
        let file = self.file.as_deref().unwrap_or_default();
        let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
        format!("{name} ({file}:{}:{})", self.line, self.column)
    }

    fn text(&self) -> String {
        let file = self.file.as_deref().unwrap_or("(unknown script)");
        let file = file.strip_prefix("file://").unwrap_or(file);
        format!("{}:{}:{}", text::shown(file), self.line, self.column)
    }
}

/// Lines around a place, as they stand in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeFrame {
    /// `source` or `holder`.
    pub of: &'static str,
    /// The file the lines are from.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Number of the first line given.
    pub first_line: u32,
    /// The lines.
    pub lines: Vec<String>,
    /// Why they may not be what ran.
    pub warning: Option<String>,
}

/// A variable that a function keeps, and who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptVariable {
    /// The variable.
    pub name: String,
    /// Whether the function that keeps it uses it.
    pub used_by_keeper: bool,
    /// Functions made beside it that use the variable.
    pub used_by: Vec<Line>,
}

/// A step of a suspect's path.
#[derive(Clone, Debug, Serialize)]
struct Step {
    edge: Option<String>,
    node: String,
    class: String,
    id: u32,
    script: Option<Script>,
}

/// What grows.
#[derive(Clone, Debug, Serialize)]
struct Grows {
    class: String,
    counts: Vec<u64>,
}

/// A suspect, ready to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct SuspectRow {
    pub(super) rank: usize,
    cause: &'static str,
    name: &'static str,
    why: String,
    advice: String,
    pub(super) owner: String,
    /// The owner's id.
    owner_id: u32,
    counts: Vec<u64>,
    pub(super) retained_bytes: Vec<u64>,
    grows: Grows,
    sample_keys: Vec<String>,
    /// The closure or constructor that makes what leaks.
    pub source: Option<Line>,
    /// The function or module whose variables hold the owner.
    pub holder: Option<Line>,
    /// Filled in by whoever may read files.
    pub frames: Vec<CodeFrame>,
    /// … as well: what the function that leaks keeps, and for whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_variables: Vec<KeptVariable>,
    /// The function, and variables to be looked for in its file.
    #[serde(skip)]
    pub(crate) shared: Option<Shared>,
    path: Vec<Step>,
    samples: Vec<u32>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Growth {
    pub(super) bytes: Vec<u64>,
    explained_bytes: u64,
}

/// The suspects of a series of snapshots.
#[derive(Clone, Debug, Serialize)]
pub struct LeakReport {
    snapshots: Vec<SnapshotFacts>,
    ids: &'static str,
    pub(super) growth: Growth,
    notes: Vec<String>,
    /// The most suspicious first.
    pub suspects: Vec<SuspectRow>,
}

impl LeakReport {
    /// Of snapshots in order, the last of which is at hand; `filter` and `top` choose among the suspects.
    #[must_use]
    pub fn build(
        snapshots: Vec<SnapshotFacts>,
        heap: &Heap,
        leaks: &Leaks,
        top: Option<usize>,
        filter: Option<&str>,
    ) -> Self {
        let objects = Objects::new(heap);
        let rows = leaks.suspects.iter().map(|suspect| SuspectRow::new(&objects, suspect));
        let wanted = filter.map(select::Filter::new);
        let rows = rows.filter(|row| wanted.as_ref().is_none_or(|filter| row.matches(filter)));
        let mut suspects: Vec<SuspectRow> = rows.take(top.unwrap_or(usize::MAX)).collect();
        for (at, suspect) in suspects.iter_mut().enumerate() {
            suspect.rank = at + 1;
        }
        Self {
            snapshots,
            ids: leaks.ids.as_str(),
            growth: Growth {
                bytes: leaks.total_bytes.clone(),
                explained_bytes: leaks.explained_bytes,
            },
            notes: leaks.notes.clone(),
            suspects,
        }
    }

    /// When the last snapshot was taken, if it says so.
    #[must_use]
    pub fn taken(&self) -> Option<&str> {
        self.snapshots.last()?.time.as_deref()
    }

    /// What is to be said where ids cannot be compared.
    #[must_use]
    pub fn doubt(&self) -> Option<(&'static str, &'static str)> {
        (self.ids != Comparability::Comparable.as_str()).then_some((
            "not all object ids of these snapshots compare: objects are told again by their places",
            "snapshots of one process, without a restart and without numbering objects anew between them, tell more; \
             live ones with comparable: 'each'",
        ))
    }
}

impl SuspectRow {
    fn new(objects: &Objects<'_>, suspect: &Suspect) -> Self {
        let snapshot = objects.heap().snapshot();
        let omitted = suspect.path.len().saturating_sub(MAX_STEPS);
        let (head, tail) = if omitted > 0 {
            (&suspect.path[..MAX_STEPS / 2], &suspect.path[MAX_STEPS / 2 + omitted..])
        } else {
            (suspect.path.as_slice(), &[][..])
        };
        let steps = head.iter().chain(tail).map(|step| {
            let object = objects.describe(step.node);
            Step {
                edge: objects.edge(step.source, snapshot.edge(step.edge)),
                node: object.name,
                class: snapshot
                    .strings()
                    .get(snapshot.name(step.node))
                    .chars()
                    .take(256)
                    .collect(),
                id: object.id,
                script: object.script,
            }
        });
        Self {
            rank: 0,
            cause: suspect.cause,
            name: suspect.name,
            why: suspect.why.clone(),
            advice: suspect.advice.clone(),
            owner: suspect.owner.clone(),
            owner_id: snapshot.id(suspect.owner_node).0,
            counts: suspect.counts.clone(),
            retained_bytes: suspect.retained_bytes.clone(),
            grows: Grows {
                class: suspect.grows.class.clone(),
                counts: suspect.grows.counts.clone(),
            },
            sample_keys: suspect.sample_keys.clone(),
            source: suspect.source.as_ref().map(Line::of),
            holder: suspect.holder.as_ref().map(Line::of),
            frames: Vec::new(),
            kept_variables: Vec::new(),
            shared: suspect.shared.clone(),
            path: steps.collect(),
            samples: suspect.samples.iter().map(|node| snapshot.id(*node).0).collect(),
        }
    }

    /// Says who uses the variables that are kept.
    pub(crate) fn explain(&mut self, kept: Vec<KeptVariable>) {
        for variable in kept.iter().filter(|variable| !variable.used_by.is_empty()) {
            let users: Vec<String> = variable.used_by.iter().map(Line::called).collect();
            let not = if variable.used_by_keeper {
                " as well"
            } else {
                ", not by what keeps it"
            };
            let _ = write!(self.why, " {} is used by {}{not}.", variable.name, users.join(" and "));
        }
        let for_others = kept
            .iter()
            .filter(|variable| !variable.used_by_keeper && !variable.used_by.is_empty());
        let names: Vec<&str> = for_others.map(|variable| variable.name.as_str()).collect();
        if !names.is_empty() {
            let _ = write!(
                self.advice,
                " Make the function that stays where {} is not in sight, or let the other one have it as an argument.",
                names.join(", ")
            );
        }
        self.kept_variables = kept;
    }

    fn matches(&self, filter: &select::Filter) -> bool {
        let places = [&self.source, &self.holder].into_iter().flatten().map(Line::text);
        let [owner, cause, class] = [self.owner.as_str(), self.cause, self.grows.class.as_str()];
        [owner, cause, class].into_iter().any(|text| filter.is_in(text))
            || places.into_iter().any(|place| filter.is_in(&place))
    }
}
