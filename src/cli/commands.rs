//! The commands: each has its files read and analysed, and shows the report.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::args::{Arguments, Command, Shown, limit};
use super::failure::Failure;
use super::output::{Destination, Sink};
use super::progress::Progress;
use super::terminal;
use super::{ExitStatus, attach};
use crate::compression::Compression;
use crate::error::{Code, Error};
use crate::files::{self, Opened, Reading, Wanted, hunt, redacted};
use crate::report::{
    Diff, Dominators, Info, LeakReport, MOST_CLASSES, Objects, PageWritten, Redacted, Report, Retainers, Selection,
    SortDiff, TreeOptions, write_json, write_page,
};
use crate::snapshot::Snapshot;

pub(super) fn run(arguments: Arguments, addon: &Path) -> Result<ExitStatus, Failure> {
    let how = arguments.shown;
    terminal::set_color(how.color);
    match arguments.command {
        Command::Capture(arguments) => return attach::capture(arguments, how),
        Command::Run(arguments) => return attach::run(&arguments, addon),
        Command::Doctor { pid } => return attach::doctor(pid, how),
        Command::Info { file } => show(&info(&file)?, how)?,
        Command::Summary {
            file,
            sort,
            rows,
            reading,
        } => {
            let rows = rows.select(sort.into(), how.json);
            show(&ask(&file, reading.how()?, |opened| Ok(opened.summary(&rows)))?, how)?;
        }
        Command::Diff {
            files,
            sort,
            rows,
            reading,
        } => {
            let rows = rows.select(sort.into(), how.json);
            show(&diff(&files, reading.how()?, &rows)?, how)?;
        }
        Command::Retainers {
            file,
            target,
            top,
            reading,
        } => {
            let wanted = target.wanted()?;
            show(&retainers(&file, reading.how()?, &wanted, top)?, how)?;
        }
        Command::Dominators {
            file,
            id,
            tree,
            reading,
        } => show(&dominators(&file, reading.how()?, id, &tree.into())?, how)?,
        Command::Report { files, output, reading } => report(&files, reading.how()?, &output, how)?,
        Command::Redact { file, output, key } => redact(&file, &output, key.as_deref(), how)?,
        Command::Leaks {
            files,
            fail_on_leak,
            rows,
            reading,
        } => {
            let report = leaks(&files, reading.how()?, &rows.want(how.json))?;
            show(&report, how)?;
            if fail_on_leak && !report.suspects.is_empty() {
                return Ok(ExitStatus::FOUND);
            }
        }
    }
    Ok(ExitStatus::DONE)
}

/// Puts a report on standard output.
pub(super) fn show(report: &impl Report, how: Shown) -> Result<(), Failure> {
    let mut sink = Sink::stdout()?;
    if how.json {
        let mut buffered = BufWriter::with_capacity(64 << 10, sink);
        write_json(report, &mut buffered)?;
        buffered.flush()?;
    } else {
        sink.write_all(report.text(&terminal::page(how.color)).as_bytes())?;
    }
    Ok(())
}

/// The header alone, however large the file.
fn info(file: &Path) -> Result<Info, Error> {
    let header = Snapshot::header(file).map_err(|error| error.of(file))?;
    Ok(Info::new(&file.to_string_lossy(), &header))
}

/// Opens a snapshot for one question.
fn ask<R>(file: &Path, reading: Reading, question: impl FnOnce(&Opened) -> Result<R, Error>) -> Result<R, Error> {
    let progress = Progress::new();
    question(&Opened::open(file, reading, &progress)?)
}

fn diff(files: &[PathBuf], reading: Reading, rows: &Selection<SortDiff>) -> Result<Diff, Error> {
    let [first, between @ .., last] = files else {
        return Err(Error::new(Code::Argument, "a comparison takes two files or more"));
    };
    files::compare(first, between, last, reading, rows, &Progress::new())
}

fn retainers(file: &Path, reading: Reading, wanted: &Wanted, top: usize) -> Result<Retainers, Error> {
    let top = limit(top).unwrap_or(usize::MAX);
    ask(file, reading, |opened| opened.retainers(wanted, top))
}

fn dominators(file: &Path, reading: Reading, id: Option<u32>, options: &TreeOptions) -> Result<Dominators, Error> {
    let progress = Progress::new();
    let snapshot = files::read(file, reading, &progress)?;
    let top = match id {
        Some(id) => files::find(&snapshot, file, id)?,
        None => snapshot.root(),
    };
    let heap = files::build(snapshot, &progress);
    Ok(Dominators::build(
        &file.to_string_lossy(),
        &Objects::new(&heap),
        top,
        options,
    ))
}

fn leaks(files: &[PathBuf], reading: Reading, wanted: &hunt::Wanted) -> Result<LeakReport, Error> {
    hunt::run(files, reading, wanted, &Progress::new())
}

/// What `leaks` and `diff` say, as a page in a file, or on standard output for `-`.
fn report(files: &[PathBuf], reading: Reading, output: &Path, how: Shown) -> Result<(), Failure> {
    let all = hunt::Wanted::default();
    let leaks = leaks(files, reading, &all)?;
    let rows = Selection {
        sort: SortDiff::DeltaBytes,
        top: Some(MOST_CLASSES),
        filter: None,
    };
    let mut html = Vec::new();
    write_page(&leaks, &diff(files, reading, &rows)?, &mut html)?;
    if output.as_os_str() == "-" {
        return Ok(Sink::stdout()?.finish(&html)?);
    }
    let destination = Destination::of(output)?;
    destination
        .save(&html)
        .map_err(|error| Error::io(&error, "write", output))?;
    show(&PageWritten::new(&output.to_string_lossy(), html.len(), &leaks), how)
}

/// A file without its secrets, or the same on standard output for `-`.
fn redact(file: &Path, output: &Path, key: Option<&Path>, how: Shown) -> Result<(), Failure> {
    if is_same(file, output) {
        let error = Error::new(Code::Argument, "a snapshot is not redacted into itself");
        return Err(error
            .with_hint("name another file, look at it, and remove the first one then")
            .into());
    }
    let key = match key {
        Some(file) => redacted::key_in(file)?,
        None => redacted::fresh_key()?,
    };
    let progress = Progress::new();
    if output.as_os_str() == "-" {
        let mut sink = Sink::stdout()?;
        let plain = Compression::None;
        return match redacted::write(file, key, plain, &mut sink, &progress) {
            Err(redacted::Stop::Write(error)) => Err(Failure::writing(&error)),
            Err(stop) => Err(stop.of(file, output).into()),
            Ok(_) => Ok(()),
        };
    }
    let compression = Compression::of_name(output);
    let destination = Destination::of(output)?;
    let saved = destination.save_with(|out| {
        let figures = redacted::write(file, key, compression, out, &progress)?;
        Ok::<_, redacted::Stop>((figures, out.metadata()?.len()))
    });
    let (figures, bytes) = saved.map_err(|stop| stop.of(file, output))?;
    drop(progress);
    show(
        &Redacted::new(&file.to_string_lossy(), &output.to_string_lossy(), bytes, &figures),
        how,
    )
}

/// Whether the two names are of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
