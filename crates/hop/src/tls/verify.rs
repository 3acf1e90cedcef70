//! Whether a server is who it should be.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::names::self_issued;

/// What is wrong with a chain that no root vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoot {
    /// The server's certificate is its own issuer.
    SelfSigned,
    /// The chain ends in one that is.
    SelfSignedInChain,
    /// Only the server's own certificate came, and its issuer is unknown.
    Leaf,
    /// The issuer of the chain's last certificate is unknown.
    Issuer,
}

impl fmt::Display for NoRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SelfSigned => "is self-signed",
            Self::SelfSignedInChain => "comes with a self-signed root that is not trusted here",
            Self::Leaf => "was issued by someone who is not trusted here",
            Self::Issuer => "has a chain that ends with an issuer who is not trusted here",
        })
    }
}

impl std::error::Error for NoRoot {}

/// Verifies by roots, as rustls does; a root may also be the server's own certificate.
#[derive(Debug)]
pub(super) struct ByRoots {
    roots: Arc<WebPkiServerVerifier>,
    /// Certificates that are trusted as they are.
    own: Vec<CertificateDer<'static>>,
}

impl ByRoots {
    pub(super) fn new(roots: Arc<WebPkiServerVerifier>, given: &[CertificateDer<'static>]) -> Self {
        // Only one that is its own issuer can be both a root and a server's.
        let own = given.iter().filter(|der| self_issued(der));
        Self {
            roots,
            own: own.cloned().collect(),
        }
    }
}

impl ServerCertVerifier for ByRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.roots.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        // `Other`: it is a CA's certificate (as those that `openssl req -x509` makes), whose dates are right.
        let Err(Error::InvalidCertificate(
            why @ (CertificateError::UnknownIssuer | CertificateError::Other(_)),
        )) = verified
        else {
            return verified;
        };
        if matches!(why, CertificateError::Other(_)) && self.own.contains(end_entity) {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            rustls::client::verify_server_name(&parsed, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let why = if self_issued(end_entity) {
            NoRoot::SelfSigned
        } else if matches!(why, CertificateError::Other(_)) {
            return Err(Error::InvalidCertificate(why));
        } else {
            match intermediates.last() {
                None => NoRoot::Leaf,
                Some(last) if self_issued(last) => NoRoot::SelfSignedInChain,
                Some(_) => NoRoot::Issuer,
            }
        };
        Err(CertificateError::Other(OtherError(Arc::new(why))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.roots
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

/// Believes everybody: `verify` is off.
#[derive(Debug)]
pub(super) struct Blind(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature by a key that anybody may have proves nothing, and a certificate that can't be read (version 1)
    // would fail here.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
