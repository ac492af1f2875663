//! Does every scheme that OpenSSL writes open, and only with its passphrase?
