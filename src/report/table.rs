//! Tables for terminals: numbers in columns on the left, a name at the end that takes the room there is.
//!
//! Where a page is too narrow for a readable name, the columns that matter least are left out first.

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

use super::{DIM, HEADING, Page, text};
use anstyle::Style;

/// Names get at least this many columns before a column of numbers does.
const MIN_LABEL_WIDTH: usize = 36;
/// Between columns.
const GAP: usize = 2;

/// Text in one style.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub text: String,
    pub style: Style,
}

impl Span {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, super::PLAIN)
    }
}

/// A column of numbers.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub title: String,
    /// The smaller, the sooner it is left out.
    pub keep: u8,
}

impl Column {
    /// Never left out.
    pub(super) const ALWAYS: u8 = u8::MAX;

    pub(super) fn new(title: impl Into<String>, keep: u8) -> Self {
        Self {
            title: title.into(),
            keep,
        }
    }
}

/// What a row is about.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// Stands before the name: the branches of a tree.
    pub lead: String,
    pub name: Span,
    /// Stands after it and is never cut.
    pub tail: String,
    /// Where it comes from; cut from its beginning.
    pub place: Option<Span>,
}

impl Label {
    pub(super) fn new(name: &str, place: Option<String>) -> Self {
        let place = place.map(|place| Span::new(place, DIM));
        Self {
            lead: String::new(),
            name: Span::plain(name),
            tail: String::new(),
            place,
        }
    }

    /// A remark in place of a name.
    pub(super) fn remark(lead: String, remark: String) -> Self {
        Self {
            lead,
            name: Span::new(remark, DIM),
            tail: String::new(),
            place: None,
        }
    }

    /// The name comes first; a place gets what is left, but a readable part of it if there is any room.
    pub(super) fn fit(&self, room: usize) -> Vec<Span> {
        const READABLE: usize = 22;
        let room = room.saturating_sub(text::width(&self.lead) + text::width(&self.tail));
        let reserved = self
            .place
            .as_ref()
            .map_or(0, |place| text::width(&place.text).min(READABLE) + GAP);
        let name = text::cut_end(&self.name.text, room.saturating_sub(reserved).max(room / 2));
        let left = room.saturating_sub(text::width(&name) + GAP);
        let mut spans = vec![
            Span::new(&self.lead, DIM),
            Span::new(name, self.name.style),
            Span::new(&self.tail, DIM),
        ];
        if let Some(place) = self.place.as_ref().filter(|_| left > 1) {
            spans.push(Span::plain(" ".repeat(GAP)));
            spans.push(Span::new(text::cut_start(&place.text, left), place.style));
        }
        spans.retain(|span| !span.text.is_empty());
        spans
    }
}

/// Rows of numbers with a label each.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    label_title: &'static str,
    rows: Vec<(Vec<Span>, Label)>,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>, label_title: &'static str) -> Self {
        Self {
            columns,
            label_title,
            rows: Vec::new(),
        }
    }

    /// Adds a row with a number for each column.
    pub(super) fn row(&mut self, numbers: Vec<Span>, label: Label) {
        debug_assert_eq!(numbers.len(), self.columns.len());
        self.rows.push((numbers, label));
    }

    /// Title line and rows, each with a line end.
    pub(super) fn render(&self, page: &Page) -> String {
        let (columns, room) = self.fit(page.width);
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        let mut lines = vec![self.title(&columns)];
        lines.extend(self.rows.iter().map(|(numbers, label)| {
            let numbers = columns.iter().map(|column| vec![numbers[*column].clone()]);
            numbers.chain([label.fit(room)]).collect::<Vec<_>>()
        }));
        for line in &lines {
            grid.add_row(line.iter().map(|cell| plain(cell)).collect::<Vec<String>>());
        }
        for (at, column) in grid.column_iter_mut().enumerate() {
            column.set_padding((if at == 0 { 0 } else { GAP as u16 }, 0));
            let alignment = if at < columns.len() {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            column.set_cell_alignment(alignment);
        }
        let painted = grid
            .lines()
            .zip(&lines)
            .map(|(line, cells)| paint(page, line.trim_end(), cells) + "\n");
        painted.collect()
    }

    fn title(&self, columns: &[usize]) -> Vec<Vec<Span>> {
        let titles = columns
            .iter()
            .map(|column| self.columns[*column].title.as_str())
            .chain([self.label_title]);
        titles.map(|title| vec![Span::new(title, HEADING)]).collect()
    }

    /// The columns that are kept, and the room for labels beside them.
    fn fit(&self, page_width: usize) -> (Vec<usize>, usize) {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let used: usize = kept.iter().map(|column| self.width(*column) + GAP).sum();
            let room = page_width.saturating_sub(used);
            let weakest = kept
                .iter()
                .enumerate()
                .min_by_key(|(_, column)| self.columns[**column].keep);
            match weakest {
                Some((at, column)) if room < MIN_LABEL_WIDTH && self.columns[*column].keep < Column::ALWAYS => {
                    kept.remove(at);
                }
                _ => return (kept, room.max(MIN_LABEL_WIDTH / 2)),
            }
        }
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|(numbers, _)| text::width(&numbers[column].text));
        cells.max().unwrap_or(0).max(text::width(&self.columns[column].title))
    }
}

fn plain(cell: &[Span]) -> String {
    cell.iter().map(|span| span.text.as_str()).collect()
}

/// Styles the spans of a line. They stand in it in order, with nothing but blanks between cells.
fn paint(page: &Page, line: &str, cells: &[Vec<Span>]) -> String {
    if !page.color {
        return line.to_owned();
    }
    let mut painted = String::with_capacity(2 * line.len());
    let mut rest = line;
    for span in cells.iter().flatten() {
        let Some(at) = rest.find(&span.text) else {
            continue;
        };
        painted.push_str(&rest[..at]);
        painted.push_str(&page.paint(span.style, &span.text));
        rest = &rest[at + span.text.len()..];
    }
    painted + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = vec![
            Column::new("Retained", Column::ALWAYS),
            Column::new("Shallow", 1),
            Column::new("Count", 2),
        ];
        let mut table = Table::new(columns, "Constructor");
        let numbers = ["1.0 MiB", "512 B", "3"].map(Span::plain);
        table.row(
            numbers.to_vec(),
            Label::new("Session", Some("/srv/app/lib/session.js:12:9".into())),
        );
        table
    }

    #[test]
    fn names_come_last_and_take_the_room_there_is() {
        let page = Page {
            width: 80,
            color: false,
        };
        assert_eq!(
            table().render(&page),
            "Retained  Shallow  Count  Constructor\n 1.0 MiB    512 B      3  Session  /srv/app/lib/session.js:12:9\n"
        );
    }

    #[test]
    fn a_narrow_page_loses_columns_before_names() {
        let page = Page {
            width: 53,
            color: false,
        };
        assert_eq!(
            table().render(&page),
            "Retained  Count  Constructor\n 1.0 MiB      3  Session  …/app/lib/session.js:12:9\n"
        );
    }

    #[test]
    fn colours_change_nothing_else() {
        let page = |color| Page { width: 80, color };
        let painted = table().render(&page(true));
        assert!(painted.contains("\x1b[1mConstructor\x1b[0m"), "{painted}");
        let stripped = painted.split("\x1b[").enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('m').unwrap().1,
        });
        assert_eq!(stripped.collect::<String>(), table().render(&page(false)));
    }
}
