//! What the rest of the note does to a code: combination codes, "with" conventions, stages, trimesters, later encounters.
//!
//! The rows of `vocabularies/conventions.tsv` say which code, under which conditions, stands in the place of the one that the words alone give,
//! and on which guideline that rests. The code of the words stays as an alternative.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::{Range, RangeInclusive},
    str::FromStr,
};

use super::{Coder, Coding, laterality::side_of, left_out::left_out};
use crate::{
    domain::{Assertion, CodeCandidate, CodeRole, Span, system, table, table::TableError},
    text::{Document, Sentence},
    vocabulary::{Vocabulary, normalize_term},
};

/// So many words before a mention and after it stand close to it.
const CLOSE: (usize, usize) = (4, 8);
/// Words that take a phrase back when they stand up to three words before it.
const DENIALS: [&str; 10] = ["no", "not", "nor", "without", "denies", "denied", "negative", "never", "resolved", "versus"];
/// So far from a mention such words are looked for.
const UNRELATED_WITHIN: (usize, usize) = (30, 30);
/// Words that lead to something else.
const TURNS: [&str; 6] = ["and", "with", "but", "also", "plus", "in"];
/// Words that begin to speak of somebody else.
const KIN: [&str; 12] = [
    "mother",
    "father",
    "brother",
    "sister",
    "son",
    "daughter",
    "wife",
    "husband",
    "uncle",
    "aunt",
    "grandmother",
    "grandfather",
];
/// Words that say that two conditions have nothing to do with each other (Guidelines I.A.15).
const UNRELATED: [&str; 6] = ["unrelated to", "not due to", "not related to", "not from", "not caused by", "independent of"];
/// In the place of a code: the code stays, only `with` is put beside it.
const KEEP: &str = "=";
/// So many candidates are shown.
const SHOWN: usize = 6;

/// A condition of a row.
#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// Another diagnosis of the note has a code that begins so.
    Other(Vec<String>),
    /// One of these phrases stands in the mention or close to it.
    Said(Vec<String>),
    /// The note has one of these ingredients.
    Drug(Vec<String>),
    /// The note says a gestational age in completed weeks.
    Weeks(RangeInclusive<u32>),
}

#[derive(Debug, Clone)]
struct Row {
    base: Vec<String>,
    /// Each with whether it must hold.
    conditions: Vec<(bool, Condition)>,
    code: String,
    with: Vec<String>,
    guideline: String,
}

impl Row {
    fn asks_for_others(&self) -> bool {
        self.conditions.iter().any(|(_, condition)| matches!(condition, Condition::Other(_)))
    }
}

/// The conventions.
#[derive(Debug, Default)]
pub struct Conventions {
    rows: Vec<Row>,
    /// Places of the rows by the letter with which one of their codes begins.
    by_letter: HashMap<u8, Vec<usize>>,
}

/// A diagnosis mention as the conventions see it.
#[derive(Debug)]
pub struct Diagnosed<'a> {
    /// Where it stands.
    pub span: Span,
    /// What the note says of it.
    pub assertion: Assertion,
    /// Its codes, which may change.
    pub coding: &'a mut Coding,
}

impl FromStr for Condition {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let quoted = |text: &str| -> Option<Vec<String>> {
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.split('|').map(normalize_term).filter(|phrase| !phrase.is_empty()).collect())
        };
        if let Some(drugs) = text.strip_prefix("drug:") {
            return quoted(drugs).map(Self::Drug).ok_or_else(|| "names of drugs stand in double quotes".to_owned());
        }
        if let Some(weeks) = text.strip_prefix("weeks:") {
            let bounds = weeks.split_once('-').and_then(|(first, last)| Some(first.parse().ok()?..=last.parse().ok()?));
            return bounds.map(Self::Weeks).ok_or_else(|| "weeks are written like weeks:14-27".to_owned());
        }
        if text.starts_with('"') {
            return quoted(text).map(Self::Said).ok_or_else(|| "a phrase ends with a double quote".to_owned());
        }
        let codes: Vec<String> = text.split('|').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect();
        if codes.is_empty() { Err("a condition is empty".to_owned()) } else { Ok(Self::Other(codes)) }
    }
}

