//! The shared options as clap reads them.

use std::time::Duration;

use clap::Parser;

use super::*;
use crate::quantity::{CountLimit, SizeLimit, TimeLimit};

/// A command of nothing but these options.
#[derive(Debug, Parser)]
struct Command {
    /// The options.
    #[command(flatten)]
    server: ServerArgs,
}

/// Reads options.
fn read(words: &[&str]) -> std::result::Result<ServerArgs, clap::Error> {
    let words = ["sealane"].iter().chain(words);
    Command::try_parse_from(words).map(|command| command.server)
}

#[test]
fn nothing_given_is_the_default_address_and_no_limits_of_ours() {
    let args = read(&[]).unwrap();
    assert_eq!(args.addresses(), [ListenAddress::Loopback(8443)]);
    assert!(!args.has_identity());
    assert!(args.limits.handshake_timeout.is_none());
}

#[test]
fn everything_given_arrives() {
    let args = read(&[
        "--addr",
        "9000",
        "--addr=127.0.0.1:80",
        "--cert",
        "c.pem",
        "--key=k.pem",
        "--cert=d.pem",
        "--key=l.pem",
        "--pfx=e.pfx",
        "--passphrase-file=p",
        "--handshake-timeout",
        "1s",
        "--headers-timeout=2s",
        "--request-timeout",
        "off",
        "--keep-alive-timeout",
        "500ms",
        "--max-header-size",
        "8KiB",
        "--max-headers-count",
        "50",
    ])
    .unwrap();
    assert_eq!(args.addresses().len(), 2);
    let files = args.identity();
    assert_eq!(files.certs, [PathBuf::from("c.pem"), "d.pem".into()]);
    assert_eq!(files.keys, [PathBuf::from("k.pem"), "l.pem".into()]);
    assert_eq!(files.pfx, [PathBuf::from("e.pfx")]);
    assert_eq!(files.passphrase, Some("p".as_ref()));
    assert!(args.has_identity());
    let limits = args.limits;
    assert_eq!(
        limits.handshake_timeout,
        Some(TimeLimit(Some(Duration::from_secs(1))))
    );
    assert_eq!(
        limits.headers_timeout,
        Some(TimeLimit(Some(Duration::from_secs(2))))
    );
    assert_eq!(limits.request_timeout, Some(TimeLimit(None)));
    assert_eq!(
        limits.keep_alive_timeout,
        Some(TimeLimit(Some(Duration::from_millis(500))))
    );
    assert_eq!(
        (limits.max_header_size, limits.max_headers_count),
        (Some(8192), Some(50))
    );
}

#[test]
fn doors_sockets_and_logs_arrive() {
    let args = read(&[
        "--max-connections=9",
        "--max-connections-per-address=off",
        "--block=192.0.2.0/24",
        "--block",
        "::1",
        "--unix=a",
        "--unix=b",
        "--backlog=7",
        "--no-delay=off",
        "--tcp-keep-alive=off",
        "--send-buffer=64KiB",
        "--access-log=-",
        "--access-log-format=json",
        "--verbose",
    ])
    .unwrap();
    assert_eq!(args.admission.max_connections, Some(CountLimit(Some(9))));
    let most = args.admission.max_connections_per_address;
    assert_eq!(most, Some(CountLimit(None)));
    assert_eq!(args.admission.blocked, ["192.0.2.0/24", "::1"]);
    assert_eq!(args.sockets.paths, [PathBuf::from("a"), "b".into()]);
    assert!(args.addresses().is_empty(), "--unix stands for --addr");
    assert_eq!(args.sockets.backlog, Some(7));
    assert_eq!(args.sockets.no_delay, Some(false));
    assert_eq!(args.sockets.tcp_keep_alive, Some(TimeLimit(None)));
    assert_eq!(args.sockets.send_buffer, Some(SizeLimit(Some(65_536))));
    assert!(args.watch.verbose && args.watch.access_log.is_some());
    assert!(args.watch.file().is_none(), "standard output is no file");
}

