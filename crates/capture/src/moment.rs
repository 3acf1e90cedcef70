//! Times as logs write them, made Unix milliseconds. No date is refused, and no clock is asked.

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// A date and a time of day as UTC. After Howard Hinnant's days of a calendar.
pub fn millis(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    let year = year - i64::from(month <= 2); // the year begins in March
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000
}

/// `2026/01/05 10:00:00`, any separators; nothing behind it is looked at.
pub fn plain(text: &[u8]) -> Option<i64> {
    let (date, time) = (text.get(..10)?, text.get(11..19)?);
    Some(millis(
        number(&date[..4])?,
        number(&date[5..7])?,
        number(&date[8..])?,
        number(&time[..2])?,
        number(&time[3..5])?,
        number(&time[6..])?,
    ))
}

/// `05/Jan/2026:10:00:00`, then perhaps `.655`, then perhaps ` +0100`.
pub fn common(text: &[u8]) -> Option<i64> {
    let (date, time) = (text.get(..11)?, text.get(12..20)?);
    let month = (1..)
        .zip(MONTHS.chunks(3))
        .find(|(_, name)| *name == &date[3..6])?
        .0;
    let at = millis(
        number(&date[7..])?,
        month,
        number(&date[..2])?,
        number(&time[..2])?,
        number(&time[3..5])?,
        number(&time[6..])?,
    );
    let (fraction, rest) = fraction(&text[20..]);
    Some(at + fraction - zone(rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// `2026-01-05T10:00:00`, or with a blank for `T`, then perhaps `.655` or `,655`, then perhaps `Z` or `+01:00`.
pub fn iso8601(text: &[u8]) -> Option<i64> {
    let at = plain(text)?;
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (fraction, rest) = fraction(&text[19..]);
    Some(at + fraction - zone(rest))
}

/// `Jan  5 10:00:00`, which names no year: 1970 stands for it.
pub fn syslog(text: &[u8]) -> Option<i64> {
    let month = (1..)
        .zip(MONTHS.chunks(3))
        .find(|(_, name)| text.starts_with(name))?
        .0;
    let time = text.get(7..15)?;
    Some(millis(
        1970,
        month,
        number(text[4..6].trim_ascii_start())?,
        number(&time[..2])?,
        number(&time[3..5])?,
        number(&time[6..])?,
    ))
}

/// `1767607200.655`: seconds since 1970, then perhaps a fraction.
pub fn unix(text: &[u8]) -> Option<i64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (seconds, rest) = text.split_at(end.unwrap_or(text.len()));
    if seconds.is_empty() || seconds.len() > 12 {
        return None;
    }
    Some(number(seconds)? * 1000 + fraction(rest).0)
}

/// Digits alone, at most 18.
pub fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(sum * 10 + i64::from(digit))
    })
}

/// Milliseconds of `.655…`, and what is behind it.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let [b'.' | b',', digits @ ..] = text else {
        return (0, text);
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = digits.split_at(end.unwrap_or(digits.len()));
    let place = |at: usize| digits.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    (place(0) * 100 + place(1) * 10 + place(2), rest)
}

/// Milliseconds that `+0100` or `+01:00` is ahead of UTC; 0 where there is no zone.
fn zone(text: &[u8]) -> i64 {
    let (sign, hours, minutes) = match text {
        [sign @ (b'+' | b'-'), a, b, b':', c, d, ..] | [sign @ (b'+' | b'-'), a, b, c, d, ..] => {
            (*sign, [*a, *b], [*c, *d])
        }
        _ => return 0,
    };
    let (Some(hours), Some(minutes)) = (number(&hours), number(&minutes)) else {
        return 0;
    };
    let ahead = (hours * 60 + minutes) * 60_000;
    if sign == b'+' { ahead } else { -ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_767_607_200_000; // 2026-01-05 10:00:00 UTC, as `date -u -d … +%s` has it

    #[test]
    fn every_way_to_write_the_same_moment() {
        assert_eq!(plain(b"2026/01/05 10:00:00 [error]"), Some(AT));
        assert_eq!(common(b"05/Jan/2026:10:00:00 +0000"), Some(AT));
        assert_eq!(common(b"05/Jan/2026:11:30:00 +0130"), Some(AT));
        assert_eq!(common(b"05/Jan/2026:10:00:00.655]"), Some(AT + 655));
        assert_eq!(iso8601(b"2026-01-05T10:00:00Z"), Some(AT));
        assert_eq!(iso8601(b"2026-01-05 10:00:00,5"), Some(AT + 500));
        assert_eq!(
            iso8601(b"2026-01-05T05:00:00.1234567-05:00"),
            Some(AT + 123)
        );
        assert_eq!(unix(b"1767607200.655"), Some(AT + 655));
    }

    #[test]
    fn the_edges_of_the_calendar() {
        assert_eq!(millis(1970, 1, 1, 0, 0, 0), 0);
        assert_eq!(
            millis(2024, 3, 1, 0, 0, 0) - millis(2024, 2, 29, 0, 0, 0),
            86_400_000
        );
        assert_eq!(
            millis(1900, 3, 1, 0, 0, 0) - millis(1900, 2, 28, 0, 0, 0),
            86_400_000
        );
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            &b""[..],
            b"2026/01/05",
            b"2026/01/05 10:00:0x",
            b"xx/Jan/2026:10:00:00",
        ] {
            assert_eq!((plain(text), common(text)), (None, None));
        }
        assert_eq!(unix(b"9999999999999"), None);
    }
}
