//! Where cryptography comes from, and whether there is any.
