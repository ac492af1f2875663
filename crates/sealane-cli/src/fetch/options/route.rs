//! Where requests go: where a server points to.

use clap::Args;

/// Where requests go.
#[derive(Debug, Clone, Default, Args)]
pub struct RouteArgs {
    /// Follow redirects (301, 302, 303, 307, 308), to https only.
    ///
    /// 301 and 302 make a GET of a POST, 303 of everything but HEAD; 307 and 308 repeat the request
    /// with its body, where that can be read again. Another origin gets no Authorization, no
    /// Cookie, no password of the URL and no certificate of yours, which is told.
    #[arg(short = 'L', long, help_heading = ROUTE)]
    pub location: bool,

    /// How many redirects are followed for a URL. [default: 20]
    #[arg(long, value_name = "NUMBER", requires = "location", help_heading = ROUTE)]
    pub max_redirs: Option<usize>,
}

/// The heading of where requests go.
const ROUTE: &str = "Route";