impl Conventions {
    /// Reads the table (columns `base`, `when`, `code`, `with`, `guideline`). Rows whose code no loaded edition has are left out.
    ///
    /// # Errors
    /// A condition that cannot be read, or `$1` without a code to refer to.
    pub fn parse((name, text): (&str, &str), vocabulary: &Vocabulary) -> Result<Self, TableError> {
        let mut rows = Vec::new();
        let mut named: HashMap<String, Vec<(bool, Condition)>> = HashMap::new();
        table::read(name, text, |row| {
            let mut conditions = Vec::new();
            for condition in row.get("when")?.split(" & ").map(str::trim) {
                if condition.starts_with('@') {
                    let known = named.get(condition).ok_or_else(|| row.error(format!("{condition} is not defined above")))?;
                    conditions.extend(known.iter().cloned());
                    continue;
                }
                let (holds, condition) = condition.strip_prefix('!').map_or((true, condition), |rest| (false, rest));
                conditions.push((holds, condition.parse().map_err(|message: String| row.error(message))?));
            }
            if row.get("base")?.starts_with('@') {
                named.insert(row.get("base")?.to_owned(), conditions);
                return Ok(());
            }
            let list = |text: &str| -> Vec<String> {
                text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            };
            let read = Row {
                base: list(row.get("base")?),
                conditions,
                code: row.get("code")?.to_owned(),
                with: list(row.get("with")?),
                guideline: row.get("guideline")?.to_owned(),
            };
            let asked = read.conditions.iter().filter(|(holds, one)| *holds && matches!(one, Condition::Other(_))).count();
            for (place, name) in ["$1", "$2"].into_iter().enumerate() {
                if asked <= place && read.with.iter().chain([&read.code]).any(|code| code == name) {
                    return Err(row.error(format!("{name} needs a condition that names another diagnosis")));
                }
            }
            if read.base.is_empty() || read.code.is_empty() {
                return Err(row.error("base and code must not be empty"));
            }
            let known = |code: &String| matches!(code.as_str(), "$1" | "$2" | KEEP) || vocabulary.is_billable(code);
            if known(&read.code) && read.with.iter().all(known) {
                rows.push(read);
            }
            Ok(())
        })?;
        let mut by_letter: HashMap<u8, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let letters: BTreeSet<u8> = row.base.iter().filter_map(|base| base.bytes().next()).collect();
            for letter in letters {
                by_letter.entry(letter).or_default().push(at);
            }
        }
        Ok(Self { rows, by_letter })
    }

    fn about<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Row> {
        let places = code.bytes().next().and_then(|letter| self.by_letter.get(&letter)).into_iter().flatten();
        places.map(|at| &self.rows[*at]).filter(move |row| row.base.iter().any(|base| code.starts_with(base.as_str())))
    }

    /// Puts the codes of a note's diagnoses as the conventions ask; `drugs` are the ingredients that the patient takes. Rows that look at the
    /// mention alone come first, since the others ask for the codes of which the note is settled.
    pub fn apply(&self, tables: (&Vocabulary, &Coder), document: &Document, drugs: &[String], diagnoses: &mut [Diagnosed<'_>]) {
        let mut mentions: Vec<Range<usize>> = diagnoses.iter().map(|one| document.words_in(one.span)).collect();
        mentions.sort_by_key(|words| (words.start, words.end));
        let mut note = Note { document, drugs, weeks: weeks(document, diagnoses), mentions, present: Vec::new() };
        // what others ask for may itself have been settled by others
        for about_others in [false, true, true] {
            note.present = present(diagnoses);
            for diagnosis in diagnoses.iter_mut().filter(|one| one.assertion.is_drafted()) {
                let mut seen: Vec<String> = Vec::new();
                // a kind, then its severity, then its exacerbation
                while let Some(first) = diagnosis.coding.codes.first().filter(|first| !seen.contains(&first.code)) {
                    seen.push(first.code.clone());
                    self.settle(tables, &note, diagnosis, about_others);
                }
            }
        }
        note.present = present(diagnoses);
        for diagnosis in diagnoses.iter_mut().filter(|one| one.assertion.is_drafted()) {
            self.put_beside(&note, diagnosis);
            if let Some(weeks) = note.weeks {
                let complicated = note.present.iter().any(|(_, code, _)| code.starts_with('O'));
                of_pregnancy(tables, (weeks, complicated), diagnosis.coding);
            }
        }
    }

    /// Applies the rows that ask for other diagnoses, or those that do not.
    fn settle(
        &self,
        (vocabulary, coder): (&Vocabulary, &Coder),
        note: &Note<'_>,
        diagnosis: &mut Diagnosed<'_>,
        about_others: bool,
    ) {
        let Some(first) = diagnosis.coding.codes.first() else { return };
        let (own, why, beside) = (first.code.clone(), first.why.clone(), first.with.clone());
        let (score, scored_by) = (first.score, first.scored_by);
        let side = side_of(note.document, diagnosis.span);
        let sided = |code: &str| {
            side.and_then(|side| coder.sides.sided(vocabulary.codes(), code, side)).unwrap_or_else(|| code.to_owned())
        };
        let candidate = |code: String, score: f32, with: Vec<String>, because: &str| CodeCandidate {
            rank: 0,
            role: CodeRole::Code,
            system: system::ICD10CM.to_owned(),
            display: vocabulary.title(&code).to_owned(),
            score,
            with,
            why: format!("{because}; {why}"),
            code,
            features: BTreeMap::new(),
            scored_by,
        };
        let mut found: Vec<CodeCandidate> = Vec::new();
        for row in self.about(&own).filter(|row| row.code != KEEP && row.asks_for_others() == about_others) {
            let Some(others) = note.holds(row, (diagnosis.span, &own)) else { continue };
            let resolved = |code: &String| resolved(code, &others).map(&sided);
            let Some(code) = resolved(&row.code) else { continue };
            if found.iter().any(|known| known.code == code) {
                continue;
            }
            let because = if others.is_empty() { String::new() } else { format!(" with {} in this note", others.join(", ")) };
            let score = if found.is_empty() { score } else { score * 0.6 };
            let mut with: Vec<String> = row.with.iter().filter_map(resolved).filter(|beside| *beside != code).collect();
            if code == own {
                if with.iter().all(|one| beside.contains(one)) {
                    continue;
                }
                // what stood beside it stays, but for the less specific of one kind
                let kind = |code: &str| code.get(..5).unwrap_or(code).to_owned();
                let of_kind = |one: &str| with.iter().any(|other| kind(other) == kind(one));
                let kept: Vec<String> = beside.iter().filter(|one| !of_kind(one)).cloned().collect();
                with.splice(0..0, kept);
            }
            found.push(candidate(code, score, with, &format!("{}{because}", row.guideline)));
        }
        if found.is_empty() && !about_others {
            let title = vocabulary.title(&own).to_lowercase();
            // the words of the mention may say it, or those around it
            let told = left_out(&title)
                .into_iter()
                .filter(|part| note.said(diagnosis.span, &part.phrases))
                .find_map(|part| coder.sides.retitled(vocabulary.codes(), &own, (&part.written, &part.instead)));
            found.extend(told.map(|code| candidate(code, score, Vec::new(), "said in the note, and the title is without it")));
        }
        if !found.is_empty() {
            put_first(diagnosis.coding, found);
        }
    }

    /// Puts codes beside the first one that stays.
    fn put_beside(&self, note: &Note<'_>, diagnosis: &mut Diagnosed<'_>) {
        let Some(settled) = diagnosis.coding.codes.first().map(|first| first.code.clone()) else { return };
        for row in self.about(&settled).filter(|row| row.code == KEEP) {
            if let Some(others) = note.holds(row, (diagnosis.span, &settled))
                && let Some(first) = diagnosis.coding.codes.first_mut()
            {
                let wanted = row.with.iter().filter_map(|code| resolved(code, &others));
                let missing: Vec<String> =
                    wanted.filter(|code| !first.with.iter().any(|known| known == code)).map(str::to_owned).collect();
                first.with.extend(missing);
            }
        }
    }
}

