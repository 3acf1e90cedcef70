//! `set_real_ip_from`: who a request comes from by the word of a proxy that is trusted.

use serde::Deserialize;
use surehop_hop::socket::Address;

use crate::client::Client;
use crate::exchange::Exchange;
use crate::networks::{self, Network};
use crate::plan::Text;

/// Whose word is taken, and where it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealIp {
    networks: Vec<Network>,
    /// The header's name in lower case.
    header: Text,
    recursive: bool,
}

/// Who a client was before a proxy's word was taken.
#[derive(Debug)]
pub struct Before {
    /// Its address.
    pub remote: Option<Address>,
    /// The same as text.
    pub text: Box<str>,
}

impl RealIp {
    /// Has the client be who the proxy says, until [`restore`].
    pub fn apply(&self, client: &mut Client, ex: &Exchange) {
        if client.before.is_some() {
            return;
        }
        let lines = networks::values(&ex.head.headers, ex.bytes(), &self.header.0);
        // Of X-Forwarded-For all lines are one list; of any other header the first line counts.
        let lines = if self.header.0 == b"x-forwarded-for" {
            &lines[..]
        } else {
            &lines[..lines.len().min(1)]
        };
        let remote = client.remote.as_ref();
        let Some(found) = networks::forwarded(remote, lines, &self.networks, self.recursive) else {
            return;
        };
        let text = std::mem::replace(&mut client.remote_text, found.ip().to_string().into());
        let remote = client.remote.replace(Address::Ip(found));
        client.before = Some(Box::new(Before { remote, text }));
    }
}

/// The client is again who it is: its next request may be another's.
pub fn restore(client: &mut Client) {
    if let Some(before) = client.before.take() {
        client.remote = before.remote;
        client.remote_text = before.text;
    }
}
