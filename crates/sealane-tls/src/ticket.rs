//! Session tickets of a server: keys, their rotation, and what a ticket is bound to (RFC 5077, RFC
//! 8446 §4.6.1).
