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
    /// Of these keys, in the form that takes less memory.
    pub(super) fn of(keys: impl Iterator<Item = u32> + Clone) -> Self {
        let page_of = |key: u32| key as usize / PAGE_KEYS;
        let mut pages = Vec::new();
        let (mut count, mut used) = (0, 0);
        for key in keys.clone() {
            count += 1;
            let page = page_of(key);
            if page >= pages.len() {
                pages.resize(page + 1, MISSING);
            }
            if pages[page] == MISSING {
                pages[page] = used;
                used += 1;
            }
        }
        if used as usize * size_of::<[u64; PAGE_WORDS]>() > count * size_of::<u32>() {
            let mut keys: Vec<u32> = keys.collect();
            keys.sort_unstable();
            return Self::Scattered(keys);
        }
        let mut words = vec![[0; PAGE_WORDS]; used as usize];
        for key in keys {
            words[pages[page_of(key)] as usize][key as usize % PAGE_KEYS / 64] |= 1 << (key % 64);
        }
        Self::Dense { pages, words }
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
        let far = [70_001, 0, 1, 63, 64, 4096, 4095, u32::MAX];
        let near: Vec<u32> = (0..2000).map(|n| n * 2 + 1).collect();
        for (keys, is_dense) in [(&far[..], false), (&near[..], true)] {
            let set = KeySet::of(keys.iter().copied());
            assert_eq!(matches!(set, KeySet::Dense { .. }), is_dense);
            for key in keys {
                assert!(set.contains(*key), "{key}");
            }
            for key in [2, 62, 4094, 4098, 70_000, u32::MAX - 1] {
                assert!(!set.contains(key), "{key}");
            }
        }
    }
}
