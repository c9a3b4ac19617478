//! The opened snapshots of one environment, which go when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// By handle; nothing once the environment has ended.
#[derive(Debug)]
pub struct Shelf<T>(Mutex<Option<HashMap<u32, Arc<T>>>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl<T> Shelf<T> {
    /// False where the environment has ended meanwhile: nobody would ever close it.
    pub fn put(&self, handle: u32, opened: T) -> bool {
        match &mut *self.lock() {
            Some(opened_ones) => {
                opened_ones.insert(handle, Arc::new(opened));
                true
            }
            None => false,
        }
    }

    pub fn find(&self, handle: u32) -> Option<Arc<T>> {
        self.lock().as_ref()?.get(&handle).cloned()
    }

    pub fn remove(&self, handle: u32) {
        let removed = self.lock().as_mut().and_then(|opened| opened.remove(&handle));
        drop(removed); // which may take long, and needs no lock
    }

    /// The environment ends.
    pub fn clear(&self) {
        let all = self.lock().take();
        drop(all);
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u32, Arc<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_of_an_environment_that_has_ended() {
        let shelf = Shelf::default();
        assert!(shelf.put(1, "one") && shelf.put(2, "two"));
        let kept = shelf.find(1).map(|found| Arc::downgrade(&found)).unwrap_or_default();
        shelf.remove(2);
        assert!(shelf.find(2).is_none());
        assert!(kept.upgrade().is_some());
        shelf.clear();
        assert!(kept.upgrade().is_none());
        assert!(shelf.find(1).is_none());
        assert!(!shelf.put(3, "late"), "nobody would ever close it");
        assert!(shelf.find(3).is_none());
    }
}
