//! Which format a file's beginning is written in.

use crate::alb::Alb;
use crate::application::Application;
use crate::format::Format;
use crate::gcp::Gcp;
use crate::nginx_error::NginxError;

/// How many lines are looked at.
const LINES: usize = 100;

/// A kind of log.
#[derive(Clone, Copy)]
pub struct Kind {
    /// As people are told.
    pub name: &'static str,
    /// Who reads it.
    pub format: &'static dyn Format,
}

/// Where two kinds claim the same number of lines, the first one has them.
static KINDS: &[Kind] = &[
    Kind {
        name: "nginx error log",
        format: &NginxError,
    },
    Kind {
        name: "alb access log",
        format: &Alb,
    },
    Kind {
        name: "gcp load balancer log",
        format: &Gcp,
    },
    Kind {
        name: "application log",
        format: &Application,
    },
];

/// The kind of which the most lines of `head` look like; `None` where no line looks like any.
pub fn kind_of(head: &[u8]) -> Option<Kind> {
    let lines: Vec<&[u8]> = head.split(|&byte| byte == b'\n').take(LINES).collect();
    let mut best = None;
    let mut most = 0;
    for kind in KINDS {
        let count = lines
            .iter()
            .filter(|line| kind.format.looks_like(line))
            .count();
        if count > most {
            (best, most) = (Some(*kind), count);
        }
    }
    best
}

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<Kind> {
    KINDS.iter().find(|kind| kind.name == name).copied()
}
