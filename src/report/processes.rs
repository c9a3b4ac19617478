//! A bare `capture`: the Node processes of this machine.

use serde::Serialize;

use super::table::{Column, Label, Span, Table};
use super::{ACCENT, DIM, Page, Report, text};
use crate::attach::{Addon, NodeProcess};

/// The processes that could be captured.
#[derive(Clone, Debug, Serialize)]
pub struct Processes {
    pub processes: Vec<NodeProcess>,
}

impl Report for Processes {
    fn text(&self, page: &Page) -> String {
        if self.processes.is_empty() {
            return "no Node process is running here but this one\n".to_owned();
        }
        let columns = vec![
            Column::new("pid", Column::ALWAYS),
            Column::new("user", 1),
            Column::new("Node", 3),
            Column::new("RSS", 4),
            Column::new("addon", 2),
        ];
        let mut table = Table::new(columns, "script");
        for process in &self.processes {
            let addon = match process.addon {
                Addon::Listening => Span::new("yes", ACCENT),
                Addon::Loaded => Span::plain("silent"),
                Addon::Missing => Span::new("no", DIM),
            };
            let cells = vec![
                Span::plain(process.pid.to_string()),
                Span::plain(text::shown(&process.user)),
                Span::plain(process.node_version.clone().unwrap_or_else(|| "?".to_owned())),
                Span::plain(text::size(process.rss_bytes)),
                addon,
            ];
            let own = process.own_pid.map(|pid| format!("pid {pid} in its container"));
            table.row(cells, Label::new(&text::shown(&process.script), own));
        }
        let likely = self.processes.iter().max_by_key(|process| process.rss_bytes);
        let pid = likely.map_or_else(String::new, |process| process.pid.to_string());
        table.render(page) + "\n" + &page.next(&format!("capture {pid}"))
    }
}
