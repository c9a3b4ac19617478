//! The commands: each reads its files, has them analysed, and shows the report.

mod diff;
mod dominators;
mod info;
mod leaks;
mod report;
mod retainers;
mod summary;

use std::io::{BufWriter, Write};
use std::path::Path;

use super::ExitStatus;
use super::args::{Arguments, Command, Reading, Shown};
use super::failure::{Failure, warn};
use super::output::Sink;
use super::progress::Progress;
use super::terminal;
use crate::graph::Heap;
use crate::report::{Report, shown, write_json};
use crate::snapshot::{NodeIndex, ObjectId, OpenOptions, Snapshot};

pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let shown = arguments.shown;
    terminal::set_color(shown.color);
    let done = match &arguments.command {
        Command::Info { file } => info::run(file, shown),
        Command::Summary {
            file,
            sort,
            rows,
            reading,
        } => summary::run(file, *reading, &rows.select((*sort).into(), shown.json), shown),
        Command::Diff {
            files,
            sort,
            rows,
            reading,
        } => diff::run(files, *reading, &rows.select((*sort).into(), shown.json), shown),
        Command::Report { files, output, reading } => report::run(files, *reading, output, shown),
        Command::Retainers {
            file,
            target,
            top,
            reading,
        } => retainers::run(file, *reading, target, *top, shown),
        Command::Dominators {
            file,
            id,
            depth,
            sort,
            top,
            filter,
            reading,
        } => {
            let options = dominators::options(*depth, *sort, *top, filter.clone());
            dominators::run(file, *reading, *id, &options, shown)
        }
        Command::Leaks {
            files,
            fail_on_leak,
            rows,
            reading,
        } => return leaks::run(files, *reading, &rows.want(shown.json), *fail_on_leak, shown),
    };
    done.map(|()| ExitStatus::DONE)
}

/// Puts a report on standard output.
fn show(report: &impl Report, shown: Shown) -> Result<(), Failure> {
    let mut sink = Sink::stdout()?;
    if shown.json {
        let mut buffered = BufWriter::with_capacity(64 << 10, sink);
        write_json(report, &mut buffered)?;
        buffered.flush()?;
    } else {
        sink.write_all(report.text(&terminal::page(shown.color)).as_bytes())?;
    }
    Ok(())
}

/// Reads a snapshot, and warns of what is missing in it.
fn open(file: &Path, reading: Reading, progress: &Progress) -> Result<Snapshot, Failure> {
    let report = progress.reading(file);
    let options = OpenOptions {
        salvage: reading.salvage,
        progress: Some(&report),
        ..OpenOptions::default()
    };
    let snapshot = Snapshot::open(file, &options).map_err(|error| Failure::reading(file, &error))?;
    if let Some(error) = snapshot.salvaged() {
        let fact = format!("'{}' {error}", shown(&name(file)));
        warn(
            &shown(&fact),
            "its graph is whole, but names and places are missing: take the snapshot again if you can",
        );
    }
    Ok(snapshot)
}

/// Computes what all nodes need.
fn build(snapshot: Snapshot, progress: &Progress) -> Heap {
    progress.step("dominators and retained sizes");
    Heap::build(snapshot)
}

/// A file's name as it was given.
fn name(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

/// The node with this id.
fn find(snapshot: &Snapshot, file: &Path, id: u32) -> Result<NodeIndex, Failure> {
    snapshot.find(ObjectId(id)).ok_or_else(|| {
        let fact = format!("no object with id @{id} in '{}'", shown(&name(file)));
        let hint = "ids are shown by dominators, and by retainers with --class; another process has others";
        Failure::argument(fact).with_hint(hint)
    })
}
