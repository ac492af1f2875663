//! The sealane command line.
pub mod address;
pub mod dev_ca;
pub mod error;
pub mod quantity;
pub mod terminal;
pub mod folder;
