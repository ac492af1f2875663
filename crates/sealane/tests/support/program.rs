//! TLS servers that are other people's programs: nginx, `openssl s_server`, Node.
//!
//! None of them gets a fixed port: nginx inherits a socket that is bound here, the others bind one
//! and say which.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Ground, soon};

/// A program at work; it ends with this value.
pub struct Program {
    _running: Running,
    port: u16,
}

/// What ends with the program's value.
enum Running {
    /// A single process, and what it goes on to print: were that dropped, printing would fail.
    Alone {
        _child: Box<Child>,
        _lines: Lines<BufReader<ChildStdout>>,
    },
    /// A process that has children: only it can end them, so it must be asked to.
    Family(std::process::Child),
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Family(parent) = self {
            let id = Pid::from_child(parent);
            let _ = kill_process(id, Signal::TERM);
            let _ = parent.wait();
        }
    }
}

impl Program {
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// `openssl s_server` with the identity of [`Ground::write_identity`] and further arguments.
    pub async fn openssl(ground: &Ground, arguments: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            "cert.pem",
            "-key",
            "key.pem",
        ]);
        command.args(arguments);
        let (child, mut lines) = start(command, ground.folder());
        let port = loop {
            let line = soon(lines.next_line()).await.unwrap();
            let line = line.expect("openssl says where it listens");
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                break address.parse::<SocketAddr>().unwrap().port();
            }
        };
        Self::alone(child, lines, port)
    }

    /// Node with a script that prints the port it listens on; `None` where there is no Node.
    pub async fn node(ground: &Ground, script: &str) -> Option<Self> {
        if !is_there("node") {
            return None;
        }
        std::fs::write(ground.folder().join("server.js"), script).unwrap();
        let mut command = Command::new("node");
        command.arg("server.js");
        let (child, mut lines) = start(command, ground.folder());
        let line = soon(lines.next_line()).await.unwrap();
        let port = line.expect("the script says its port").parse().unwrap();
        Some(Self::alone(child, lines, port))
    }

    /// nginx with these directives in its server block; `None` where there is no nginx.
    pub async fn nginx(ground: &Ground, server: &str) -> Option<Self> {
        if !is_there("nginx") {
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = ground.folder().to_str().unwrap();
        let config = nginx_config(folder, port, server);
        // The folder is its owner's alone, so nginx stays who it is. Without a parent process it
        // cannot inherit sockets.
        std::fs::write(ground.folder().join("nginx.conf"), config).unwrap();
        let mut command = std::process::Command::new("nginx");
        command.args(["-e", "nginx.log", "-p", folder, "-c", "nginx.conf"]);
        // How a running nginx hands its sockets to its successor: their numbers stand here.
        command.env("NGINX", "0;").stdin(OwnedFd::from(listener));
        let parent = command.stdout(Stdio::null()).spawn().unwrap();
        Some(Self {
            _running: Running::Family(parent),
            port,
        })
    }

    fn alone(child: Child, lines: Lines<BufReader<ChildStdout>>, port: u16) -> Self {
        Self {
            _running: Running::Alone {
                _child: Box::new(child),
                _lines: lines,
            },
            port,
        }
    }
}

fn start(mut command: Command, folder: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Says so where a program is missing, since its tests then prove nothing.
fn is_there(name: &str) -> bool {
    let found = std::process::Command::new(name).arg("-v").output().is_ok();
    if !found {
        super::left_out(&format!("{name} is not installed"));
    }
    found
}

fn nginx_config(folder: &str, port: u16, server: &str) -> String {
    format!(
        "daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
        events {{ }}
        http {{
            access_log off;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
            fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            client_max_body_size 0;
            default_type text/plain;
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
                ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:S:1m;
                root {folder};
                {server}
            }}
        }}\n"
    )
}

impl Ground {
    /// Writes `cert.pem` and `key.pem` of a server that is `localhost` to the folder.
    pub fn write_identity(&self) {
        self.ca()
            .issue(&["localhost", "127.0.0.1"])
            .write_to(self.folder());
    }
}