#[test]
fn wrong_ones_are_refused_with_the_reason() {
    let refused = |words: &[&str], wanted: &str| {
        let said = read(words).unwrap_err().to_string();
        assert!(said.contains(wanted), "{words:?}: {said}");
    };
    refused(
        &["--headers-timeout", "5"],
        "a unit is missing: write 5s or 5ms",
    );
    refused(&["--max-header-size", "lots"], "a whole number is expected");
    refused(&["--max-headers-count", "many"], "invalid digit");
    refused(&["--addr", "example.com"], "the port is missing");
    refused(&["--cert", "c.pem"], "--key");
    refused(&["--key", "k.pem"], "--cert");
    refused(
        &["--cert", "c.pem", "--key", "k.pem", "--data-dir", "d"],
        "cannot be used with",
    );
    refused(&["--head", "5s"], "--head");
    refused(&["--access-log-format", "json"], "--access-log");
    refused(&["--no-delay", "maybe"], "on or off is expected");
    refused(&["--writable-all"], "--unix");
    refused(&["--exclusive", "--reuse-port"], "cannot be used with");
    refused(&["--max-connections", "0"], "would serve nobody");
    refused(&["--block", "192.0.2.0/33"], "192.0.2.0/33");
    refused(&["--proxy-protocol-from", "all"], "\"all\" is no address");
    refused(&["--block", "unix"], "\"unix\" is no address");
    refused(&["--block", "somebody"], "\"somebody\" is no address");
    refused(
        &["--headers-timeout", "5s", "--headers-timeout", "6s"],
        "cannot be used multiple times",
    );
}

#[test]
fn the_defaults_in_the_help_are_the_library_s() {
    use clap::CommandFactory;

    let library = format!("{:?}", ServerOptions::without_identity());
    let help = Command::command().render_long_help().to_string();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = |flag: &str| {
        let (_, rest) = help.split_once(&format!(" {flag} <")).expect(flag);
        let (_, rest) = rest.split_once("[default: ").expect(flag);
        let end = rest.find([']', ',']).unwrap();
        rest[..end].to_owned()
    };
    for (flag, named, value) in [
        ("--handshake-timeout", "handshake: ", "120s"),
        ("--request-timeout", "request: ", "300s"),
        ("--keep-alive-timeout", "keep_alive: ", "5s"),
        ("--timeout", "inactivity: ", "off"),
        ("--write-timeout", "write: ", "30s"),
        ("--min-body-rate", "octets_per_second: ", "500"),
        ("--min-body-rate-window", "window: ", "10s"),
        ("--min-body-rate-grace", "grace: ", "20s"),
        ("--max-connections", "max_connections: ", "off"),
        (
            "--max-connections-per-address",
            "max_connections_per_address: ",
            "off",
        ),
        ("--max-handshakes", "max_handshakes: ", "1024"),
        (
            "--max-requests-per-socket",
            "max_requests_per_socket: ",
            "off",
        ),
        ("--max-headers-count", "field_count: ", "2000"),
    ] {
        assert_eq!(told(flag), value, "{flag}");
        let shown = match value {
            "off" => "None".to_owned(),
            value => value.to_owned(),
        };
        let (bare, some) = (format!("{named}{shown}"), format!("{named}Some({shown})"));
        assert!(
            library.contains(&bare) || library.contains(&some),
            "{named}: {library}"
        );
    }
}

#[test]
fn a_backlog_of_none_is_refused_and_buffers_may_be_off() {
    let refused = read(&["--backlog", "0"]).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("--backlog"), "{refused}");
    let sockets = read(&["--receive-buffer", "off", "--send-buffer", "64KiB"]);
    let sockets = sockets.unwrap().sockets;
    assert_eq!(sockets.receive_buffer, Some(SizeLimit(None)));
    assert_eq!(sockets.send_buffer, Some(SizeLimit(Some(65_536))));
}
