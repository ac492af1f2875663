//! Redirects: where `Location` leads, and what goes along (RFC 9110 §15.4).
//!
//! Pure: a response's status and fields in, the next request out. Whatever was given for one origin
//! stays with it: a server must not be able to send our secrets to another by pointing there.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::Url;

use crate::fetch::failure::without_secrets;
use crate::fetch::show::octets;

#[cfg(test)]
mod tests;

/// One request on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    /// Where to, with user and password where they were given for it.
    pub(super) url: String,
    /// The method.
    pub(super) method: Method,
    /// Whether the body goes along.
    pub(super) body: bool,
    /// Whether it goes to the origin that all options were given for.
    pub(super) own: bool,
}

/// The way of a request through redirects.
#[derive(Debug)]
pub(super) struct Trail {
    /// What is asked now.
    hop: Hop,
    /// What was asked before, without fragments.
    asked: Vec<(Method, Url)>,
    /// How many redirects may be followed.
    most: usize,
}

impl Trail {
    /// Begins with what was asked for.
    pub(super) fn begin(url: &str, method: &Method, most: usize) -> Self {
        Self {
            hop: Hop {
                url: url.to_owned(),
                method: method.clone(),
                body: true,
                own: true,
            },
            asked: Vec::new(),
            most,
        }
    }

    /// What is asked now.
    pub(super) fn hop(&self) -> &Hop {
        &self.hop
    }

    /// How many redirects were followed.
    pub(super) fn followed(&self) -> usize {
        self.asked.len()
    }

    /// Goes where a response leads; says whether it leads anywhere.
    ///
    /// # Errors
    /// A text that says why it cannot be followed.
    pub(super) fn follow(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
    ) -> Result<bool, String> {
        let Some(place) = place(status, fields)? else {
            return Ok(false);
        };
        // The library has sent a request there, so it can be read.
        let mut base = Url::parse(&self.hop.url).map_err(|error| error.to_string())?;
        let mut next = base.join(place).map_err(|error| {
            let shown = without_secrets(place);
            format!("{status} leads to {shown}, which is no URL: {error}")
        })?;
        let shown = without_secrets(next.as_str());
        base.set_fragment(None);
        match next.scheme() {
            "https" => {}
            "http" => {
                return Err(format!(
                    "{status} leads to {shown}, which is plain HTTP: everybody on the way could \
                     read and change it"
                ));
            }
            other => {
                return Err(format!(
                    "{status} leads to {shown}, and the scheme {other} is not followed"
                ));
            }
        }
        let own = self.hop.own && next.origin() == base.origin();
        give_credentials(&mut next, &base, own);
        next.set_fragment(None);
        let (method, body) = self.rewritten(status);
        self.asked.push((self.hop.method.clone(), base));
        if self.asked.contains(&(method.clone(), next.clone())) {
            return Err(format!(
                "{status} leads to {shown}, where we come from: the redirects go in a circle"
            ));
        }
        if self.asked.len() > self.most {
            return Err(format!(
                "{status} leads to {shown}, after {} redirects already",
                self.most
            ));
        }
        self.hop = Hop {
            url: next.into(),
            method,
            body,
            own,
        };
        Ok(true)
    }

    /// The method of the next request, and whether the body goes along (RFC 9110 §15.4.2-4).
    fn rewritten(&self, status: StatusCode) -> (Method, bool) {
        let hop = &self.hop;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => hop.method != Method::HEAD && hop.method != Method::GET,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => hop.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            (Method::GET, false)
        } else {
            (hop.method.clone(), hop.body)
        }
    }
}

/// The reference of a redirect; nothing when the response is none.
fn place(status: StatusCode, fields: &HeaderMap) -> Result<Option<&str>, String> {
    if !FOLLOWED.contains(&status) {
        return Ok(None);
    }
    let mut values = fields.get_all(header::LOCATION).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|value| value != first) {
        return Err(format!("{status} leads to several places at once"));
    }
    let text = std::str::from_utf8(first.as_bytes()).ok();
    let text = text.filter(|text| !text.chars().any(char::is_control));
    match text {
        Some(text) => Ok(Some(text)),
        None => Err(format!(
            "{status} leads to {}, which is no URL",
            octets(first.as_bytes())
        )),
    }
}

/// Lets user and password of the URL stay with their origin, and takes none from a server.
fn give_credentials(next: &mut Url, base: &Url, own: bool) {
    let (user, password) = if own {
        (base.username(), base.password())
    } else {
        ("", None)
    };
    // URLs of https have a host, so they can be set.
    let _ = next.set_username(user);
    let _ = next.set_password(password);
}

/// Whether a field was given for the first origin only.
pub(super) fn stays(name: &HeaderName) -> bool {
    SECRET.contains(name) || name == header::HOST
}

/// Whether a field says something about the body that goes along.
pub(super) fn describes_body(name: &HeaderName) -> bool {
    name.as_str().starts_with("content-")
        || [header::TRANSFER_ENCODING, header::TRAILER, header::EXPECT].contains(name)
}

/// Fields that prove to a server who we are.
pub(super) const SECRET: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// What is followed: 300 leaves a choice to people, 304 leads nowhere, 305 and 306 are gone.
const FOLLOWED: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// How many redirects are followed without a word: as browsers do.
pub(super) const MOST: usize = 20;
