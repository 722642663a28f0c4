//! Dates in every way they are written, and the times beside them. A year alone is no identifier.

use jiff::civil::Date;
use regex::{Captures, Regex};

use super::{
    Identifier, IdentifierClass,
    date_words::{self, MONTHS},
};
use crate::domain::Span;

/// What a part of a written date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `4`, `04`
    Day,
    /// `3`, `03`
    Month,
    /// `March`, `mar`, `MAR`
    MonthName,
    /// `2026`, `26`
    Year,
    /// `Tuesday`, `Tue`
    Weekday,
    /// `st`, `th` behind a day
    Ending,
    /// `twenty third`
    DayWords,
    /// `nineteen seventy two`
    YearWords,
}

/// A date as it is written: its parts, and what they say. The parts are written anew when it is shifted, the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WrittenDate {
    pub(super) parts: Vec<(Span, Part)>,
    pub(super) year: Option<i16>,
    pub(super) month: Option<i8>,
    pub(super) day: Option<i8>,
}

impl WrittenDate {
    /// The same date in another text, where it begins at `start` instead of `was`.
    pub(super) fn moved(mut self, start: usize, was: usize) -> Self {
        for (span, _) in &mut self.parts {
            *span = Span::new(span.start + start - was, span.end + start - was);
        }
        self
    }

    /// The day it names; what is missing is taken from `about`, a day that is not said is the middle of the month.
    pub(super) fn day_near(&self, about: Date) -> Option<Date> {
        let (year, month) = (self.year.unwrap_or_else(|| about.year()), self.month.unwrap_or_else(|| about.month()));
        Date::new(year, month, self.day.unwrap_or(15)).ok()
    }
}

/// Which of two numbers is the day, where both could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    MonthFirst,
    DayFirst,
}

