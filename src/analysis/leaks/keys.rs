//! A set of what objects are told by. V8 gives ids out in order, so a page of bits is full or missing; hashes of
//! places are anywhere.

/// Keys of a page.
const PAGE_KEYS: usize = 4096;
const PAGE_WORDS: usize = PAGE_KEYS / 64;

/// No page.
const MISSING: u32 = u32::MAX;

/// Which objects a snapshot has.
#[derive(Clone, Debug)]
pub(super) enum KeySet {
    Dense {
        /// Position of each page among those there are.
        pages: Vec<u32>,
        words: Vec<[u64; PAGE_WORDS]>,
    },
    /// Ascending.
    Scattered(Vec<u32>),
}

impl KeySet {
    /// Of keys that are next to each other for the most part.
    pub(super) fn dense(keys: impl Iterator<Item = u32>) -> Self {
        let mut pages = Vec::new();
        let mut words = Vec::new();
        for key in keys {
            let page = key as usize / PAGE_KEYS;
            if page >= pages.len() {
                pages.resize(page + 1, MISSING);
            }
            if pages[page] == MISSING {
                pages[page] = words.len() as u32;
                words.push([0; PAGE_WORDS]);
            }
            words[pages[page] as usize][key as usize % PAGE_KEYS / 64] |= 1 << (key % 64);
        }
        Self::Dense { pages, words }
    }

    /// Of keys that may be anything.
    pub(super) fn scattered(keys: impl Iterator<Item = u32>) -> Self {
        let mut keys: Vec<u32> = keys.collect();
        keys.sort_unstable();
        Self::Scattered(keys)
    }

    pub(super) fn contains(&self, key: u32) -> bool {
        match self {
            Self::Dense { pages, words } => {
                let page = pages.get(key as usize / PAGE_KEYS).copied().unwrap_or(MISSING);
                let words = words.get(page as usize);
                words.is_some_and(|words| words[key as usize % PAGE_KEYS / 64] >> (key % 64) & 1 != 0)
            }
            Self::Scattered(keys) => keys.binary_search(&key).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let keys = [70_001, 0, 1, 63, 64, 4096, 4095, u32::MAX];
        for set in [KeySet::dense(keys.into_iter()), KeySet::scattered(keys.into_iter())] {
            for key in keys {
                assert!(set.contains(key), "{key}");
            }
            for key in [2, 62, 65, 4097, 70_000, u32::MAX - 1] {
                assert!(!set.contains(key), "{key}");
            }
        }
    }
}
