//! Is every form of file read, every mistake named, and nothing lost?
