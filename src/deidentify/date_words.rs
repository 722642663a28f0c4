//! Days and years in words, as they are dictated: read and written.

/// The months.
pub(super) const MONTHS: &[&str] =
    &["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
/// The days of the week, Monday first.
pub(super) const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const ORDINALS: &[&str] = &[
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty first",
    "twenty second",
    "twenty third",
    "twenty fourth",
    "twenty fifth",
    "twenty sixth",
    "twenty seventh",
    "twenty eighth",
    "twenty ninth",
    "thirtieth",
    "thirty first",
];
const UNITS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: &[&str] = &["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A pattern of a day in words.
pub(super) const DAYS: &str = r"(?:twenty|thirty)[ \-](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth";
/// A pattern of a year in words.
pub(super) const YEARS: &str = r"(?:nineteen|twenty)[ \-](?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ \-](?:one|two|three|four|five|six|seven|eight|nine))?|(?:oh|o)[ \-](?:one|two|three|four|five|six|seven|eight|nine)|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|hundred)|two thousand(?: (?:and )?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty(?: (?:one|two|three|four|five|six|seven|eight|nine))?))?";

fn plain(words: &str) -> String {
    words.to_lowercase().replace('-', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The day that words name.
pub(super) fn day(words: &str) -> Option<i8> {
    let words = plain(words);
    ORDINALS.iter().position(|ordinal| *ordinal == words).and_then(|index| i8::try_from(index + 1).ok())
}

/// A day in words.
pub(super) fn day_words(day: i8) -> &'static str {
    usize::try_from(day - 1).ok().and_then(|index| ORDINALS.get(index)).copied().unwrap_or(ORDINALS[0])
}

/// The number below a hundred that words name.
fn below_hundred(words: &str) -> Option<i16> {
    let (mut sum, mut any) = (0_i16, false);
    for word in words.split(' ').filter(|word| !matches!(*word, "and" | "oh" | "o")) {
        let unit = UNITS.iter().position(|unit| *unit == word);
        let tens = TENS.iter().skip(2).position(|tens| *tens == word).map(|index| (index + 2) * 10);
        sum += i16::try_from(unit.or(tens)?).ok()?;
        any = true;
    }
    any.then_some(sum)
}

/// The number of years of an age in words: "ninety one".
pub(super) fn age(words: &str) -> Option<i16> {
    below_hundred(&plain(words))
}

/// The year that words name.
pub(super) fn year(words: &str) -> Option<i16> {
    let words = plain(words);
    if let Some(rest) = words.strip_prefix("two thousand") {
        return Some(2000 + if rest.trim().is_empty() { 0 } else { below_hundred(rest.trim())? });
    }
    let (century, rest) = words.split_once(' ')?;
    let century = if century == "nineteen" { 1900 } else { 2000 };
    Some(century + if rest == "hundred" { 0 } else { below_hundred(rest)? })
}

/// A year in words.
pub(super) fn year_words(year: i16) -> String {
    let (century, rest) = (if year < 2000 { "nineteen" } else { "twenty" }, usize::from(year.rem_euclid(100).unsigned_abs()));
    match rest {
        0 if year >= 2000 => "two thousand".to_owned(),
        0 => format!("{century} hundred"),
        1..=9 => format!("{century} oh {}", UNITS[rest]),
        10..=19 => format!("{century} {}", UNITS[rest]),
        _ if rest % 10 == 0 => format!("{century} {}", TENS[rest / 10]),
        _ => format!("{century} {} {}", TENS[rest / 10], UNITS[rest % 10]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_go_both_ways() {
        for year in 1900..2100 {
            assert_eq!(super::year(&year_words(year)), Some(year), "{}", year_words(year));
        }
        for day in 1..=31 {
            assert_eq!(super::day(day_words(day)), Some(day));
        }
        assert_eq!(super::year("twenty twenty-six"), Some(2026));
        assert_eq!(age("ninety one"), Some(91));
    }
}