const MONTH: &str = r"(?P<mon>jan(?:uary)?|feb(?:r?uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const WEEKDAY: &str = r"(?:(?P<wd>(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?)\.?,?\s{1,2})?";

pattern!(
    NUMERIC,
    r"(?i)(?P<a>[0-9OlI]{1,2})(?:\s?/\s?(?P<b1>[0-9OlI]{1,2})\s?/\s?(?P<y1>[0-9OlI]{4}|[0-9OlI]{2})|-(?P<b2>[0-9OlI]{1,2})-(?P<y2>[0-9OlI]{4}|[0-9OlI]{2})|\.(?P<b3>[0-9OlI]{1,2})\.(?P<y3>[0-9OlI]{4}|[0-9OlI]{2}))"
);
pattern!(
    ISO,
    r"(?P<y>(?:19|20)\d\d)(?:-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})|/(?P<m2>\d{1,2})/(?P<d2>\d{1,2})|\.(?P<m3>\d{1,2})\.(?P<d3>\d{1,2}))"
);
pattern!(COMPACT, r"\b(?P<y>20\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:T?\d{4,6})?\b");
pattern!(MONTH_YEAR, r"(?P<m>1[0-2]|0?[1-9])[/\-](?P<y>(?:19|20)\d\d)");
pattern!(YEAR_MONTH, r"(?P<y>(?:19|20)\d\d)[/\-](?P<m>0[1-9]|1[0-2])");
pattern!(MONTH_DAY, r"(?P<m>1[0-2]|0?[1-9])/(?P<d>[12]\d|3[01]|0?[1-9])");
pattern!(DAY_MONTH, r"(?P<d>[12]\d|3[01]|1[3-9])/(?P<m>1[0-2]|0?[1-9])");
pattern!(MONTH_DASH_DAY, r"(?P<m>1[0-2]|0?[1-9])-(?P<d>[12]\d|3[01]|0?[1-9])");
pattern!(
    THE_DAY,
    r"(?i)\b(?:on|since|until|till|by|from|of|around|before|after)\s+(?P<all>the\s+(?P<d>\d{1,2})(?P<end>st|nd|rd|th))\b"
);
pattern!(
    TIME,
    r"(?i)^(?P<gap>\s{0,4}(?:at|@|,|\-|T|around|about|approx\.?)?\s{0,3})(?P<t>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[ \t]?(?:[ap]\.?[ \t]?m\b\.?|[ap]\b|hrs?\b|h\b))?|\d{1,2}[ \t]?[ap]\.?m\b\.?|(?:[01]\d|2[0-3])[0-5]\d(?:[ \t]?(?:hrs?|h)\b)?)"
);
pattern!(
    TIME_BEFORE,
    r"(?i)(?P<t>\b(?:\d{1,2}:\d{2}(?::\d{2})?\s?(?:[ap]\.?m\b\.?)?|(?:[01]\d|2[0-3])[0-5]\d))(?:\s|,|\s+on\s+)$"
);
pattern!(
    POSITIVE,
    r"(?i)(?:\b(?:on|from|since|until|till|by|between|through|thru|before|after|dated?|due|seen|next|home|admit(?:ted)?|adm|d/c|dc|discharged?|visit|culture[sd]?|echo|ct|mri|pet|xr|cath|chole|appy|surgery|repeat|last|cx|bx|dos|and|to|ac|abvd|folfox|cycle|delirium|dx|s/p|day|week of|for|begun|began|started|stopped|of|thaw|again|given|removed|placed|inserted|filled|signed|reviewed|fell|exp|expires?|renewal|court|mtg|meeting|conference|appt|appointment|f/u|fu|recheck|re-check|rtc|nv|edd|edc|lmp|doi|injury|injured|transmission|labs?|x-?rays?|study|sched(?:uled)?|booked|arrived|arrival|transferred|shot|vaccine|inj|as of|eff|effective|valid|thru|court date|date|@|called|visit(?:ed)?|tubes?|ett|foley|picc|lines?|drain|sutures?|staples|biopsy|scope|egd|colonoscopy|mammo(?:gram)?|pap|scan|ekg|ecg|tte|tee|stress|inr|cbc|bmp|ua|injection|infusion|dialysis|hd|chemo|xrt|rt|discharge|admission|transfer|consult|call|bw|bloods?|ordered|collected|coll|drawn|received|rec'?d|sent|rx|script|refill(?:ed)?|dispensed|bought|moved|returned|back|resumed|quit|sober|relapsed|clean|hired|died|born|b|married|separated)\s*:?\s{0,2}\(?|^|[\n;]\s*|\d\s-\s|\[)$"
);
pattern!(
    NEGATIVE,
    r"(?i)\b(?:bp|pain|grade|strength|vision|acuity|score|ratio|murmur|reflex(?:es)?|gleason|apgars?|stage|phase|grading|motor|power|dtrs?|tablets?|tabs?|fio2|lung|lobe|cores?|fractures?|ribs?|type|class|level|scale|gcs|ecog|kps|i/o|abi|bun|ldl|hdl|page|part|step|dose|wbc|sat|o2|about|approximately|almost|only|nearly|over|under|apgar|va|od|os|ou|x)\s*(?:of|is|was|:|=)?\s{0,2}$"
);
pattern!(
    UNIT_AFTER,
    r"(?i)^(?:/|\d|%|\s?(?:strength|murmur|sem|dem|pain|tabs?|tablets?|cores?|mg|ml|cc|hours?|hrs?|days?|weeks?|wks?|months?|mos?|years?|yrs?|y/?o|doses?|in\b|inch|scale|dtr|bilat\w*|positive|systolic|diastolic|power|mm|cm|units?|puffs?|strength|of the|of a|full|normal|nodes|negative|lobes|oz|cup|pack|ppd|x|times?|minutes?|mins?|visits?|sessions?|percent|degrees|pupils|lpm|liters?|l\b|beats?|reps?|sets?)\b)"
);
/// Fractions and scores that are also dates: denominators of scales.
const SCALES: [i8; 9] = [2, 3, 4, 5, 6, 7, 8, 10, 12];

fn number(text: &str) -> Option<i16> {
    let plain: String = text
        .trim_start_matches('\'')
        .chars()
        .map(|character| match character {
            'O' | 'o' => '0',
            'l' | 'I' | 'i' | 'L' => '1',
            other => other,
        })
        .collect();
    plain.parse().ok()
}

fn small(text: &str) -> Option<i8> {
    number(text).and_then(|number| i8::try_from(number).ok())
}

/// A year of two digits is of the last ninety-odd years.
fn year(text: &str) -> Option<i16> {
    let year = number(text)?;
    Some(match year {
        0..=49 => 2000 + year,
        50..=99 => 1900 + year,
        _ => year,
    })
}

/// Whether letters, digits or signs of numbers stand right before or after.
fn stands_alone(text: &str, span: Span) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = &text[span.end..];
    let mut following = after.chars();
    let next = following.next();
    let next_is_decimal =
        matches!(next, Some('.' | '-' | '/' | ':')) && following.next().is_some_and(|character| character.is_ascii_digit());
    !before.is_some_and(|character| {
        character.is_alphanumeric() || matches!(character, '/' | '.' | '-' | '#' | '+' | '$' | '<' | '>' | '_' | '=')
    }) && !next.is_some_and(|character| character.is_alphanumeric() && character != 'T' || matches!(character, '%' | '_'))
        && !next_is_decimal
}

