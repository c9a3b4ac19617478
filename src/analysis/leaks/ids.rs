//! A set of object ids. V8 gives them out in order, so a page of bits is full or missing.

/// Ids of a page.
const PAGE_IDS: usize = 4096;
const PAGE_WORDS: usize = PAGE_IDS / 64;

/// No page.
const MISSING: u32 = u32::MAX;

/// Which objects a snapshot has.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSet {
    /// Position of each page among those there are.
    pages: Vec<u32>,
    words: Vec<[u64; PAGE_WORDS]>,
}

impl IdSet {
    pub(super) fn insert(&mut self, id: u32) {
        let page = id as usize / PAGE_IDS;
        if page >= self.pages.len() {
            self.pages.resize(page + 1, MISSING);
        }
        if self.pages[page] == MISSING {
            self.pages[page] = self.words.len() as u32;
            self.words.push([0; PAGE_WORDS]);
        }
        self.words[self.pages[page] as usize][id as usize % PAGE_IDS / 64] |= 1 << (id % 64);
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        let page = self.pages.get(id as usize / PAGE_IDS).copied().unwrap_or(MISSING);
        let words = self.words.get(page as usize);
        words.is_some_and(|words| words[id as usize % PAGE_IDS / 64] >> (id % 64) & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let ids = [0, 1, 63, 64, 4095, 4096, 70_001, u32::MAX];
        let mut set = IdSet::default();
        for id in ids {
            set.insert(id);
        }
        for id in ids {
            assert!(set.contains(id), "{id}");
        }
        for id in [2, 62, 65, 4097, 70_000, u32::MAX - 1] {
            assert!(!set.contains(id), "{id}");
        }
    }
}
