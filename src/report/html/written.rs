//! What is left to say when the page is in its file.

use serde::Serialize;

use crate::report::{LeakReport, Page, Report, text};

/// A page in a file.
#[derive(Clone, Debug, Serialize)]
pub struct PageWritten {
    file: String,
    bytes: usize,
    suspects: usize,
}

impl PageWritten {
    /// A page of `bytes` with these leaks, in the file of this name.
    #[must_use]
    pub fn new(file: &str, bytes: usize, leaks: &LeakReport) -> Self {
        Self {
            file: file.to_owned(),
            bytes,
            suspects: leaks.suspects.len(),
        }
    }
}

impl Report for PageWritten {
    fn text(&self, _: &Page) -> String {
        let suspects = match self.suspects {
            0 => "no suspect".to_owned(),
            1 => "1 suspect".to_owned(),
            more => format!("{more} suspects"),
        };
        let kilobytes = self.bytes.div_ceil(1000);
        format!(
            "{}: {suspects}, {kilobytes} kB, for any browser\n",
            text::shown(&self.file)
        )
    }
}
