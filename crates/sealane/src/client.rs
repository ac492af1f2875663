//! The client: requests out, responses in, connections kept for the next one.

mod pool;
