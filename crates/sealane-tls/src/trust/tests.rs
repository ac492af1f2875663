//! Are trust anchors read whole, counted once, and mistakes named?
