//! Does the pool decide as the numbered cases say?
