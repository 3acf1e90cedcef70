//! The data plane of the proxy: listeners, routing, relaying, workers, logs.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod answer;
pub mod attempts;
pub mod binding;
pub mod client;
pub mod config;
pub mod connection;
pub mod control;
pub mod cookies;
pub mod course;
pub mod deliver;
pub mod exchange;
pub mod files;
pub mod filters;
pub mod framer;
pub mod fresh;
pub mod head;
pub mod incoming;
pub mod intake;
pub mod log;
pub mod log_paths;
pub mod phases;
pub mod place;
pub mod plan;
pub mod post;
pub mod ranges;
pub mod record;
pub mod relay;
pub mod reply;
pub mod rewrite;
pub mod routes;
pub mod script;
pub mod send;
pub mod serving;
pub mod sessions;
pub mod sink;
pub mod spool;
pub mod status;
pub mod stub;
pub mod template;
pub mod told;
pub mod variables;
pub mod vars;
pub mod worker;