fn before(text: &str, span: Span) -> &str {
    Span::new(span.start, span.start).around(text, 24, 0).of(text)
}

/// Reads dates; the order of day and month is that of the note.
struct Reader<'a> {
    text: &'a str,
    order: Order,
    out: Vec<(Span, WrittenDate)>,
}

/// Dates of a text with their parts.
pub(super) fn written(text: &str) -> Vec<(Span, WrittenDate)> {
    let mut reader = Reader { text, order: order(text), out: Vec::new() };
    reader.iso();
    reader.numeric();
    reader.named();
    reader.short();
    reader.days();
    let mut found = reader.out;
    found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut end = 0;
    found.retain(|(span, _)| {
        let is_free = span.start >= end;
        end = end.max(span.end);
        is_free
    });
    found
}

/// Identifiers that are dates or times beside them.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out: Vec<Identifier> = Vec::new();
    for (span, date) in written(text) {
        let rest = &text[span.end..];
        if let Some(time) = TIME.captures(rest).and_then(|captures| captures.name("t")) {
            let place = Span::new(span.end + time.start(), span.end + time.end());
            if stands_alone(text, Span::new(place.end, place.end))
                || !rest[time.end()..].starts_with(|next: char| next.is_alphanumeric() && next != 'Z')
            {
                out.push(Identifier::new(place, IdentifierClass::Time));
            }
        }
        let window = Span::new(span.start, span.start).around(text, 20, 0);
        if let Some(time) = TIME_BEFORE.captures(window.of(text)).and_then(|captures| captures.name("t")) {
            let place = Span::new(window.start + time.start(), window.start + time.end());
            if year(place.of(text)).is_none_or(|year| !(1900..2100).contains(&year)) && stands_alone(text, place) {
                out.push(Identifier::new(place, IdentifierClass::Time));
            }
        }
        out.push(Identifier { date: Some(date), ..Identifier::new(span, IdentifierClass::Date) });
    }
    out
}

