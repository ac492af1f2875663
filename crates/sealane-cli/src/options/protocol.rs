//! What a request may look like.

use clap::Args;
use sealane::ServerOptions;

/// What a request may look like.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "HTTP")]
pub struct ProtocolArgs {
    /// Serve requests of HTTP/1.1 without Host, too; they are answered 400 otherwise.
    #[arg(long)]
    pub no_require_host: bool,

    /// Take requests that break the rules in ways that old clients do: folded lines, lines that end
    /// with LF alone, controls in values, odd versions. Where a proxy stands before the server and
    /// reads them otherwise, requests can be smuggled past it.
    #[arg(long)]
    pub insecure_http_parser: bool,

    /// Join field lines of one name into one before a request is looked at.
    #[arg(long)]
    pub join_duplicate_headers: bool,

    /// Take the end of what a client sends for its end: what is at work for it is dropped.
    #[arg(long)]
    pub no_half_open: bool,
}

impl ProtocolArgs {
    /// Adds what was given to a server's options.
    pub(super) fn add(self, options: ServerOptions) -> ServerOptions {
        options
            .insecure_http_parser(self.insecure_http_parser)
            .require_host_header(!self.no_require_host)
            .join_duplicate_headers(self.join_duplicate_headers)
            .allow_half_open(!self.no_half_open)
    }
}
