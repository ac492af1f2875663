//! Does every option that decides what a connection proves change the domain?
