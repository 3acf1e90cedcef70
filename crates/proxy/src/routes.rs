//! Which server answers a host, which location a path: tables made once, looked up without a scan.

use std::collections::HashMap;

use crate::config::{ActionConf, LocationConf};
use crate::course::Course;
use crate::plan::{self, Match};

/// What keys lead to.
pub type Keyed<T> = HashMap<Box<[u8]>, T>;

/// The servers of a listener by their names.
#[derive(Debug, Default)]
pub struct Names {
    exact: Keyed<usize>,
    /// `*.x`, by what follows the star and its dot.
    leading: Keyed<usize>,
    /// `x.*`, by what stands before the dot and the star.
    trailing: Keyed<usize>,
    /// Servers with regular expressions, and which of them.
    regexes: Vec<(usize, usize)>,
    any: bool,
}

impl Names {
    /// The names of these servers, the first that claims one has it.
    pub fn new(ids: &[usize], servers: &[plan::Server]) -> Result<Self, String> {
        let mut names = Self::default();
        for &index in ids {
            let server = servers
                .get(index)
                .ok_or("a listener names a server that is not there")?;
            for name in &server.names {
                let name = name.0.as_slice();
                let (table, key) = if let Some(rest) = name.strip_prefix(b"*.") {
                    (&mut names.leading, rest)
                } else if let Some(rest) = name.strip_prefix(b".") {
                    names.exact.entry(rest.into()).or_insert(index);
                    (&mut names.leading, rest)
                } else if let Some(rest) = name.strip_suffix(b".*") {
                    (&mut names.trailing, rest)
                } else {
                    (&mut names.exact, name)
                };
                table.entry(key.into()).or_insert(index);
            }
            let regexes = 0..server.regexes.len();
            names.regexes.extend(regexes.map(|at| (index, at)));
        }
        // The only server answers everything; its names matter if they capture.
        names.any = ids.len() > 1 || !names.regexes.is_empty();
        Ok(names)
    }

    /// Who claims this host (in lower case, without port).
    pub fn find(
        &self,
        host: &[u8],
        servers: &[crate::config::ServerConf],
        course: &mut Course,
    ) -> Option<usize> {
        if !self.any {
            return None;
        }
        if let Some(found) = self.exact.get(host) {
            return Some(*found);
        }
        if host.is_empty() {
            return None;
        }
        if let Some(found) = wildcard(host, &self.leading, &self.trailing) {
            return Some(*found);
        }
        let mut regexes = self.regexes.iter();
        regexes
            .find(|(server, at)| {
                let regex = &servers[*server].plan.regexes[*at];
                course.matches(regex, host) == Some(true)
            })
            .map(|(server, _)| *server)
    }
}

/// Looks a host up among `*.x`, the longest first, then among `x.*`.
pub fn wildcard<'a, T>(
    host: &[u8],
    leading: &'a Keyed<T>,
    trailing: &'a Keyed<T>,
) -> Option<&'a T> {
    if !leading.is_empty() {
        let mut dots = memchr::memchr_iter(b'.', host);
        let found = dots.find_map(|at| leading.get(&host[at + 1..]));
        if found.is_some() {
            return found;
        }
    }
    if trailing.is_empty() {
        return None;
    }
    memchr::memrchr_iter(b'.', host).find_map(|at| trailing.get(&host[..at]))
}

/// The locations of a server, or of a location.
#[derive(Debug, Default)]
pub struct Locations {
    exact: Keyed<usize>,
    /// Locations that end in a slash and answer, by their paths without it.
    slashed: Keyed<usize>,
    /// In the order of bytes.
    prefixes: Vec<Prefix>,
    regexes: Vec<usize>,
}

#[derive(Debug)]
struct Prefix {
    path: Box<[u8]>,
    location: usize,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nowhere.
    Nothing,
    /// To that location, unless a regular expression further out says otherwise.
    Prefix(usize),
    /// To that location.
    Location(usize),
    /// To that location with a slash behind the path.
    Slash(usize),
}

