//! Rooms, beds, bays and wards: by the word before them, by the unit, and by the form of what stands on the door ("4W-12B").

use super::{Identifier, IdentifierClass};
use crate::domain::Span;

/// A word for a place in which somebody lies or is seen, in any case.
const PLACE: &str = r"(?:room|rm|bed|bd|bay|ward|wd|theatre|theater|cubicle|cub|chair|chamber|hallway|hall|stretcher|slot|suite|floor|wing|bldg|building|bassinet|crib|isolette|warmer|exam(?:\s(?:room|rm))|trauma(?:\s(?:room|bay))?|resus(?:\s(?:room|bay))?|procedure\s(?:room|suite)|cath\slab|angio\ssuite|station|stn|recliner|locker|apt\s?bed)";
/// A unit by its letters, of which a number says the bed.
const UNIT: &str = r"(?:MICU|SICU|TICU|NICU|PICU|CVICU|CTICU|CCU|CICU|NSICU|NCCU|BICU|ICU|ITU|HDU|PCU|IMCU|IMU|SDU|CDU|OBS|PACU|ED|ER|OR|LDR|LDRP|L&D|MBU|PP|TELE|ASU|EDOBS|MS|PEDS|ONC|HEMONC|BMT|REHAB|IPR|DIALYSIS|HD\schair|ENDO)";
/// A number of a room: "412", "4W-12B", "A", "118-B", "ED-14".
const NUMBER: &str = r"(?:(?:ED|ICU|OR|PACU|L&D|MICU|SICU)-?)?[0-9O]{1,4}(?:[NSEWnsew]{1,2})?[A-Za-z]?\b(?:-[A-Za-z0-9]{1,3}\b)?(?:\s?/\s?(?:bed\s)?[A-D]\b)?";

