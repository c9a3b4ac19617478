//! Where in the source objects come from: script, line and column of a closure, or of an object's
//! constructor.

use std::collections::HashMap;

use super::error::{Section, SnapshotError};
use super::index::NodeIndex;
use super::numbers::Numbers;
use super::schema::{LocationFields, Schema};
use super::text::Reject;

/// A place in a script. Line and column count from 0, as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// V8's id of the script.
    pub script_id: u32,
    /// From 0.
    pub line: u32,
    /// From 0.
    pub column: u32,
}

/// Index of a distinct [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceIndex(pub u32);

/// The places of nodes. Objects of a class share its place, so places are kept once.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    places: Vec<Place>,
    /// By node, ascending.
    rows: Vec<(u32, u32)>,
}

impl Locations {
    /// Where the node comes from, if the file says so.
    #[must_use]
    pub fn of(&self, node: NodeIndex) -> Option<PlaceIndex> {
        let at = self.rows.binary_search_by_key(&node.0, |(node, _)| *node).ok()?;
        Some(PlaceIndex(self.rows[at].1))
    }

    /// The place itself.
    #[must_use]
    pub fn place(&self, place: PlaceIndex) -> Place {
        self.places[place.0 as usize]
    }

    /// All located nodes, in order.
    pub fn rows(&self) -> impl Iterator<Item = (NodeIndex, PlaceIndex)> + '_ {
        self.rows
            .iter()
            .map(|(node, place)| (NodeIndex(*node), PlaceIndex(*place)))
    }

    /// How many distinct places there are.
    #[must_use]
    pub fn place_count(&self) -> usize {
        self.places.len()
    }
}

pub(crate) struct LocationsBuilder {
    fields: LocationFields,
    node_width: u32,
    node_count: u32,
    row: Vec<u32>,
    known: HashMap<Place, u32>,
    locations: Locations,
}

impl LocationsBuilder {
    /// `None` where the schema has no locations.
    pub(crate) fn new(schema: &Schema) -> Option<Self> {
        Some(Self {
            fields: schema.location_fields?,
            node_width: schema.node_fields.count as u32,
            node_count: schema.node_count,
            row: Vec::new(),
            known: HashMap::new(),
            locations: Locations::default(),
        })
    }

    pub(crate) fn push(&mut self, numbers: &Numbers) -> Result<(), Reject> {
        if let Some(wide) = numbers.wide.first() {
            return Err(Reject {
                at: wide.at as usize,
                expected: "a number below 2^32".into(),
                found: wide.value.to_string().into(),
            });
        }
        for (at, &value) in numbers.values.iter().enumerate() {
            self.row.push(value);
            if self.row.len() == self.fields.count {
                self.take_row(at)?;
            }
        }
        Ok(())
    }

    fn take_row(&mut self, at: usize) -> Result<(), Reject> {
        let object = self.row[self.fields.object_index];
        if !object.is_multiple_of(self.node_width) || object / self.node_width >= self.node_count {
            return Err(Reject {
                at,
                expected: "the index of a node".into(),
                found: object.to_string().into(),
            });
        }
        let place = Place {
            script_id: self.row[self.fields.script_id],
            line: self.row[self.fields.line],
            column: self.row[self.fields.column],
        };
        let next = self.locations.places.len() as u32;
        let index = *self.known.entry(place).or_insert(next);
        if index == next {
            self.locations.places.push(place);
        }
        self.locations.rows.push((object / self.node_width, index));
        self.row.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self, offset: u64) -> Result<Locations, SnapshotError> {
        if !self.row.is_empty() {
            let expected = format!("{} numbers a location", self.fields.count);
            return Err(SnapshotError::format(
                offset,
                Section::Locations,
                expected,
                "a location cut short",
            ));
        }
        let rows = &mut self.locations.rows;
        if !rows.is_sorted_by_key(|(node, _)| *node) {
            rows.sort_by_key(|(node, _)| *node);
        }
        // Of several rows for a node the last one counts.
        rows.reverse();
        rows.dedup_by_key(|(node, _)| *node);
        rows.reverse();
        rows.shrink_to_fit();
        Ok(self.locations)
    }
}
