//! What the configuration computes: regular expressions, the rewrite module's steps, error pages, own
//! variables. Read from the plan straight into what is run.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Deserializer};

use crate::networks::Network;
use crate::plan::Text;
use crate::template::{Template, Var};

/// A regular expression, and the slots of its named groups.
#[derive(Debug)]
pub struct Regex {
    /// As the configuration writes it.
    pub pattern: Text,
    /// Ready to match.
    pub compiled: pcre2::bytes::Regex,
    /// Number of the group, slot of the variable.
    pub names: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegexPlan {
    pattern: Text,
    caseless: bool,
    names: Vec<(Text, usize)>,
}

impl<'de> Deserialize<'de> for Regex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let plan = RegexPlan::deserialize(from)?;
        let compiled = compile(&plan.pattern.0, plan.caseless).map_err(serde::de::Error::custom)?;
        let mut names = Vec::new();
        for (group, name) in compiled.capture_names().iter().enumerate() {
            let Some(name) = name else { continue };
            let known = |(text, _): &&(Text, usize)| text.0.eq_ignore_ascii_case(name.as_bytes());
            if let Some((_, slot)) = plan.names.iter().find(known) {
                names.push((group, *slot));
            }
        }
        Ok(Self {
            pattern: plan.pattern,
            compiled,
            names,
        })
    }
}

/// Compiles a pattern; the error is nginx's sentence.
pub fn compile(pattern: &[u8], caseless: bool) -> Result<pcre2::bytes::Regex, String> {
    let text = std::str::from_utf8(pattern)
        .map_err(|_| "a regular expression that is no UTF-8".to_owned())?;
    pcre2::bytes::RegexBuilder::new()
        .caseless(caseless)
        .jit_if_available(true)
        .build(text)
        .map_err(|e| {
            let told = e.to_string();
            let told = told.rsplit_once(": ").map_or(&*told, |(_, words)| words);
            let place = e.offset().and_then(|at| text.get(at..));
            match place.filter(|rest| !rest.is_empty()) {
                Some(rest) => format!("pcre2_compile() failed: {told} in \"{text}\" at \"{rest}\""),
                None => format!("pcre2_compile() failed: {told} in \"{text}\""),
            }
        })
}

/// A step of the rewrite module.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Op {
    Rewrite(Box<Rewrite>),
    Set {
        slot: usize,
        value: Template,
    },
    /// `set $args`
    Args {
        value: Template,
    },
    /// `set $limit_rate`
    #[serde(rename = "limit_rate")]
    LimitRate {
        value: Template,
    },
    If {
        test: Test,
        location: Option<usize>,
        script: Vec<Op>,
    },
    Break,
    Return {
        status: u16,
        text: Option<Template>,
    },
}

/// `rewrite`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rewrite {
    pub regex: Regex,
    pub path: Template,
    pub args: Option<Template>,
    /// Whether the request's own arguments follow.
    pub add_args: bool,
    /// 301 or 302.
    pub redirect: Option<u16>,
    pub last: bool,
    /// `break`: the URI is not looked up again.
    pub stop: bool,
}

/// What `if` asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Test {
    True {
        value: Template,
    },
    Equal {
        value: Template,
        to: Template,
        not: bool,
    },
    Match {
        value: Template,
        regex: Regex,
        not: bool,
    },
    File {
        path: Template,
        what: FileTest,
        not: bool,
    },
}

/// Which kind of file `if` asks for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum FileTest {
    File,
    Folder,
    Exists,
    Executable,
}

/// `error_page` for one status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ErrorPage {
    pub status: u16,
    /// The status sent: None keeps the error's, 0 takes the page's own.
    pub overwrite: Option<u16>,
    pub target: Template,
    /// Arguments of a target without variables.
    pub args: Text,
    /// Whether the arguments are found in the target once its variables are known.
    pub split: bool,
}

/// A variable of the configuration's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Without `$`.
    pub name: Text,
    /// Where its value comes from.
    pub source: Source,
}

/// Where a variable's value comes from.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Source {
    /// `set` gives it.
    Set,
    /// A named group gives it.
    Capture,
    Map(Box<Map>),
    Geo(Box<Geo>),
    Split {
        value: Template,
        /// Upper bounds of the hash, with 0 for the rest, and the values.
        parts: Vec<(u32, Text)>,
    },
}

/// `map`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Map {
    pub value: Template,
    pub hostnames: bool,
    pub volatile: bool,
    pub default: Template,
    #[serde(deserialize_with = "table")]
    pub exact: Table,
    /// `*.x`, by what follows the star and its dot.
    #[serde(deserialize_with = "table")]
    pub leading: Table,
    /// `x.*`, by what stands before the dot and the star.
    #[serde(deserialize_with = "table")]
    pub trailing: Table,
    pub regexes: Vec<(Regex, Template)>,
}

/// Values by their keys.
pub type Table = crate::routes::Keyed<Template>;

fn table<'de, D: Deserializer<'de>>(from: D) -> Result<Table, D::Error> {
    let pairs = Vec::<(Text, Template)>::deserialize(from)?;
    Ok(pairs
        .into_iter()
        .map(|(key, value)| (key.0.into_boxed_slice(), value))
        .collect())
}

/// `geo`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Geo {
    /// The address, the client's unless said otherwise.
    pub value: Template,
    pub default: Text,
    /// First and last address and value, in their order and without overlaps.
    #[serde(deserialize_with = "ordered")]
    ranges: Vec<GeoRange>,
    /// Networks whose X-Forwarded-For is believed.
    #[serde(deserialize_with = "pairs")]
    pub proxies: Vec<Network>,
    pub proxy_recursive: bool,
}

type GeoRange = (IpAddr, IpAddr, Text);

fn ordered<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<GeoRange>, D::Error> {
    let ranges = Vec::<GeoRange>::deserialize(from)?;
    if ranges.windows(2).all(|two| two[0].1 < two[1].0) {
        Ok(ranges)
    } else {
        Err(serde::de::Error::custom("ranges that are in no order"))
    }
}

fn pairs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    let pairs = Vec::<(IpAddr, IpAddr)>::deserialize(from)?;
    let networks = pairs.into_iter().map(|(low, high)| Network::Ip(low, high));
    Ok(networks.collect())
}

impl Geo {
    /// The value for an address. What is no address is the last of IPv4 to nginx.
    pub fn find(&self, address: Option<IpAddr>) -> &[u8] {
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::BROADCAST));
        let behind = self.ranges.partition_point(|(low, ..)| *low <= address);
        let found = behind.checked_sub(1).map(|at| &self.ranges[at]);
        match found.filter(|(_, high, _)| address <= *high) {
            Some((.., value)) => &value.0,
            None => &self.default.0,
        }
    }
}

/// The builtin that a set variable stands for as long as it is not set: `$http_…` and the like.
pub fn fallback(name: &Text) -> Option<Var> {
    Var::named(&name.show())
}
