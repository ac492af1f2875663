//! Does every fault of a chain get its name, whatever a peer sends?