fn order(text: &str) -> Order {
    for captures in NUMERIC.captures_iter(text) {
        let second = ["b1", "b2", "b3"].iter().find_map(|name| captures.name(name));
        if let (Some(first), Some(second)) = (small(&captures["a"]), second.and_then(|second| small(second.as_str()))) {
            match (first > 12, second > 12) {
                (true, false) if first <= 31 => return Order::DayFirst,
                (false, true) if second <= 31 => return Order::MonthFirst,
                _ => {}
            }
        }
    }
    // a note that writes "16 February" writes the day first
    let (mut day_first, mut month_first) = (0, 0);
    for captures in BY_NAME.captures_iter(text) {
        if captures.name("d1").is_some() {
            day_first += 1;
        } else if captures.name("d2").is_some() {
            month_first += 1;
        }
    }
    if day_first > month_first { Order::DayFirst } else { Order::MonthFirst }
}

static BY_NAME: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| {
    let pattern = format!(
        r"(?i)\b{WEEKDAY}(?:(?P<the>the\s)?(?P<d1>\d{{1,2}})(?P<e1>st|nd|rd|th)?(?:\s|-|/|\.\s?|\s?of\s)?)?{MONTH}\.?(?:[\s,/\-]{{0,3}}(?:of\s)?(?P<yy>(?:1[89]|20)\d\d)\b|[\s\-/,]{{0,2}}(?P<d2>\d{{1,2}})(?P<e2>st|nd|rd|th)?\b(?:(?:,\s?|\s{{1,2}}|-|/|\s?of\s|\.\s?)(?P<y>(?:1[89]|20)\d\d|'\d\d|\d\d)\b)?)?"
    );
    Regex::new(&pattern).expect("the pattern of dates with names of months, which a test compiles")
});
static BY_WORDS: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| {
    let (day, year) = (date_words::DAYS, date_words::YEARS);
    let pattern = format!(
        r"(?i)\b(?:(?:the\s)?(?P<dw1>{day})\s(?:of\s|day\sof\s)?{MONTH}|(?P<mon2>january|february|march|april|may|june|july|august|september|october|november|december)\s(?:the\s)?(?P<dw2>{day}))(?:,?\s(?P<yw>{year}))?\b"
    );
    Regex::new(&pattern).expect("the pattern of dates in words, which a test compiles")
});
pattern!(
    MONTH_CUE,
    r"(?i)\b(?:in|since|until|till|by|from|last|next|this|early|late|mid|during|before|after|of|through|around|every|and|to|nv|rtc|due|f/u|seen|-)[\s\-]+$"
);