/// A code as a row names it; `$1` and `$2` are those of the other diagnoses.
fn resolved<'a>(code: &'a str, others: &'a [String]) -> Option<&'a str> {
    match code {
        "$1" => others.first().map(String::as_str),
        "$2" => others.get(1).map(String::as_str),
        code => Some(code),
    }
}

/// Trimester and week of pregnancy codes that leave them open (Guidelines I.C.15.a.3). No week stands beside what ended in abortion, and none
/// after the delivery (I.C.21.c.11).
fn of_pregnancy((vocabulary, coder): (&Vocabulary, &Coder), (weeks, complicated): (u32, bool), coding: &mut Coding) {
    let trimester = match weeks {
        0..14 => "first trimester",
        14..28 => "second trimester",
        _ => "third trimester",
    };
    let week = if weeks < 8 { "Z3A.01".to_owned() } else { format!("Z3A.{weeks:02}") };
    // a pregnancy with a complication is neither incidental nor normal (I.C.15.a.1): the week alone is left to say
    let plain = |code: &CodeCandidate| ["Z33.1", "Z34"].iter().any(|beginning| code.code.starts_with(beginning));
    if complicated
        && vocabulary.is_billable(&week)
        && let Some(first) = coding.codes.first_mut().filter(|first| plain(first))
    {
        vocabulary.title(&week).clone_into(&mut first.display);
        first.why = format!("I.C.15.a.1, the note has a complication of pregnancy; {}", first.why);
        first.code = week;
        first.with.clear();
        coding.display.clone_from(&first.display);
        return;
    }
    let Some(code) = coding.codes.first_mut().filter(|first| first.code.starts_with('O')) else { return };
    if let Some(sibling) = coder.sides.retitled(vocabulary.codes(), &code.code, ("unspecified trimester", trimester)) {
        code.why = format!("{weeks} weeks in this note; {}", code.why);
        vocabulary.title(&sibling).clone_into(&mut code.display);
        coding.display.clone_from(&code.display);
        code.code = sibling;
    }
    let after = ("O85".."O95").contains(&code.code.as_str()) || {
        let title = vocabulary.title(&code.code).to_lowercase();
        ["puerper", "postpartum", "abortion"].iter().any(|word| title.contains(word)) && !title.contains("threatened")
    };
    if code.code.as_str() >= "O09" && !after && vocabulary.is_billable(&week) && !code.with.contains(&week) {
        code.with.push(week);
    }
    let first = code.code.clone();
    let mut place = 0;
    coding.codes.retain(|code| {
        place += 1;
        place == 1 || code.code != first
    });
    for (at, code) in coding.codes.iter_mut().enumerate() {
        code.rank = u32::try_from(at + 1).unwrap_or(u32::MAX);
    }
}

