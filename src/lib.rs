//! See what a Node process holds in memory, and why, from a production host.
//!
//! | module | knows | knows nothing of |
//! |---|---|---|
//! | [`v8`] | V8's exported symbols and vtables; the only way to V8 | files, signals, Node-API |
//! | [`capture`] | when a capture is safe, how it runs, where its bytes go | signals, Node-API |
//! | [`trigger`] | who asks for a capture, and in which thread it must run | Node-API |
//! | [`api`] | Node-API; converts and decides nothing | |
//!
//! | [`snapshot`] | a file: bytes to columns, strings, provenance | graphs |
//! | [`graph`] | retainers, distances, dominators, shallow and retained sizes | classes, names shown |
//! | [`analysis`] | classes, Comparison, retainer paths, sources | how anything is shown |
//! | [`report`] | text tables, JSON and HTML | files, terminals, the environment |
//! | [`files`] | from files to reports: reading, the hunt for leaks, lines of source, redacting | arguments, terminals, Node-API |
//! | [`cli`] | arguments, commands, progress, exit codes | Node-API, V8 |
//!
//! | [`attach`] | other processes of this machine: by their addon, or by Node's inspector | how anything is shown |
//! | [`protocol`] | what such a process and we say to each other | |
//! | [`compression`] | how a file is stored | what is in it |
//! | [`redact`] | a snapshot's text, and what of it is no secret | files, clocks, chance; everything above |
//!
//! Capturing and reading know nothing of each other; they meet in the file, and both may redact it. Calls go one way:
//! `api` → `trigger` → `capture` → `v8`, and `api` → `cli` → `files` → `report` → `analysis` → `graph` → `snapshot`.
//! ARCHITECTURE.md has the invariants.

pub mod analysis;
pub mod api;
pub mod attach;
pub mod capture;
pub mod cli;
pub mod compression;
pub mod error;
mod fault;
pub mod files;
pub mod graph;
mod hostile;
mod privacy;
pub mod protocol;
pub mod redact;
pub mod report;
pub mod snapshot;
pub mod trigger;
mod unnamed;
pub mod v8;
