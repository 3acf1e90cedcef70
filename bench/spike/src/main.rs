//! `surehop-spike relay|client reactor|tokio-current|tokio-multi UPSTREAM [SECONDS]`, and `client blocking`.
//!
//! The relay prints the address it listens on and serves until killed. The client sends one request after
//! another for SECONDS after a warm-up and prints `requests elapsed_ns cpu_ns user_ticks system_ticks`.

mod client;
mod cpu;
mod on_reactor;
mod on_tokio;
mod reactor;
mod relay;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

fn usage(text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, text.to_owned())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let address = |text: &str| {
        text.parse::<SocketAddr>()
            .map_err(|_| usage("UPSTREAM is an address such as 127.0.0.1:8000"))
    };
    match words.as_slice() {
        ["relay", "reactor", upstream] => on_reactor::relay(address(upstream)?),
        ["relay", "tokio-current", upstream] => on_tokio::relay_current(address(upstream)?),
        ["relay", "tokio-multi", upstream] => on_tokio::relay_multi(address(upstream)?),
        ["client", kind, upstream, seconds] => {
            let upstream = address(upstream)?;
            let seconds = seconds.parse().map_err(|_| usage("SECONDS is a number"))?;
            let time = Duration::from_secs_f64(seconds);
            match *kind {
                "reactor" => on_reactor::client(upstream, time),
                "tokio-current" => on_tokio::client_current(upstream, time),
                "tokio-multi" => on_tokio::client_multi(upstream, time),
                "blocking" => client::blocking(upstream, time),
                _ => Err(usage(
                    "a client is reactor, tokio-current, tokio-multi or blocking",
                )),
            }
        }
        _ => Err(usage(
            "usage: surehop-spike relay|client reactor|tokio-current|tokio-multi UPSTREAM [SECONDS]",
        )),
    }
}
