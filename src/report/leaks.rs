//! `leaks`: what grows and will not stop, who holds it, which line, and what to do.
//!
//! The first suspect is told in full, with its lines of source where they were found; the others in brief, so
//! that the usual answer fits one screen. JSON has everything about each.

use std::fmt::Write;

use serde::Serialize;

use super::table::Label;
use super::{ACCENT, DIM, GROWTH, HEADING, Objects, Page, Report, SnapshotFacts, text};
use crate::analysis::leaks::{Leaks, Shared, Suspect};
use crate::analysis::{Comparability, Source};
use crate::graph::Heap;

/// Steps of a path in JSON; of longer ones the middle is left out.
const MAX_STEPS: usize = 200;
/// Text is broken into lines of at most so many columns.
const MAX_TEXT_WIDTH: usize = 110;
/// Of the path so many last steps are shown.
const MAX_PATH_LINES: usize = 8;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<super::Script>,
}

/// What grows.
#[derive(Clone, Debug, Serialize)]
struct Grows {
    class: String,
    count: Vec<u64>,
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
        let wanted = filter.map(super::select::Filter::new);
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

    fn heading(&self, page: &Page) -> String {
        let mut out = String::new();
        if let Some(last) = self.snapshots.last() {
            out += &last.heading(page);
        }
        let bytes = &self.growth.bytes;
        let grown = match bytes.as_slice() {
            [first, .., last] => last.cast_signed() - first.cast_signed(),
            _ => 0,
        };
        let line = format!(
            "{} snapshots: {} ({})",
            bytes.len(),
            series(bytes, text::size),
            text::size_delta(grown)
        );
        out += &text::cut_end(&line, page.width);
        if !self.suspects.is_empty() && grown > 0 {
            let share = text::percent(self.growth.explained_bytes, grown.unsigned_abs());
            let _ = write!(out, "\nof what came {share} is explained below");
        }
        out + "\n"
    }

    fn next(&self, page: &Page) -> String {
        let file = |at: Option<&SnapshotFacts>| {
            at.and_then(|facts| text::shell_word(&facts.file))
                .unwrap_or_else(|| "FILE".to_owned())
        };
        let last = file(self.snapshots.last());
        match self.suspects.first() {
            Some(suspect) => {
                let id = suspect.samples.first().copied().unwrap_or(suspect.owner_id);
                page.next(&format!("retainers {last} --id {id}"))
            }
            None => page.next(&format!("diff {} {last}", file(self.snapshots.first()))),
        }
    }
}

