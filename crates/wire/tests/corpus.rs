//! What the fuzz targets check, over the bytes that are kept under `fuzz/`.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::path::Path;

#[path = "../../../fuzz/checks/chunked.rs"]
mod chunked;
#[path = "../../../fuzz/checks/cuts.rs"]
mod cuts;
#[path = "../../../fuzz/checks/request.rs"]
mod request;
#[path = "../../../fuzz/checks/response.rs"]
mod response;
#[path = "../../../fuzz/checks/uri.rs"]
mod uri;

/// Checks all that is kept for a target; what once broke it has no least number.
fn all(target: &str, check: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut checked = 0;
    for folder in ["corpus", "crashes"] {
        let Ok(entries) = fuzz.join(folder).join(target).read_dir() else {
            continue;
        };
        for entry in entries {
            if cfg!(miri) && checked >= 40 {
                return;
            }
            let path = entry.unwrap().path();
            println!("{}", path.display());
            check(&std::fs::read(path).unwrap());
            checked += 1;
        }
    }
    assert!(checked >= 20, "the corpus of {target} is not there");
}

#[test]
fn chunked_bodies() {
    all("chunked", chunked::check);
}

#[test]
fn request_heads() {
    all("request", request::check);
}

#[test]
fn response_heads() {
    all("response", response::check);
}

#[test]
fn paths() {
    all("uri", uri::check);
}

/// Bytes made of words that mean something to a reader, and of some that don't.
fn of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        9 => prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

const REQUEST: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: h\r\n",
    "POST ",
    "GET",
    " ",
    "/a?b",
    "http://h",
    "#",
    " HTTP/1.0",
    "\r\n",
    "\n",
    "\r",
    "Host: h\r\n",
    "Host",
    ":",
    ": ",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: X\r\n",
    "X: y\r\n",
    "aaaaaaaaaaaaaaaaaaaaa",
    "\t",
    "\0",
    "\r\n\r\n",
];
const RESPONSE: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 ",
    "304",
    " ",
    "OK",
    "\r\n",
    "\n",
    "\r",
    "Content-Length: 5\r\n",
    ": ",
    ":",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close, X\r\n",
    "Keep-Alive: timeout=5\r\n",
    "X: y\r\n",
    "HTTP/",
    "Server: s\r\n",
    "\t",
    "\0",
    "\r\n\r\n",
];
const CHUNKED: &[&str] = &[
    "0\r\n",
    "5\r\nhello\r\n",
    "1\r\n",
    "a",
    "0",
    "\r\n",
    "\n",
    "\r",
    ";",
    ";x=y",
    " ",
    "\t",
    "T: x\r\n",
    "7fffffff",
];

proptest! {
    #[test]
    fn any_cut_of_a_request_head(bytes in of(REQUEST)) {
        request::check(&bytes);
    }

    #[test]
    fn any_cut_of_a_response_head(bytes in of(RESPONSE)) {
        response::check(&bytes);
    }

    #[test]
    fn any_cut_of_a_chunked_body(bytes in of(CHUNKED)) {
        chunked::check(&bytes);
    }
}
