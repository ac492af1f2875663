//! A peer's certificate as an object: names, dates, key, fingerprints, and who issued it.