impl Locations {
    /// The table of these locations.
    pub fn new(ids: &[usize], all: &[LocationConf]) -> Result<Self, String> {
        let mut table = Self::default();
        for &index in ids {
            let location = &all
                .get(index)
                .ok_or("a location is named that is not there")?
                .plan;
            let path: Box<[u8]> = location.path.0.as_slice().into();
            match location.r#match {
                Match::Exact => {
                    table.exact.insert(path, index);
                }
                Match::Prefix | Match::Final => table.prefixes.push(Prefix {
                    path,
                    location: index,
                    parent: None,
                }),
                Match::Regex => table.regexes.push(index),
                Match::Block => {}
            }
        }
        table.prefixes.sort_by(|a, b| a.path.cmp(&b.path));
        for at in 1..table.prefixes.len() {
            let mut parent = Some(at - 1);
            while let Some(up) = parent {
                let (above, own) = (&table.prefixes[up], &table.prefixes[at]);
                if own.path.starts_with(&above.path) {
                    break;
                }
                parent = above.parent;
            }
            table.prefixes[at].parent = parent;
        }
        let named = |path: &[u8]| {
            let at = |prefix: &Prefix| (*prefix.path).cmp(path);
            table.exact.contains_key(path) || table.prefixes.binary_search_by(at).is_ok()
        };
        let slashed = ids.iter().filter_map(|&index| {
            let location = &all[index];
            let answers = matches!(location.action, ActionConf::Proxy(_));
            let by_path = !matches!(location.plan.r#match, Match::Regex | Match::Block);
            let path = location.plan.path.0.strip_suffix(b"/")?;
            (answers && by_path && !named(path)).then(|| (path.into(), index))
        });
        table.slashed = slashed.collect();
        Ok(table)
    }

    /// Looks a path in its normal form up; what a regular expression captures is kept.
    pub fn find(&self, path: &[u8], all: &[LocationConf], course: &mut Course) -> Option<Found> {
        if !self.exact.is_empty()
            && let Some(index) = self.exact.get(path)
        {
            return Some(Found::Location(*index));
        }
        if !self.slashed.is_empty()
            && let Some(index) = self.slashed.get(path)
        {
            return Some(Found::Slash(*index));
        }
        let mut found = Found::Nothing;
        let mut regexes = true;
        if let Some(index) = self.prefix(path) {
            let location = &all[index];
            found = Found::Prefix(index);
            if let Some(inner) = &location.inner {
                match inner.find(path, all, course)? {
                    Found::Nothing => {}
                    Found::Prefix(deeper) => found = Found::Prefix(deeper),
                    done => return Some(done),
                }
            }
            regexes = location.plan.r#match != Match::Final;
        }
        if regexes {
            for &index in &self.regexes {
                let location = &all[index];
                let Some(regex) = &location.plan.regex else {
                    continue;
                };
                if !course.matches(regex, path)? {
                    continue;
                }
                return match &location.inner {
                    Some(inner) => Some(match inner.find(path, all, course)? {
                        Found::Nothing => Found::Location(index),
                        Found::Prefix(deeper) => Found::Location(deeper),
                        done => done,
                    }),
                    None => Some(Found::Location(index)),
                };
            }
        }
        Some(found)
    }

    fn prefix(&self, path: &[u8]) -> Option<usize> {
        let behind = self
            .prefixes
            .partition_point(|prefix| *prefix.path <= *path);
        let mut at = behind.checked_sub(1);
        while let Some(index) = at {
            let prefix = &self.prefixes[index];
            if path.starts_with(&prefix.path) {
                return Some(prefix.location);
            }
            at = prefix.parent;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_by_their_length() {
        let keyed = |names: &[&str]| -> Keyed<usize> {
            let named = names.iter().enumerate();
            named.map(|(i, name)| (name.as_bytes().into(), i)).collect()
        };
        let (leading, trailing) = (keyed(&["b.c", "a.b.c", "c"]), keyed(&["x", "x.y"]));
        let find = |host: &str| wildcard(host.as_bytes(), &leading, &trailing).copied();

        assert_eq!(find("1.a.b.c"), Some(1));
        assert_eq!(find("a.b.c"), Some(0));
        assert_eq!(find("b.c"), Some(2));
        assert_eq!(find("c"), None);
        assert_eq!(find("x.y.z"), Some(1));
        assert_eq!(find("x.z.y"), Some(0));
        assert_eq!(find("x.c"), Some(2));
    }
}
