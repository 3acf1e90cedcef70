//! Relay and client on the per-thread reactor.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::client::{REQUEST, measure};
use crate::reactor::{Handle, Reactor, Socket};
use crate::relay::{self, Pool};

#[derive(Clone)]
struct LocalPool {
    upstream: SocketAddr,
    handle: Handle,
    idle: Rc<RefCell<Vec<Socket>>>,
}

impl Pool for LocalPool {
    type Stream = Socket;

    async fn take(&self) -> io::Result<Socket> {
        let kept = self.idle.borrow_mut().pop();
        match kept {
            Some(socket) => Ok(socket),
            None => self.handle.connect(self.upstream).await,
        }
    }

    fn put(&self, socket: Socket) {
        self.idle.borrow_mut().push(socket);
    }
}

pub fn relay(upstream: SocketAddr) -> io::Result<()> {
    let mut reactor = Reactor::new()?;
    let handle = reactor.handle();
    let listener = handle.listen(([127, 0, 0, 1], 0).into())?;
    println!("{}", listener.local_addr()?);
    let pool = LocalPool {
        upstream,
        handle: handle.clone(),
        idle: Rc::default(),
    };
    reactor.block_on(async move {
        loop {
            let client = listener.accept().await?;
            let pool = pool.clone();
            handle.spawn(async move {
                // A connection that fails is one that wrk reports.
                let _ = relay::relay(client, pool).await;
            });
        }
    })?
}

pub fn client(upstream: SocketAddr, time: Duration) -> io::Result<()> {
    let mut reactor = Reactor::new()?;
    let handle = reactor.handle();
    let socket = reactor.block_on(async move { handle.connect(upstream).await })??;
    let mut socket = Some(socket);
    measure(time, || {
        let Some(mut taken) = socket.take() else {
            return Ok(0);
        };
        let (taken, result) = reactor.block_on(async move {
            let result = relay::exchange(&mut taken, REQUEST).await;
            (taken, result)
        })?;
        socket = Some(taken);
        result
    })
}
