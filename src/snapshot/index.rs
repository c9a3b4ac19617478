//! Positions in a snapshot, each of its own type so that none is taken for another.

use std::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into a column.
            #[inline(always)]
            #[must_use]
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            /// Columns are no longer than 2^32, which the loader checks.
            #[inline(always)]
            fn from(at: usize) -> Self {
                debug_assert!(u32::try_from(at).is_ok());
                Self(at as u32)
            }
        }
    };
}

index! {
    /// Position of a node in its file, from 0. Says nothing outside this one snapshot.
    NodeIndex
}
index! {
    /// Position of an edge in its file, from 0.
    EdgeIndex
}
index! {
    /// Position in the table of strings.
    StringIndex
}

/// V8's id of an object, printed as `@123`: the same object has the same id in every snapshot of one
/// process. Odd for JavaScript objects, even for native ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}
