//! Limits: each bound with its unit, its default and the reason for it.
//!
//! A limit is a size or a number; a length of time is a timeout and lives in `connection/timer.rs`.
//! RFC 9112 §3 and RFC 9110 §5.4 ask a recipient to bound what it accepts but name few figures, so
//! these are ours, near to what the field has settled on.

/// Bounds on what a peer may send.
///
/// ```
/// use sealane_proto::Limits;
///
/// let limits = Limits { head_octets: 64 * 1024, ..Limits::default() };
/// assert_eq!(limits.field_count, 2000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a whole head: start line, field lines and the blank line (default 16 KiB).
    ///
    /// Browsers with large cookies stay below 16 KiB. A target that alone passes it is 414, else
    /// 431.
    pub head_octets: usize,
    /// Field lines of one section (default 2000).
    ///
    /// Each line costs a slot in a map, so a head of `a:` lines would weigh many times its octets.
    /// A number above [`MOST_FIELDS`] means that number.
    pub field_count: usize,
    /// Digits of one chunk size, leading zeros included (default 16, which is all of 64 bits).
    ///
    /// Endless leading zeros would be input that never becomes a message.
    pub chunk_size_digits: usize,
    /// Octets of chunk extensions, summed over one message (default 16 KiB).
    ///
    /// Extensions carry no content: 300 KB of them around one octet is an attack (CVE-2024-22019).
    pub chunk_extension_octets: usize,
    /// Octets of a trailer section, its blank line included (default 16 KiB, like a head).
    pub trailer_octets: usize,
    /// Blank lines before a request line (default 8).
    ///
    /// RFC 9112 §2.2 asks to ignore at least one, for clients that end a body with an extra CRLF;
    /// without a bound they would be input that never becomes a message.
    pub blank_lines: usize,
    /// Octets of a request body that nobody wants, read only to keep the connection (default 256
    /// KiB).
    ///
    /// Counted as they come from the wire: chunk lines and extensions are octets like the content,
    /// for one-octet chunks with long lines would else make 256 KiB of it many times as much input.
    /// Beyond that a new connection is cheaper for both sides than the rest of the upload.
    pub discarded_body_octets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_octets: 16 * 1024,
            field_count: 2000,
            chunk_size_digits: 16,
            chunk_extension_octets: 16 * 1024,
            trailer_octets: 16 * 1024,
            blank_lines: 8,
            discarded_body_octets: 256 * 1024,
        }
    }
}

/// Octets of a method (64): the longest registered one has 17.
///
/// RFC 9112 §3 answers a longer one with 501. Methods are copied into an allocation of their own,
/// and a handler may print them: a bound of the size of a head would serve nobody.
pub const METHOD_OCTETS: usize = 64;

/// Field lines of one section, whatever the limit says (24576).
///
/// `http::HeaderMap` has 32768 slots at most, and fills three quarters of them: it takes no more
/// names than these.
pub const MOST_FIELDS: usize = 24_576;

/// Octets of a request target (65534): what `http::Uri` can hold.
///
/// The limit of the head strikes before it unless that is set higher. A longer target is 414, as
/// soon as it is (RFC 9112 §3).
pub const TARGET_OCTETS: usize = 65_534;

/// Interim responses a client takes before the final one (100).
///
/// A proxy may send a 102 every few seconds for minutes; an endless stream of them is a peer that
/// never answers (RFC 9110 §15.2 sets no bound).
pub const INTERIM_RESPONSES: usize = 100;
