//! Trust as data: options in, an immutable TLS context out. Follows the version of the `sealane`
//! facade, which is what programs depend on.
//!
//! No sockets, no HTTP, no files: octets come in, rustls does the cryptography, and what was agreed
//! comes out as facts. Nothing here asks for the time, but rustls does: its `TimeProvider` dates
//! sessions, and its `Ticketer` changes keys, by the system clock. A module may use what is
//! declared below it, never above.
//!
//! ```text
//! ServerTlsOptions ──build──▶ SecureContext ──server_config──▶ rustls
//!        ▲                                          │ observe() around each call
//!     Identity ◀── PEM, DER, PKCS#12                ▼
//!        ▼                          Observation, TlsInfo, HandshakeError
//! ClientTlsOptions ──build──▶ ClientContext ──config──▶ rustls ──▶ admit() ──▶ Verdict
//!        ▲                          ▲
//!      Roots                   SessionCache
//! ```
//!
//! ```
//! use sealane_tls::{ClientTlsOptions, TlsVersion, reference_name};
//!
//! let base = ClientTlsOptions::new().alpn_protocols(["http/1.1"]);
//! let newest = ClientTlsOptions::new().min_version(TlsVersion::V1_3).over(&base);
//! let (base, newest) = (base.build()?, newest.build()?);
//! assert_ne!(base.domain(), newest.domain(), "their connections prove different things");
//! let name = reference_name("Example.COM.")?;
//! assert_eq!(name.to_str(), "example.com");
//! # Ok::<(), sealane_tls::OptionError>(())
//! ```

pub mod danger;
pub mod options;
mod contexts;
pub mod context;
pub mod domain;
mod pool_name;
mod verify;
pub mod session;
mod ticket;
mod store;
mod clock;
mod hello;
pub mod select;
mod keylog;
pub mod peer;
mod check;
mod identity_check;
mod pin;
mod certificate;
mod revocation;
pub mod trust;
mod permissions;
pub mod name;
pub mod identity;
mod pkcs12;
mod encryption;
mod pem;
mod der;
pub mod parameters;
pub mod crypto;
pub mod error;
mod diagnosis;
mod digest;
#[cfg(test)]
mod pair;

pub use certificate::{DistinguishedName, PeerCertificate};
pub use check::IdentityCheck;
pub use clock::{Clock, SystemClock};
pub use context::{Admission, Binding, ClientContext, ForConnection, SecureContext};
pub use contexts::Contexts;
pub use diagnosis::Diagnosis;
pub use domain::SecurityDomain;
pub use error::{HandshakeError, HandshakeErrorKind, OptionError, Side};
pub use hello::{Hello, HelloReader, HelloRefused, MAX_HELLO};
pub use identity::{Identity, Pkcs12};
pub use identity_check::{IdentityError, check_server_identity};
pub use keylog::KeyLogLine;
pub use name::reference_name;
pub use options::{ClientTlsOptions, RequestCert, ServerTlsOptions};
pub use parameters::{TlsParameters, TlsVersion};
pub use peer::{Peer, TlsInfo, Verdict};
pub use pin::{Pin, Pins};
pub use pkcs12::write_pkcs12;
pub use pool_name::PoolName;
pub use revocation::Revocation;
pub use select::{Observation, observe};
pub use session::SessionCache;
pub use store::SessionStore;
pub use ticket::TicketKeys;
pub use trust::Roots;
