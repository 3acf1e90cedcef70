//! The data process: takes plan and descriptors from the control process, runs the workers, stops when told.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};

use crate::config::Config;
use crate::plan::Plan;
use crate::post::{Files, Handed};
use crate::worker::{self, Handle, RUNNING, Shared};

/// Descriptors in one message; the kernel takes 253.
const BATCH: usize = 200;

/// What the control process says, by the first byte of a message.
enum Message {
    /// `F`: descriptors, listeners first and then log files, over as many messages as it takes.
    Descriptors(Vec<OwnedFd>),
    /// `P`: the plan, in the file that comes with it.
    Plan(OwnedFd),
    /// `L`: go on in the log files whose descriptors came.
    Logs,
    /// `T`: stop at once.
    Stop,
    /// `Q`: stop once the requests under way are answered.
    Quit,
    /// The control process is gone.
    Gone,
}

/// The workers of one configuration.
struct Generation {
    shared: Arc<Shared>,
    handles: Vec<Handle>,
}

impl Generation {
    fn enter(&self, phase: u8) {
        self.shared.phase.store(phase, Ordering::Release);
        for handle in &self.handles {
            handle.alarm.ring();
        }
    }

    fn over(&self) -> bool {
        self.handles
            .iter()
            .all(|handle| handle.thread.is_finished())
    }
}

/// Runs the data process on the socket to its control process; returns when it is told to stop.
pub fn serve(control: OwnedFd) -> Result<(), String> {
    let mut descriptors = Vec::new();
    // The last is the present one; those before it finish what they have begun.
    let mut generations: Vec<Generation> = Vec::new();
    let stop = loop {
        let answer = match receive(&control)? {
            Message::Descriptors(more) => {
                descriptors.extend(more);
                continue;
            }
            Message::Plan(file) => {
                generations.retain(|generation| !generation.over());
                let old = generations.last();
                let new = start(&file, std::mem::take(&mut descriptors), old);
                new.map(|new| {
                    if let Some(old) = generations.last() {
                        old.enter(worker::HANDING);
                    }
                    generations.push(new);
                })
            }
            Message::Logs => reopen(&generations, std::mem::take(&mut descriptors)),
            Message::Stop | Message::Gone => break worker::STOPPING,
            Message::Quit => break worker::DRAINING,
        };
        let answer = answer.map_or_else(|e| format!("error: {e}"), |()| "ok".to_owned());
        let _ = send(&control, answer.as_bytes(), SendFlags::NOSIGNAL);
    };
    for generation in &generations {
        generation.enter(stop);
    }
    if stop == worker::DRAINING {
        let parts = |generation: &Generation| {
            let alarms = generation.handles.iter().map(|handle| handle.alarm.clone());
            (generation.shared.clone(), alarms.collect())
        };
        hasten(control, generations.iter().map(parts).collect());
    }
    for handle in generations.into_iter().flat_map(|g| g.handles) {
        let _ = handle.thread.join();
    }
    Ok(())
}

/// While the workers drain, a second word may still stop them at once.
fn hasten(control: OwnedFd, generations: Vec<(Arc<Shared>, Vec<surehop_hop::reactor::Alarm>)>) {
    std::thread::spawn(move || {
        while let Ok(message) = receive(&control) {
            if matches!(message, Message::Stop | Message::Gone) {
                for (shared, alarms) in generations {
                    shared.phase.store(worker::STOPPING, Ordering::Relaxed);
                    alarms.iter().for_each(surehop_hop::reactor::Alarm::ring);
                }
                return;
            }
        }
    });
}

/// Has all workers go on in log files that were opened anew.
fn reopen(generations: &[Generation], files: Vec<OwnedFd>) -> Result<(), String> {
    let Some(present) = generations.last() else {
        return Err("there is no plan yet".into());
    };
    let files = named(&present.shared.config, files)?;
    for handle in generations.iter().flat_map(|g| &g.handles) {
        handle.inbox.put(Handed::Files(files.clone()));
        handle.alarm.ring();
    }
    Ok(())
}

/// The log files of a plan, by their paths.
fn named(config: &Config, files: Vec<OwnedFd>) -> Result<Files, String> {
    let paths = &config.plan.files;
    if paths.len() != files.len() {
        return Err(format!(
            "{} descriptors came for {} files",
            files.len(),
            paths.len()
        ));
    }
    let paths = paths.iter().map(|file| file.path.show());
    Ok(Arc::new(
        paths.zip(files.into_iter().map(Arc::new)).collect(),
    ))
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
        (Some(b'L'), _) => Ok(Message::Logs),
        (Some(b'T'), _) => Ok(Message::Stop),
        (Some(b'Q'), _) => Ok(Message::Quit),
        (Some(other), _) => Err(format!("the control process said `{}`", char::from(*other))),
    }
}

fn start(
    file: &OwnedFd,
    mut descriptors: Vec<OwnedFd>,
    old: Option<&Generation>,
) -> Result<Generation, String> {
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
    let own = config.listeners.iter().filter(|l| l.by.is_none());
    let listeners = own.count();
    if descriptors.len() < listeners {
        return Err(format!(
            "{} descriptors came for {listeners} listeners",
            descriptors.len()
        ));
    }
    let files = named(&config, descriptors.split_off(listeners))?;
    let listeners = Arc::new(descriptors);
    let workers = config.plan.workers;
    let before = old.map(|old| &*old.shared);
    if let Some(before) = before {
        config.adopt(&before.config)?;
    }
    let shared = Arc::new(Shared {
        config,
        phase: AtomicU8::new(RUNNING),
        probes: AtomicU32::new(0),
        connections: before.map_or_else(Arc::default, |old| old.connections.clone()),
        requests: before.map_or_else(Arc::default, |old| old.requests.clone()),
        clients: before.map_or_else(Arc::default, |old| old.clients.clone()),
        stages: before.map_or_else(Arc::default, |old| old.stages.clone()),
        post: before.map_or_else(Arc::default, |old| old.post.clone()),
    });
    let mut generation = Generation {
        shared: shared.clone(),
        handles: Vec::new(),
    };
    for index in 0..workers {
        match worker::start(index, shared.clone(), &listeners, &files) {
            Ok(handle) => generation.handles.push(handle),
            Err(e) => {
                generation.enter(worker::STOPPING);
                return Err(e);
            }
        }
    }
    let inboxes = generation.handles.iter();
    shared.post.readdress(
        inboxes
            .map(|handle| (handle.inbox.clone(), handle.alarm.clone()))
            .collect(),
    );
    Ok(generation)
}

/// Reads a plan and makes it ready.
pub fn read(json: &[u8]) -> Result<Config, String> {
    let plan: Plan =
        serde_json::from_slice(json).map_err(|e| format!("the plan can't be read: {e}"))?;
    Config::new(plan)
}
