//! The one error type, with codes that callers may rely on.
//!
//! ```
//! use rs_heapdump::error::{Code, Error};
//!
//! let error = Error::new(Code::Timeout, "gave up after 250 ms");
//! assert_eq!(error.code().as_str(), "ERR_HEAPDUMP_TIMEOUT");
//! ```

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What kind of failure, as `err.code` in JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The system refused; the errno's name is with it.
    Io,
    /// The capture would not fit into memory.
    Memory,
    /// The time allowed was used up.
    Timeout,
    /// Somebody, or a fault of ours, broke it off.
    Aborted,
    /// Another capture of the same thread is under way.
    Busy,
    /// Not on this Node, or not on this platform.
    Unsupported,
    /// Not a snapshot, or not a whole one.
    Format,
    /// The caller's arguments make no sense.
    Argument,
}

impl Code {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Io => "ERR_HEAPDUMP_IO",
            Self::Memory => "ERR_HEAPDUMP_MEMORY",
            Self::Timeout => "ERR_HEAPDUMP_TIMEOUT",
            Self::Aborted => "ERR_HEAPDUMP_ABORTED",
            Self::Busy => "ERR_HEAPDUMP_BUSY",
            Self::Unsupported => "ERR_HEAPDUMP_UNSUPPORTED",
            Self::Format => "ERR_HEAPDUMP_FORMAT",
            Self::Argument => "ERR_HEAPDUMP_ARGUMENT",
        }
    }

    /// The one of that stable name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Io,
            Self::Memory,
            Self::Timeout,
            Self::Aborted,
            Self::Busy,
            Self::Unsupported,
            Self::Format,
            Self::Argument,
        ];
        all.into_iter().find(|code| code.as_str() == name)
    }
}

/// What a capture would have needed, and what there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub needed_bytes: u64,
    pub available_bytes: u64,
    /// `cgroup`, `rlimit`, `machine` or `disk`.
    pub limit: &'static str,
}

/// A failure: a fact, its subject, and what to do where there is something to do.
#[derive(Clone, Debug)]
pub struct Error(Box<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    code: Code,
    message: String,
    errno: Option<String>,
    syscall: Option<&'static str>,
    path: Option<PathBuf>,
    shortage: Option<Shortage>,
    hint: Option<Cow<'static, str>>,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            code,
            message: message.into(),
            errno: None,
            syscall: None,
            path: None,
            shortage: None,
            hint: None,
        }))
    }

    /// The system's refusal of `syscall` on `path`.
    pub fn io(error: &io::Error, syscall: &'static str, path: &Path) -> Self {
        let name = errno_name(error);
        let message = format!("{name}: {}, {syscall} '{}'", reason(error), path.display());
        let mut this = Self::new(Code::Io, message);
        this.0.errno = Some(name);
        this.0.syscall = Some(syscall);
        this.0.path = Some(path.to_owned());
        this
    }

    /// No thread could be started for the work on `subject`.
    pub fn no_thread(error: &io::Error, subject: Option<&Path>) -> Self {
        const CALL: &str = "pthread_create";
        let name = errno_name(error);
        let mut this = match subject {
            Some(path) => Self::io(error, CALL, path),
            None => Self::new(Code::Io, format!("{name}: {}, {CALL}", reason(error))),
        };
        this.0.errno = Some(name);
        this.0.syscall = Some(CALL);
        this
    }

    /// A panic of ours, which ended what was asked for.
    pub fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let said = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self::new(Code::Aborted, format!("a fault inside rs-heapdump ended this: {said}"))
            .with_hint("this is a bug in rs-heapdump; please report it with this message")
    }

    /// Not enough room for the file, found out beforehand: as the system would say it later.
    pub fn disk(message: &str, path: &Path, shortage: Shortage) -> Self {
        let mut this = Self::new(Code::Io, format!("ENOSPC: {message}, statvfs '{}'", path.display()));
        this.0.errno = Some("ENOSPC".to_owned());
        this.0.syscall = Some("statvfs");
        this.0.path = Some(path.to_owned());
        this.0.shortage = Some(shortage);
        this
    }

    /// Not enough memory for the capture.
    pub fn memory(message: impl Into<String>, shortage: Shortage) -> Self {
        let mut this = Self::new(Code::Memory, message)
            .with_hint("raise the limit, take the snapshot earlier, or pass memoryGuard: false to try all the same");
        this.0.shortage = Some(shortage);
        this
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }
    /// Name of the system error, such as `ENOSPC`.
    pub fn errno(&self) -> Option<&str> {
        self.0.errno.as_deref()
    }
    pub fn syscall(&self) -> Option<&'static str> {
        self.0.syscall
    }
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }
    pub fn shortage(&self) -> Option<Shortage> {
        self.0.shortage
    }
    /// What there was too little of, where that is the whole reason: `memory` or `disk`.
    pub fn refused(&self) -> Option<&'static str> {
        match (self.code(), self.errno()) {
            (Code::Memory, _) => Some("memory"),
            (Code::Io, Some("ENOSPC" | "EDQUOT")) => Some("disk"),
            _ => None,
        }
    }
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// Without the "(os error 2)" that the standard library appends.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    let mut reason = text[..end].to_owned();
    if let Some(first) = reason.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    reason
}

/// The system's own name where there is one, else that of the kind.
fn errno_name(error: &io::Error) -> String {
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        return match nix::errno::Errno::from_raw(code) {
            nix::errno::Errno::UnknownErrno => format!("errno {code}"),
            errno => format!("{errno:?}"),
        };
    }
    match error.kind() {
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::StorageFull => "ENOSPC",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::InvalidFilename => "ENAMETOOLONG",
        _ => "EIO",
    }
    .to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_names_errno_call_and_path() {
        let error = Error::io(
            &io::Error::from_raw_os_error(libc::ENOENT),
            "open",
            Path::new("/no/such"),
        );
        assert_eq!(error.to_string(), "ENOENT: no such file or directory, open '/no/such'");
        assert_eq!(error.errno(), Some("ENOENT"));
        assert_eq!(error.code().as_str(), "ERR_HEAPDUMP_IO");
    }
}
