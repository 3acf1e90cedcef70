//! Logs: any bytes are lines of any kind of log, each is counted, and how they are cut into blocks is nobody's
//! business.

use std::io::{self, Read};

use surehop_capture::{Digest, Kind, Reading, kinds};

const FORMATS: [&str; 2] = [
    "$msec $status $upstream_addr \"$upstream_reason\" $connection",
    "{\"at\":\"$time_iso8601\",\"status\":$status,\"tries\":\"$upstream_status\"}",
];

/// Bytes that are read at once: room for so many is made.
const SLICE: usize = 4096;

/// Panics if something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let ends = bytes.split(|byte| *byte == b'\n').count() - 1;
    let last = usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
    let lines = format!("\"lines\":{},", ends + last);
    for (number, kind) in kinds(&FORMATS).enumerate() {
        let whole = read(&kind, bytes, usize::MAX, 1);
        assert!(whole.contains(&lines), "{kind:?}: {whole}");
        // a thread costs more than all the rest
        let threads = 1 + usize::from(number == bytes.len() % 16);
        assert_eq!(whole, read(&kind, bytes, 7, threads), "{kind:?}");
        let mut merged = Digest::default();
        merged
            .merge(whole.as_bytes())
            .expect("a digest is read again");
        assert_eq!(whole.as_bytes(), merged.to_json().expect("JSON"));
    }
}

fn read(kind: &Kind, bytes: &[u8], step: usize, threads: usize) -> String {
    let mut digest = Digest::default();
    let mut reading = Reading::new("log", kind.clone(), threads);
    let mut from = Steps(bytes, step);
    while reading
        .turn(&mut digest, &mut from, SLICE)
        .expect("memory can be read")
    {}
    reading.finish(&mut digest);
    String::from_utf8(digest.to_json().expect("JSON")).expect("UTF-8")
}

/// Bytes that come in steps.
struct Steps<'a>(&'a [u8], usize);

impl Read for Steps<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let step = self.1.min(room.len()).min(self.0.len());
        (&self.0[..step]).read_exact(&mut room[..step])?;
        self.0 = &self.0[step..];
        Ok(step)
    }
}