/// The codes of present diagnoses, each with its first two places: enough to find another place than the mention's own.
fn present(diagnoses: &[Diagnosed<'_>]) -> Vec<(Span, String, bool)> {
    let mut places: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    let mut order: Vec<(&str, bool)> = Vec::new();
    for diagnosis in diagnoses.iter().filter(|diagnosis| diagnosis.assertion == Assertion::Present) {
        let Some(first) = diagnosis.coding.codes.first() else { continue };
        let known = places.entry(first.code.as_str()).or_default();
        if known.is_empty() {
            order.push((&first.code, first.display.to_lowercase().contains("unspecified")));
        }
        if known.len() < 2 {
            known.push(diagnosis.span);
        }
    }
    order.into_iter().flat_map(|(code, little)| places[code].iter().map(move |span| (*span, code.to_owned(), little))).collect()
}

/// The found codes before those of the words, which count half.
fn put_first(coding: &mut Coding, found: Vec<CodeCandidate>) {
    let mut codes = found;
    for mut code in coding.codes.drain(..) {
        code.score *= 0.5;
        if !codes.iter().any(|known| known.code == code.code) {
            codes.push(code);
        }
    }
    codes.truncate(SHOWN);
    for (at, code) in codes.iter_mut().enumerate() {
        code.rank = u32::try_from(at + 1).unwrap_or(u32::MAX);
    }
    if let Some(first) = codes.first() {
        coding.display.clone_from(&first.display);
    }
    coding.codes = codes;
}

/// What the conditions are held against.
struct Note<'a> {
    document: &'a Document,
    drugs: &'a [String],
    weeks: Option<u32>,
    /// Words of all diagnoses, in order.
    mentions: Vec<Range<usize>>,
    /// Places and codes of the present ones, and whether the title leaves the kind unspecified.
    present: Vec<(Span, String, bool)>,
}

