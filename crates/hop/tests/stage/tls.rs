//! Certificates made on the spot, and TLS servers of rustls on plain std sockets.
#![allow(dead_code)] // each file takes what it wants

use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use surehop_hop::clock::NEVER;
use surehop_hop::reactor::Reactor;
use surehop_hop::socket::{Address, Socket};
use surehop_hop::tls::{Config, Material, TlsFault, Unsecured, secure};

/// A connection that a test's server has accepted.
pub(crate) type Accepted = StreamOwned<ServerConnection, TcpStream>;

/// A certificate with what belongs to it, as PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Somebody who issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// What a certificate for `names` says; DNS names or IP addresses.
pub(crate) fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "server");
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority_params(name), key).unwrap())
    }

    /// One below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(authority_params(name), key, &self.0).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A certificate that its own key signed.
pub(crate) fn self_signed(params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity {
        chain: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// The versions, each alone.
pub(crate) static EACH: [&[&rustls::SupportedProtocolVersion]; 2] =
    [&[&rustls::version::TLS12], &[&rustls::version::TLS13]];

/// How a server speaks.
pub(crate) struct Manners {
    pub(crate) versions: &'static [&'static rustls::SupportedProtocolVersion],
    /// Whose client certificates it wants.
    pub(crate) clients_of: Option<String>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            versions: rustls::ALL_VERSIONS,
            clients_of: None,
        }
    }
}

pub(crate) fn server_config(who: &Identity, manners: &Manners) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(manners.versions)
        .unwrap();
    let builder = match &manners.clients_of {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap())
                .unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let chain = CertificateDer::pem_slice_iter(who.chain.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(who.key.as_bytes()).unwrap();
    let mut config = builder
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A server that plays `script` with the connections it accepts, in order.
pub(crate) fn server(
    config: Arc<ServerConfig>,
    script: impl FnOnce(&mut dyn FnMut() -> Accepted) + Send + 'static,
) -> (Address, JoinHandle<()>) {
    let (listener, address) = crate::stage::listener();
    let play = spawn(move || {
        let mut next = || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
        };
        script(&mut next);
    });
    (address, play)
}

/// A configuration that trusts `roots`.
pub(crate) fn trusting(roots: &[&str]) -> Config {
    let roots: Vec<_> = roots.iter().map(|pem| pem.as_bytes().to_vec()).collect();
    Config::new(&Material {
        verify: true,
        roots: Some(&roots),
        chain: None,
        key: None,
    })
    .unwrap()
}

/// Connects and secures.
pub(crate) async fn connect(
    rx: &Reactor,
    to: &Address,
    config: &Config,
    name: &str,
) -> Result<Socket, TlsFault> {
    let socket = Socket::connect(rx, to).unwrap();
    rx.until(NEVER, || socket.poll_connected())
        .await
        .unwrap()
        .unwrap();
    match secure(rx, socket, config, name, NEVER, || false).await {
        Ok(socket) => Ok(socket),
        Err(Unsecured::Fault(fault)) => Err(fault),
        Err(Unsecured::Gone) => panic!("nobody went"),
    }
}
