//! What a TLS configuration is made from, and what is said of what can't be used.
#![allow(clippy::unwrap_used)]

mod stage;
#[path = "stage/tls.rs"]
mod tls_stage;

use std::process::Command;

use surehop_hop::tls::{Config, Material};
use tls_stage::{Authority, params};

const NOTHING: Material<'_> = Material {
    verify: true,
    roots: None,
    chain: None,
    key: None,
};
/// Tells a test that it was started by itself.
const AGAIN: &str = "SUREHOP_TEST_STARTED_AGAIN";

fn said(material: &Material<'_>) -> String {
    Config::new(material).unwrap_err().to_string()
}

fn with_roots(text: &str) -> Result<Config, String> {
    let roots = [text.as_bytes().to_vec()];
    let material = Material {
        roots: Some(&roots),
        ..NOTHING
    };
    Config::new(&material).map_err(|e| e.to_string())
}

#[test]
fn roots_are_pem_that_can_be_used() {
    let root = Authority::new("root").pem();
    assert!(with_roots(&root).is_ok());
    assert!(with_roots(&format!("a comment\n{root}\n{root}")).is_ok());
    assert_eq!(
        with_roots("").unwrap_err(),
        "the text of trusted certificates holds no `BEGIN CERTIFICATE`; hint: it must be PEM"
    );
    let cut = &root[..root.len() / 2];
    assert_eq!(
        with_roots(cut).unwrap_err(),
        "the text of trusted certificates is not valid PEM: a section has no end"
    );
    let junk = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(
        with_roots(junk).unwrap_err(),
        "none of the trusted certificates can be used"
    );
    // One that can't be read does not cost the others.
    assert!(with_roots(&format!("{junk}{root}")).is_ok());
}

#[test]
fn a_client_certificate_comes_with_its_key() {
    let root = Authority::new("root");
    let (me, other) = (
        root.issue(&params(&["me.test"])),
        root.issue(&params(&["other.test"])),
    );
    let blind = Material {
        verify: false,
        ..NOTHING
    };
    let pair = |chain: &str, key: Option<&str>| {
        let material = Material {
            chain: Some(chain.as_bytes()),
            key: key.map(str::as_bytes),
            ..blind
        };
        Config::new(&material).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(pair(&me.chain, Some(&me.key)), Ok(()));
    assert_eq!(pair(&format!("{}{}", me.key, me.chain), None), Ok(()));
    for (chain, key, sentence) in [
        (
            &me.chain,
            Some(&other.key),
            "the client key does not belong to the client certificate",
        ),
        (
            &me.chain,
            None,
            "the client certificate was given without a key, and its text holds none; hint: give both",
        ),
        (
            &me.chain,
            Some(&me.chain),
            "the client key holds no `BEGIN PRIVATE KEY`; hint: it must be PEM",
        ),
        (
            &me.key,
            Some(&me.key),
            "the client certificate holds no `BEGIN CERTIFICATE`; hint: it must be PEM",
        ),
    ] {
        assert_eq!(pair(chain, key.map(String::as_str)).unwrap_err(), sentence);
    }
    let alone = Material {
        key: Some(me.key.as_bytes()),
        ..blind
    };
    assert_eq!(
        said(&alone),
        "a client key was given without its certificate; hint: give both"
    );
}

#[test]
fn an_encrypted_key_is_called_that() {
    let me = Authority::new("root").issue(&params(&["me.test"]));
    for key in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n\
         MAA=\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let sentence = said(&Material {
            chain: Some(me.chain.as_bytes()),
            key: Some(key.as_bytes()),
            verify: false,
            ..NOTHING
        });
        assert!(
            sentence.starts_with("the client key is encrypted") && sentence.contains("hint:"),
            "{sentence}"
        );
    }
}

/// Whether this test, started anew with `SSL_CERT_FILE` set to that, can make a configuration.
fn works_with(test: &str, file: &std::path::Path) -> bool {
    let me = std::env::current_exe().unwrap();
    let status = Command::new(me)
        .args(["--exact", test])
        .env(AGAIN, "1")
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap()
        .status;
    status.success()
}

#[test]
fn the_systems_roots_are_those_that_the_environment_names() {
    if std::env::var_os(AGAIN).is_some() {
        Config::new(&NOTHING).unwrap();
        // Read once for a while.
        std::fs::remove_file(std::env::var_os("SSL_CERT_FILE").unwrap()).unwrap();
        Config::new(&NOTHING).unwrap();
        return;
    }
    let name = "the_systems_roots_are_those_that_the_environment_names";
    let file = std::env::temp_dir().join(format!("surehop-roots-{}.pem", std::process::id()));
    std::fs::write(&file, Authority::new("root").pem()).unwrap();
    assert!(works_with(name, &file));
    assert!(!works_with(name, &file), "it is gone");
}
