//! What a heap means: classes, Comparison, the paths that keep objects alive, where objects come from.

mod classes;
mod diff;
mod interfaces;
mod labels;
pub mod leaks;
mod names;
mod paths;
mod sources;

pub use classes::{Aggregate, ClassIndex, ClassKey, Classes, summarize};
pub use diff::{Comparability, Comparison, DiffRow, Digest, MAX_SAMPLES, compare};
pub use interfaces::{Interface, Interfaces};
pub use labels::{edge_label, edge_name, node_name};
pub(crate) use paths::Cheapest;
pub use paths::{Path, Paths, Step};
pub use sources::{Captured, Source, Sources, captured, is_context};
