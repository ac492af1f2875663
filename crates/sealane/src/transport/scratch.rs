//! Buffers that belong to the worker thread and are lent to the connection it is busy with.
//!
//! They are *taken* out of the thread's cell and put back, never borrowed while user code runs;
//! taken twice, a new one is made (engine decision 9). Their length is their initialised size, so
//! that nothing is zeroed again at each use.

use std::cell::Cell;

thread_local! {
    static INCOMING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static SEALED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static PLAIN: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer for octets as they come from a socket, at least `len` long.
pub(crate) fn take_incoming(len: usize) -> Vec<u8> {
    grown(INCOMING.take(), len)
}

pub(crate) fn put_incoming(buffer: Vec<u8>) {
    INCOMING.set(buffer);
}

/// A buffer for sealed records, at least `len` long.
pub(crate) fn take_sealed(len: usize) -> Vec<u8> {
    grown(SEALED.take(), len)
}

pub(crate) fn put_sealed(buffer: Vec<u8>) {
    SEALED.set(buffer);
}

/// An empty buffer with room, for octets about to be sealed.
pub(crate) fn take_plain() -> Vec<u8> {
    PLAIN.take()
}

pub(crate) fn put_plain(mut buffer: Vec<u8>) {
    if buffer.capacity() <= LARGEST_KEPT {
        buffer.clear();
        PLAIN.set(buffer);
    }
}

fn grown(mut buffer: Vec<u8>, len: usize) -> Vec<u8> {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    buffer
}

/// A buffer that grew past this for one message goes back to the system.
const LARGEST_KEPT: usize = 256 * 1024;
