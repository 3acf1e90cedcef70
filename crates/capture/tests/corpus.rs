//! What the fuzz targets for captures and logs check, over the bytes that are kept under `fuzz/`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

#[path = "../../../fuzz/checks/cuts.rs"]
mod cuts;
#[path = "../../../fuzz/checks/log.rs"]
mod log;
#[path = "../../../fuzz/checks/packets.rs"]
mod packets;

fn check_all(target: &str, least: usize, check: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut checked = 0;
    for folder in ["corpus", "crashes"] {
        let Ok(entries) = fuzz.join(folder).join(target).read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            check(&std::fs::read(path).unwrap());
            checked += 1;
        }
    }
    assert!(checked >= least, "the corpus of {target} is not there");
}

#[test]
fn captures() {
    check_all("packets", 10, packets::check);
}

#[test]
fn logs() {
    check_all("log", 5, log::check);
}
