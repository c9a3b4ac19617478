//! What a child tells its parent: one page of memory that both see.
//!
//! # Safety
//!
//! The page is mapped shared and zeroed, larger than [`Figures`], which is made of atomics alone; zero
//! is a value of each. It is unmapped when the parent drops it; a child never does.

#![expect(unsafe_code, reason = "memory shared with a child")]

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// How far the child is.
#[derive(Default)]
pub struct Figures {
    /// Grows whenever the child is seen to get on.
    beats: AtomicU64,
    /// Objects done, and about how many there are; 0 until V8 has counted.
    done: AtomicU32,
    total: AtomicU32,
    /// Of the snapshot in V8; 0 until it is complete.
    nodes: AtomicU64,
    edges: AtomicU64,
    /// Bytes written.
    bytes: AtomicU64,
    /// `errno` of what the system refused.
    errno: AtomicI32,
    /// The last byte has been written.
    whole: AtomicU32,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub beats: u64,
    pub total: u32,
    pub nodes: u64,
    pub edges: u64,
    pub bytes: u64,
    pub errno: i32,
    pub whole: bool,
}

/// The shared page.
pub struct Page(NonNull<Figures>);

// SAFETY: the page is mapped until the drop, and its atomics may be used from any thread.
unsafe impl Send for Page {}

const PAGE_BYTES: usize = 4096;
const _: () = assert!(size_of::<Figures>() <= PAGE_BYTES);

impl Page {
    pub fn new() -> io::Result<Self> {
        // SAFETY: a new mapping, where the system likes.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(address.cast())
            .map(Self)
            .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    pub fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    fn figures(&self) -> &Figures {
        // SAFETY: module head.
        unsafe { self.0.as_ref() }
    }

    /// Zeroes everything, for the next child.
    pub fn clear(&self) {
        let f = self.figures();
        for count in [&f.beats, &f.nodes, &f.edges, &f.bytes] {
            count.store(0, Ordering::Relaxed);
        }
        for count in [&f.done, &f.total, &f.whole] {
            count.store(0, Ordering::Relaxed);
        }
        f.errno.store(0, Ordering::Relaxed);
    }

    pub fn read(&self) -> Reading {
        let f = self.figures();
        let whole = f.whole.load(Ordering::Acquire) != 0;
        Reading {
            beats: f.beats.load(Ordering::Relaxed),
            total: f.total.load(Ordering::Relaxed),
            nodes: f.nodes.load(Ordering::Relaxed),
            edges: f.edges.load(Ordering::Relaxed),
            bytes: f.bytes.load(Ordering::Relaxed),
            errno: f.errno.load(Ordering::Relaxed),
            whole,
        }
    }

    pub fn beat(&self) {
        self.figures().beats.fetch_add(1, Ordering::Relaxed);
    }

    pub fn progress(&self, done: u32, total: u32) {
        self.figures().done.store(done, Ordering::Relaxed);
        self.figures().total.store(total, Ordering::Relaxed);
        self.beat();
    }

    pub fn built(&self, nodes: u64) {
        self.figures().nodes.store(nodes, Ordering::Relaxed);
        self.beat();
    }

    pub fn counted(&self, edges: u64) {
        self.figures().edges.store(edges, Ordering::Relaxed);
    }

    pub fn wrote(&self, bytes: u64) {
        self.figures().bytes.store(bytes, Ordering::Relaxed);
        self.beat();
    }

    pub fn refused(&self, errno: i32) {
        self.figures().errno.store(errno, Ordering::Relaxed);
    }

    pub fn complete(&self) {
        self.figures().whole.store(1, Ordering::Release);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and borrowed by nobody any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), PAGE_BYTES) };
    }
}
