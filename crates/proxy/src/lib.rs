//! The data plane of the proxy: listeners, routing, relaying, workers, logs.

pub mod answer;
pub mod attempts;
pub mod binding;
pub mod client;
pub mod config;
pub mod connection;
pub mod control;
pub mod course;
pub mod crowd;
pub mod deliver;
pub mod exchange;
pub mod framer;
pub mod head;
pub mod log;
#[cfg(test)]
mod panic_tests;
pub mod phases;
pub mod place;
pub mod plan;
pub mod post;
pub mod relay;
pub mod reply;
pub mod rewrite;
pub mod routes;
pub mod script;
pub mod send;
pub mod sessions;
pub mod status;
pub mod template;
pub mod told;
pub mod variables;
pub mod vars;
pub mod worker;