pattern!(
    LABELLED,
    &format!(
        r"(?i:\b{PLACE}s?\.?(?:\s?(?:no|num|number)\b\.?)?\s?[#:=]{{0,2}}\s{{0,3}})(?P<n>[A-Za-z]{{1,2}}\d?-?\d{{1,4}}[A-Za-z]?\b(?:-\w{{1,2}}\b)?|{NUMBER}|[0-9O]{{2,4}}-\d|[A-Z]\b)"
    )
);
pattern!(
    OF_UNIT,
    &format!(
        r"\b(?P<all>{UNIT}(?:-[A-Z0-9])?\s?(?i:bed|room|rm|bay|chair|hall|hallway)?\s?\#?(?P<n>\d{{1,4}}[A-Z]?(?:-\d{{1,2}}|-[A-D])?)\b)"
    )
);
pattern!(
    WING,
    r"\b(?P<n>\d{1,2}(?:st|nd|rd|th)?[\s\-](?:(?i:north|south)[\s\-]?(?i:east|west)|(?i:north|south|east|west|tower|main|center|central|pavilion)|NE|NW|SE|SW)(?:[\s\-]\d{1,4}[A-D]?(?:-\d)?\b)?)\b"
);
pattern!(
    SPOKEN,
    r"(?i)\b(?:room|bed|ward|bay|theatre|cubicle|unit|floor)\s(?:number\s)?(?P<n>(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|oh|zero|hundred)(?:[\s\-](?:and\s)?(?:oh|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|[a-d]\b)){0,3})\b"
);
pattern!(
    SERVICE,
    r"\b(?i:to|from|on|in|at|via|unit|floor|off)\s(?P<n>\d{1,2}[\s\-]?(?:Med(?:ical)?(?:[\-/ ]?[Ss]urg(?:ical)?)?|Surg(?:ical)?|MS|Tele(?:metry)?|Ortho|Onc(?:ology)?|Peds|Pediatrics|Neuro|Rehab|Psych|Cardiac|Step-?[Dd]own|PCU|ICU|Renal|Maternity|Tower|Acute|Center|Main|Annex|Left|Right))\b"
);
pattern!(
    DOOR,
    r"\b(?P<n>(?:[A-Z]{0,2}\d{1,2}(?:NE|NW|SE|SW|[A-HNSTW])-?\d{1,4}[A-D]?(?:-\d{1,2}|-[A-D])?|[A-Z]{1,2}\d?-\d{2,4}(?:-?[A-D]|-\d)|\d{3,4}-[A-D](?:\d)?|\d{3,4}[A-D]|\d{1,2}[NSEWT]-\d{1,4}[A-D]?))\b"
);
pattern!(
    BARE_UNIT,
    r"(?:(?i:\b(?:to|from|on|in|at|via|onto|off|unit|floor|ward|wing|loc(?:ation)?|dept|transferred|admit(?:ted)?|patient on|rn|nurse|nursing)\b[\s:]{1,3}))(?P<n>(?:\d{1,2}[A-HNSEWT]{1,2}|\d{1,2}-[A-Z]))\b"
);
pattern!(
    BARE_BEFORE,
    r"\b(?P<n>\d{1,2}[NSEWT][A-Z]?|\d[A-H])\s(?i:rn|nurse|nursing|staff|charge|unit|floor|ward|team|station|desk|clerk|nurses)\b"
);
pattern!(
    NAMED,
    r"\b(?P<n>(?:[A-Z][a-z]{2,}\s){1,2}(?:[Ww]ing|[Ww]ard|Pavilion|Tower|Cottage|Suite))\b|\b(?i:wing|ward|pod|unit|cottage|tower|pavilion|hall) (?P<m>[A-Z]\d{0,2}|[A-Z][a-z]{2,})\b"
);
// What stands before a number that is no room.
pattern!(
    NO_ROOM,
    r"(?i)(?:\b(?:or|hr|rr|ci|[sS]tage|grade|type|class|level|t|l|c|s|cpt|icd|gleason|block|blocks|slide|series|image|lead|leads|model|size|fr|gauge|lot|ref|vitamin|chromosome|exon|hla|hpv|group|serotype|strain|figure|fig|table|section|part|item|q|question|dx|code)\b[\s#:.\-]{0,2}|[\-/.#@])$"
);
pattern!(
    VALUE_BEHIND,
    r"(?i)^(?:[:/%]\d|\.\d|\s?(?:mg|mcg|ml|cc|kg|g|lbs?|units?|%|cm|mm|fr\b|gauge|hours?|hrs?|h\b|days?|weeks?|months?|mos?\b|years?|yrs?|yo\b|y/o|x\b|times|\([\d.]+\s?[-–,]|-\s?\d+(?:\s?(?:mg|hours|days)))|\s(?:people|patients|person|capacity|hospital|home|was|of|minutes?|mins?))"
);
const NO_WORDS: &[&str] = &["air", "rest", "side", "bath", "bound", "wetting", "alarm", "temperature", "number"];