impl Note<'_> {
    /// The codes of the other diagnoses that the row asks for, when it holds.
    fn holds(&self, row: &Row, (span, own): (Span, &str)) -> Option<Vec<String>> {
        let mut others = Vec::new();
        for (wanted, condition) in &row.conditions {
            let found = match condition {
                Condition::Other(beginnings) => {
                    let begins = |code: &str| beginnings.iter().any(|beginning| code.starts_with(beginning.as_str()));
                    let fits = |(at, code, _): &&(Span, String, bool)| {
                        *at != span && code != own && begins(code) && !self.unrelated(span) && !self.unrelated(*at)
                    };
                    // of "CKD" and "CKD stage 5" the one that says more
                    let other = self.present.iter().filter(fits).min_by_key(|(.., says_little)| *says_little);
                    others.extend(other.filter(|_| *wanted).map(|(_, code, _)| code.clone()));
                    other.is_some()
                }
                Condition::Said(phrases) => self.said(span, phrases),
                Condition::Drug(names) => self
                    .drugs
                    .iter()
                    .any(|drug| names.iter().any(|name| drug.split('+').any(|one| one.trim().starts_with(name.as_str())))),
                Condition::Weeks(range) => self.weeks.is_some_and(|weeks| range.contains(&weeks)),
            };
            if found != *wanted {
                return None;
            }
        }
        Some(others)
    }

    fn unrelated(&self, span: Span) -> bool {
        let words: Vec<&str> = self.close(span, UNRELATED_WITHIN).map(|at| self.word(at)).collect();
        let words = words.join(" ");
        UNRELATED.iter().any(|phrase| words.contains(phrase))
    }

    fn word(&self, at: usize) -> &str {
        &self.document.words[at].folded
    }

    /// What stands between two words.
    fn between(&self, left: usize, right: usize) -> &str {
        let (left, right) = (self.document.words[left].span.end, self.document.words[right].span.start);
        self.document.text.get(left..right).unwrap_or_default()
    }

    /// The words of the mention and of its sentence so many before and after it.
    fn close(&self, span: Span, (before, after): (usize, usize)) -> Range<usize> {
        let own = self.document.words_in(span);
        let all = self.document.words_in(self.document.sentence_at(span).map_or(span, |sentence| sentence.span));
        own.start.saturating_sub(before).max(all.start).min(own.start)..(own.end + after).min(all.end).max(own.end)
    }

    /// Another diagnosis that holds a word.
    fn other_at(&self, at: usize, own: &Range<usize>) -> Option<&Range<usize>> {
        let before = self.mentions.partition_point(|mention| mention.start <= at);
        let holds = |mention: &&Range<usize>| mention.contains(&at) && *mention != own;
        self.mentions[..before].iter().rev().take(3).find(holds)
    }

    /// Of the close words those that can speak of the mention: before it up to a comma or another diagnosis; behind it up to another diagnosis
    /// and what leads to that one, to a semicolon, or to somebody else.
    fn speaking(&self, close: &Range<usize>, own: &Range<usize>) -> Range<usize> {
        let mut start = own.start;
        while start > close.start
            && !self.between(start - 1, start).contains([',', ';', ':', '(', ')'])
            && self.other_at(start - 1, own).is_none()
        {
            start -= 1;
        }
        let mut end = own.end;
        // where the words that lead to the next diagnosis begin
        let mut turn = None;
        while end < close.end {
            let gap = if end > own.start { self.between(end - 1, end) } else { "" };
            if gap.contains(';') || KIN.contains(&self.word(end)) {
                break;
            }
            if gap.contains(',') || TURNS.contains(&self.word(end)) {
                turn = Some(end);
            }
            if self.other_at(end, own).is_some() {
                end = turn.unwrap_or(end);
                break;
            }
            end += 1;
        }
        start..end
    }

    /// Whether one of the phrases is said of the mention: in it, in the words that speak of it, or as another diagnosis close to it, whole; and
    /// is not denied there.
    fn said(&self, span: Span, phrases: &[String]) -> bool {
        let own = self.document.words_in(span);
        let close = self.close(span, CLOSE);
        let speaking = self.speaking(&close, &own);
        let places: Vec<usize> = close.filter(|at| self.word(*at) != "the").collect();
        phrases.iter().any(|phrase| {
            let wanted: Vec<&str> = phrase.split(' ').collect();
            places.windows(wanted.len()).enumerate().any(|(at, window)| {
                let same = window.iter().zip(&wanted).all(|(place, word)| self.word(*place) == *word);
                let denied = |place: &usize| {
                    // "without aura, intractable": the comma ends what is left out, but not a list of what is denied
                    let ended = self.word(*place) == "without" && self.between(*place, window[0]).contains(',');
                    DENIALS.contains(&self.word(*place)) && !ended
                };
                if !same || places[at.saturating_sub(3)..at].iter().any(denied) {
                    return false;
                }
                let (first, last) = (window[0], window[window.len() - 1]);
                window.iter().all(|place| match self.other_at(*place, &own) {
                    None => speaking.contains(place),
                    // "macular edema of both eyes" is said where "macular edema" is asked for
                    Some(other) => {
                        let goes_on = |at: usize| ["of", "in", "to", "at", "on"].contains(&self.word(at));
                        first <= other.start && (other.end <= last + 1 || goes_on(last + 1))
                    }
                })
            })
        })
    }
}

