#![no_main]

#[path = "../checks/chunked.rs"]
mod chunked;
#[path = "../checks/cuts.rs"]
mod cuts;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chunked::check(bytes));
