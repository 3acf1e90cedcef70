//! What the fuzz target for logs checks, over the bytes that are kept under `fuzz/`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

#[path = "../../../fuzz/checks/log.rs"]
mod log;

#[test]
fn logs() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut checked = 0;
    for folder in ["corpus/log", "crashes/log"] {
        let Ok(entries) = fuzz.join(folder).read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            log::check(&std::fs::read(path).unwrap());
            checked += 1;
        }
    }
    assert!(checked >= 5, "the corpus of logs is not there");
}
