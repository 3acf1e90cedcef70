//! The plans that Python's tests write are the plans that the data process reads.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use surehop_proxy::control::read;

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".plan.json"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_golden_plan_can_be_run() {
    let goldens = goldens();
    assert!(goldens.len() >= 5, "only {goldens:?}");
    for path in goldens {
        let json = std::fs::read(&path).unwrap();
        if let Err(e) = read(&json) {
            panic!("{}: {e}", path.display());
        }
    }
}

#[test]
fn a_field_that_nobody_knows_is_refused() {
    for path in goldens() {
        let json = std::fs::read_to_string(&path).unwrap();
        let odd = json.replacen('{', "{\"surprise\": 1,", 1);
        let e = read(odd.as_bytes()).expect_err("it was taken");
        assert!(e.contains("surprise"), "{}: {e}", path.display());
    }
}

#[test]
fn another_version_is_refused() {
    let json = std::fs::read_to_string(&goldens()[0]).unwrap();
    assert!(json.contains("\"version\": 1,"));
    let e = read(
        json.replacen("\"version\": 1,", "\"version\": 2,", 1)
            .as_bytes(),
    )
    .expect_err("it was taken");
    assert!(e.contains("version"), "{e}");
}
