//! `diff`: what came and went, class by class, as in DevTools' Comparison; with more than two snapshots the
//! first is compared with the last, and every one has a column of counts.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;

use super::select::Filter;
use super::summary::{class_name, is_own, rows_shown};
use super::table::{Column, Label, Span, Table};
use super::{GROWTH, HEADING, PLAIN, Page, Report, SHRINKAGE, Script, Selection, SnapshotFacts, text};
use crate::analysis::{ClassKey, Comparability, Comparison, DiffRow, Digest, compare};
use anstyle::Style;

/// What classes are ordered by; the greatest first, and of deltas growth before shrinkage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortDiff {
    /// Size delta.
    DeltaBytes,
    /// `#Delta`
    Delta,
    /// `#New`
    Added,
    /// `#Deleted`
    Removed,
    /// Size of the new ones.
    AddedBytes,
    /// Size of the deleted ones.
    RemovedBytes,
    /// Number in the last snapshot.
    Count,
    /// Name, from a to z.
    Name,
}

/// What came and went of a class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassChange {
    /// Constructor, interface or type.
    pub name: String,
    /// Where the constructor stands.
    pub script: Option<Script>,
    /// `#New`
    pub added: u64,
    /// `#Deleted`
    pub removed: u64,
    /// `#Delta`
    pub delta: i64,
    /// Shallow size of the new ones.
    pub added_bytes: u64,
    /// Shallow size of the deleted ones.
    pub removed_bytes: u64,
    /// Size delta.
    pub delta_bytes: i64,
    /// Number in each snapshot.
    pub counts: Vec<u64>,
    /// Ids of a few of the new ones; none where ids do not compare.
    pub samples: Vec<u32>,
}

/// All changed classes together, whether they are listed or not.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Totals {
    classes: u64,
    added: u64,
    removed: u64,
    delta: i64,
    added_bytes: u64,
    removed_bytes: u64,
    delta_bytes: i64,
}

/// What came and went.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    snapshots: Vec<SnapshotFacts>,
    ids: &'static str,
    totals: Totals,
    classes: Vec<ClassChange>,
    #[serde(skip)]
    found: usize,
    /// The class of the program's own that grew the most, listed or not.
    #[serde(skip)]
    grown_own: Option<String>,
    #[serde(skip)]
    sort: SortDiff,
}

/// Name and place: what a class is told by, whatever the process.
type Identity = (String, Option<Script>);

/// What a snapshot between the first and the last says: numbers by class.
#[derive(Debug)]
enum Counts {
    ByKey(HashMap<ClassKey, u64>),
    ByIdentity(HashMap<Identity, u64>),
}

/// Puts a [`Diff`] together: the last snapshot first, as the others are compared with it.
#[derive(Debug)]
pub struct DiffBuilder {
    snapshots: Vec<SnapshotFacts>,
    last: Digest,
    first: Option<(Digest, Comparison)>,
    between: Vec<Counts>,
}

impl DiffBuilder {
    /// Begins with the last snapshot.
    #[must_use]
    pub fn new(facts: SnapshotFacts, last: Digest) -> Self {
        Self {
            snapshots: vec![facts],
            last,
            first: None,
            between: Vec::new(),
        }
    }

    /// The first snapshot, and whether its ids compare with those of the last one.
    pub fn first(&mut self, facts: SnapshotFacts, digest: Digest) -> Comparability {
        let comparison = compare(&digest, &self.last);
        let ids = comparison.ids;
        self.snapshots.insert(0, facts);
        self.first = Some((digest, comparison));
        ids
    }

    /// The next one, from the second to the last but one; and whether its ids compare.
    pub fn between(&mut self, facts: SnapshotFacts, digest: &Digest) -> Comparability {
        self.snapshots.insert(self.snapshots.len() - 1, facts);
        let comparison = compare(digest, &self.last);
        let rows = comparison.rows.into_iter();
        self.between.push(if comparison.ids.limit().is_some() {
            Counts::ByKey(rows.map(|row| (row.key, row.counts[0])).collect())
        } else {
            Counts::ByIdentity(
                rows.map(|row| (identity(&row, digest, &self.last, false), row.counts[0]))
                    .collect(),
            )
        });
        comparison.ids
    }

    /// Selects rows.
    #[must_use]
    pub fn build(self, selection: &Selection<SortDiff>) -> Diff {
        let (ids, mut classes): (_, Vec<ClassChange>) = match &self.first {
            Some((first, comparison)) => {
                let comparable = comparison.ids.limit().is_some();
                let rows = comparison.rows.iter();
                (
                    comparison.ids,
                    rows.map(|row| self.change(row, identity(row, first, &self.last, comparable)))
                        .collect(),
                )
            }
            None => (Comparability::Comparable, Vec::new()),
        };
        let totals = Totals::of(&classes);
        let own = classes
            .iter()
            .filter(|row| row.delta > 0 && is_own(&row.name, row.script.as_ref()));
        let grown_own = own.max_by_key(|row| row.delta_bytes).map(|row| row.name.clone());
        let matches = |row: &ClassChange, filter: &Filter| filter.is_in_class(&row.name, row.script.as_ref());
        let found = selection.apply(&mut classes, matches, |a, b| selection.sort.compare(a, b));
        Diff {
            snapshots: self.snapshots,
            ids: ids.as_str(),
            totals,
            classes,
            found,
            grown_own,
            sort: selection.sort,
        }
    }

