//! A ClientHello before it is answered: what an asynchronous choice needs to know of it.