/// Rooms of a text.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    let mut push = |start: usize, end: usize| {
        out.push(Identifier::new(Span::new(start, end), IdentifierClass::Room));
    };
    let left = |at: usize| Span::new(at, at).around(text, 24, 0).of(text);
    for captures in LABELLED.captures_iter(text) {
        let Some(number) = captures.name("n") else { continue };
        let follows = &text[number.end()..];
        // "in room 0710" tells a time
        let is_time =
            number.len() == 4 && number.as_str().starts_with('0') && number.as_str().bytes().all(|one| one.is_ascii_digit());
        let has_digit = number.as_str().bytes().any(|byte| byte.is_ascii_digit());
        let is_letter =
            !has_digit && (number.as_str().starts_with(char::is_uppercase) && !follows.starts_with(['\'', '.', '-']));
        if is_time || !(has_digit || is_letter) || VALUE_BEHIND.is_match(follows) || NO_WORDS.contains(&number.as_str()) {
            continue;
        }
        push(number.start(), number.end());
    }
    for captures in OF_UNIT.captures_iter(text) {
        let (Some(all), Some(number)) = (captures.name("all"), captures.name("n")) else { continue };
        let follows = &text[number.end()..];
        // "OR 2.3 (1.1-4.5)", "ED 1430", "MS 4 mg"
        let is_time = number.len() == 4;
        if is_time || follows.starts_with('%') || VALUE_BEHIND.is_match(follows) && !follows.starts_with(": ") {
            continue;
        }
        let has_letter = all.as_str().contains('-') && !number.as_str().contains('-');
        push(if has_letter { all.start() } else { number.start() }, number.end());
    }
    for rule in [&*WING, &*SPOKEN, &*SERVICE, &*BARE_UNIT, &*BARE_BEFORE] {
        for captures in rule.captures_iter(text) {
            let Some(number) = captures.name("n") else { continue };
            if !VALUE_BEHIND.is_match(&text[number.end()..]) {
                push(number.start(), number.end());
            }
        }
    }
    for captures in DOOR.captures_iter(text) {
        let Some(number) = captures.name("n") else { continue };
        let follows = &text[number.end()..];
        let joins = |one: Option<char>| {
            one.is_some_and(|one| matches!(one, '/' | '.' | '+' | '>' | '-' | '*') || one.is_alphanumeric())
        };
        let next_is_more = follows.starts_with(['/', '>', '+', '*', '-'])
            || follows.starts_with('.') && follows[1..].starts_with(|one: char| one.is_ascii_digit());
        if NO_ROOM.is_match(left(number.start()))
            || joins(text[..number.start()].chars().next_back())
            || next_is_more
            || VALUE_BEHIND.is_match(follows)
            || is_clinical(number.as_str())
        {
            continue;
        }
        push(number.start(), number.end());
    }
    for captures in NAMED.captures_iter(text) {
        if let Some(name) = captures.name("n").or(captures.name("m")) {
            let first = name.as_str().split(' ').next().unwrap_or_default();
            let is_plain = [
                "The",
                "This",
                "Our",
                "Her",
                "His",
                "Medical",
                "Surgical",
                "General",
                "Pediatric",
                "Maternity",
                "Left",
                "Right",
                "In",
                "On",
                "To",
                "From",
                "Of",
                "Is",
                "For",
                "Was",
                "And",
                "At",
            ];
            let is_letter = name.len() < 3;
            if !is_plain.contains(&first) && (captures.name("n").is_some() || is_letter) {
                push(name.start(), name.end());
            }
        }
    }
    out
}

/// Codes of clinical writing that look like a door: levels of the spine, stages, mutations, cells.
fn is_clinical(number: &str) -> bool {
    let mut letters = number.chars();
    let first = letters.next();
    let second = letters.next();
    let is_level = matches!(first, Some('C' | 'T' | 'L' | 'S')) && second.is_some_and(|one| one.is_ascii_digit());
    let is_other = ["H1N", "G6P", "P45", "HPV", "CD", "T2W", "T1W", "A1A", "B1", "B2", "Q1", "Q2", "V6", "F2", "D5", "D1"];
    is_level || is_other.iter().any(|start| number.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(text: &str) -> Vec<&str> {
        find(text).iter().map(|one| one.span.of(text)).collect()
    }

    #[test]
    fn rooms_however_they_are_written() {
        for (text, room) in [
            ("pt in rm 412", "412"),
            ("Rm: 118-B  Adm", "118-B"),
            ("moved to 4W-12B overnight", "4W-12B"),
            ("in bed 3 with", "3"),
            ("admitted ICU 7", "7"),
            ("case in OR 2 today", "2"),
            ("to MICU-B 14.", "MICU-B 14"),
            ("LDR 4: G3P2", "4"),
            ("hall bed 6 since", "6"),
            ("Chair 9 - TTS", "9"),
            ("chamber 2.", "2"),
            ("on 7 East who", "7 East"),
            ("transferred to 5W this", "5W"),
            ("6N RN aware", "6N"),
            ("in Trauma 2", "2"),
            ("Room #22A", "22A"),
            ("bay C ", "C"),
            ("rm. T3-412 ", "T3-412"),
        ] {
            assert!(rooms(text).contains(&room), "{text}: {:?}", rooms(text));
        }
    }

    #[test]
    fn what_is_no_room() {
        for text in [
            "SpO2 97% on room air",
            "OR 2.3 (1.1-4.5)",
            "MS 4 mg IV",
            "bed rest",
            "C5-6 and L4-5",
            "in room 0710, incision",
            "bed 3 times a day",
            "stage 2A",
            "T2N1 disease",
            "Gleason 3-4",
            "factor V 506",
            "HR 112",
            "in 3 days to 5 mg",
        ] {
            assert!(rooms(text).is_empty(), "{text}: {:?}", rooms(text));
        }
    }
}
