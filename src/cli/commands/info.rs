//! `info`: the header alone, however large the file.

use std::path::Path;

use super::super::args::Shown;
use super::super::failure::Failure;
use super::{name, show};
use crate::report::Info;
use crate::snapshot::Snapshot;

pub(super) fn run(file: &Path, shown: Shown) -> Result<(), Failure> {
    let header = Snapshot::header(file).map_err(|error| Failure::reading(file, &error))?;
    show(&Info::new(&name(file), &header), shown)
}
