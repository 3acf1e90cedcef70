//! Passwords as password files hold them: `{PLAIN}`, `{SHA}`, `{SSHA}`, `$apr1$`, and those of `crypt()`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::des;

/// The alphabet of `crypt()`.
pub const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes of a SHA-1.
const SHA1: usize = 20;

/// Whether `password` is the one that `known` stands for. What nobody can tell the making of stands for none.
pub fn matches(password: &[u8], known: &[u8]) -> bool {
    if known.starts_with(b"$2") {
        let known = std::str::from_utf8(known).ok();
        return known.is_some_and(|known| bcrypt::verify(password, known).unwrap_or(false));
    }
    encrypt(password, known).is_some_and(|made| made == known)
}

fn encrypt(key: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
    for magic in [&b"$apr1$"[..], b"$1$"] {
        if let Some(salt) = salt.strip_prefix(magic) {
            return Some(md5(key, salt, magic));
        }
    }
    if salt.starts_with(b"{PLAIN}") {
        return Some([b"{PLAIN}", key].concat());
    }
    if let Some(known) = salt.strip_prefix(b"{SSHA}") {
        let known = decode(known).filter(|known| known.len() >= SHA1);
        let salt = known.as_ref().map_or(&[][..], |known| &known[SHA1..]);
        let mut sum = Sha1::digest([key, salt].concat()).to_vec();
        sum.extend_from_slice(salt);
        return Some([b"{SSHA}", STANDARD.encode(sum).as_bytes()].concat());
    }
    if salt.starts_with(b"{SHA}") {
        let sum = STANDARD.encode(Sha1::digest(key));
        return Some([b"{SHA}", sum.as_bytes()].concat());
    }
    if let Some(setting) = salt.strip_prefix(b"$5$") {
        return sha::<Sha256>(key, setting, b"$5$", &SHA256_ORDER);
    }
    if let Some(setting) = salt.strip_prefix(b"$6$") {
        return sha::<Sha512>(key, setting, b"$6$", &SHA512_ORDER);
    }
    des::crypt(key, salt)
}

/// Base64 as nginx reads it: up to the first `=`, whatever the last bits are.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr(b'=', text).unwrap_or(text.len());
    if end % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(end / 4 * 3 + 2);
    let (mut bits, mut have) = (0_u32, 0);
    for &byte in &text[..end] {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    Some(out)
}

/// Appends `count` digits of `value`, the least first.
pub fn digits(out: &mut Vec<u8>, mut value: u32, count: usize) {
    for _ in 0..count {
        out.push(ITOA64[(value & 63) as usize]);
        value >>= 6;
    }
}

/// The MD5 of BSD's `crypt()`, and Apache's, which differ in nothing but their names.
fn md5(key: &[u8], salt: &[u8], magic: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(b'$', salt).unwrap_or(salt.len()).min(8);
    let salt = &salt[..end];
    let mixed = Md5::digest([key, salt, key].concat());
    let mut sum = Md5::new();
    sum.update(key);
    sum.update(magic);
    sum.update(salt);
    for at in (0..key.len()).step_by(16) {
        sum.update(&mixed[..(key.len() - at).min(16)]);
    }
    let mut left = key.len();
    while left > 0 {
        sum.update(if left & 1 == 1 { &[0][..] } else { &key[..1] });
        left >>= 1;
    }
    let mut last = sum.finalize();
    for round in 0..1000 {
        let mut sum = Md5::new();
        if round & 1 == 1 {
            sum.update(key);
        } else {
            sum.update(last);
        }
        if round % 3 != 0 {
            sum.update(salt);
        }
        if round % 7 != 0 {
            sum.update(key);
        }
        if round & 1 == 1 {
            sum.update(last);
        } else {
            sum.update(key);
        }
        last = sum.finalize();
    }
    let mut out = [magic, salt, b"$"].concat();
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        let value = u32::from(last[a]) << 16 | u32::from(last[b]) << 8 | u32::from(last[c]);
        digits(&mut out, value, 4);
    }
    digits(&mut out, u32::from(last[11]), 2);
    out
}

/// In which order the bytes are written, three at a time; `NO` is a byte that is not there.
type Order = [[usize; 3]];
const NO: usize = usize::MAX;
const SHA256_ORDER: [[usize; 3]; 11] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
    [NO, 31, 30],
];
const SHA512_ORDER: [[usize; 3]; 22] = [
    [0, 21, 42],
    [22, 43, 1],
    [44, 2, 23],
    [3, 24, 45],
    [25, 46, 4],
    [47, 5, 26],
    [6, 27, 48],
    [28, 49, 7],
    [50, 8, 29],
    [9, 30, 51],
    [31, 52, 10],
    [53, 11, 32],
    [12, 33, 54],
    [34, 55, 13],
    [56, 14, 35],
    [15, 36, 57],
    [37, 58, 16],
    [59, 17, 38],
    [18, 39, 60],
    [40, 61, 19],
    [62, 20, 41],
    [NO, NO, 63],
];

