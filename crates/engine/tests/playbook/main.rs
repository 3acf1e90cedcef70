//! Scripts of steps and events: one for each rule of nginx, and for each point in which Surehop differs.

mod harness;
mod health;
mod incidents;
mod nginx;
mod properties;
mod resilience;
