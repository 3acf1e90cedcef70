//! `types`: of what type a file is, by its name.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

use crate::exchange::Exchange;
use crate::plan::Text;
use crate::vars;
use crate::worker::Worker;

/// `types`, by extensions in lower case.
#[derive(Debug)]
pub struct Types(HashMap<Box<[u8]>, Box<[u8]>>);

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(Text, Text)>::deserialize(from)?;
        let boxed = |text: Text| text.0.into_boxed_slice();
        let pairs = pairs.into_iter();
        Ok(Self(
            pairs.map(|(key, kind)| (boxed(key), boxed(kind))).collect(),
        ))
    }
}

/// The type of what a URI leads to, by its extension.
pub fn kind<'a>(worker: &'a Worker, ex: &Exchange) -> &'a [u8] {
    let files = &vars::place(worker, ex).files;
    let known = extension(&ex.uri).and_then(|extension| {
        let types = &worker.config.plan.types.get(files.types)?.0;
        match types.get(extension) {
            None if extension.iter().any(u8::is_ascii_uppercase) => {
                types.get(&*extension.to_ascii_lowercase())
            }
            found => found,
        }
    });
    known.map_or(&files.default_type.0, |kind| kind)
}

/// What stands behind the last dot of the last segment, unless the segment begins with it.
fn extension(uri: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr2(b'.', b'/', uri).filter(|at| *at > 1 && uri[*at] == b'.')?;
    (uri[at - 1] != b'/').then(|| &uri[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        let table: &[(&str, Option<&str>)] = &[
            ("/a.html", Some("html")),
            ("/a.b/c", None),
            ("/a.tar.GZ", Some("GZ")),
            ("/.html", None),
            ("/a/.html", None),
            ("/a/b.", Some("")),
            ("/", None),
            ("/a..b", Some("b")),
        ];
        for (uri, expected) in table {
            assert_eq!(
                extension(uri.as_bytes()),
                expected.map(str::as_bytes),
                "{uri}"
            );
        }
    }
}
