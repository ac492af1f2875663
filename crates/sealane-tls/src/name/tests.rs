//! Is a host read in one way only?
