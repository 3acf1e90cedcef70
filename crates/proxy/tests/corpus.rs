//! What the fuzz target for plans checks, over the bytes that are kept under `fuzz/`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

#[path = "../../../fuzz/checks/plan.rs"]
mod plan;

#[test]
fn plans() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut checked = 0;
    for folder in ["corpus/plan", "crashes/plan"] {
        let Ok(entries) = fuzz.join(folder).read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            plan::check(&std::fs::read(path).unwrap());
            checked += 1;
        }
    }
    assert!(checked >= 5, "the corpus of plans is not there");
}