/// `50 → 250 → 850`
fn series(values: &[u64], show: impl Fn(u64) -> String) -> String {
    let values: Vec<String> = values.iter().map(|value| show(*value)).collect();
    values.join(" → ")
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
                source: object.script,
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
                count: suspect.grows.counts.clone(),
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

    fn matches(&self, filter: &super::select::Filter) -> bool {
        let lines = [&self.source, &self.holder].into_iter().flatten();
        let mut places = lines.map(Line::text);
        filter.is_in_class(&self.owner, None)
            || filter.is_in_class(self.cause, None)
            || filter.is_in_class(&self.grows.class, None)
            || places.any(|place| filter.is_in_class(&place, None))
    }

    /// Rank, owner and cause.
    fn title(&self, page: &Page) -> String {
        let rank = format!("{}  ", self.rank);
        let cause = format!("  {}", self.name);
        let room = page
            .width
            .saturating_sub(text::width(&rank) + text::width(&cause))
            .max(16);
        let owner = text::cut_end(&text::shown(&self.owner), room);
        format!(
            "\n{rank}{}{}\n",
            page.paint(HEADING, &owner),
            page.paint(GROWTH, &cause)
        )
    }

    fn fact(page: &Page, label: &str, fact: &str) -> String {
        let room = page.width.saturating_sub(14);
        format!(
            "   {}{}\n",
            page.paint(DIM, &format!("{label:<11}")),
            text::cut_end(fact, room)
        )
    }

    fn place(page: &Page, label: &str, line: &Line) -> String {
        let name = match line.function.as_str() {
            "" => "(anonymous)".to_owned(),
            name => text::shown(name),
        };
        let mut place = Label::new(&name, Some(line.text()));
        place.name.style = ACCENT;
        let spans = place.fit(page.width.saturating_sub(14));
        let spans: String = spans.iter().map(|span| page.paint(span.style, &span.text)).collect();
        format!("   {}{spans}\n", page.paint(DIM, &format!("{label:<11}")))
    }

    fn figures(&self, page: &Page) -> String {
        let mut out = Self::fact(
            page,
            "grows",
            &format!(
                "{}  {}",
                series(&self.counts, text::count),
                text::shown(&self.grows.class)
            ),
        );
        out += &Self::fact(page, "retained", &series(&self.retained_bytes, text::size));
        if !self.sample_keys.is_empty() {
            let keys: Vec<String> = self
                .sample_keys
                .iter()
                .map(|key| format!("{:?}", text::shown(key)))
                .collect();
            out += &Self::fact(page, "keys", &keys.join(", "));
        }
        out
    }

    fn places(&self, page: &Page) -> String {
        let mut out = String::new();
        if let Some(source) = &self.source {
            out += &Self::place(page, "made at", source);
        }
        if let Some(holder) = self
            .holder
            .as_ref()
            .filter(|holder| Some(*holder) != self.source.as_ref())
        {
            out += &Self::place(page, "held by", holder);
        }
        out
    }

    fn full(&self, page: &Page) -> String {
        let mut out = self.title(page) + &self.figures(page) + &self.places(page);
        for frame in self.frames.iter().take(1) {
            out += &frame.text(page);
        }
        out += &wrapped(page, "why", &self.why);
        out += &wrapped(page, "what to do", &self.advice);
        out + &self.way(page)
    }

    fn brief(&self, page: &Page) -> String {
        self.title(page) + &self.figures(page) + &self.places(page)
    }

    /// The last steps of the path.
    fn way(&self, page: &Page) -> String {
        let skipped = self.path.len().saturating_sub(MAX_PATH_LINES);
        let mut out = String::new();
        for (at, step) in self.path[skipped..].iter().enumerate() {
            let label = if at == 0 { "path" } else { "" };
            let edge = step
                .edge
                .as_deref()
                .map(|edge| format!("{}: ", text::shown(edge)))
                .unwrap_or_default();
            out += &Self::fact(page, label, &format!("{edge}{} @{}", text::shown(&step.node), step.id));
        }
        out
    }
}

/// Text under a label, broken into lines.
fn wrapped(page: &Page, label: &str, content: &str) -> String {
    let room = page.width.min(MAX_TEXT_WIDTH).saturating_sub(14).max(20);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text::shown(content).split(' ') {
        let word = text::cut_end(word, room);
        let last = lines.len() - 1;
        if !lines[last].is_empty() && text::width(&lines[last]) + 1 + text::width(&word) > room {
            lines.push(word);
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(&word);
        }
    }
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        let _ = writeln!(out, "   {}{line}", page.paint(DIM, &format!("{label:<11}")));
    }
    out
}

impl CodeFrame {
    fn text(&self, page: &Page) -> String {
        let digits = (self.first_line as usize + self.lines.len()).to_string().len();
        let mut out = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            let number = self.first_line + at as u32;
            let is_it = number == self.line;
            let mark = if is_it { ">" } else { " " };
            let line = text::cut_end(
                &text::shown(&line.replace('\t', "  ")),
                page.width.saturating_sub(digits + 10),
            );
            let line = format!("{mark} {number:>digits$} | {line}");
            let style = if is_it { ACCENT } else { DIM };
            let _ = writeln!(out, "      {}", page.paint(style, line.trim_end()));
        }
        if let Some(warning) = &self.warning {
            out += &SuspectRow::fact(page, "warning", &text::shown(warning));
        }
        out
    }
}

impl Report for LeakReport {
    fn text(&self, page: &Page) -> String {
        let mut out = self.heading(page);
        if self.suspects.is_empty() {
            out += "\nno leak found\n";
        }
        for (at, suspect) in self.suspects.iter().enumerate() {
            out += &if at == 0 {
                suspect.full(page)
            } else {
                suspect.brief(page)
            };
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            out += &wrapped(page, "note", note);
        }
        out.push('\n');
        out + &self.next(page)
    }
}
