//! Where bytes are cut into reads: by the bytes themselves, so that a case is its bytes and nothing else.

/// Ends of the reads of `bytes`, in three ways: one read, a byte a read, and some reads of any length.
pub(crate) fn reads(bytes: &[u8]) -> [Vec<usize>; 3] {
    // FNV-1a, which seeds an xorshift.
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }) | 1;
    let mut some = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        at = bytes.len().min(at + 1 + (state % 23) as usize);
        some.push(at);
    }
    [vec![bytes.len()], (1..=bytes.len()).collect(), some]
}
