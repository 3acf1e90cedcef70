//! A panic in one request, provoked where only tests can: it ends that connection and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)] // in a test a panic is the report

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::control::read;
use crate::exchange::Exchange;
use crate::worker::{self, RUNNING, STOPPING, Shared};

/// Panics if the request has a header of this name.
pub(crate) fn provoke(ex: &Exchange, name: &str) {
    assert!(
        memchr::memmem::find(ex.bytes(), name.as_bytes()).is_none(),
        "{name} was asked for"
    );
}

fn origin() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while client.read(&mut bytes).is_ok_and(|n| n > 0) {
                    let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                }
            });
        }
    });
    port
}

/// All that comes back for a request; nothing if the connection ends without an answer.
fn ask(port: u16, lines: &str) -> String {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        client,
        "GET / HTTP/1.1\r\nHost: o\r\nConnection: close\r\n{lines}\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn eventually(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_panic_ends_one_connection_and_takes_nothing_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/minimal.plan.json"
    );
    let plan = std::fs::read_to_string(golden)
        .unwrap()
        .replace("0.0.0.0:8080", &format!("127.0.0.1:{port}"))
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{}", origin()));
    let config = Arc::new(read(plan.as_bytes()).unwrap());
    let path = std::env::temp_dir().join(format!("surehop-panic-{}", std::process::id()));
    let log = || -> Arc<OwnedFd> {
        let mut options = std::fs::OpenOptions::new();
        Arc::new(
            options
                .create(true)
                .append(true)
                .open(&path)
                .unwrap()
                .into(),
        )
    };
    let paths = config.plan.files.iter();
    let files = Arc::new(
        paths
            .map(|file| (file.path.show(), log()))
            .collect::<Vec<_>>(),
    );
    let shared = Arc::new(Shared {
        config: config.clone(),
        phase: AtomicU8::new(RUNNING),
        probes: AtomicU32::new(0),
        connections: Arc::default(),
        requests: Arc::default(),
        clients: Arc::default(),
        post: Arc::default(),
        stages: Arc::default(),
    });
    let listeners = Arc::new(vec![listener.into()]);
    let handle = worker::start(0, shared.clone(), &listeners, &files).unwrap();

    let under_way = || config.groups[0].state(0).peer(0, 0).conns;
    assert!(ask(port, "").ends_with("\r\n\r\nok"));
    let mut held = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for name in ["X-Panic-Early", "X-Panic-Late"] {
        assert_eq!(ask(port, &format!("{name}: yes\r\n")), "");
        assert!(ask(port, "").ends_with("\r\n\r\nok"), "service goes on");
    }
    eventually("who panicked is counted no more", || {
        shared.clients.load(Ordering::Relaxed) == 1
    });
    assert_eq!(under_way(), 0, "nor at the peer");
    write!(held, "GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    held.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"), "who was there meanwhile is served");

    shared.phase.store(STOPPING, Ordering::Relaxed);
    handle.alarm.ring();
    handle.thread.join().unwrap();
    let told = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for name in ["X-Panic-Early", "X-Panic-Late"] {
        let line = format!("a connection was ended by a panic: {name} was asked for");
        assert!(
            told.lines()
                .any(|l| l.contains("[alert]") && l.ends_with(&line)),
            "{told}"
        );
    }
}
