//! The data process: takes plan and descriptors from the control process, runs the workers, stops when told.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, Shutdown,
    recvmsg, send,
};

use crate::config::Config;
use crate::plan::Plan;
use crate::worker::{self, Handle, RUNNING, Shared};

/// Descriptors in one message; the kernel takes 253.
const BATCH: usize = 200;

/// What the control process says, by the first byte of a message.
enum Message {
    /// `F`: descriptors, listeners first and then log files, over as many messages as it takes.
    Descriptors(Vec<OwnedFd>),
    /// `P`: the plan, in the file that comes with it.
    Plan(OwnedFd),
    /// `T`: stop at once.
    Stop,
    /// `Q`: stop once the requests under way are answered.
    Quit,
    /// The control process is gone.
    Gone,
}

/// Runs the data process on the socket to its control process; returns when it is told to stop.
pub fn serve(control: OwnedFd) -> Result<(), String> {
    let mut descriptors = Vec::new();
    let mut running: Option<(Arc<Shared>, Vec<Handle>)> = None;
    loop {
        let stop = match receive(&control)? {
            Message::Descriptors(more) => {
                descriptors.extend(more);
                continue;
            }
            Message::Plan(file) => {
                let answer = match start(&file, std::mem::take(&mut descriptors)) {
                    Ok(started) => {
                        running = Some(started);
                        "ok".to_owned()
                    }
                    Err(e) => format!("error: {e}"),
                };
                let _ = send(&control, answer.as_bytes(), SendFlags::NOSIGNAL);
                continue;
            }
            Message::Stop | Message::Gone => worker::STOPPING,
            Message::Quit => worker::DRAINING,
        };
        if let Some((shared, handles)) = running.take() {
            shared.phase.store(stop, Ordering::Relaxed);
            for handle in &handles {
                handle.alarm.ring();
            }
            if stop == worker::DRAINING {
                // Who comes now is refused at once, instead of waiting for a process that ends.
                for listener in &shared.listeners {
                    let _ = rustix::net::shutdown(listener, Shutdown::Both);
                }
                hasten(
                    control,
                    shared,
                    handles.iter().map(|handle| handle.alarm.clone()).collect(),
                );
            }
            for handle in handles {
                let _ = handle.thread.join();
            }
        }
        return Ok(());
    }
}

/// While the workers drain, a second word may still stop them at once.
fn hasten(control: OwnedFd, shared: Arc<Shared>, alarms: Vec<surehop_hop::reactor::Alarm>) {
    std::thread::spawn(move || {
        while let Ok(message) = receive(&control) {
            if matches!(message, Message::Stop | Message::Gone) {
                shared.phase.store(worker::STOPPING, Ordering::Relaxed);
                alarms.iter().for_each(surehop_hop::reactor::Alarm::ring);
                return;
            }
        }
    });
}

fn receive(control: &OwnedFd) -> Result<Message, String> {
    let mut bytes = [0_u8; 16];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        match recvmsg(
            control.as_fd(),
            &mut [IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                break other.map_err(|e| format!("the control process can't be heard: {e}"))?;
            }
        }
    };
    if got.flags.contains(ReturnFlags::CTRUNC) {
        return Err("descriptors were lost on their way: raise the limit of open files".into());
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    match (bytes[..got.bytes].first(), descriptors.pop()) {
        (None, _) => Ok(Message::Gone),
        (Some(b'P'), Some(file)) => Ok(Message::Plan(file)),
        (Some(b'F'), last) => {
            descriptors.extend(last);
            Ok(Message::Descriptors(descriptors))
        }
        (Some(b'T'), _) => Ok(Message::Stop),
        (Some(b'Q'), _) => Ok(Message::Quit),
        (Some(other), _) => Err(format!("the control process said `{}`", char::from(*other))),
    }
}

fn start(
    file: &OwnedFd,
    mut descriptors: Vec<OwnedFd>,
) -> Result<(Arc<Shared>, Vec<Handle>), String> {
    let mut text = Vec::new();
    let mut chunk = vec![0_u8; 64 * 1024];
    loop {
        match rustix::io::pread(file, &mut chunk[..], text.len() as u64) {
            Ok(0) => break,
            Ok(n) => text.extend_from_slice(&chunk[..n]),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(format!("the plan can't be read: {e}")),
        }
    }
    let config = Arc::new(read(&text)?);
    let (listeners, files) = (config.listeners.len(), config.plan.files.len());
    if descriptors.len() != listeners + files {
        return Err(format!(
            "{} descriptors came for {listeners} listeners and {files} files",
            descriptors.len()
        ));
    }
    let logs = descriptors.split_off(listeners);
    let files = config
        .plan
        .files
        .iter()
        .zip(logs)
        .map(|(file, fd)| (file.path.show(), Arc::new(fd)))
        .collect();
    let workers = config.plan.workers;
    let shared = Arc::new(Shared {
        config,
        phase: AtomicU8::new(RUNNING),
        probes: AtomicU32::new(0),
        connections: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        clients: AtomicU64::new(0),
        files,
        listeners: descriptors,
    });
    let handles = (0..workers)
        .map(|index| worker::start(index, shared.clone()))
        .collect::<Result<_, _>>()?;
    Ok((shared, handles))
}

/// Reads a plan and makes it ready.
pub fn read(json: &[u8]) -> Result<Config, String> {
    let plan: Plan =
        serde_json::from_slice(json).map_err(|e| format!("the plan can't be read: {e}"))?;
    Config::new(plan)
}
