//! Does the reader take what is definite, and the converter what is not?
