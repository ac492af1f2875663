//! Sessions that a server keeps itself, in a store of the caller's.
