//! What does a server do when the process has no descriptor left for a connection?
//!
//! A program of its own: the limit holds for the whole process.

#![cfg(target_os = "linux")]

mod support;

use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use sealane::create_server;
use support::places::{ask, hello};
use support::{Ground, listen};

#[tokio::test]
async fn without_descriptors_it_waits_without_work_and_serves_again_once_there_are_some() {
    let ground = Ground::new();
    let server = create_server(ground.options(), hello).unwrap();
    let address = listen(&server).await;
    assert_eq!(ask(&ground, address).await, "hello");

    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let limit = Rlimit {
        current: Some(open + 20),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    // The server shares this thread: it accepts nothing before all of them are taken.
    let mut clients = Vec::new();
    while let Ok(client) = TcpStream::connect(address) {
        clients.push(client);
        assert!(clients.len() < 100, "the limit does not hold");
    }

    let before = working_time();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let worked = working_time() - before;
    assert!(worked < Duration::from_millis(150), "worked for {worked:?}");
    assert!(server.listening());

    drop(clients);
    assert_eq!(ask(&ground, address).await, "hello");
}

/// How long the threads of this process have been at work.
fn working_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}