    fn change(&self, row: &DiffRow, identity: Identity) -> ClassChange {
        let [first, last] = row.counts;
        // What does not differ from the last snapshot is not listed.
        let between = self.between.iter().map(|between| match between {
            Counts::ByKey(counts) => counts.get(&row.key).copied().unwrap_or(last),
            Counts::ByIdentity(counts) => counts.get(&identity).copied().unwrap_or(last),
        });
        let counts = std::iter::once(first).chain(between).chain([last]).collect();
        let (name, script) = identity;
        ClassChange {
            name,
            script,
            added: row.added,
            removed: row.removed,
            delta: row.delta(),
            added_bytes: row.added_bytes,
            removed_bytes: row.removed_bytes,
            delta_bytes: row.delta_bytes(),
            counts,
            samples: row.samples.iter().map(|id| id.0).collect(),
        }
    }
}

/// What a row is called. Its script is numbered by the earlier snapshot if the class is in that, and by both
/// where they compare.
fn identity(row: &DiffRow, earlier: &Digest, later: &Digest, comparable: bool) -> Identity {
    let script = row.key.place.map(|place| {
        let file = match comparable {
            true => later.file(place.script_id).or_else(|| earlier.file(place.script_id)),
            false if row.counts[0] > 0 => earlier.file(place.script_id),
            false => later.file(place.script_id),
        };
        Script::new(file.map(str::to_owned), place)
    });
    (row.key.name(), script)
}

impl Totals {
    fn of(rows: &[ClassChange]) -> Self {
        let mut totals = Self {
            classes: rows.len() as u64,
            ..Self::default()
        };
        for row in rows {
            totals.added += row.added;
            totals.removed += row.removed;
            totals.delta = totals.delta.saturating_add(row.delta);
            totals.added_bytes = totals.added_bytes.saturating_add(row.added_bytes);
            totals.removed_bytes = totals.removed_bytes.saturating_add(row.removed_bytes);
            totals.delta_bytes = totals.delta_bytes.saturating_add(row.delta_bytes);
        }
        totals
    }
}

/// What grew, the most first; then what shrank, the most first; then what only changed hands.
fn growth_first(a: i64, b: i64) -> Ordering {
    let rank = |delta: i64| (delta.signum() + 2) % 3; // grown 0, changed 2, shrunk 1
    rank(a)
        .cmp(&rank(b))
        .then_with(|| b.unsigned_abs().cmp(&a.unsigned_abs()))
}

impl SortDiff {
    fn compare(self, a: &ClassChange, b: &ClassChange) -> Ordering {
        let order = match self {
            Self::DeltaBytes => growth_first(a.delta_bytes, b.delta_bytes),
            Self::Delta => growth_first(a.delta, b.delta),
            Self::Added => b.added.cmp(&a.added),
            Self::Removed => b.removed.cmp(&a.removed),
            Self::AddedBytes => b.added_bytes.cmp(&a.added_bytes),
            Self::RemovedBytes => b.removed_bytes.cmp(&a.removed_bytes),
            Self::Count => b.counts.last().cmp(&a.counts.last()),
            Self::Name => a.name.cmp(&b.name),
        };
        order
            .then_with(|| growth_first(a.delta_bytes, b.delta_bytes))
            .then_with(|| a.name.cmp(&b.name))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::DeltaBytes => "size delta",
            Self::Delta => "#Delta",
            Self::Added => "#New",
            Self::Removed => "#Deleted",
            Self::AddedBytes => "new size",
            Self::RemovedBytes => "deleted size",
            Self::Count => "count",
            Self::Name => "name",
        }
    }
}

/// `A`, `B`, … `Z`, then `27`.
fn letter(at: usize) -> String {
    match u8::try_from(at) {
        Ok(at @ 0..26) => char::from(b'A' + at).to_string(),
        _ => (at + 1).to_string(),
    }
}

fn style(delta: i64) -> Style {
    match delta {
        0 => PLAIN,
        1.. => GROWTH,
        _ => SHRINKAGE,
    }
}

fn delta_count(delta: i64) -> Span {
    Span::new(text::count_delta(delta), style(delta))
}

fn delta_size(delta: i64) -> Span {
    Span::new(text::size_delta(delta), style(delta))
}

