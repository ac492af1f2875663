//! Key log lines in the NSS format, for tools that decrypt captures (RFC 9850).
