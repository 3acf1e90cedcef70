//! Which format a file's beginning is written in.

use std::fmt;
use std::sync::Arc;

use crate::access::Access;
use crate::alb::Alb;
use crate::application::Application;
use crate::attempts::Attempts;
use crate::envoy::Envoy;
use crate::format::Format;
use crate::gcp::Gcp;
use crate::haproxy::Haproxy;
use crate::nginx_error::NginxError;

/// How many lines are looked at.
const LINES: usize = 100;
const ACCESS: &str = "access log";
const APPLICATION: &str = "application log";

/// A kind of log.
#[derive(Clone)]
pub struct Kind {
    /// As people are told.
    pub name: &'static str,
    /// Who reads it.
    pub format: Arc<dyn Format + Send>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every kind: those of access logs that a configuration tells, then those that are known. Where two claim the
/// same number of lines, the first one has them.
pub fn kinds(formats: &[impl AsRef<[u8]>]) -> impl Iterator<Item = Kind> {
    let told = formats.iter().filter_map(|text| Access::new(text.as_ref()));
    told.map(|format| kind(ACCESS, format))
        .chain([
            kind("surehop attempts log", Attempts),
            kind("nginx error log", NginxError),
            kind("haproxy log", Haproxy),
            kind("envoy access log", Envoy),
            kind("alb access log", Alb { classic: false }),
            kind("classic elb access log", Alb { classic: true }),
            kind("gcp load balancer log", Gcp),
        ])
        .chain(Access::known().map(|format| kind(ACCESS, format)))
        .chain([kind(APPLICATION, Application)])
}

fn kind(name: &'static str, format: impl Format + Send + 'static) -> Kind {
    Kind {
        name,
        format: Arc::new(format),
    }
}

/// The kind of which the most lines of `head` look like; `None` where no line looks like any. `formats` are what
/// a configuration says of access logs, as `log_format` has it.
pub fn kind_of(head: &[u8], formats: &[impl AsRef<[u8]>]) -> Option<Kind> {
    let lines: Vec<&[u8]> = head.split(|&byte| byte == b'\n').take(LINES).collect();
    let mut best = None;
    let mut most = 0;
    for kind in kinds(formats) {
        // An application may write anything, so that only what nobody else claims is one's.
        if kind.name == APPLICATION && most > 0 {
            break;
        }
        let like = |line: &&&[u8]| kind.format.looks_like(line);
        let count = lines.iter().filter(like).count();
        if count > most {
            (best, most) = (Some(kind), count);
        }
    }
    best
}
