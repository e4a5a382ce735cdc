//! Memory for the text of objects, used again: what a superseded object leaves, the next one of about its size takes.
//! Without it, 200 changes a second of 50,000 pods spread the objects over the heap (the allocator keeps what one
//! thread freed apart from what another needs) and the process grows by half.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Free memory kept at most.
const MAX_FREE: usize = 32 << 20;

#[derive(Debug, Default)]
struct Free {
    /// Free buffers by capacity.
    buffers: BTreeMap<usize, Vec<Vec<u8>>>,
    bytes: usize,
}

/// Free buffers of one store; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<Free>>);

/// A buffer that goes back when nobody reads it any more.
struct Lent {
    data: Vec<u8>,
    pool: Pool,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.data));
    }
}

impl Pool {
    /// A copy of the text in a buffer of the pool, or in a new one of just its size.
    pub fn hold(&self, text: &[u8]) -> Bytes {
        let mut data = self.take(text.len());
        data.extend_from_slice(text);
        Bytes::from_owner(Lent { data, pool: self.clone() })
    }

    /// An empty buffer that is large enough, and at most an eighth larger.
    fn take(&self, size: usize) -> Vec<u8> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.buffers.range_mut(size..=size + size / 8).next();
        let Some((&capacity, list)) = fitting else {
            // A little room, so that the buffer fits the next version of its object, too.
            return Vec::with_capacity(size + size / 32);
        };
        let found = list.pop();
        if list.is_empty() {
            free.buffers.remove(&capacity);
        }
        free.bytes -= capacity;
        found.unwrap_or_else(|| Vec::with_capacity(size))
    }

    fn give(&self, mut data: Vec<u8>) {
        data.clear();
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let capacity = data.capacity();
        if free.bytes + capacity <= MAX_FREE {
            free.bytes += capacity;
            free.buffers.entry(capacity).or_default().push(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_nobody_reads_it() {
        let pool = Pool::default();
        let first = pool.hold(&[1; 1000]);
        let reader = first.clone();
        let place = first.as_ptr();
        drop(first);
        assert_ne!(pool.hold(&[2; 1000]).as_ptr(), place, "somebody still reads it");
        drop(reader);
        let again = [pool.hold(&[3; 990]), pool.hold(&[4; 990])];
        assert!(again.iter().any(|b| b.as_ptr() == place));
        assert_eq!(pool.hold(&[5; 10]).len(), 10);
        assert_eq!(&pool.hold(b"text")[..], b"text");
    }
}
