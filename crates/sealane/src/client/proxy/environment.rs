//! The proxy that the environment names, by the usual variables.
//!
//! Lower case goes first, as everywhere. `http_proxy` is not asked: it is for servers without TLS,
//! and a web server lets strangers set it (as `HTTP_PROXY`, by a field `Proxy`).

use super::Proxy;
use crate::error::{Error, Result};

/// Makes a proxy of the variables that `variable` reads.
pub(super) fn proxy(variable: impl Fn(&str) -> Result<Option<String>>) -> Result<Option<Proxy>> {
    let Some((name, value)) = first(&variable, &PROXIES)? else {
        return Ok(None);
    };
    let proxy = Proxy::new(value.trim()).map_err(|error| named(error, name))?;
    let Some((name, list)) = first(&variable, &EXCLUSIONS)? else {
        return Ok(Some(proxy));
    };
    let proxy = proxy.exclude(list).map_err(|error| named(error, name))?;
    Ok(Some(proxy))
}

/// The first of these variables that says something.
fn first<'a>(
    variable: impl Fn(&str) -> Result<Option<String>>,
    names: &[&'a str],
) -> Result<Option<(&'a str, String)>> {
    for name in names {
        let value = variable(name).map_err(|error| error.with_code("ERR_PROXY_INVALID_CONFIG"))?;
        if let Some(value) = value
            && !value.trim().is_empty()
        {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn named(error: Error, name: &str) -> Error {
    error.with_more(&format!(" (in the environment variable {name})"))
}

const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

const EXCLUSIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];
