//! What went wrong with TLS: a kind for policy, a code as Node has it, and a sentence.

use rustix::io::Errno;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use surehop_engine::{Cause, Phase};

use super::verify::NoRoot;
use crate::connections::cause_of;
use crate::drive::Fault;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The server's certificate is not trusted.
    Certificate,
    /// The two can't agree, or one of them breaks the rules.
    Protocol,
    /// FIN in the handshake.
    Closed,
    /// The socket failed, see errno.
    Socket,
    /// The handshake took too long.
    TimedOut,
}

/// A failure of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault {
    /// What kind it is.
    pub kind: Kind,
    /// The name that Node gives it: `CERT_HAS_EXPIRED`, `EPROTO` …
    pub code: &'static str,
    /// The error number; 0 where there is none.
    pub errno: i32,
    /// What happened, as a sentence.
    pub text: String,
}

impl TlsFault {
    /// What it means to the engine.
    pub fn fault(&self) -> Fault {
        let cause = match self.kind {
            Kind::Certificate => Cause::Certificate,
            Kind::Protocol => Cause::Tls,
            Kind::Closed => Cause::Closed,
            Kind::Socket => cause_of(Errno::from_raw_os_error(self.errno)),
            Kind::TimedOut => Cause::TimedOut,
        };
        Fault {
            phase: Phase::Tls,
            cause,
            errno: self.errno,
            at_once: false,
        }
    }

    fn new(kind: Kind, code: &'static str, errno: i32, text: String) -> Self {
        Self {
            kind,
            code,
            errno,
            text,
        }
    }

    pub(super) fn bad_name(name: &str) -> Self {
        let text = format!("`{name}` is neither a DNS name nor an IP address");
        Self::new(Kind::Protocol, "EPROTO", 0, text)
    }

    pub(super) fn timed_out(name: &str) -> Self {
        let text = format!("the TLS handshake with `{name}` took too long");
        let errno = Errno::TIMEDOUT.raw_os_error();
        Self::new(Kind::TimedOut, "ETIMEDOUT", errno, text)
    }

    pub(super) fn closed(name: &str) -> Self {
        let text = format!("`{name}` closed the connection in the TLS handshake");
        Self::new(Kind::Closed, "ECONNRESET", 0, text)
    }

    pub(super) fn of_socket(e: Errno, name: &str) -> Self {
        let (code, what) = match e {
            Errno::CONNRESET => ("ECONNRESET", "reset the connection"),
            Errno::PIPE => ("EPIPE", "closed the connection"),
            Errno::TIMEDOUT => ("ETIMEDOUT", "was not heard of any more"),
            _ => ("EPROTO", "could not be reached any more"),
        };
        let text = format!("`{name}` {what} in the TLS handshake");
        Self::new(Kind::Socket, code, e.raw_os_error(), text)
    }

    pub(super) fn of(e: &Error, name: &str) -> Self {
        if let Error::InvalidCertificate(why) = e {
            let (code, text) = of_certificate(why, name);
            return Self::new(Kind::Certificate, code, 0, text);
        }
        let text = match e {
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => format!(
                "`{name}` does not speak TLS on this port; hint: is it meant to be `http://`?"
            ),
            Error::AlertReceived(alert) => of_alert(*alert, name),
            Error::PeerIncompatible(
                PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::ServerDoesNotSupportTls12Or13,
            ) => {
                format!("`{name}` offers no TLS version of 1.2 and 1.3")
            }
            Error::NoCertificatesPresented => format!("`{name}` showed no certificate"),
            e => format!("the TLS connection with `{name}` failed: {e}"),
        };
        Self::new(Kind::Protocol, "EPROTO", 0, text)
    }
}

fn of_certificate(why: &CertificateError, name: &str) -> (&'static str, String) {
    let it = format!("the certificate of `{name}`");
    match why {
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = days(time.as_secs().saturating_sub(not_after.as_secs()));
            ("CERT_HAS_EXPIRED", format!("{it} expired {ago} ago"))
        }
        CertificateError::Expired => ("CERT_HAS_EXPIRED", format!("{it} has expired")),
        CertificateError::NotValidYetContext { time, not_before } => {
            let wait = days(not_before.as_secs().saturating_sub(time.as_secs()));
            let text = format!("{it} becomes valid only in {wait}; hint: is the clock right?");
            ("CERT_NOT_YET_VALID", text)
        }
        CertificateError::NotValidYet => ("CERT_NOT_YET_VALID", format!("{it} is not valid yet")),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let text = format!("{it} is for {}", listed(presented));
            ("ERR_TLS_CERT_ALTNAME_INVALID", text)
        }
        CertificateError::NotValidForName => {
            let text = format!("{it} is for another name");
            ("ERR_TLS_CERT_ALTNAME_INVALID", text)
        }
        CertificateError::Revoked => ("CERT_REVOKED", format!("{it} was revoked")),
        CertificateError::BadSignature => (
            "CERT_SIGNATURE_FAILURE",
            format!("{it} has a signature that is not right, or by a key that is too weak"),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("INVALID_PURPOSE", format!("{it} is not meant for a server"))
        }
        CertificateError::UnknownIssuer => no_root(NoRoot::Issuer, &it),
        CertificateError::Other(other) => match other.0.downcast_ref::<NoRoot>() {
            Some(why) => no_root(*why, &it),
            None => ("CERT_REJECTED", format!("{it} is not valid: {other}")),
        },
        why => ("CERT_REJECTED", format!("{it} is not valid: {why}")),
    }
}

fn no_root(why: NoRoot, it: &str) -> (&'static str, String) {
    let (code, hint) = match why {
        NoRoot::SelfSigned => (
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "trust it by giving its PEM file as `verify`",
        ),
        NoRoot::SelfSignedInChain => (
            "SELF_SIGNED_CERT_IN_CHAIN",
            "trust that root by giving its PEM file as `verify`",
        ),
        NoRoot::Leaf => (
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "the server may leave out its intermediate certificates; a CA of your own is given as `verify`",
        ),
        NoRoot::Issuer => (
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "a CA of your own is given as `verify`",
        ),
    };
    (code, format!("{it} {why}; hint: {hint}"))
}

fn of_alert(alert: AlertDescription, name: &str) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            format!("`{name}` wants a client certificate; hint: give one as `cert`")
        }
        AlertDescription::ProtocolVersion => {
            format!("`{name}` offers no TLS version of 1.2 and 1.3")
        }
        AlertDescription::UnrecognisedName => format!("`{name}` knows no server of that name"),
        AlertDescription::HandshakeFailure => {
            format!(
                "`{name}` refused the TLS handshake: there is nothing that both sides can do, or it wants a client \
                 certificate"
            )
        }
        alert => format!("`{name}` ended the TLS connection with the alert `{alert:?}`"),
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let bare = |name: &String| {
        // As webpki shows them: `DnsName("a")`.
        let inner = name
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        format!("`{}`", inner.unwrap_or(name).trim_matches('"'))
    };
    let mut shown: Vec<_> = names.iter().take(SHOWN).map(bare).collect();
    match names.len().saturating_sub(SHOWN) {
        0 if shown.is_empty() => return "no name at all".to_owned(),
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}

fn days(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..3600 => (seconds.div_ceil(60), "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
