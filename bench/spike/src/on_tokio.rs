//! Relay and client on tokio: `current_thread`, and `multi_thread` with one worker.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::client::{REQUEST, measure};
use crate::relay::{self, Pool, Stream};

impl Stream for TcpStream {
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await
    }
}

#[derive(Clone)]
struct SharedPool {
    upstream: SocketAddr,
    idle: Arc<Mutex<Vec<TcpStream>>>,
}

async fn connect(upstream: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Pool for SharedPool {
    type Stream = TcpStream;

    async fn take(&self) -> io::Result<TcpStream> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        match kept {
            Some(stream) => Ok(stream),
            None => connect(self.upstream).await,
        }
    }

    fn put(&self, stream: TcpStream) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(stream);
        }
    }
}

fn current() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().build()
}

fn multi() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()
}

async fn accept_loop(upstream: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let pool = SharedPool {
        upstream,
        idle: Arc::default(),
    };
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(relay::relay(client, pool.clone()));
    }
}

pub fn relay_current(upstream: SocketAddr) -> io::Result<()> {
    current()?.block_on(accept_loop(upstream))
}

pub fn relay_multi(upstream: SocketAddr) -> io::Result<()> {
    multi()?.block_on(accept_loop(upstream))
}

/// The best that tokio can do: the connection lives on the caller's thread.
pub fn client_current(upstream: SocketAddr, time: Duration) -> io::Result<()> {
    let runtime = current()?;
    let mut stream = runtime.block_on(connect(upstream))?;
    measure(time, || {
        runtime.block_on(relay::exchange(&mut stream, REQUEST))
    })
}

/// What native Python clients do: the connection is a task on a worker, and the caller waits on another thread.
pub fn client_multi(upstream: SocketAddr, time: Duration) -> io::Result<()> {
    let runtime = multi()?;
    let (requests, mut queue) = mpsc::channel::<oneshot::Sender<io::Result<usize>>>(1);
    runtime.spawn(async move {
        let mut stream = connect(upstream).await?;
        while let Some(answer) = queue.recv().await {
            let result = relay::exchange(&mut stream, REQUEST).await;
            // The caller waits for every answer, so nobody is gone here.
            let _ = answer.send(result);
        }
        Ok::<(), io::Error>(())
    });
    measure(time, || {
        runtime.block_on(async {
            let gone = || io::Error::from(ErrorKind::BrokenPipe);
            let (answer, answered) = oneshot::channel();
            requests.send(answer).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        })
    })
}
