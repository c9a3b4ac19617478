//! `report`: what `leaks` and `diff` say, as one page of HTML in a file.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::args::{Reading, Shown};
use super::super::failure::{Failure, warn};
use super::super::output::{Sink, save};
use super::super::progress::Progress;
use super::{diff, name, open, show};
use crate::hunt::{self, Wanted};
use crate::report::{MOST_CLASSES, Page, Report, Selection, SortDiff, shown, write_page};

/// The name that stands for standard output.
const STDOUT: &str = "-";

pub(super) fn run(files: &[PathBuf], reading: Reading, output: &Path, how: Shown) -> Result<(), Failure> {
    let progress = Progress::new();
    let leaks = hunt::run(
        files,
        &Wanted::default(),
        |file| open(file, reading, &progress),
        |what| progress.step(what),
    )?;
    let leaks = leaks.ok_or_else(|| Failure::argument("a report takes two files or more"))?;
    let selection = Selection {
        sort: SortDiff::DeltaBytes,
        top: Some(MOST_CLASSES),
        filter: None,
    };
    let compared = diff::build(files, reading, &selection, &progress)?;
    progress.step("the page");
    let mut html = Vec::new();
    write_page(&leaks, &compared.diff, &mut html)?;
    drop(progress);
    for (fact, hint) in compared.doubts {
        warn(&fact, hint);
    }
    if output.as_os_str() == STDOUT {
        return Ok(Sink::stdout()?.finish(&html)?);
    }
    save(output, &html).map_err(|error| Failure::saving(output, &error))?;
    let written = Written {
        file: name(output),
        bytes: html.len(),
        suspects: leaks.suspects.len(),
    };
    show(&written, how)
}

/// What is left to say when the page is in its file.
#[derive(Serialize)]
struct Written {
    file: String,
    bytes: usize,
    suspects: usize,
}

impl Report for Written {
    fn text(&self, _: &Page) -> String {
        let suspects = match self.suspects {
            0 => "no suspect".to_owned(),
            1 => "1 suspect".to_owned(),
            more => format!("{more} suspects"),
        };
        let kilobytes = self.bytes.div_ceil(1000);
        format!("{}: {suspects}, {kilobytes} kB, for any browser\n", shown(&self.file))
    }
}
