//! Both ends of a connection in memory, with the octets between them in the test's hands.

use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, Error as TlsError, RootCertStore, SupportedProtocolVersion};
use sealane_testkit::certificates::TestCa;
use sealane_tls::{Identity, SecureContext, ServerTlsOptions, observe};

/// The server's context and the authority that clients trust.
pub(crate) struct World {
    /// Who vouches for the server.
    ca: TestCa,
    /// What the server's connections share.
    context: SecureContext,
}

impl World {
    /// A P-256 server for `localhost`.
    pub(crate) fn new() -> Self {
        let ca = TestCa::new();
        let pem = ca.issue(&["localhost"]);
        let identity =
            Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
        Self {
            ca,
            context: ServerTlsOptions::new(identity).build().unwrap(),
        }
    }

    /// A client that trusts the authority, speaks one version and keeps its sessions.
    pub(crate) fn client_config(
        &self,
        version: &'static SupportedProtocolVersion,
        alpn: &[&str],
    ) -> Arc<ClientConfig> {
        self.config_of(default_provider(), version, alpn)
    }

    /// The same with another set of algorithms.
    pub(crate) fn config_of(
        &self,
        provider: CryptoProvider,
        version: &'static SupportedProtocolVersion,
        alpn: &[&str],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(self.ca.certificate_der().to_vec()))
            .unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// A client that has sent nothing yet.
    pub(crate) fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        alpn: &[&str],
    ) -> Client {
        Peer::client(&self.client_config(version, alpn))
    }

    /// A server that has received nothing yet.
    pub(crate) fn server(&self) -> Server {
        let config = Arc::clone(self.context.server_config());
        Peer::new(UnbufferedServerConnection::new(config).unwrap())
    }

    /// Both, unconnected.
    pub(crate) fn pair(&self, version: &'static SupportedProtocolVersion) -> (Client, Server) {
        (self.client(version, &["http/1.1"]), self.server())
    }

    /// Both, after the handshake.
    pub(crate) fn established(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> (Client, Server) {
        let (mut client, mut server) = self.pair(version);
        finish(&mut client, &mut server);
        (client, server)
    }
}

/// What client and server connections have in common.
pub(crate) trait Machine {
    /// What tells client from server in rustls' types.
    type Data;
    /// One call of `process_tls_records`.
    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
    /// Whether rustls has records to send.
    fn wants_write(&self) -> bool;
}

impl Machine for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(octets)
    }
    fn wants_write(&self) -> bool {
        rustls::CommonState::wants_write(self)
    }
}

impl Machine for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(octets)
    }
    fn wants_write(&self) -> bool {
        rustls::CommonState::wants_write(self)
    }
}

/// One end with its octets.
pub(crate) struct Peer<M> {
    /// The connection itself.
    pub(crate) machine: M,
    /// Received and not yet discarded.
    pub(crate) incoming: Vec<u8>,
    /// To be sent.
    pub(crate) outgoing: Vec<u8>,
    /// Application data received so far.
    pub(crate) plaintext: Vec<u8>,
    /// Every state in the order rustls told them.
    pub(crate) states: Vec<&'static str>,
    /// What the resolver saw.
    pub(crate) servername: Option<String>,
    /// The last failure.
    failed: Option<TlsError>,
}

/// A client's end.
pub(crate) type Client = Peer<UnbufferedClientConnection>;
/// A server's end.
pub(crate) type Server = Peer<UnbufferedServerConnection>;

impl Client {
    /// A client of `localhost`.
    pub(crate) fn client(config: &Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        Self::new(UnbufferedClientConnection::new(Arc::clone(config), name).unwrap())
    }
}

impl<M: Machine> Peer<M> {
    /// An end that has sent and received nothing.
    pub(crate) fn new(machine: M) -> Self {
        Self {
            machine,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            plaintext: Vec::new(),
            states: Vec::new(),
            servername: None,
            failed: None,
        }
    }

    /// Processes what was received until nothing more can be done.
    pub(crate) fn run(&mut self) {
        loop {
            let (status, seen) = observe(|| self.machine.process(&mut self.incoming));
            self.servername = seen.servername.or(self.servername.take());
            let UnbufferedStatus { discard, state } = status;
            let (name, goes_on) = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.outgoing);
                    ("encode", true)
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    ("transmit", true)
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        self.plaintext.extend_from_slice(record.unwrap().payload);
                    }
                    ("read", true)
                }
                Ok(ConnectionState::BlockedHandshake) => ("blocked", false),
                Ok(ConnectionState::WriteTraffic(_)) => ("write", false),
                Ok(ConnectionState::PeerClosed) => ("peer closed", false),
                Ok(ConnectionState::Closed) => ("closed", false),
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    self.failed = Some(error);
                    ("failed", false)
                }
            };
            self.states.push(name);
            self.incoming.drain(..discard);
            if !goes_on {
                return;
            }
        }
    }

    /// The last failure rustls told.
    pub(crate) fn error(&self) -> Option<TlsError> {
        self.failed.clone()
    }

    /// Takes what rustls wants to send after an error, and never lets it read again.
    pub(crate) fn take_alert(&mut self) {
        while self.machine.wants_write() {
            match self.machine.process(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.outgoing);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Moves what we send to the other end.
    pub(crate) fn give<N>(&mut self, other: &mut Peer<N>) {
        other.incoming.append(&mut self.outgoing);
    }

    /// Acts in the state in which application data may be sealed.
    pub(crate) fn write<R>(&mut self, act: impl FnOnce(WriteTraffic<'_, M::Data>) -> R) -> R {
        match self.machine.process(&mut self.incoming).state {
            Ok(ConnectionState::WriteTraffic(traffic)) => act(traffic),
            other => panic!("{other:?}"),
        }
    }

    /// Seals application data and tells how many octets that made.
    pub(crate) fn encrypt(&mut self, data: &[u8]) -> usize {
        let mut sealed = vec![0; data.len() + 256];
        let written = self.write(|mut traffic| traffic.encrypt(data, &mut sealed).unwrap());
        self.outgoing.extend_from_slice(&sealed[..written]);
        written
    }

    /// Seals our close_notify.
    pub(crate) fn close(&mut self) {
        let mut sealed = [0; 64];
        let written = self.write(|mut traffic| traffic.queue_close_notify(&mut sealed).unwrap());
        self.outgoing.extend_from_slice(&sealed[..written]);
    }
}

/// Asks for the size, then encodes: the first call leaves the record where it is.
fn encode<D>(data: &mut EncodeTlsData<'_, D>, outgoing: &mut Vec<u8>) {
    let Err(EncodeError::InsufficientSize(size)) = data.encode(&mut []) else {
        panic!("a record is never empty");
    };
    let start = outgoing.len();
    outgoing.resize(start + size.required_size, 0);
    assert_eq!(
        data.encode(&mut outgoing[start..]).unwrap(),
        size.required_size
    );
}

/// Lets both ends talk until neither has anything to say.
pub(crate) fn finish(client: &mut Client, server: &mut Server) {
    loop {
        client.run();
        if client.outgoing.is_empty() {
            break;
        }
        client.give(server);
        server.run();
        server.give(client);
    }
    assert_eq!((client.error(), server.error()), (None, None));
}
