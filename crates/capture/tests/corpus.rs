//! What the fuzz target for captures checks, over the bytes that are kept under `fuzz/`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

#[path = "../../../fuzz/checks/cuts.rs"]
mod cuts;
#[path = "../../../fuzz/checks/packets.rs"]
mod packets;

#[test]
fn captures() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut checked = 0;
    for folder in ["corpus/packets", "crashes/packets"] {
        let Ok(entries) = fuzz.join(folder).read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            packets::check(&std::fs::read(path).unwrap());
            checked += 1;
        }
    }
    assert!(checked >= 10, "the corpus of captures is not there");
}
