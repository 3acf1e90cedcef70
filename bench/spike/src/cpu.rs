//! What this process has cost so far, from /proc.

use std::fs;
use std::io;

#[derive(Clone, Copy, Default)]
pub struct Cpu {
    /// Nanoseconds on a core, over all threads: exact.
    pub on_core_ns: u64,
    /// Ticks of the clock (10 ms as a rule) in user and in system: only their proportion is good.
    pub user_ticks: u64,
    pub system_ticks: u64,
}

impl Cpu {
    pub fn now() -> io::Result<Self> {
        let mut on_core_ns = 0;
        for thread in fs::read_dir("/proc/self/task")? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            on_core_ns += number(text.split(' ').next());
        }
        let text = fs::read_to_string("/proc/self/stat")?;
        // The name in parentheses may hold anything: count the fields after it.
        let mut fields = text.rsplit(") ").next().unwrap_or("").split(' ').skip(11);
        Ok(Self {
            on_core_ns,
            user_ticks: number(fields.next()),
            system_ticks: number(fields.next()),
        })
    }
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
