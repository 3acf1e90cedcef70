//! Access logs whose paths have variables: opened for a line, or kept open by `open_log_file_cache`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, fstat, open, stat};
use rustix::io::Errno;
use surehop_hop::clock::Millis;

use crate::plan::LogCache;
use crate::sink::write_all;

/// The caches of one worker.
#[derive(Debug)]
pub struct LogPaths(Vec<(LogCache, RefCell<Files>)>);

type Files = HashMap<Vec<u8>, Kept>;

#[derive(Debug)]
struct Kept {
    file: Option<OwnedFd>,
    /// Device and inode.
    identity: (u64, u64),
    uses: u64,
    checked: Millis,
    used: Millis,
}

/// What could not be done.
#[derive(Debug)]
pub enum Failure {
    /// The call, and what the kernel said.
    Open(&'static str, Errno),
    /// What the kernel said.
    Write(Errno),
}

impl LogPaths {
    /// Empty ones.
    pub fn new(plans: &[LogCache]) -> Self {
        Self(
            plans
                .iter()
                .map(|plan| (*plan, RefCell::default()))
                .collect(),
        )
    }

    /// Writes a line to the file of this path.
    pub fn write(
        &self,
        cache: Option<usize>,
        path: &[u8],
        line: &[u8],
        now: Millis,
    ) -> Result<(), Failure> {
        match cache.and_then(|cache| self.0.get(cache)) {
            Some((plan, kept)) => kept_open(plan, &mut kept.borrow_mut(), path, line, now),
            None => write_all(&opened(path)?, line).map_err(Failure::Write),
        }
    }
}

fn opened(path: &[u8]) -> Result<OwnedFd, Failure> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    open(path, flags, Mode::from_raw_mode(0o644)).map_err(|e| Failure::Open("open()", e))
}

fn kept_open(
    plan: &LogCache,
    kept: &mut Files,
    path: &[u8],
    line: &[u8],
    now: Millis,
) -> Result<(), Failure> {
    kept.retain(|_, one| now - one.used < plan.inactive_s * 1000);
    if !kept.contains_key(path) {
        if kept.len() >= plan.max {
            let oldest = kept.iter().min_by_key(|(_, one)| one.used);
            if let Some(oldest) = oldest.map(|(path, _)| path.clone()) {
                kept.remove(&oldest);
            }
        }
        let fresh = Kept {
            file: None,
            identity: (0, 0),
            uses: 0,
            checked: now,
            used: now,
        };
        kept.insert(path.to_vec(), fresh);
    }
    let Some(one) = kept.get_mut(path) else {
        return Ok(());
    };
    one.uses += 1;
    one.used = now;
    if one.file.is_some() && now - one.checked >= plan.valid_s * 1000 {
        one.checked = now;
        let identity = stat(path).map(|found| (found.st_dev, found.st_ino));
        if identity.ok() != Some(one.identity) {
            one.file = None;
        }
    }
    if let Some(file) = &one.file {
        return write_all(file, line).map_err(Failure::Write);
    }
    let file = opened(path)?;
    let result = write_all(&file, line).map_err(Failure::Write);
    if one.uses >= plan.min_uses {
        let found = fstat(&file).map_err(|e| Failure::Open("fstat()", e))?;
        one.identity = (found.st_dev, found.st_ino);
        one.checked = now;
        one.file = Some(file);
    }
    result
}
