//! `summary`: classes by what they hold, as in DevTools' Summary.

use serde::Serialize;

use super::select::Filter;
use super::table::{Column, Label, Span, Table};
use super::{DIM, Page, Report, Script, Scripts, Selection, SnapshotFacts, text};
use crate::analysis::{Classes, summarize};
use crate::graph::Heap;

/// What classes are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortSummary {
    /// Retained size, the largest first.
    Retained,
    /// Shallow size, the largest first.
    Shallow,
    /// Number of objects, the greatest first.
    Count,
    /// Distance, the nearest first.
    Distance,
    /// Name, from a to z.
    Name,
}

/// A class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassRow {
    /// Constructor, interface or type.
    pub name: String,
    /// Where the constructor stands.
    pub script: Option<Script>,
    /// Its objects.
    pub count: u64,
    /// Their own sizes.
    pub shallow_bytes: u64,
    /// What would be freed with all of them.
    pub retained_bytes: u64,
    /// Least distance from the program's roots.
    pub distance: Option<u32>,
}

/// All classes together, whether they are listed or not.
#[derive(Clone, Copy, Debug, Serialize)]
struct Totals {
    classes: u64,
    count: u64,
    shallow_bytes: u64,
}

/// Classes by what they hold.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    snapshot: SnapshotFacts,
    totals: Totals,
    classes: Vec<ClassRow>,
    #[serde(skip)]
    found: usize,
    /// The class of the program's own that retains the most, listed or not.
    #[serde(skip)]
    largest_own: Option<String>,
    #[serde(skip)]
    sort: SortSummary,
}

impl Summary {
    /// Sums up a heap.
    #[must_use]
    pub fn build(file: &str, heap: &Heap, classes: &Classes, selection: &Selection<SortSummary>) -> Self {
        // Not from the heap, which would have to read the names of all edges again.
        let scripts = Scripts::from_sources(classes.sources(), heap.snapshot());
        let aggregates = summarize(heap, classes);
        let mut rows: Vec<ClassRow> = aggregates
            .iter()
            .map(|aggregate| {
                let key = classes.key(aggregate.class);
                ClassRow {
                    name: key.name(),
                    script: key.place.map(|place| scripts.locate(place)),
                    count: aggregate.count,
                    shallow_bytes: aggregate.shallow_bytes,
                    retained_bytes: aggregate.retained_bytes,
                    distance: aggregate.distance.get(),
                }
            })
            .collect();
        let totals = Totals {
            classes: rows.len() as u64,
            count: rows.iter().map(|row| row.count).sum(),
            shallow_bytes: rows.iter().map(|row| row.shallow_bytes).fold(0, u64::saturating_add),
        };
        let own = rows.iter().filter(|row| is_own(&row.name, row.script.as_ref()));
        let largest_own = own.max_by_key(|row| row.retained_bytes).map(|row| row.name.clone());
        let matches = |row: &ClassRow, filter: &Filter| filter.is_in_class(&row.name, row.script.as_ref());
        let found = selection.apply(&mut rows, matches, |a, b| selection.sort.compare(a, b));
        let snapshot = SnapshotFacts::of_heap(file, heap);
        Self {
            snapshot,
            totals,
            classes: rows,
            found,
            largest_own,
            sort: selection.sort,
        }
    }

    fn table(&self) -> Table {
        let columns = vec![
            Column::new("Retained", Column::ALWAYS),
            Column::new("%", 3),
            Column::new("Shallow", 4),
            Column::new("Count", 5),
            Column::new("Dist", 2),
        ];
        let mut table = Table::new(columns, "Constructor");
        for row in &self.classes {
            let distance = row
                .distance
                .map_or_else(|| "-".to_owned(), |distance| distance.to_string());
            let numbers = vec![
                Span::plain(text::size(row.retained_bytes)),
                Span::new(text::percent(row.retained_bytes, self.totals.shallow_bytes), DIM),
                Span::plain(text::size(row.shallow_bytes)),
                Span::plain(text::count(row.count)),
                Span::new(distance, DIM),
            ];
            table.row(
                numbers,
                Label::new(&class_name(&row.name), row.script.as_ref().map(Script::text)),
            );
        }
        table
    }

    /// What to look at next: what keeps the program's own objects, if there are any.
    fn next(&self, page: &Page) -> String {
        let file = text::shell_word(&self.snapshot.file).unwrap_or_else(|| "FILE".to_owned());
        match self.largest_own.as_deref().and_then(text::shell_word) {
            Some(class) => page.next(&format!("retainers {file} --class {class}")),
            None => page.next(&format!("dominators {file}")),
        }
    }
}

/// A class's name as it is shown.
pub(super) fn class_name(name: &str) -> String {
    if name.is_empty() {
        "(no name)".to_owned()
    } else {
        text::shown(name)
    }
}

/// Whether a class stands somewhere in the program's own files, and not in Node's.
pub(super) fn is_own(name: &str, script: Option<&Script>) -> bool {
    let file = script.and_then(|script| script.file.as_deref());
    !name.is_empty() && !name.starts_with('(') && file.is_some_and(|file| !file.starts_with("node:"))
}

/// `20 of 812 classes, by retained size`
pub(super) fn rows_shown(page: &Page, shown: usize, found: usize, what: &str, by: &str) -> String {
    let line = match shown {
        0 => format!("no {what} to show"),
        _ if shown < found => {
            let (shown, found) = (text::count(shown as u64), text::count(found as u64));
            format!("{shown} of {found} {what} by {by}; --top 0 shows all")
        }
        _ => format!("{} {what} by {by}", text::count(found as u64)),
    };
    page.paint(DIM, &line) + "\n"
}

impl SortSummary {
    fn compare(self, a: &ClassRow, b: &ClassRow) -> std::cmp::Ordering {
        let order = match self {
            Self::Retained => b.retained_bytes.cmp(&a.retained_bytes),
            Self::Shallow => b.shallow_bytes.cmp(&a.shallow_bytes),
            Self::Count => b.count.cmp(&a.count),
            Self::Distance => a.distance.unwrap_or(u32::MAX).cmp(&b.distance.unwrap_or(u32::MAX)),
            Self::Name => a.name.cmp(&b.name),
        };
        order
            .then_with(|| b.retained_bytes.cmp(&a.retained_bytes))
            .then_with(|| a.name.cmp(&b.name))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Retained => "retained size",
            Self::Shallow => "shallow size",
            Self::Count => "count",
            Self::Distance => "distance",
            Self::Name => "name",
        }
    }
}

impl Report for Summary {
    fn text(&self, page: &Page) -> String {
        let mut out = self.snapshot.heading(page) + "\n";
        if !self.classes.is_empty() {
            out += &self.table().render(page);
            out += "\n";
        }
        out += &rows_shown(page, self.classes.len(), self.found, "classes", self.sort.as_str());
        out + &self.next(page)
    }
}
