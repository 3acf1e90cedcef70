//! What a client's head may be where that depends on the host, which is known in the middle of it.

use surehop_wire::host;
use surehop_wire::request::Limits;

use crate::config::ListenerConf;
use crate::course::Course;
use crate::worker::Worker;

/// The limits behind the line that names the host, and where that line ends; none if they are those of the
/// listener's first server, or if it is not there yet.
pub fn behind_host(
    worker: &Worker,
    listener: &ListenerConf,
    course: &mut Course,
    head: &[u8],
) -> Option<(usize, Limits)> {
    if !listener.heads_differ {
        return None;
    }
    let mut start = 0;
    while let Some(length) = memchr::memchr(b'\n', &head[start..]) {
        let line = head[start..start + length].trim_ascii_end();
        start += length + 1;
        let named = match line.get(..5) {
            Some(name) if name.eq_ignore_ascii_case(b"host:") => line[5..].trim_ascii_start(),
            // The host of an absolute target.
            _ => match memchr::memmem::find(line, b"://") {
                Some(at) if !line[..at].contains(&b':') && line.contains(&b' ') => {
                    let rest = &line[at + 3..];
                    let end = rest.iter().position(|b| b" /?".contains(b));
                    &rest[..end.unwrap_or(rest.len())]
                }
                _ => continue,
            },
        };
        let name = named[..host::name(named)?].to_ascii_lowercase();
        let server = listener.server(&name, &worker.config.servers, course);
        return Some((
            start,
            worker.config.servers[server]
                .plan
                .heads
                .limits(worker.config.plan.strict),
        ));
    }
    None
}
