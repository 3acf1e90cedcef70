//! What a side that connects trusts and shows, made once and shared by its connections.

use std::ffi::OsString;
use std::fmt;
use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::{ClientConfig, RootCertStore};

use super::verify::{Blind, ByRoots};
use crate::clock::{self, Millis};

/// What a configuration is made from; PEM texts.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// Whether the server must prove who it is.
    pub verify: bool,
    /// Whom to trust; none: whom the system trusts (or `SSL_CERT_FILE` and `SSL_CERT_DIR` say).
    pub roots: Option<&'a [Vec<u8>]>,
    /// The certificate to show, with its chain behind it.
    pub chain: Option<&'a [u8]>,
    /// Its key; none: it stands in the chain's text.
    pub key: Option<&'a [u8]>,
}

/// A sentence about material that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

fn unusable<T>(sentence: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable(sentence.into()))
}

/// How TLS is spoken to servers. Connections that share it resume each other's sessions.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) client: Arc<ClientConfig>,
}

impl Config {
    /// Reads the material.
    pub fn new(material: &Material<'_>) -> Result<Self, Unusable> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Unusable(e.to_string()))?
            .dangerous();
        let builder = if material.verify {
            builder.with_custom_certificate_verifier(verifier(material.roots, provider)?)
        } else {
            builder.with_custom_certificate_verifier(Arc::new(Blind(provider)))
        };
        let mut client = match material.chain {
            None if material.key.is_some() => {
                return unusable("a client key was given without its certificate; hint: give both");
            }
            None => builder.with_no_client_auth(),
            Some(chain) => {
                let certificates = certificates(chain)
                    .map_err(|why| Unusable(format!("the client certificate {why}")))?;
                let key = key(material.key.unwrap_or(chain), material.key.is_some())?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(|e| of_pair(&e))?
            }
        };
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            client: Arc::new(client),
        })
    }
}

/// How long what the system trusts is remembered: reading it takes longer than a handshake, and whoever makes a
/// client for each request would read it each time.
const REMEMBERED: Millis = 60_000;

/// What the environment says of the roots; from when it was read; what was read.
type System = ([Option<OsString>; 2], Millis, Arc<ByRoots>);

static SYSTEM: Mutex<Option<System>> = Mutex::new(None);

fn verifier(
    roots: Option<&[Vec<u8>]>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ByRoots>, Unusable> {
    let Some(texts) = roots else {
        return of_system(provider);
    };
    let mut given = Vec::new();
    for text in texts {
        let some = certificates(text)
            .map_err(|why| Unusable(format!("the text of trusted certificates {why}")))?;
        given.extend(some);
    }
    by_roots(&given, provider)
}

fn by_roots(
    given: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ByRoots>, Unusable> {
    let mut store = RootCertStore::empty();
    // Bundles have a few that are too old to be read; the rest is worth having.
    let (added, _) = store.add_parsable_certificates(given.iter().cloned());
    if added == 0 {
        return unusable("none of the trusted certificates can be used");
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|e| Unusable(e.to_string()))?;
    Ok(Arc::new(ByRoots::new(verifier, given)))
}

fn of_system(provider: Arc<CryptoProvider>) -> Result<Arc<ByRoots>, Unusable> {
    let said = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    let now = clock::now();
    // Never waited for: in a forked child, who held it may be gone.
    if let Ok(system) = SYSTEM.try_lock()
        && let Some((by, since, verifier)) = &*system
        && *by == said
        && now < *since + REMEMBERED
    {
        return Ok(verifier.clone());
    }
    let verifier = by_roots(&read_system()?, provider)?;
    if let Ok(mut system) = SYSTEM.try_lock() {
        *system = Some((said, now, verifier.clone()));
    }
    Ok(verifier)
}

fn read_system() -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map(|e| format!(" ({e})"));
        return unusable(format!(
            "the system has no trusted certificates{}; hint: install `ca-certificates`, or name a file in \
             `SSL_CERT_FILE`",
            why.unwrap_or_default()
        ));
    }
    Ok(found.certs)
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("is not valid PEM: {}", of_pem(&e)))?;
    if all.is_empty() {
        return Err("holds no `BEGIN CERTIFICATE`; hint: it must be PEM".to_owned());
    }
    Ok(all)
}

fn of_pem(e: &pem::Error) -> String {
    match e {
        pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a section begins in a wrong way".to_owned(),
        pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
        e => e.to_string(),
    }
}

fn key(text: &[u8], apart: bool) -> Result<PrivateKeyDer<'static>, Unusable> {
    match PrivateKeyDer::from_pem_slice(text) {
        _ if encrypted(text) => unusable(
            "the client key is encrypted, and Surehop asks for no passphrase; hint: write it without one: `openssl \
             pkey -in key.pem -out plain.pem`, readable by you alone",
        ),
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if apart => {
            unusable("the client key holds no `BEGIN PRIVATE KEY`; hint: it must be PEM")
        }
        Err(pem::Error::NoItemsFound) => unusable(
            "the client certificate was given without a key, and its text holds none; hint: give both",
        ),
        Err(e) => unusable(format!("the client key is not valid PEM: {}", of_pem(&e))),
    }
}

fn encrypted(text: &[u8]) -> bool {
    let has = |words: &[u8]| text.windows(words.len()).any(|some| some == words);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}

fn of_pair(e: &rustls::Error) -> Unusable {
    Unusable(match e {
        rustls::Error::InconsistentKeys(_) => {
            "the client key does not belong to the client certificate".to_owned()
        }
        e => format!("the client certificate and key can't be used: {e}"),
    })
}
