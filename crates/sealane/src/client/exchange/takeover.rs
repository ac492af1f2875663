//! A response that ends HTTP on its connection: 101, and 2xx to CONNECT (RFC 9110 §7.8, §9.3.6).

use std::io;
use std::task::{Context, Poll};

use http::Response;
use sealane_proto::ResponseHead;

use super::failing::unexpected;
use super::{Exchange, Failure, response_of};
use crate::body::Body;
use crate::client::connection::Connection;
use crate::info::ConnectionInfo;
use crate::transport::{Received, TransportError, Tunnel};
use crate::upgrade::Upgraded;

impl Exchange {
    /// Whether the response has made a tunnel of the connection.
    pub(super) fn has_switched(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|(connection, _)| connection.http.is_tunnel())
    }

    /// Puts the connection into its response, once the request has left whole.
    ///
    /// Its place in the pool is free at once: whoever takes it over owns it, and a response that is
    /// dropped closes it.
    pub(super) async fn hand_over(
        mut self,
        head: ResponseHead,
        info: ConnectionInfo,
    ) -> Result<Response<Body>, Failure> {
        self.rest_of_upload().await?;
        let Some((mut connection, place)) = self.held.take() else {
            return Err(self.failure(unexpected()));
        };
        drop(place);
        let ahead = connection.http.take_leftover();
        let upgraded = Upgraded::new(connection, ahead, info.clone(), None);
        let mut response = response_of(head, info);
        upgraded.travel_with(&mut response);
        Ok(response)
    }
}

impl Tunnel for Connection {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>> {
        self.stream.poll_read(context, sink)
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        self.stream.poll_write(context, octets)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_close(context)
    }
}
