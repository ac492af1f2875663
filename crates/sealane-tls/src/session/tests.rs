//! Are sessions kept, given out once, told apart and evicted in order?
