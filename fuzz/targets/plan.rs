#![no_main]

#[path = "../checks/plan.rs"]
mod plan;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plan::check(bytes));