impl Diff {
    /// What is to be said where the files say that they are not in the order in which they were taken.
    #[must_use]
    pub fn order_doubt(&self) -> Option<(String, &'static str)> {
        let times = self.snapshots.windows(2).map(|pair| (&pair[0], &pair[1]));
        let backwards = times
            .filter(|(a, b)| a.time.is_some() && b.time.is_some())
            .find(|(a, b)| a.time > b.time);
        let (earlier, later) = backwards?;
        let fact = format!(
            "'{}' was taken after '{}'",
            text::shown(&earlier.file),
            text::shown(&later.file)
        );
        Some((fact, "name the earliest snapshot first: what reads as new is what went"))
    }

    /// The snapshots, a line each, with what changed since the one before.
    fn heading(&self, page: &Page) -> String {
        let columns = ["Size", "Nodes", "Size delta", "Nodes delta"];
        let columns = columns
            .into_iter()
            .zip([5, 4, 3, 2])
            .map(|(title, keep)| Column::new(title, keep))
            .collect();
        let mut table = Table::new(columns, "Snapshot");
        for (at, snapshot) in self.snapshots.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &self.snapshots[before]);
            let change = |now: u64, then: fn(&SnapshotFacts) -> u64| {
                before.map_or(0, |before| now.cast_signed().saturating_sub(then(before).cast_signed()))
            };
            let (bytes, nodes) = (change(snapshot.bytes, |s| s.bytes), change(snapshot.nodes, |s| s.nodes));
            let blank = |span: Span| if at == 0 { Span::plain("") } else { span };
            let numbers = vec![
                Span::plain(text::size(snapshot.bytes)),
                Span::plain(text::count(snapshot.nodes)),
                blank(delta_size(bytes)),
                blank(delta_count(nodes)),
            ];
            let name = Span::new(letter(at), HEADING);
            let place = Some(Span::plain(text::shown(&snapshot.file)));
            table.row(
                numbers,
                Label {
                    lead: String::new(),
                    name,
                    tail: String::new(),
                    place,
                },
            );
        }
        table.render(page)
    }

    /// With two snapshots what came and went matters most; with more, how numbers went on.
    fn table(&self) -> Table {
        let steps = self.snapshots.len();
        let mut columns = vec![
            Column::new("Size delta", Column::ALWAYS),
            Column::new("#Delta", Column::ALWAYS),
        ];
        columns.extend([("#New", 100), ("#Deleted", 99)].map(|(title, keep)| Column::new(title, keep)));
        columns.extend([("New size", 10), ("Deleted size", 9)].map(|(title, keep)| Column::new(title, keep)));
        if steps > 2 {
            // The first and the last few tell most.
            columns.extend((0..steps).map(|at| {
                let keep = if at == 0 {
                    201
                } else {
                    200u8.saturating_sub((steps - 1 - at).min(99) as u8)
                };
                Column::new(format!("#{}", letter(at)), keep)
            }));
        }
        let mut table = Table::new(columns, "Constructor");
        for row in &self.classes {
            let mut numbers = vec![delta_size(row.delta_bytes), delta_count(row.delta)];
            numbers.extend([row.added, row.removed].map(|count| Span::plain(text::count(count))));
            numbers.extend([row.added_bytes, row.removed_bytes].map(|bytes| Span::plain(text::size(bytes))));
            if steps > 2 {
                numbers.extend(row.counts.iter().map(|count| Span::plain(text::count(*count))));
            }
            table.row(
                numbers,
                Label::new(&class_name(&row.name), row.script.as_ref().map(Script::text)),
            );
        }
        table
    }

    /// What to look at next: what keeps the class of the program's own that grew the most.
    fn next(&self, page: &Page) -> String {
        let file = self
            .snapshots
            .last()
            .and_then(|snapshot| text::shell_word(&snapshot.file));
        let file = file.unwrap_or_else(|| "FILE".to_owned());
        match self.grown_own.as_deref().and_then(text::shell_word) {
            Some(class) => page.next(&format!("retainers {file} --class {class}")),
            None => page.next(&format!("summary {file}")),
        }
    }
}

impl Report for Diff {
    fn text(&self, page: &Page) -> String {
        let mut out = self.heading(page) + "\n";
        if !self.classes.is_empty() {
            out += &self.table().render(page);
            out += "\n";
        }
        let Totals { delta, delta_bytes, .. } = self.totals;
        out += &rows_shown(
            page,
            self.classes.len(),
            self.found,
            "changed classes",
            self.sort.as_str(),
        );
        if self.totals.classes > 0 {
            let (bytes, objects) = (delta_size(delta_bytes), delta_count(delta));
            let painted = |span: &Span| page.paint(span.style, &span.text);
            let _ = writeln!(out, "all together {}, {} objects", painted(&bytes), painted(&objects));
        }
        out + &self.next(page)
    }
}
