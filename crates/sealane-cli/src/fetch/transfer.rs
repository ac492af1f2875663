//! One URL, from its request to the last octet of the answer, redirects included.
//!
//! Here things happen in order; what each of them means is decided beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Body as _;
use sealane::{Body, ConnectionInfo, ErrorKind};

use crate::error::Failure;
use crate::fetch::agents::Agents;
use crate::fetch::asked::{self, Asked, Upload};
use crate::fetch::coding::{Content, Trouble};
use crate::fetch::facts::Facts;
use crate::fetch::failure::{CONNECTION, RESPONSE};
use crate::fetch::location::{self, SECRET, Trail};
use crate::fetch::options::ClientArgs;
use crate::fetch::output::{Output, Step};
use crate::fetch::repeat::Round;
use crate::fetch::write_out::{is_verify_code, verify_result};
use crate::fetch::{Stop, failure, show, upload};
use crate::quantity::TimeLimit;
use crate::terminal::{note, say, visible};

/// One URL and how it is asked for.
pub(super) struct Transfer<'a> {
    /// The options.
    args: &'a ClientArgs,
    /// Those who send.
    agents: &'a Agents,
    /// What is asked.
    asked: &'a Asked,
    /// Octets of bodies that were sent.
    sent: Arc<AtomicU64>,
}

/// What becomes of a transfer, or of a part of it.
type Outcome<T> = std::result::Result<T, Stop>;

impl<'a> Transfer<'a> {
    /// A transfer; nothing is sent yet.
    pub(super) fn new(args: &'a ClientArgs, agents: &'a Agents, asked: &'a Asked) -> Self {
        Self {
            args,
            agents,
            asked,
            sent: Arc::default(),
        }
    }

    /// Performs it, within the time that it may take.
    pub(super) async fn run(&self) -> Outcome<()> {
        let mut facts = Facts::begin(failure::without_secrets(&self.asked.url));
        let outcome = match self.limit() {
            None => self.perform(&mut facts).await,
            Some(limit) => {
                let outcome = tokio::time::timeout(limit, self.perform(&mut facts)).await;
                outcome.unwrap_or_else(|_| Err(self.late(limit, &facts).into()))
            }
        };
        facts.over();
        facts.sent = self.sent.load(Ordering::Relaxed);
        if let Err(Stop::Failed(failure)) = &outcome {
            facts.failure = Some((failure.exit_code(), failure.message().into_owned()));
        }
        if self.args.shown.timings {
            note(&show::timings(&facts));
        }
        if let Some(format) = &self.args.shown.write_out {
            say(&format.filled(&facts));
        }
        outcome
    }

    /// Sends it once, reads what comes, and says what that took, within the time it may take.
    pub(super) async fn round(&self, begun: Instant) -> Outcome<Round> {
        let mut facts = Facts::begin(failure::without_secrets(&self.asked.url));
        let trail = Trail::begin(&self.asked.url, &self.asked.method, 0);
        let whole = async {
            let response = self.once(&trail, &[], &mut facts).await?;
            let status = show::status(&response);
            let refused = response.status().as_u16() >= 400;
            let mut content = self.content(response)?;
            while self.piece(&mut content, &mut facts).await?.is_some() {}
            if self.args.shown.fail && refused {
                return Err(Stop::from(answered(&facts.url, &status)));
            }
            Ok(status)
        };
        let status = match self.limit() {
            None => whole.await?,
            Some(limit) => match tokio::time::timeout(limit, whole).await {
                Ok(outcome) => outcome?,
                Err(_) => return Err(self.late(limit, &facts).into()),
            },
        };
        Ok(Round {
            status,
            octets: facts.received,
            took: begun.elapsed(),
            opened: facts.opened > 0,
        })
    }

    /// How long all of it may take.
    fn limit(&self) -> Option<Duration> {
        self.args.limits.max_time.and_then(|limit| limit.0)
    }

    /// The next piece of a body.
    async fn piece(&self, content: &mut Content, facts: &mut Facts) -> Outcome<Option<Bytes>> {
        let piece = content.piece().await;
        facts.received = content.received();
        piece.map_err(|trouble| match trouble {
            Trouble::Body(error) => self.cut(&error).into(),
            Trouble::Coding(text) => undecodable(text).into(),
        })
    }

