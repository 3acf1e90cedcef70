//! A backend that costs next to nothing, so that the core it shares with wrk is left to wrk.
//!
//! `bench-backend ADDRESS BODY_BYTES` answers every request head (requests have no bodies here) with one
//! prepared 200. It prints the address it listens on, then serves until it is killed.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// The last bytes of an unfinished head, at most three, since a head's end is four bytes long.
    tail: Vec<u8>,
    /// Responses owed, and how much of the first one is out.
    owed: usize,
    written: usize,
    /// Edge-triggered: after a short read, reading waits for the next event.
    readable: bool,
}

impl Connection {
    /// Reads and answers until the socket has no more to give or take; false when it is finished.
    fn drive(&mut self, scratch: &mut [u8], response: &[u8]) -> io::Result<bool> {
        loop {
            if !self.answer(response)? {
                return Ok(true);
            }
            if !self.readable {
                return Ok(true);
            }
            let kept = self.tail.len();
            scratch[..kept].copy_from_slice(&self.tail);
            let room = scratch.len() - kept;
            match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => return Ok(false),
                Ok(got) => {
                    self.readable = got == room;
                    self.count_heads(&scratch[..kept + got]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn count_heads(&mut self, bytes: &[u8]) {
        let mut end = 0;
        for at in memchr::memmem::find_iter(bytes, b"\r\n\r\n") {
            self.owed += 1;
            end = at + 4;
        }
        let rest = &bytes[end..];
        self.tail.clear();
        self.tail
            .extend_from_slice(&rest[rest.len().saturating_sub(3)..]);
    }

    /// Writes what is owed; false while the socket takes no more.
    fn answer(&mut self, response: &[u8]) -> io::Result<bool> {
        while self.owed > 0 {
            match self.stream.write(&response[self.written..]) {
                Ok(sent) => {
                    self.written += sent;
                    if self.written == response.len() {
                        self.written = 0;
                        self.owed -= 1;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn accept_all(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Slab<Connection>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let entry = connections.vacant_entry();
        poll.registry().register(
            &mut stream,
            Token(entry.key()),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        entry.insert(Connection {
            stream,
            tail: Vec::with_capacity(3),
            owed: 0,
            written: 0,
            readable: true,
        });
    }
}

fn prepared_response(body_bytes: usize) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain\r\nContent-Length: {body_bytes}\r\n\r\n"
    )
    .into_bytes();
    response.resize(response.len() + body_bytes, b'x');
    response
}

fn serve(address: &str, body_bytes: usize) -> io::Result<()> {
    let address = address
        .parse()
        .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?);

    let response = prepared_response(body_bytes);
    let mut connections: Slab<Connection> = Slab::with_capacity(512);
    let mut scratch = vec![0; 16 * 1024];
    let mut events = Events::with_capacity(512);
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            if error.kind() == ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        for event in &events {
            if event.token() == LISTENER {
                accept_all(&listener, &poll, &mut connections)?;
                continue;
            }
            let key = event.token().0;
            let Some(connection) = connections.get_mut(key) else {
                continue;
            };
            connection.readable |= event.is_readable() || event.is_read_closed();
            if !connection.drive(&mut scratch, &response).unwrap_or(false) {
                connections.remove(key);
            }
        }
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [address, body] => {
            let body_bytes = body
                .parse()
                .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
            serve(address, body_bytes)
        }
        _ => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "usage: bench-backend ADDRESS BODY_BYTES",
        )),
    }
}
