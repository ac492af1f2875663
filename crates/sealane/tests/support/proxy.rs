//! A little proxy that opens tunnels by CONNECT, or does what its test says instead.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::read_until;

/// What the proxy answers to CONNECT.
#[derive(Clone)]
pub enum Says {
    /// This, and then it is a tunnel.
    Tunnel(String),
    /// This, and then it ends the connection.
    Refusal(String),
    /// Nothing.
    Silence,
}

/// An ordinary proxy's word.
pub fn established() -> Says {
    Says::Tunnel("HTTP/1.1 200 Connection established\r\n\r\n".to_owned())
}

/// The proxy; it ends with this value.
pub struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
    secure: bool,
}

impl Proxy {
    /// One that is asked by plain HTTP.
    pub async fn start(says: Says) -> Self {
        Self::start_with(says, None).await
    }

    /// One that is asked by HTTPS.
    pub async fn start_tls(says: Says, config: ServerConfig) -> Self {
        Self::start_with(says, Some(config)).await
    }

    async fn start_with(says: Says, config: Option<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::default();
        let secure = config.is_some();
        let acceptor = config.map(|config| TlsAcceptor::from(Arc::new(config)));
        let task = tokio::spawn(accept(listener, says, acceptor, Arc::clone(&heads)));
        Self {
            address,
            heads,
            task,
            secure,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, for clients.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    says: Says,
    acceptor: Option<TlsAcceptor>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (says, acceptor, heads) = (says.clone(), acceptor.clone(), Arc::clone(&heads));
        tokio::spawn(async move {
            match acceptor {
                None => serve(socket, says, heads).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, says, heads).await;
                    }
                }
            }
        });
    }
}

async fn serve<S>(mut client: S, says: Says, heads: Arc<Mutex<Vec<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = read_until(&mut client, "\r\n\r\n").await;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    match says {
        Says::Tunnel(answer) => {
            // No name is looked up: all servers of a test are here.
            let port = target.rsplit_once(':').unwrap().1.parse().unwrap();
            let loopback = if target.starts_with('[') {
                "::1"
            } else {
                "127.0.0.1"
            };
            let mut server = TcpStream::connect((loopback, port)).await.unwrap();
            client.write_all(answer.as_bytes()).await.unwrap();
            client.flush().await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Says::Refusal(answer) => {
            client.write_all(answer.as_bytes()).await.unwrap();
            let _ = client.shutdown().await;
        }
        Says::Silence => std::future::pending().await,
    }
}
