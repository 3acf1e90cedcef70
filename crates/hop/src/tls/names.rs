//! Who issued a certificate and whom it is for, as far as that says how to call what is wrong with it.

/// Whether a certificate in DER says that its subject issued it.
pub(super) fn self_issued(certificate: &[u8]) -> bool {
    issuer_and_subject(certificate).is_some_and(|(issuer, subject)| issuer == subject)
}

/// The two names, as they are encoded.
fn issuer_and_subject(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, whole, _) = element(certificate)?;
    let (_, signed, _) = element(whole)?;
    let (tag, _, mut rest) = element(signed)?;
    // The version comes first, unless it is 1.
    if tag == 0xa0 {
        rest = element(rest)?.2;
    }
    let (_, _, rest) = element(rest)?;
    let (_, issuer, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, subject, _) = element(rest)?;
    Some((issuer, subject))
}

/// The first element: its tag, its content and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 3 {
            return None;
        }
        let (long, behind) = rest.split_at_checked(digits)?;
        length = long
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        rest = behind;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::{element, self_issued};

    #[test]
    fn elements_are_cut_by_their_lengths() {
        assert_eq!(element(&[2, 1, 7, 9]), Some((2, &[7][..], &[9][..])));
        assert_eq!(
            element(&[4, 0x81, 2, 1, 2]),
            Some((4, &[1, 2][..], &[][..]))
        );
        for broken in [
            &[][..],
            &[2],
            &[2, 2, 7],
            &[2, 0x80, 1],
            &[2, 0x84, 0, 0, 0, 0],
        ] {
            assert_eq!(element(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn names_are_found_with_and_without_a_version() {
        // tbs: version, serial, algorithm, issuer, validity, subject
        let versioned = [
            0x30, 0x11, 0x30, 0x0f, 0xa0, 1, 2, 2, 1, 1, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0,
        ];
        assert!(!self_issued(&versioned), "cut short");
        let mut der = vec![
            0xa0, 1, 2, 2, 1, 1, 0x30, 0, 0x30, 1, 5, 0x30, 0, 0x30, 1, 5,
        ];
        let certificate = |tbs: &[u8]| {
            let mut inner = vec![0x30, tbs.len() as u8];
            inner.extend(tbs);
            let mut outer = vec![0x30, inner.len() as u8];
            outer.extend(inner);
            outer
        };
        assert!(self_issued(&certificate(&der)));
        assert!(self_issued(&certificate(&der[3..])));
        der[15] = 6;
        assert!(!self_issued(&certificate(&der)));
    }
}
