//! Suspects as text: the first one in full, with its lines of source, the others in brief.

use std::fmt::Write;

use super::{CodeFrame, LeakReport, Line, SuspectRow};
use crate::report::table::Label;
use crate::report::{ACCENT, DIM, GROWTH, HEADING, Page, Report, SnapshotFacts, text};

/// Text is broken into lines of at most so many columns.
const MAX_TEXT_WIDTH: usize = 110;
/// Of the path so many last steps are shown.
const MAX_PATH_LINES: usize = 8;

impl LeakReport {
    fn heading(&self, page: &Page) -> String {
        let mut out = String::new();
        if let Some(last) = self.snapshots.last() {
            out += &last.heading(page);
        }
        let bytes = &self.growth.bytes;
        let grown = match bytes.as_slice() {
            [first, .., last] => last.cast_signed().saturating_sub(first.cast_signed()),
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
            let _ = write!(out, "\nthe suspects below explain {share} of the growth");
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
