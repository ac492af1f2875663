//! PKCS#12 files: identities and authorities behind a passphrase (RFC 7292).
