//! Scripts of steps and events: one for each rule of nginx, and for each point in which Surehop differs.
// In a test a panic is the report.
#![allow(clippy::expect_used)]

mod asking;
mod harness;
mod health;
mod incidents;
mod nginx;
mod properties;
mod resilience;
mod rounds;
mod slots;
