//! The commands that meet running processes: `capture`, `run`, `doctor`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;

use super::ExitStatus;
use super::args::{Capture, Run, Shown};
use super::commands::show;
use super::failure::{self, Failure};
use super::progress::Progress;
use crate::attach::{self, Wanted};
use crate::error::{Code, Error};
use crate::protocol::ThreadChoice;
use crate::report::{Doctor, DoctorHere, Processes, Snapshots};

/// What hands the options of `run` on.
const VARIABLE: &str = "NODE_HEAPDUMP_OPTIONS";

/// A snapshot of a process, or, without a pid, the processes there are.
pub(super) fn capture(arguments: Capture, how: Shown) -> Result<ExitStatus, Failure> {
    let Some(pid) = arguments.pid else {
        let processes = attach::list()?;
        show(&Processes { processes }, how)?;
        return Ok(ExitStatus::DONE);
    };
    if arguments.output.is_some() && arguments.thread == Some(ThreadChoice::All) {
        let error = Error::new(Code::Argument, "several threads cannot be written to one file");
        return Err(error
            .with_hint("name a directory with --dir, not a file with -o")
            .into());
    }
    let wanted = Wanted {
        pid,
        output: absolute(arguments.output)?,
        directory: absolute(arguments.dir)?,
        thread: arguments.thread,
        live: arguments.live.map(Into::into),
        compress: arguments.compress.map(Into::into),
        redact: arguments.redact,
        gc: arguments.no_gc.then_some(false),
        memory_guard: arguments.no_memory_guard.then_some(false),
        timeout: arguments
            .timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    };
    let progress = Progress::new();
    let outcomes = attach::capture(&wanted, &progress);
    drop(progress);
    let outcomes = match outcomes {
        Err(error) if attach::interrupted() => return Ok(stopped(&error)),
        outcomes => outcomes?,
    };
    let (captured, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let snapshots: Vec<_> = captured.into_iter().flatten().collect();
    if !snapshots.is_empty() {
        show(&Snapshots { snapshots }, how)?;
    }
    let mut errors = failed.into_iter().filter_map(Result::err).peekable();
    if errors.peek().is_none() {
        return Ok(ExitStatus::DONE);
    }
    errors.for_each(|error| failure::report(&error));
    Ok(if attach::interrupted() {
        ExitStatus::INTERRUPTED
    } else {
        ExitStatus::ERROR
    })
}

fn stopped(error: &Error) -> ExitStatus {
    failure::report(error);
    ExitStatus::INTERRUPTED
}

/// As the process has another working directory than we.
fn absolute(path: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let absolute = |path: PathBuf| std::path::absolute(&path).map_err(|error| Error::io(&error, "getcwd", &path));
    path.map(absolute).transpose()
}

/// What works here, or for a process.
pub(super) fn doctor(pid: Option<u32>, how: Shown) -> Result<ExitStatus, Failure> {
    match pid {
        None => show(
            &DoctorHere {
                here: attach::support(),
            },
            how,
        )?,
        Some(pid) => show(&Doctor(attach::diagnose(pid)?), how)?,
    }
    Ok(ExitStatus::DONE)
}

/// Starts Node with the addon, in place of this process: same pid, same descriptors, and whatever signals come and
/// whatever it ends with are its own.
pub(super) fn run(arguments: &Run, addon: &Path) -> Result<ExitStatus, Failure> {
    let words = words(arguments)?;
    // What is there already counts, unless ours say otherwise: the later of two words wins.
    let before = std::env::var(VARIABLE).unwrap_or_default();
    let all: Vec<_> = [before]
        .into_iter()
        .chain(words)
        .filter(|word| !word.is_empty())
        .collect();

    let this = std::env::current_exe().map_err(|error| Error::io(&error, "readlink", Path::new("/proc/self/exe")))?;
    let (node, rest) = match arguments.command.split_first() {
        Some((first, rest)) if is_node(first) => (first.clone(), rest),
        _ => (this.into_os_string(), arguments.command.as_slice()),
    };
    let mut program = Program::new(&node);
    program.arg("-r").arg(addon).args(rest);
    if !all.is_empty() {
        program.env(VARIABLE, all.join(","));
    }
    let status = replace(program).map_err(|error| Error::io(&error, "exec", Path::new(&node)))?;
    Ok(ExitStatus(status))
}

/// `node`, or a path to it, may be named: it would be a strange name for a script.
fn is_node(word: &OsStr) -> bool {
    matches!(
        Path::new(word).file_name().and_then(OsStr::to_str),
        Some("node" | "nodejs" | "node.exe")
    )
}

/// What the options mean in `NODE_HEAPDUMP_OPTIONS`.
fn words(arguments: &Run) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut add = |option: &str, word: String| {
        if word.contains(',') {
            let error = Error::new(Code::Argument, format!("the value of {option} holds a comma: {word}"));
            return Err(error.with_hint(format!("commas separate the words of {VARIABLE}, which hands it on")));
        }
        if !attach::unknown_words(&word).is_empty() {
            let error = Error::new(
                Code::Argument,
                format!("the value of {option} is not understood: {word}"),
            );
            return Err(error.with_hint("rs-heapdump run --help"));
        }
        if let Some(why) = attach::refused_signal(&word) {
            let error = Error::new(Code::Argument, format!("the value of {option} cannot be had: {why}"));
            return Err(error.with_hint("rs-heapdump run --help"));
        }
        words.push(word);
        Ok(())
    };
    if let Some(directory) = &arguments.dir {
        let directory = directory.to_str();
        let text = directory.ok_or_else(|| Error::new(Code::Argument, "the name of the directory is not UTF-8"))?;
        add("--dir", format!("dir={text}"))?;
    }
    if let Some(live) = arguments.live {
        add("--live", format!("live={}", live.as_str()))?;
    }
    if let Some(compress) = arguments.compress {
        add("--compress", format!("compress={}", compress.as_str()))?;
    }
    if let Some(watch) = &arguments.watch {
        let word = if watch.is_empty() {
            "watch".to_owned()
        } else {
            format!("watch={watch}")
        };
        add("--watch", word)?;
    }
    if let Some(keep) = arguments.keep {
        add("--keep", format!("keep={keep}"))?;
    }
    if let Some(signal) = &arguments.signal {
        add("--signal", format!("signal={signal}"))?;
    }
    if let Some(threads) = arguments.threads {
        add("--threads", format!("threads={}", threads.as_str()))?;
    }
    for (given, option, word) in [
        (arguments.redact, "--redact", "redact"),
        (arguments.no_gc, "--no-gc", "nogc"),
        (arguments.no_memory_guard, "--no-memory-guard", "nomemoryguard"),
        (arguments.near_limit, "--near-limit", "nearlimit"),
        (arguments.no_signal, "--no-signal", "nosignal"),
        (arguments.quiet, "--quiet", "quiet"),
    ] {
        if given {
            add(option, word.to_owned())?;
        }
    }
    Ok(words)
}

/// Becomes the program.
#[cfg(unix)]
fn replace(mut program: Program) -> io::Result<u8> {
    use std::os::unix::process::CommandExt;
    attach::hand_on_descriptors();
    Err(program.exec())
}

/// Where a process cannot become another, it waits for it.
#[cfg(not(unix))]
fn replace(mut program: Program) -> io::Result<u8> {
    let status = program.status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(ExitStatus::ERROR.0))
}
