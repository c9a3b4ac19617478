//! See what a Node process holds in memory, and why, from a production host.
//!
//! | module | knows | knows nothing of |
//! |---|---|---|
//! | [`v8`] | V8's exported symbols and vtables; the only way to V8 | files, signals, Node-API |
//! | [`capture`] | when a capture is safe, how it runs, where its bytes go | signals, Node-API |
//! | [`trigger`] | who asks for a capture, and in which thread it must run | Node-API |
//! | [`api`] | Node-API; converts and decides nothing | |
//!
//! Calls go one way: `api` → `trigger` → `capture` → `v8`. ARCHITECTURE.md has the invariants.

pub mod api;
pub mod capture;
pub mod error;
mod fault;
pub mod trigger;
pub mod v8;
