//! `redact`: what became of a file's strings.

use serde::Serialize;

use super::{DIM, Page, Report, text};
use crate::redact::{Figures, POLICY};

/// A file, and the redacted one that was made of it.
#[derive(Clone, Debug, Serialize)]
pub struct Redacted {
    file: String,
    redacted: String,
    redacted_bytes: u64,
    policy: u32,
    nodes: u64,
    contents_replaced: u64,
    names_replaced: u64,
    names_kept: u64,
}

impl Redacted {
    /// Of the file of this name, written into another one of `bytes`.
    #[must_use]
    pub fn new(file: &str, redacted: &str, bytes: u64, figures: &Figures) -> Self {
        Self {
            file: file.to_owned(),
            redacted: redacted.to_owned(),
            redacted_bytes: bytes,
            policy: POLICY,
            nodes: figures.nodes,
            contents_replaced: figures.contents,
            names_replaced: figures.names_replaced,
            names_kept: figures.names_kept,
        }
    }
}

impl Report for Redacted {
    fn text(&self, page: &Page) -> String {
        let count = text::count;
        let name = text::shown(&self.redacted);
        let file = text::shell_word(&self.redacted).unwrap_or_else(|| "FILE".to_owned());
        format!(
            "{name}: {}\n  {}{} strings replaced by tags\n  {}{} kept, {} replaced that may be data\n\n{}",
            text::size(self.redacted_bytes),
            page.paint(DIM, "contents  "),
            count(self.contents_replaced),
            page.paint(DIM, "names     "),
            count(self.names_kept),
            count(self.names_replaced),
            page.next(&format!("summary {file}"))
        )
    }
}
