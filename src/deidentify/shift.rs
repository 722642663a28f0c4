//! A written date moved by days and written the way it was: each part keeps its width, its letters and its place.

use jiff::{ToSpan, civil::Date};

use super::{
    date_words::{MONTHS, WEEKDAYS, day_words, year_words},
    dates::{Part, WrittenDate},
};
use crate::domain::Span;

/// The text under `span` with the date moved by so many days; none when the date names no day.
pub(super) fn shifted(text: &str, span: Span, date: &WrittenDate, (days, about): (i32, Date)) -> Option<String> {
    let moved = date.day_near(about)?.checked_add(days.days()).ok()?;
    let mut parts = date.parts.clone();
    parts.sort_by_key(|(place, _)| place.start);
    let width = |what: Part| parts.iter().find(|(_, part)| *part == what).map(|(place, _)| place.of(text));
    // two digits everywhere, or a zero in front of one: all are padded
    let numbers = [width(Part::Day), width(Part::Month)];
    let is_padded = numbers.iter().flatten().any(|number| number.starts_with(['0', 'O', 'o']))
        || numbers.iter().flatten().all(|number| number.len() == 2) && numbers.iter().flatten().count() == 2;
    // "17MAR2026", "25-DEC-2025": a day in a column of its own
    let is_column =
        |place: &Span| place.len() == 2 && text[place.end..].starts_with(|next: char| next.is_alphabetic() || next == '-');
    let in_column = date.month.is_some()
        && parts.iter().any(|(place, part)| *part == Part::Day && is_column(place))
        && !parts.iter().any(|(_, part)| *part == Part::Ending);
    let is_padded = is_padded || in_column;
    let mut out = String::new();
    let mut at = span.start;
    for (place, part) in parts {
        out.push_str(text.get(at..place.start)?);
        let original = place.of(text);
        out.push_str(&match part {
            Part::Day => padded(moved.day(), is_padded),
            Part::Month => padded(moved.month(), is_padded),
            Part::Year => year_like(moved.year(), original),
            Part::MonthName => month_like(moved.month(), original),
            Part::Weekday => named_like(WEEKDAYS, moved.weekday().to_monday_zero_offset(), original),
            Part::Ending => ending_like(moved.day(), original),
            Part::DayWords => cased(day_words(moved.day()), original),
            Part::YearWords => cased(&year_words(moved.year()), original),
        });
        at = place.end;
    }
    out.push_str(text.get(at..span.end)?);
    Some(out)
}

fn padded(number: i8, is_padded: bool) -> String {
    if is_padded { format!("{number:02}") } else { number.to_string() }
}

fn year_like(year: i16, original: &str) -> String {
    match original.strip_prefix('\'') {
        Some(_) => format!("'{:02}", year.rem_euclid(100)),
        None if original.len() == 2 => format!("{:02}", year.rem_euclid(100)),
        None => year.to_string(),
    }
}

fn month_like(month: i8, original: &str) -> String {
    named_like(MONTHS, month - 1, original)
}

/// A name of a list as long as the original: whole, or its first letters.
fn named_like(names: &[&str], index: i8, original: &str) -> String {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or(names[0]);
    let is_whole = names.iter().any(|whole| whole.eq_ignore_ascii_case(original));
    // "May" is whole and short; what follows keeps to three letters only where the original did
    let is_short = !is_whole && original.len() <= 4;
    cased(if is_short { &name[..3] } else { name }, original)
}

fn ending_like(day: i8, original: &str) -> String {
    let ending = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    cased(ending, original)
}

fn cased(word: &str, original: &str) -> String {
    if original.len() > 1 && original.chars().filter(|letter| letter.is_alphabetic()).all(char::is_uppercase) {
        word.to_uppercase()
    } else if original.starts_with(char::is_uppercase) {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deidentify::dates::written;
    use proptest::prelude::*;

    fn moved(text: &str, days: i32) -> String {
        let (span, date) = written(text).into_iter().next().expect("a date");
        shifted(text, span, &date, (days, Date::constant(2026, 3, 4))).expect("a day")
    }

    #[test]
    fn formats_are_kept() {
        for (original, days, expected) in [
            ("03/04/2026", 10, "03/14/2026"),
            ("3/4/26", -10, "2/22/26"),
            ("2026-03-04", 30, "2026-04-03"),
            ("March 4th, 2026", 27, "March 31st, 2026"),
            ("the 2nd of February", 1, "the 3rd of February"),
            ("17MAR2026", 20, "06APR2026"),
            ("Tue, 14 Apr 2026", 1, "Wed, 15 Apr 2026"),
            ("on 12/24", 8, "01/01"),
            ("june fifth nineteen seventy two", 30, "july fifth nineteen seventy two"),
            ("in March", 60, "May"),
            ("10/2024", 31, "11/2024"),
            ("Sept. 12", 20, "Oct. 2"),
        ] {
            assert_eq!(moved(original, days), expected, "{original} by {days}");
        }
    }

    proptest! {
        #[test]
        fn intervals_hold(day in 1_i8..=28, month in 1_i8..=12, apart in 0_i32..300, days in -365_i32..=365) {
            let first = Date::new(2024, month, day).expect("a day");
            let second = first.checked_add(apart.days()).expect("a day");
            let write = |date: Date| date.strftime("%Y-%m-%d").to_string();
            let read = |text: String| text.parse::<Date>().expect("a date");
            let (one, other) = (read(moved(&write(first), days)), read(moved(&write(second), days)));
            prop_assert_eq!(one.until(other).expect("an interval").get_days(), apart);
        }
    }
}