/// `SHA-crypt`.
fn sha<D: Digest>(key: &[u8], setting: &[u8], magic: &[u8], order: &Order) -> Option<Vec<u8>> {
    let (mut rounds, mut salt, mut said) = (5000_u32, setting, false);
    if let Some(rest) = setting.strip_prefix(b"rounds=") {
        let end = memchr::memchr(b'$', rest)?;
        let number: u32 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        // A password file must not be able to stop the worker for minutes.
        (rounds, said) = (number.clamp(1000, 9_999_999), true);
        salt = &rest[end + 1..];
    }
    let end = memchr::memchr(b'$', salt).unwrap_or(salt.len()).min(16);
    let salt = &salt[..end];
    let mixed = D::digest([key, salt, key].concat());
    let size = mixed.len();
    let mut sum = D::new();
    sum.update(key);
    sum.update(salt);
    for at in (0..key.len()).step_by(size) {
        sum.update(&mixed[..(key.len() - at).min(size)]);
    }
    let mut left = key.len();
    while left > 0 {
        sum.update(if left & 1 == 1 { &mixed[..] } else { key });
        left >>= 1;
    }
    let mut last = sum.finalize();
    let spread = |sum: &[u8], length: usize| -> Vec<u8> {
        sum.iter().cycle().take(length).copied().collect()
    };
    let mut sum = D::new();
    for _ in 0..key.len() {
        sum.update(key);
    }
    let p = spread(&sum.finalize(), key.len());
    let mut sum = D::new();
    for _ in 0..16 + usize::from(last[0]) {
        sum.update(salt);
    }
    let s = spread(&sum.finalize(), salt.len());
    for round in 0..rounds {
        let mut sum = D::new();
        sum.update(if round & 1 == 1 { &p[..] } else { &last[..] });
        if round % 3 != 0 {
            sum.update(&s);
        }
        if round % 7 != 0 {
            sum.update(&p);
        }
        sum.update(if round & 1 == 1 { &last[..] } else { &p[..] });
        last = sum.finalize();
    }
    let mut out = magic.to_vec();
    if said {
        out.extend_from_slice(format!("rounds={rounds}$").as_bytes());
    }
    out.extend_from_slice(salt);
    out.push(b'$');
    for three in order {
        let byte = |at: usize| last.get(at).map_or(0, |byte| u32::from(*byte));
        let value = byte(three[0]) << 16 | byte(three[1]) << 8 | byte(three[2]);
        let bytes = three.iter().filter(|at| **at != NO).count();
        digits(&mut out, value, bytes + 1);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by glibc, OpenSSL and Apache's htpasswd.
    const KNOWN: [(&str, &str); 11] = [
        ("good", "sa4EQlvRoTMww"),
        ("Secret8chars", "./75ReUwL8X1s"),
        ("x", "zZ7ZiWSxfqAtU"),
        ("good", "$1$salt$nv3ocNtLSqERkOE0R.yRv1"),
        (
            "a much longer password than sixteen",
            "$1$12345678$HGJHglfA1jRVtYuvr8yIz0",
        ),
        (
            "good",
            "$5$salt$IuFuQkEDixjpRVAgGxHHqVsT9qxFIATGOewgU95pRV5",
        ),
        (
            "good",
            "$5$rounds=1234$anothersalt$3uplt1aOSZqkcms9HOtx0/GonG1puOd0Ir5raH0hCe8",
        ),
        (
            "a much longer password than sixteen, and than thirty-two, and then some more of it",
            "$6$saltstring$A/p6w0RFFsUabfI0EmoR/1HuvikRsyF1f9gtkiAGaN5JgPIpYGex5QnnIQYwflpHTTDncT3VBvFzDwcetpz6m1",
        ),
        (
            "good",
            "$6$salt$4I8rEi4IWurjx3YvhmQFqzhDVyxcE0bDngjuM6fD3r1Kan0P7P3JFb7nOmJ1wGMbeSiZJwWns9lmE46MKm5361",
        ),
        ("good", "$apr1$xxxxxxxx$dybAP87rlyO9552vYKm4q/"),
        (
            "a much longer password than sixteen",
            "$apr1$ab$aPXNdsX0wq8N/LJdZEZgW1",
        ),
    ];

    #[test]
    fn as_others_make_them() {
        for (password, known) in KNOWN {
            assert!(matches(password.as_bytes(), known.as_bytes()), "{known}");
            assert!(!matches(b"wrong", known.as_bytes()), "{known}");
        }
    }

    #[test]
    fn what_nobody_knows() {
        for known in ["", "x", "$9$salt$x", "*", "$2y$05$short", "{SSHA}!"] {
            assert!(!matches(b"a", known.as_bytes()), "{known}");
        }
    }

    #[test]
    fn base64_as_nginx_reads_it() {
        assert_eq!(decode(b"dTpw").as_deref(), Some(&b"u:p"[..]));
        assert_eq!(decode(b"dTo").as_deref(), Some(&b"u:"[..]));
        assert_eq!(decode(b"dTo=ignored").as_deref(), Some(&b"u:"[..]));
        assert_eq!(decode(b"d"), None);
        assert_eq!(decode(b"dT*w"), None);
    }
}