impl Reader<'_> {
    fn push(&mut self, span: Span, date: WrittenDate) {
        if !self.out.iter().any(|(other, _)| other.overlaps(span)) {
            self.out.push((span, date));
        }
    }

    fn iso(&mut self) {
        let text = self.text;
        for captures in ISO.captures_iter(text) {
            let whole = place(&captures, 0);
            let named = |names: [&str; 3]| {
                names.iter().find_map(|name| captures.name(name)).map(|group| Span::new(group.start(), group.end()))
            };
            let (Some(month), Some(day)) = (named(["m1", "m2", "m3"]), named(["d1", "d2", "d3"])) else { continue };
            let Some(years) = captures.name("y") else { continue };
            let date = WrittenDate {
                parts: vec![(Span::new(years.start(), years.end()), Part::Year), (month, Part::Month), (day, Part::Day)],
                year: year(years.as_str()),
                month: small(month.of(text)),
                day: small(day.of(text)),
            };
            if stands_alone(text, whole) && is_possible(&date) {
                self.push(whole, date);
            }
        }
        for captures in COMPACT.captures_iter(text) {
            let part = |name: &str| captures.name(name).map_or(Span::new(0, 0), |group| Span::new(group.start(), group.end()));
            let (years, month, day) = (part("y"), part("m"), part("d"));
            let date = WrittenDate {
                parts: vec![(years, Part::Year), (month, Part::Month), (day, Part::Day)],
                year: year(years.of(text)),
                month: small(month.of(text)),
                day: small(day.of(text)),
            };
            if stands_alone(text, place(&captures, 0)) {
                self.push(Span::new(years.start, day.end), date);
            }
        }
    }

    fn numeric(&mut self) {
        let text = self.text;
        for captures in NUMERIC.captures_iter(text) {
            let whole = place(&captures, 0);
            let named = |names: [&str; 3]| {
                names.iter().find_map(|name| captures.name(name)).map(|group| Span::new(group.start(), group.end()))
            };
            let Some(first) = captures.name("a").map(|group| Span::new(group.start(), group.end())) else { continue };
            let (Some(second), Some(years)) = (named(["b1", "b2", "b3"]), named(["y1", "y2", "y3"])) else { continue };
            if !stands_alone(text, whole) || !whole.of(text).contains(|character: char| character.is_ascii_digit()) {
                continue;
            }
            let of = |day: Span, month: Span| {
                let parts = vec![(day, Part::Day), (month, Part::Month), (years, Part::Year)];
                WrittenDate { parts, year: year(years.of(text)), month: small(month.of(text)), day: small(day.of(text)) }
            };
            let (month_first, day_first) = (of(second, first), of(first, second));
            let is_dotted = text[first.end..].starts_with('.');
            let order = if is_dotted { Order::DayFirst } else { self.order };
            let ordered = if order == Order::DayFirst { [day_first, month_first] } else { [month_first, day_first] };
            if let Some(date) = ordered.into_iter().find(is_possible) {
                self.push(whole, date);
            }
        }
        for captures in MONTH_YEAR.captures_iter(text).chain(YEAR_MONTH.captures_iter(text)) {
            let whole = place(&captures, 0);
            let part = |name: &str| captures.name(name).map_or(Span::new(0, 0), |group| Span::new(group.start(), group.end()));
            if stands_alone(text, whole) && !NEGATIVE.is_match(before(text, whole)) {
                let (month, years) = (part("m"), part("y"));
                let parts = vec![(month, Part::Month), (years, Part::Year)];
                self.push(whole, WrittenDate { parts, year: year(years.of(text)), month: small(month.of(text)), day: None });
            }
        }
    }

    fn named(&mut self) {
        let text = self.text;
        for captures in BY_WORDS.captures_iter(text) {
            let part = |name: &str| captures.name(name).map(|group| Span::new(group.start(), group.end()));
            let (Some(month), Some(day)) = (part("mon").or(part("mon2")), part("dw1").or(part("dw2"))) else { continue };
            let mut date = WrittenDate {
                parts: vec![(day, Part::DayWords), (month, Part::MonthName)],
                month: month_of(month.of(text)),
                day: date_words::day(day.of(text)),
                year: None,
            };
            if let Some(years) = part("yw") {
                date.year = date_words::year(years.of(text));
                date.parts.push((years, Part::YearWords));
            }
            self.push(place(&captures, 0), date);
        }
        for captures in BY_NAME.captures_iter(text) {
            self.by_name(&captures);
        }
    }

    fn by_name(&mut self, captures: &Captures<'_>) {
        let text = self.text;
        let part = |name: &str| captures.name(name).map(|group| Span::new(group.start(), group.end()));
        let Some(month) = part("mon") else { return };
        let whole = place(captures, 0);
        let after = &text[month.end..];
        let joined = after.starts_with(char::is_alphabetic)
            || text[..whole.start].ends_with(|one: char| one.is_alphanumeric() || one == '#');
        let mut day = part("d1").or(part("d2")).filter(|day| small(day.of(text)).is_some_and(|day| (1..=31).contains(&day)));
        let mut years = part("yy").or(part("y")).filter(|years| years.len() != 2 || part("d1").is_some());
        // "May 26" is a day, "5 May 26" has a year
        if years.is_none() && part("d1").is_some() && part("d2").is_some() {
            years = part("d2");
            day = part("d1");
        }
        let first_is_lower = month.of(text).starts_with(char::is_lowercase);
        let is_word = ["may", "march", "mar", "sun", "sat", "dec", "jan"].contains(&month.of(text).to_lowercase().as_str());
        let is_alone = day.is_none() && years.is_none();
        let has_cue = MONTH_CUE.is_match(before(text, whole));
        let is_short = month.len() <= 3;
        if joined || is_alone && (!has_cue && (is_word || is_short || first_is_lower)) {
            return;
        }
        // a verb, not a month: "patient may 2 weeks"
        if first_is_lower && month.of(text) == "may" && part("d1").is_none() && years.is_none() && !has_cue {
            return;
        }
        let number_is_a_dose =
            part("d1").is_none() && years.is_none() && day.is_some_and(|day| UNIT_AFTER.is_match(&text[day.end..]));
        if number_is_a_dose && !has_cue {
            return;
        }
        let mut date = WrittenDate { month: month_of(month.of(text)), ..WrittenDate::default() };
        let mut span = month;
        let mut add = |place: Option<Span>, what: Part| {
            if let Some(place) = place.filter(|place| !place.is_empty()) {
                date.parts.push((place, what));
                span = Span::new(span.start.min(place.start), span.end.max(place.end));
            }
        };
        add(Some(month), Part::MonthName);
        add(day, Part::Day);
        let ending = if part("d1") == day { part("e1") } else { part("e2") };
        add(ending, Part::Ending);
        add(years, Part::Year);
        let has_day = day.is_some();
        add(part("wd").filter(|_| has_day), Part::Weekday);
        if let Some(the) = part("the").filter(|_| part("d1").is_some()) {
            span.start = span.start.min(the.start);
        }
        date.day = day.and_then(|day| small(day.of(text)));
        date.year = years.and_then(|years| year(years.of(text)));
        if text[span.end..].starts_with(|next: char| next.is_alphanumeric()) {
            return;
        }
        self.push(span, date);
    }

    fn short(&mut self) {
        let text = self.text;
        let mut doubtful: Vec<(Span, WrittenDate)> = Vec::new();
        for (rule, is_slash) in [(&*MONTH_DAY, true), (&*DAY_MONTH, true), (&*MONTH_DASH_DAY, false)] {
            for captures in rule.captures_iter(text) {
                let whole = place(&captures, 0);
                let part =
                    |name: &str| captures.name(name).map_or(Span::new(0, 0), |group| Span::new(group.start(), group.end()));
                let (month, day) = (part("m"), part("d"));
                let date = WrittenDate {
                    parts: vec![(month, Part::Month), (day, Part::Day)],
                    year: None,
                    month: small(month.of(text)),
                    day: small(day.of(text)),
                };
                let left = before(text, whole);
                let has_cue = POSITIVE.is_match(left);
                let is_denied = whole.of(text) == "24/7" || NEGATIVE.is_match(left) || UNIT_AFTER.is_match(&text[whole.end..]);
                if !stands_alone(text, whole) || !is_possible(&date) || is_denied {
                    continue;
                }
                // a fraction or a score, a range, or a day before its month where the note writes the month first
                let is_scale = is_slash && date.day.is_some_and(|day| SCALES.contains(&day)) && date.month <= date.day;
                let is_range = !is_slash && !text[whole.end..].starts_with(" by ");
                let is_turned = day.start < month.start && self.order == Order::MonthFirst;
                if has_cue || !is_scale && !is_range && !is_turned {
                    self.push(whole, date);
                } else if is_scale {
                    doubtful.push((whole, date));
                }
            }
        }
        // of a month of which the note has other days
        for (span, date) in doubtful {
            let is_near =
                |month: Option<i8>| month.zip(date.month).is_some_and(|(one, two)| matches!((one - two).abs(), 0 | 1 | 11));
            if self.out.iter().any(|(_, other)| is_near(other.month) && other.day.is_some()) {
                self.push(span, date);
            }
        }
    }

    fn days(&mut self) {
        let text = self.text;
        for captures in THE_DAY.captures_iter(text) {
            let part = |name: &str| captures.name(name).map_or(Span::new(0, 0), |group| Span::new(group.start(), group.end()));
            let (whole, day, ending) = (part("all"), part("d"), part("end"));
            let follows =
                text[whole.end..].trim_start().split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
            let is_something = [
                "percentile",
                "week",
                "grade",
                "floor",
                "rib",
                "day",
                "year",
                "dose",
                "cycle",
                "edition",
                "nerve",
                "toe",
                "finger",
                "metatarsal",
                "metacarpal",
                "intercostal",
                "ventricle",
                "digit",
                "trimester",
                "month",
                "visit",
                "admission",
                "attempt",
                "time",
            ]
            .contains(&follows.to_lowercase().as_str());
            let number = small(day.of(text));
            if !is_something && number.is_some_and(|day| (1..=31).contains(&day)) {
                let parts = vec![(day, Part::Day), (ending, Part::Ending)];
                self.push(whole, WrittenDate { parts, day: number, ..WrittenDate::default() });
            }
        }
    }
}