    /// Performs it.
    async fn perform(&self, facts: &mut Facts) -> Outcome<()> {
        // Before anything is sent: a request that was carried out cannot be taken back.
        let mut output = Output::open(self.args, &self.asked.url).await?;
        let response = loop {
            let response = self.ask(&mut output, facts).await?;
            match output.take(&response, &facts.url)? {
                Step::Write => break response,
                Step::AskAgain => discard(response.into_body()).await,
                Step::Done => return Ok(()),
            }
        };
        if self.args.shown.fail && response.status().as_u16() >= 400 {
            return Err(answered(&facts.url, &show::status(&response)).into());
        }
        let mut content = self.content(response)?;
        output.begin(content.length());
        while let Some(piece) = self.piece(&mut content, facts).await? {
            output.write(&piece).await?;
        }
        output.finish().await
    }

    /// Sends the request, and those that redirects make of it, until an answer is none.
    async fn ask(&self, output: &mut Output, facts: &mut Facts) -> Outcome<Response<Body>> {
        let most = self.args.route.max_redirs.unwrap_or(location::MOST);
        let mut trail = Trail::begin(&self.asked.url, &self.asked.method, most);
        loop {
            let response = self.once(&trail, &output.fields(), facts).await?;
            if self.args.shown.include {
                output.head(&show::head(&response)).await?;
            }
            if !self.args.route.location {
                self.tell_unfollowed(&response);
                return Ok(response);
            }
            let own = trail.hop().own;
            let status = show::status(&response);
            match trail.follow(response.status(), response.headers()) {
                Ok(false) => return Ok(response),
                Ok(true) => {}
                Err(text) => return Err(Failure::new(text).exit(RESPONSE).into()),
            }
            if trail.hop().body && self.asked.upload == Upload::StandardInput {
                let message =
                    format!("{status} wants the body again, and standard input is read once");
                let failure = Failure::new(message).hint("write it into a file, and send that");
                return Err(failure.exit(RESPONSE).into());
            }
            self.tell_followed(&status, &trail, own);
            discard(response.into_body()).await;
        }
    }

    /// Sends one request.
    async fn once(
        &self,
        trail: &Trail,
        ours: &[(HeaderName, HeaderValue)],
        facts: &mut Facts,
    ) -> Outcome<Response<Body>> {
        let hop = trail.hop();
        let shown = failure::without_secrets(&hop.url);
        facts.asking(shown, &hop.method, trail.followed());
        let mut patience = self.args.limits.patience();
        let response = loop {
            let body = self.body(hop.body).await?;
            // Whether it is wanted at all: a refusal is cheaper before it has been sent.
            let length = body.size_hint().exact();
            let large = self.asked.patient && hop.body && length.is_none_or(|it| it > LARGE);
            let patient = patience.filter(|_| large && !self.says_itself());
            let mut options = asked::options(self.args, self.asked, hop, ours);
            if let Some(limit) = patient {
                options = options.expect_continue(limit);
            }
            if self.args.shown.verbose {
                options = options.on_information(|it| note(&show::interim(it)));
            }
            let request = self.agents.request(hop, options)?;
            let response = request.end_with(body).await.map_err(|error| {
                let code = error.code().filter(|code| is_verify_code(code));
                facts.refused = code.map(verify_result);
                self.failed(&error)
            })?;
            // RFC 9110 §10.1.1: who does not know the expectation may know the request.
            let again = patient.is_some() && self.asked.upload != Upload::StandardInput;
            if response.status() != StatusCode::EXPECTATION_FAILED || !again {
                break response;
            }
            patience = None;
        };
        facts.answered(&response);
        self.tell_connection(&response);
        Ok(response)
    }

    /// The body of a request, if it goes along.
    async fn body(&self, goes: bool) -> Outcome<Body> {
        if !goes {
            return Ok(Body::empty());
        }
        let body = upload::body(&self.asked.upload, &self.sent, self.args.shown.silent).await;
        body.map_err(|error| self.failed(&error).into())
    }

    /// Whether a field given says what is expected.
    fn says_itself(&self) -> bool {
        let mut given = self.args.fields.iter();
        given.any(|field| field.name == header::EXPECT)
    }

    /// The content of the last response.
    fn content(&self, response: Response<Body>) -> Outcome<Content> {
        let (parts, body) = response.into_parts();
        if !self.args.shown.compressed {
            return Ok(Content::plain(body));
        }
        let content = Content::decoded(&parts.headers, body);
        content.map_err(|text| undecodable(text).into())
    }

    /// An error of the library.
    fn failed(&self, error: &sealane::Error) -> Failure {
        failure::of(error, &self.args.tls)
    }

