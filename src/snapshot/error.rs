//! What can be wrong with a snapshot file, always with the place where it went wrong.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Code, Error};

/// The part of the file that was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `"snapshot"`: the schema, the counts and the provenance.
    Header,
    /// `"nodes"`.
    Nodes,
    /// `"edges"`.
    Edges,
    /// `"locations"`.
    Locations,
    /// `"strings"`.
    Strings,
    /// Any other value of the top-level object, and the object itself.
    Other,
}

impl Section {
    /// The name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "snapshot",
            Self::Nodes => "nodes",
            Self::Edges => "edges",
            Self::Locations => "locations",
            Self::Strings => "strings",
            Self::Other => "the file",
        }
    }
}

/// A byte, or the lack of one, that makes the file no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// Where, in the uncompressed text.
    pub offset: u64,
    /// The part it is in.
    pub section: Section,
    /// What should be there.
    pub expected: Cow<'static, str>,
    /// What is there.
    pub found: Cow<'static, str>,
    /// Whether the file just ends there: most often its writer was killed.
    pub truncated: bool,
}

/// Why a snapshot cannot be read.
#[derive(Clone, Debug)]
pub enum SnapshotError {
    /// The system refused.
    Io {
        /// The call that failed, such as `open`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// Not a snapshot, or not a whole one.
    Format(FormatError),
    /// A valid file that needs more of something than this reader can number.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many are possible.
        limit: u64,
        /// How many there are.
        actual: u64,
    },
}

impl SnapshotError {
    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::Io,
            Self::Format(_) | Self::TooLarge { .. } => Code::Format,
        }
    }

    /// The error as everybody else knows it; `file` is the snapshot's name, as it was given.
    #[must_use]
    pub fn of(&self, file: &Path) -> Error {
        let error = match self {
            Self::Io {
                operation,
                path,
                source,
            } => Error::io(source, operation, path),
            Self::Format(_) | Self::TooLarge { .. } => Error::new(self.code(), format!("'{}' {self}", file.display())),
        };
        match self.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// What to do about it, where there is something to do.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format(FormatError {
                truncated: true,
                section: Section::Strings | Section::Locations,
                ..
            }) => Some("its graph is whole: --salvage (`salvage: true`) reads what there is, with names missing"),
            Self::Format(FormatError { truncated: true, .. }) => {
                Some("the process was probably killed while writing, or the disk was full: take the snapshot again")
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::IsADirectory => Some("name a snapshot in it"),
            _ => None,
        }
    }

    /// Whether the file just ends too early.
    #[must_use]
    pub fn is_truncation(&self) -> bool {
        matches!(self, Self::Format(FormatError { truncated: true, .. }))
    }

    pub(crate) fn format(
        offset: u64,
        section: Section,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Format(FormatError {
            offset,
            section,
            expected: expected.into(),
            found: found.into(),
            truncated: false,
        })
    }

    pub(crate) fn truncated(offset: u64, section: Section, expected: impl Into<Cow<'static, str>>) -> Self {
        Self::Format(FormatError {
            offset,
            section,
            expected: expected.into(),
            found: "end of file".into(),
            truncated: true,
        })
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                operation,
                path,
                source,
            } => write!(f, "{operation} '{}': {source}", path.display()),
            Self::Format(FormatError {
                offset,
                section,
                expected,
                found,
                truncated: true,
            }) => write!(
                f,
                "ends inside {} at byte {offset}: expected {expected}, found {found}",
                section.as_str()
            ),
            Self::Format(FormatError {
                offset,
                section,
                expected,
                found,
                truncated: false,
            }) => write!(
                f,
                "is no heap snapshot: expected {expected}, found {found} in {} at byte {offset}",
                section.as_str()
            ),
            Self::TooLarge { what, limit, actual } => {
                write!(f, "is too large: {actual} {what}, and at most {limit} can be read")
            }
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// A byte as it is shown in an error: printable, or by its code.
pub(crate) fn show_byte(byte: u8) -> Cow<'static, str> {
    match byte {
        b' '..=b'~' => format!("'{}'", byte as char).into(),
        _ => format!("byte 0x{byte:02x}").into(),
    }
}
