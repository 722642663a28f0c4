//! Dates and times of HL7: `YYYY[MM[DD[HH[MM[SS[.SSSS]]]]]][+ZZZZ]`.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// The day of a date or time; none when it names no day.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    read(text).filter(|read| read.has_day).map(|read| read.at.date())
}

/// The instant of a date or time. One without a zone is taken in `zone`, that of the message's own time; see [`zone`].
#[must_use]
pub fn instant(text: &str, zone: Offset) -> Option<Timestamp> {
    let read = read(text)?;
    TimeZone::fixed(read.offset.unwrap_or(zone)).to_timestamp(read.at).ok()
}

/// The zone that a time names; UTC when it names none.
#[must_use]
pub fn zone(text: &str) -> Offset {
    read(text).and_then(|read| read.offset).unwrap_or(Offset::UTC)
}

/// An instant as HL7 writes it, to the second, in UTC.
#[must_use]
pub fn written(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S+0000").to_string()
}

struct Read {
    at: DateTime,
    has_day: bool,
    offset: Option<Offset>,
}

fn read(text: &str) -> Option<Read> {
    let text = text.trim();
    let (local, offset) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], Some(offset(&text[at..])?)),
        None => (text, None),
    };
    let (whole, fraction) = local.split_once('.').unwrap_or((local, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 || ![4, 6, 8, 10, 12, 14].contains(&whole.len()) {
        return None;
    }
    let part = |from: usize, absent: i8| match whole.get(from..from + 2) {
        Some(digits) => digits.parse::<i8>().ok(),
        None => Some(absent),
    };
    let date = Date::new(whole[..4].parse().ok()?, part(4, 1)?, part(6, 1)?).ok()?;
    let nanoseconds = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    // midnight at the end of a day
    if whole.get(8..).is_some_and(|clock| clock.starts_with("24") && clock[2..].bytes().all(|byte| byte == b'0')) {
        return Some(Read { at: date.tomorrow().ok()?.to_datetime(Time::midnight()), has_day: true, offset });
    }
    let time = Time::new(part(8, 0)?, part(10, 0)?, part(12, 0)?.min(59), nanoseconds).ok()?;
    Some(Read { at: date.to_datetime(time), has_day: whole.len() >= 8, offset })
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = (if text.starts_with('-') { -1 } else { 1 }, text.get(1..)?);
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days() {
        for (text, expected) in [
            ("20260504", Some(date(2026, 5, 4))),
            ("202605042359", Some(date(2026, 5, 4))),
            ("20260504101500.1234-0500", Some(date(2026, 5, 4))),
            ("202605042400", Some(date(2026, 5, 5))),
            ("202605", None),
            ("2026", None),
            ("20260230", None),
            ("2026050", None),
            ("", None),
            ("2026-05-04", None),
            ("20260504+1", None),
            ("20260504é", None),
            ("99999999999999", None),
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
    }

    #[test]
    fn instants() {
        let at = |text| instant(text, Offset::from_seconds(-5 * 3600).expect("an offset")).map(|at| at.to_string());
        assert_eq!(at("20260504101530").as_deref(), Some("2026-05-04T15:15:30Z"));
        assert_eq!(at("20260504101530.25+0200").as_deref(), Some("2026-05-04T08:15:30.25Z"));
        assert_eq!(at("20260504").as_deref(), Some("2026-05-04T05:00:00Z"));
        assert_eq!(at("tomorrow"), None);
        assert_eq!(zone("20260504101530+0530").seconds(), 19_800);
        assert_eq!(zone("20260504101530"), Offset::UTC);
        assert_eq!(written("2026-05-04T08:15:30.25Z".parse().expect("an instant")), "20260504081530+0000");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[0-9+.é-]{0,24}", other in proptest::prelude::any::<String>()) {
            let _ = day(&text);
            let _ = instant(&text, Offset::UTC);
            let _ = zone(&other);
        }
    }
}
