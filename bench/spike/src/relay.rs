//! The relay, written once over whatever stream a runtime gives, so that only the runtime differs.

use std::future::Future;
use std::io::{self, ErrorKind};

/// A connection: the two things that a relay does with one.
pub trait Stream {
    fn receive(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;
    fn send(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>>;
}

/// Idle upstream connections; the last one put back is the first one taken.
pub trait Pool {
    type Stream: Stream;
    fn take(&self) -> impl Future<Output = io::Result<Self::Stream>>;
    fn put(&self, stream: Self::Stream);
}

const BUFFER: usize = 4096;

/// Reads to the end of a message (head, then Content-Length bytes); the length, or None at a clean end.
async fn receive_message(
    stream: &mut impl Stream,
    buffer: &mut [u8; BUFFER],
) -> io::Result<Option<usize>> {
    let mut filled = 0;
    loop {
        let got = stream.receive(&mut buffer[filled..]).await?;
        if got == 0 {
            return match filled {
                0 => Ok(None),
                _ => Err(ErrorKind::UnexpectedEof.into()),
            };
        }
        filled += got;
        if let Some(total) = message_length(&buffer[..filled])
            && total <= filled
        {
            return Ok(Some(filled));
        }
        if filled == BUFFER {
            return Err(ErrorKind::OutOfMemory.into());
        }
    }
}

/// Where the message ends, once its head is whole.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let field = b"Content-Length: ";
    let Some(at) = memchr::memmem::find(&bytes[..head], field) else {
        return Some(head);
    };
    let digits = bytes[at + field.len()..head]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let body = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    Some(head + body)
}

/// Serves one client until it goes.
pub async fn relay<P: Pool>(mut client: P::Stream, pool: P) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    while let Some(length) = receive_message(&mut client, &mut buffer).await? {
        let mut upstream = pool.take().await?;
        upstream.send(&buffer[..length]).await?;
        let Some(length) = receive_message(&mut upstream, &mut buffer).await? else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        pool.put(upstream);
        client.send(&buffer[..length]).await?;
    }
    Ok(())
}

/// One request and its response: the length of the response.
pub async fn exchange(stream: &mut impl Stream, request: &[u8]) -> io::Result<usize> {
    let mut buffer = [0; BUFFER];
    stream.send(request).await?;
    receive_message(stream, &mut buffer)
        .await?
        .ok_or_else(|| ErrorKind::UnexpectedEof.into())
}