pattern!(WEEKS, r"(?i)\b(\d{1,2})(?:\s*(?:\+|and|&)?\s*\d/7|\s*\+\s*\d)?[\s-]*(?:weeks?|wks?|w(?:\s?\d\s?d)?)\b");

/// Completed weeks of a pregnancy: from a sentence that speaks of one or of a complication of one, else, in a note that does, from one that says
/// at how many weeks.
fn weeks(document: &Document, diagnoses: &[Diagnosed<'_>]) -> Option<u32> {
    let of_pregnancy = |one: &&Diagnosed<'_>| one.coding.codes.first().is_some_and(|first| first.code.starts_with('O'));
    let complications: Vec<Span> = diagnoses.iter().filter(of_pregnancy).map(|one| one.span).collect();
    let told = |sentence: &Sentence| {
        let words = &document.words[document.words_in(sentence.span)];
        words.iter().any(|word| speaks_of_pregnancy(&word.folded))
            || complications.iter().any(|span| span.overlaps(sentence.span))
    };
    let number = |sentence: &Sentence| {
        let found = WEEKS.captures_iter(sentence.span.of(&document.text));
        found.filter_map(|found| found[1].parse::<u32>().ok()).find(|weeks| (4..=42).contains(weeks))
    };
    let about: Vec<&Sentence> = document.sentences.iter().filter(|sentence| told(sentence)).collect();
    about.iter().find_map(|sentence| number(sentence)).or_else(|| {
        let mut at = document.sentences.iter().filter(|sentence| {
            sentence.span.len() < 160 && document.words[document.words_in(sentence.span)].iter().any(|word| word.folded == "at")
        });
        if about.is_empty() { None } else { at.find_map(number) }
    })
}

/// Whether a folded word is one of pregnancy ("pregnant", "ega", "g3p2").
fn speaks_of_pregnancy(word: &str) -> bool {
    const BEGINNINGS: [&str; 12] = [
        "pregnan",
        "gestation",
        "gravid",
        "trimester",
        "prenatal",
        "antepartum",
        "primigravid",
        "multigravid",
        "obstetric",
        "preeclamp",
        "eclamp",
        "intrauterine",
    ];
    let parity = {
        let bytes = word.as_bytes();
        bytes.len() >= 4 && bytes[0] == b'g' && bytes[1].is_ascii_digit() && bytes[2] == b'p' && bytes[3].is_ascii_digit()
    };
    parity || matches!(word, "ega" | "iup") || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}
