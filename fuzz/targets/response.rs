#![no_main]

#[path = "../checks/cuts.rs"]
mod cuts;
#[path = "../checks/response.rs"]
mod response;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| response::check(bytes));
