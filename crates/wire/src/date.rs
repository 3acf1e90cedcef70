//! Times as HTTP and the logs write them.

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];

/// A second of the calendar.
struct Civil {
    year: i64,
    /// From 1.
    month: i64,
    day: i64,
    /// From Thursday, the day the epoch began with.
    weekday: usize,
    seconds: i64,
}

impl Civil {
    /// Counts in years that begin in March, so that the leap day comes last.
    fn of(unix: i64) -> Self {
        let days = unix.div_euclid(86_400);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            weekday: days.rem_euclid(7) as usize,
            seconds: unix.rem_euclid(86_400),
        }
    }

    fn month_name(&self) -> &'static [u8] {
        MONTHS[self.month as usize - 1]
    }
}

/// Fills a text of known length from its left.
struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self {
            bytes: [b' '; N],
            len: 0,
        }
    }

    fn text(mut self, text: &[u8]) -> Self {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
        self
    }

    fn two(self, number: i64) -> Self {
        let number = number.rem_euclid(100) as u8;
        self.text(&[b'0' + number / 10, b'0' + number % 10])
    }

    fn year(self, year: i64) -> Self {
        self.two(year / 100).two(year)
    }

    fn clock(self, seconds: i64) -> Self {
        self.two(seconds / 3600)
            .text(b":")
            .two(seconds / 60 % 60)
            .text(b":")
            .two(seconds % 60)
    }

    fn zone(self, offset: i32, separator: &[u8]) -> Self {
        let minutes = i64::from(offset.unsigned_abs() / 60);
        let sign: &[u8] = if offset < 0 { b"-" } else { b"+" };
        self.text(sign)
            .two(minutes / 60)
            .text(separator)
            .two(minutes % 60)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, from seconds since 1970.
pub fn imf_fixdate(unix: i64) -> [u8; 29] {
    let time = Civil::of(unix);
    Text::new()
        .text(DAYS[time.weekday])
        .text(b", ")
        .two(time.day)
        .text(b" ")
        .text(time.month_name())
        .text(b" ")
        .year(time.year)
        .text(b" ")
        .clock(time.seconds)
        .text(b" GMT")
        .bytes
}

/// `Sun, 06-Nov-94 08:49:37 GMT`, as nginx dates cookies; the year has four digits from 2038 on.
pub fn cookie(unix: i64) -> Vec<u8> {
    let fixdate = imf_fixdate(unix);
    let mut date = fixdate.to_vec();
    (date[7], date[11]) = (b'-', b'-');
    if unix <= 0x7fff_ffff {
        date.drain(12..14);
    }
    date
}

/// `21/Nov/2026:04:44:47 +0000` (`$time_local`), in a zone that is `offset` seconds east of UTC.
pub fn access_log(unix: i64, offset: i32) -> [u8; 26] {
    let time = Civil::of(unix + i64::from(offset));
    Text::new()
        .two(time.day)
        .text(b"/")
        .text(time.month_name())
        .text(b"/")
        .year(time.year)
        .text(b":")
        .clock(time.seconds)
        .text(b" ")
        .zone(offset, b"")
        .bytes
}

/// `2026/11/21 04:44:47`, the error log's, in a zone that is `offset` seconds east of UTC.
pub fn error_log(unix: i64, offset: i32) -> [u8; 19] {
    let time = Civil::of(unix + i64::from(offset));
    Text::new()
        .year(time.year)
        .text(b"/")
        .two(time.month)
        .text(b"/")
        .two(time.day)
        .text(b" ")
        .clock(time.seconds)
        .bytes
}

/// `Nov  1 04:44:47`, syslog's, in a zone that is `offset` seconds east of UTC.
pub fn syslog(unix: i64, offset: i32) -> [u8; 15] {
    let time = Civil::of(unix + i64::from(offset));
    let mut stamp = Text::new()
        .text(time.month_name())
        .text(b" ")
        .two(time.day)
        .text(b" ")
        .clock(time.seconds)
        .bytes;
    if stamp[4] == b'0' {
        stamp[4] = b' ';
    }
    stamp
}

/// `2026-11-21T04:44:47+00:00` (`$time_iso8601`), in a zone that is `offset` seconds east of UTC.
pub fn iso8601(unix: i64, offset: i32) -> [u8; 25] {
    let time = Civil::of(unix + i64::from(offset));
    Text::new()
        .year(time.year)
        .text(b"-")
        .two(time.month)
        .text(b"-")
        .two(time.day)
        .text(b"T")
        .clock(time.seconds)
        .zone(offset, b":")
        .bytes
}

/// Seconds since 1970 of a date in one of HTTP's three forms, taken as loosely as nginx takes them.
pub fn parse(value: &[u8]) -> Option<i64> {
    let mut read = Reader(value);
    // A comma ends the weekday in two of the forms, a blank in the third.
    let at = value.iter().position(|b| matches!(b, b',' | b' '))?;
    let asctime = value[at] == b' ';
    read.skip(at + 1);
    while read.0.first() == Some(&b' ') {
        read.skip(1);
    }
    if read.0.len() < 18 {
        return None;
    }
    let (mut day, mut year, mut dashed) = (0, 0, false);
    if !asctime {
        day = read.number(2)?;
        dashed = read.0.first() == Some(&b'-');
        if !dashed && (read.0.len() < 18 || read.0[0] != b' ') {
            return None;
        }
        read.skip(1);
    }
    let month = read.month()?;
    if asctime {
        read.skip(1);
        if read.0.first() == Some(&b' ') {
            read.skip(1);
        }
        let digits = if read.0.get(1) == Some(&b' ') { 1 } else { 2 };
        day = read.number(digits)?;
        if read.0.len() < 14 {
            return None;
        }
    } else {
        read.expect(if dashed { b'-' } else { b' ' })?;
        year = read.number(if dashed { 2 } else { 4 })?;
        if dashed {
            year += if year < 70 { 2000 } else { 1900 };
        }
    }
    read.expect(b' ')?;
    let hour = read.number(2)?;
    read.expect(b':')?;
    let minute = read.number(2)?;
    read.expect(b':')?;
    let second = read.number(2)?;
    if asctime {
        read.expect(b' ')?;
        year = read.number(4)?;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap && day == 29 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if hour > 23 || minute > 59 || second > 59 || day > days {
        return None;
    }
    Some(days_until(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970 to a day of the calendar, in years that begin in March.
fn days_until(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What is left to read of a date.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, n: usize) {
        self.0 = self.0.get(n..).unwrap_or_default();
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let met = self.0.first() == Some(&byte);
        self.skip(1);
        met.then_some(())
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let text = self.0.get(..digits)?;
        self.skip(digits);
        text.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    }

    /// nginx looks at no more letters than tell the months apart.
    fn month(&mut self) -> Option<i64> {
        let name = self.0.get(..3)?;
        self.skip(3);
        Some(match (name[0], name[1], name[2]) {
            (b'J', b'a', _) => 1,
            (b'F', ..) => 2,
            (b'M', _, b'r') => 3,
            (b'M', ..) => 5,
            (b'A', b'p', _) => 4,
            (b'A', ..) => 8,
            (b'J', _, b'n') => 6,
            (b'J', ..) => 7,
            (b'S', ..) => 9,
            (b'O', ..) => 10,
            (b'N', ..) => 11,
            (b'D', ..) => 12,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn http_dates() {
        let table = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_709_251_200, "Fri, 01 Mar 2024 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ];
        for (unix, expected) in table {
            assert_eq!(text(&imf_fixdate(unix)), expected);
        }
    }

    #[test]
    fn log_times() {
        let unix = 1_795_236_287; // 2026-11-21 04:44:47 UTC
        assert_eq!(text(&access_log(unix, 0)), "21/Nov/2026:04:44:47 +0000");
        assert_eq!(
            text(&access_log(unix, 9 * 3600)),
            "21/Nov/2026:13:44:47 +0900"
        );
        assert_eq!(
            text(&access_log(unix, -(5 * 3600 + 1800))),
            "20/Nov/2026:23:14:47 -0530"
        );
        assert_eq!(text(&error_log(unix, 0)), "2026/11/21 04:44:47");
        assert_eq!(text(&error_log(unix, -5 * 3600)), "2026/11/20 23:44:47");
        assert_eq!(text(&syslog(unix, 0)), "Nov 21 04:44:47");
        assert_eq!(text(&syslog(0, 0)), "Jan  1 00:00:00");
        assert_eq!(text(&iso8601(unix, 0)), "2026-11-21T04:44:47+00:00");
        assert_eq!(
            text(&iso8601(unix, 5 * 3600 + 1800)),
            "2026-11-21T10:14:47+05:30"
        );
    }

    #[test]
    fn cookies_have_two_digits_of_the_year_until_they_would_not_do() {
        assert_eq!(cookie(784_111_777), b"Sun, 06-Nov-94 08:49:37 GMT");
        assert_eq!(cookie(0x7fff_ffff), b"Tue, 19-Jan-38 03:14:07 GMT");
        assert_eq!(cookie(0x8000_0000), b"Tue, 19-Jan-2038 03:14:08 GMT");
    }

    #[test]
    fn dates_in_three_forms() {
        let table: &[(&str, Option<i64>)] = &[
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sun Nov 16 08:49:37 1994", Some(784_975_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 31-Dec-69 00:00:00 GMT", Some(3_155_673_600)),
            ("Tue, 29 Feb 2000 00:00:00", Some(951_782_400)),
            ("Thu, 29 Feb 2024 23:59:59 +0200", Some(1_709_251_199)),
            ("Mon, 29 Feb 2100 00:00:00 GMT", None),
            ("Sun, 31 Apr 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 06 Nov 1994 08:49:60 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov-1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994", None),
            ("", None),
            ("foo", None),
            (", ", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text.as_bytes()), *expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(unix in -2_000_000_000i64..20_000_000_000) {
            prop_assert_eq!(parse(&imf_fixdate(unix)), Some(unix));
        }

        #[test]
        fn nothing_breaks_it(value in prop::collection::vec(any::<u8>(), 0..40)) {
            parse(&value);
        }

        #[test]
        fn dates_follow_one_another(days in -50_000i64..80_000) {
            // One day on is the next weekday, and either the next day of a month or the first.
            let (today, tomorrow) = (Civil::of(days * 86_400), Civil::of((days + 1) * 86_400));
            prop_assert_eq!(tomorrow.weekday, (today.weekday + 1) % 7);
            if tomorrow.day == 1 {
                prop_assert!(today.day >= 28);
                prop_assert_eq!(tomorrow.month, today.month % 12 + 1);
                prop_assert_eq!(tomorrow.year, today.year + i64::from(today.month == 12));
            } else {
                prop_assert_eq!((tomorrow.year, tomorrow.month, tomorrow.day), (today.year, today.month, today.day + 1));
            }
        }
    }
}
