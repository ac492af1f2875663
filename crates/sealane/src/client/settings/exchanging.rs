//! How an exchange is carried on, once it has a connection.

use std::time::Duration;

use crate::bounds::check_times;
use crate::client::abort::AbortSignal;
use crate::client::information::InformationTarget;
use crate::error::Result;

/// What has been said about exchanges.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Exchanging {
    pub(in crate::client) on_information: Option<InformationTarget>,
    /// How long a body waits for 100 (Continue).
    pub(in crate::client) expect_continue: Option<Duration>,
    /// Whether a body that ends with its connection may break off.
    pub(in crate::client) danger_accept_truncated: Option<bool>,
    /// What calls the request off; never said for an agent.
    pub(in crate::client) signal: Option<AbortSignal>,
}

impl Exchanging {
    pub(super) fn over(&self, agent: &Self) -> Self {
        let on_information = self.on_information.as_ref();
        Self {
            on_information: on_information.or(agent.on_information.as_ref()).cloned(),
            expect_continue: self.expect_continue.or(agent.expect_continue),
            danger_accept_truncated: self
                .danger_accept_truncated
                .or(agent.danger_accept_truncated),
            signal: self.signal.clone(),
        }
    }

    /// Refuses what cannot be meant, by its name.
    pub(super) fn settle(self) -> Result<Self> {
        check_times(&[("expect_continue", self.expect_continue)])?;
        Ok(self)
    }
}

/// The setters, for an agent and for a request.
macro_rules! exchanging_setters {
    () => {
        /// Tells of interim responses as they come: each 1xx but 101, 100 (Continue) included.
        /// Default nobody is told; for a request the agent's choice.
        ///
        /// It is called by whoever waits for the response, so it must not block. A panic in it is
        /// contained.
        #[must_use]
        pub fn on_information(
            mut self,
            told: impl Fn(&crate::client::information::Information) + Send + Sync + 'static,
        ) -> Self {
            let target = crate::client::information::InformationTarget::new(told);
            self.settings().exchanging.on_information = Some(target);
            self
        }

        /// Asks before a body is sent, with `Expect: 100-continue`, and waits at most `limit` for
        /// 100 (Continue); default not asked. Where the field is given by hand, 1 s is waited.
        ///
        /// A server that never heard of it says nothing: then the body is sent when the limit has
        /// passed (RFC 9110 §10.1.1). When a final response comes first and is not a success, the
        /// body is never sent, and the connection is closed, for the server still expects it
        /// (RFC 9112 §9.3). A 417 (Expectation Failed) is given as it is: asking once more, without
        /// the expectation, is the caller's to do. Requests without a body do not ask.
        #[must_use]
        pub fn expect_continue(mut self, limit: std::time::Duration) -> Self {
            self.settings().exchanging.expect_continue = Some(limit);
            self
        }

        /// Whether a body that ends with its connection is taken as whole when TCP ends without
        /// close_notify; default false, for a request its agent's choice.
        ///
        /// **Dangerous when true**: anybody on the way can end a TCP connection, so what is read
        /// may have been cut anywhere (RFC 9112 §9.8). For servers that never say close_notify.
        /// Bodies with a length, and chunked ones, are whole or an error all the same.
        #[must_use]
        pub fn danger_accept_truncated(mut self, accept: bool) -> Self {
            self.settings().exchanging.danger_accept_truncated = Some(accept);
            self
        }
    };
}

pub(in crate::client) use exchanging_setters;