fn place(captures: &Captures<'_>, group: usize) -> Span {
    captures.get(group).map_or(Span::new(0, 0), |group| Span::new(group.start(), group.end()))
}

fn month_of(name: &str) -> Option<i8> {
    let lower = name.to_lowercase();
    let index = MONTHS.iter().position(|month| month.starts_with(lower.get(..3).unwrap_or(&lower)))?;
    i8::try_from(index + 1).ok()
}

fn is_possible(date: &WrittenDate) -> bool {
    Date::new(date.year.unwrap_or(2024), date.month.unwrap_or(1), date.day.unwrap_or(1)).is_ok()
        && date.year.is_none_or(|year| (1880..2100).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        written(text).into_iter().map(|(span, _)| span.of(text)).collect()
    }

    #[test]
    fn dates_in_every_way_they_are_written() {
        for date in [
            "03/04/2026",
            "3/4/26",
            "2026-03-04",
            "2026/03/04",
            "4.3.2026",
            "March 4th, 2026",
            "4 March 2026",
            "23rd February 2026",
            "25-DEC-2025",
            "17MAR2026",
            "Mar 3 1960",
            "Tue, 14 Apr 2026",
            "Sept. 12",
            "February 15",
            "10/2024",
            "june fifth nineteen seventy two",
            "the twelfth of november",
            "12/24",
            "the 2nd of February",
            "l2/O9/1944",
        ] {
            assert_eq!(found(&format!("seen on {date}, well")), [date], "{date}");
        }
        assert_eq!(found("again in March and in may"), ["March", "may"]);
        assert_eq!(found("died on the 14th"), ["the 14th"]);
    }

    #[test]
    fn numbers_that_are_no_dates() {
        for text in [
            "BP 120/80",
            "pain 4/10",
            "strength 5/5",
            "3/6 murmur",
            "1/2 tablet",
            "since 2019",
            "may increase",
            "T11/12",
            "20/40",
            "24/7 care",
            "Gleason 3/4",
            "Ratio 3.4",
            "ICD-10 E11.9",
            "INR 2.8",
            "she may 2 days later",
            "L4/5 disc",
            "in the 14th percentile",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn the_order_of_a_note_is_learnt() {
        let day_first = written("30/09/1988 and 05/03/2026");
        assert_eq!((day_first[1].1.day, day_first[1].1.month), (Some(5), Some(3)));
        let month_first = written("09/30/1988 and 05/03/2026");
        assert_eq!((month_first[1].1.day, month_first[1].1.month), (Some(3), Some(5)));
    }

    #[test]
    fn a_time_beside_a_date_is_found() {
        let text = "seen 3/6/26 7:45a and 2210 8 Jan 2026";
        let times: Vec<&str> =
            find(text).into_iter().filter(|one| one.class == IdentifierClass::Time).map(|one| one.span.of(text)).collect();
        assert_eq!(times, ["7:45a", "2210"]);
    }
}
