//! The loop of the sequential client: one request after another, a warm-up, then the measured time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::cpu::Cpu;

pub const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n";

/// Calls `once` for a warm-up of half a second, then for `time`, and prints what that cost.
pub fn measure(time: Duration, mut once: impl FnMut() -> io::Result<usize>) -> io::Result<()> {
    run_for(Duration::from_millis(500), &mut once)?;
    let before = Cpu::now()?;
    let started = Instant::now();
    let requests = run_for(time, &mut once)?;
    let elapsed = started.elapsed();
    let after = Cpu::now()?;
    println!(
        "{requests} {} {} {} {}",
        elapsed.as_nanos(),
        after.on_core_ns - before.on_core_ns,
        after.user_ticks - before.user_ticks,
        after.system_ticks - before.system_ticks,
    );
    Ok(())
}

fn run_for(time: Duration, once: &mut impl FnMut() -> io::Result<usize>) -> io::Result<u64> {
    let started = Instant::now();
    let mut requests = 0;
    while started.elapsed() < time {
        for _ in 0..100 {
            std::hint::black_box(once()?);
        }
        requests += 100;
    }
    Ok(requests)
}

/// The floor: a blocking socket, two system calls a request.
pub fn blocking(upstream: SocketAddr, time: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect(upstream)?;
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    measure(time, || {
        stream.write_all(REQUEST)?;
        stream.read(&mut buffer)
    })
}