    /// What to say when the whole has taken too long.
    fn late(&self, limit: Duration, facts: &Facts) -> Failure {
        let (reached, code) = match (facts.head_after, facts.received) {
            (None, _) if !self.agents.is_connected() => {
                ("no connection was open".to_owned(), CONNECTION)
            }
            (None, _) => ("no response had come".to_owned(), RESPONSE),
            (Some(_), count) => (format!("{count} octets of the body had come"), RESPONSE),
        };
        let limit = TimeLimit(Some(limit));
        Failure::new(format!(
            "{} took longer than {limit}: {reached} [ETIMEDOUT]",
            facts.url
        ))
        .exit(code)
        .hint("give it more time with --max-time")
    }

    /// An error of the library in the middle of a body.
    fn cut(&self, error: &sealane::Error) -> Failure {
        let failure = self.failed(error);
        let shown = &self.args.shown;
        if error.kind() == ErrorKind::Body && shown.output.is_some() && shown.continue_at.is_none()
        {
            return failure.hint("--continue-at - keeps what comes, and goes on from there");
        }
        failure
    }

    /// Tells what the connection of a response is like, as far as that was asked for.
    fn tell_connection(&self, response: &Response<Body>) {
        let Some(info) = response.extensions().get::<ConnectionInfo>() else {
            return;
        };
        if self.args.shown.verbose {
            note(&show::connection(info));
        }
        if self.args.insecure && !info.tls().authorized() && !info.reused() {
            let code = info.tls().authorization_error().unwrap_or("no certificate");
            note(&format!(
                "warning: --insecure: {} was ignored",
                visible(code)
            ));
        }
    }

    /// Tells that an answer leads elsewhere, and nobody goes there.
    fn tell_unfollowed(&self, response: &Response<Body>) {
        if self.args.shown.silent || !response.status().is_redirection() {
            return;
        }
        let Some(place) = response.headers().get(header::LOCATION) else {
            return;
        };
        let place = failure::without_secrets(&show::octets(place.as_bytes()));
        let status = show::status(response);
        note(&format!("note: {status} leads to {place}; -L follows it"));
    }

    /// Tells where a redirect leads, and what does not go along.
    fn tell_followed(&self, status: &str, trail: &Trail, was_own: bool) {
        let hop = trail.hop();
        let shown = failure::without_secrets(&hop.url);
        if self.args.shown.verbose {
            note(&format!("* redirect: {status}, to {}", visible(&shown)));
        }
        if self.args.shown.silent || hop.own || !was_own {
            return;
        }
        let left = self.left_behind();
        if !left.is_empty() {
            let left = left.join(", ");
            note(&format!(
                "note: not sent along to {}, which is another origin: {left}",
                visible(&shown)
            ));
        }
    }

    /// What was given for the first origin only.
    fn left_behind(&self) -> Vec<&str> {
        let given = |name: &&HeaderName| self.args.fields.iter().any(|it| it.name == **name);
        let mut left: Vec<_> = SECRET
            .iter()
            .filter(given)
            .map(HeaderName::as_str)
            .collect();
        if failure::without_secrets(&self.asked.url) != self.asked.url {
            left.push("user and password of the URL");
        }
        let tls = &self.args.tls;
        if tls.cert.is_some() || tls.pfx.is_some() {
            left.push("your certificate");
        }
        if tls.servername.is_some() {
            left.push("--servername");
        }
        left
    }
}

/// A body whose coding cannot be undone.
fn undecodable(text: String) -> Failure {
    let hint = "without --compressed a server sends it plain, or as it has it";
    Failure::new(text).exit(RESPONSE).hint(hint)
}

/// What to say of a status that is taken for a failure.
fn answered(url: &str, status: &str) -> Failure {
    Failure::new(format!("{url} was answered with {status}"))
}

/// Reads a body that nobody wants, if it is small: then the connection can be used again.
async fn discard(mut body: Body) {
    let reading = async {
        let mut left = SMALL;
        while let Ok(Some(piece)) = body.chunk().await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Longer than a new connection takes nobody waits for an old one.
    let _ = tokio::time::timeout(PATIENCE, reading).await;
}

/// More octets than this are not sent before they are wanted.
const LARGE: u64 = 1 << 20;

/// The most octets of a body that are read for the sake of its connection.
const SMALL: usize = 64 * 1024;

/// How long that may take.
const PATIENCE: Duration = Duration::from_millis(500);
