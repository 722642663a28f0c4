//! The abstract of a finished encounter as a message: DFT^P03, BAR^P05, MDM^T02 or ORU^R01.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{escape::escape, time::written};
use crate::domain::{
    AbstractFormat, CodeCandidate, EncounterClass, EntryKind, EntryState, HL7Destination, Patient, ReviewEntry, ReviewItem,
    system,
};

/// A message's own number and time.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// MSH-10; the same for every try to deliver the same message.
    pub control_id: &'a str,
    /// MSH-7, and the time of the event: when the encounter was finished.
    pub at: Timestamp,
}

/// The message for a finished encounter. Diagnoses are those that stand after review and may be reported, with their ICD-10-CM codes: all
/// that a coder chose, or the first suggested one and those that must stand beside it. No code comes twice. Present on admission is left
/// empty.
#[must_use]
pub fn abstract_message(settings: &HL7Destination, item: &ReviewItem, entries: &[ReviewEntry], stamp: Stamp<'_>) -> String {
    let kind = match settings.format {
        AbstractFormat::Dft => "DFT^P03^DFT_P03",
        AbstractFormat::Bar => "BAR^P05^BAR_P05",
        AbstractFormat::Mdm => "MDM^T02^MDM_T02",
        AbstractFormat::Oru => "ORU^R01^ORU_R01",
    };
    let at = written(stamp.at);
    let codes = reported(entries);
    let mut out = Lines(String::new());
    out.line(&[
        "MSH",
        "^~\\&",
        &escape(&settings.sending_application),
        &escape(&settings.sending_facility),
        &escape(&settings.receiving_application),
        &escape(&settings.receiving_facility),
        &at,
        "",
        kind,
        &escape(stamp.control_id),
        "P",
        "2.5.1",
        "",
        "",
        "",
        "",
        "",
        "UNICODE UTF-8",
    ]);
    if settings.format != AbstractFormat::Oru {
        let trigger = kind.split('^').nth(1).unwrap_or_default();
        out.line(&["EVN", trigger, &at]);
    }
    out.0.push_str(&patient(item.patient.as_ref()));
    out.0.push_str(&visit(item));
    match settings.format {
        AbstractFormat::Dft => {
            let diagnoses: Vec<String> = codes.iter().map(|code| coded(code)).collect();
            let transaction = escape(&settings.transaction_code);
            let mut fields = vec!["FT1", "1", "", "", &at, "", "CG", &transaction];
            let diagnoses = diagnoses.join("~");
            fields.resize(19, "");
            fields.push(&diagnoses);
            out.line(&fields);
            out.diagnoses(&codes);
        }
        AbstractFormat::Bar => {
            if settings.allergies {
                out.allergies(entries);
            }
            out.diagnoses(&codes);
            if settings.problems {
                for (place, code) in codes.iter().enumerate() {
                    out.line(&["PRB", "AD", &at, &coded(code), &(place + 1).to_string()]);
                }
            }
        }
        AbstractFormat::Mdm => {
            let document = format!("{}^ABSTRACTOR", escape(stamp.control_id));
            out.line(&[
                "TXA",
                "1",
                "CD^Coding abstract^L",
                "FT",
                &at,
                "",
                &at,
                "",
                "",
                "",
                "",
                "",
                &document,
                "",
                "",
                "",
                "",
                "AU",
                "",
                "AV",
            ]);
            out.line(&[
                "OBX",
                "1",
                "FT",
                "ABSTRACT^Coding abstract^L",
                "",
                &escape(&in_words(&codes, entries)),
                "",
                "",
                "",
                "",
                "",
                "F",
            ]);
        }
        AbstractFormat::Oru => {
            let document = format!("{}^ABSTRACTOR", escape(stamp.control_id));
            let mut order = vec!["OBR", "1", "", &document, "ABSTRACT^Coding abstract^L", "", "", &at];
            order.resize(22, "");
            order.extend([at.as_str(), "", "", "F"]);
            out.line(&order);
            out.line(&[
                "OBX",
                "1",
                "FT",
                "ABSTRACT^Coding abstract^L",
                "",
                &escape(&in_words(&codes, entries)),
                "",
                "",
                "",
                "",
                "",
                "F",
            ]);
        }
    }
    out.0
}

/// A code that is reported, with its name where that is known.
struct Reported<'a> {
    code: &'a str,
    display: &'a str,
}

/// The codes of the diagnoses that stand, in order of the entries.
fn reported(entries: &[ReviewEntry]) -> Vec<Reported<'_>> {
    let mut codes: Vec<Reported<'_>> = Vec::new();
    let standing = entries.iter().filter(|entry| entry.kind == EntryKind::Diagnosis && entry.reportable && stands(entry));
    for entry in standing {
        let own = entry.codes.iter().filter(|code| code.system == system::ICD10CM);
        for candidate in own.take(if entry.has_chosen_codes() { usize::MAX } else { 1 }) {
            let beside = candidate.with.iter().map(|code| Reported { code, display: "" });
            for code in std::iter::once(Reported { code: &candidate.code, display: &candidate.display }).chain(beside) {
                match codes.iter_mut().find(|known| known.code == code.code) {
                    Some(known) if known.display.is_empty() => known.display = code.display,
                    Some(_) => {}
                    None => codes.push(code),
                }
            }
        }
    }
    codes
}

fn stands(entry: &ReviewEntry) -> bool {
    matches!(entry.state, EntryState::Accepted | EntryState::Amended | EntryState::Added)
}

fn coded(code: &Reported<'_>) -> String {
    format!("{}^{}^I10", escape(code.code), escape(code.display))
}

/// Segments, one after the other.
struct Lines(String);

impl Lines {
    /// Fields that are escaped already; empty ones at the end are left out.
    fn line(&mut self, fields: &[&str]) {
        self.0.push_str(fields.join("|").trim_end_matches('|'));
        self.0.push('\r');
    }

    /// DG1 in order: final diagnoses, the first one with priority 1.
    fn diagnoses(&mut self, codes: &[Reported<'_>]) {
        for (place, code) in codes.iter().enumerate() {
            let number = (place + 1).to_string();
            let (coded, display) = (coded(code), escape(code.display));
            let mut fields = vec!["DG1", &number, "I10", &coded, &display, "", "F"];
            fields.resize(15, "");
            fields.push(&number);
            self.line(&fields);
        }
    }

    fn allergies(&mut self, entries: &[ReviewEntry]) {
        let standing = entries.iter().filter(|entry| entry.kind == EntryKind::Allergy && stands(entry));
        let affirmed = standing.filter(|entry| entry.assertion.is_some_and(crate::domain::Assertion::is_affirmed));
        for (place, entry) in affirmed.enumerate() {
            let kind = match entry.attributes.category.as_deref() {
                Some("medication") => "DA",
                Some("food") => "FA",
                Some("environment") => "EA",
                _ => "MA",
            };
            let severity = entry.attributes.severity.as_ref().map_or("", |severity| severity_code(&severity.text));
            let reactions: Vec<String> = entry.attributes.reactions.iter().map(|reaction| escape(&reaction.text)).collect();
            let coded = allergen(entry);
            self.line(&["AL1", &(place + 1).to_string(), kind, &coded, severity, &reactions.join("~")]);
        }
    }
}

fn severity_code(words: &str) -> &'static str {
    let words = words.to_ascii_lowercase();
    let says = |stem: &str| words.contains(stem);
    match () {
        () if says("severe") || says("grave") || says("life") => "SV",
        () if says("moderate") => "MO",
        () if says("mild") => "MI",
        () => "U",
    }
}

fn allergen(entry: &ReviewEntry) -> String {
    let name = escape(&entry.display);
    let first: Option<&CodeCandidate> = entry.codes.first();
    first.map_or_else(
        || format!("^{name}"),
        |code| {
            let system = match code.system.as_str() {
                system::RXNORM => "RXNORM",
                system::SNOMED => "SCT",
                system::UNII => "UNII",
                _ => "L",
            };
            format!("{}^{name}^{system}", escape(&code.code))
        },
    )
}

fn patient(patient: Option<&Patient>) -> String {
    let mut out = Lines(String::new());
    let Some(patient) = patient else {
        out.line(&["PID", "1"]);
        return out.0;
    };
    let authority = patient.system.as_deref().map_or_else(String::new, |authority| format!("^^^{}", escape(authority)));
    let identifier = format!("{}{authority}", escape(&patient.id));
    let name = patient.name.as_deref().unwrap_or_default();
    let (family, given) = name.split_once(',').unwrap_or((name, ""));
    let name = format!("{}^{}", escape(family.trim()), escape(given.trim()));
    let born = patient.birth_date.map_or_else(String::new, |day| day.strftime("%Y%m%d").to_string());
    let sex = match patient.sex.as_deref() {
        Some("female") => "F",
        Some("male") => "M",
        Some("other") => "O",
        Some(_) => "U",
        None => "",
    };
    out.line(&["PID", "1", "", &identifier, "", name.trim_end_matches('^'), "", &born, sex]);
    out.0
}

fn visit(item: &ReviewItem) -> String {
    let class = match item.encounter_class {
        Some(EncounterClass::Inpatient) => "I",
        Some(EncounterClass::Outpatient) => "O",
        Some(EncounterClass::Emergency) => "E",
        None => "N",
    };
    let part = |text: &Option<String>| escape(text.as_deref().unwrap_or_default());
    let place = format!("{}^^^{}", part(&item.department), part(&item.facility));
    let number = part(&item.encounter);
    let mut fields = vec!["PV1", "1", class, place.trim_end_matches('^')];
    fields.resize(19, "");
    fields.push(&number);
    let mut out = Lines(String::new());
    out.line(&fields);
    out.0
}

/// The abstract as a person reads it.
fn in_words(codes: &[Reported<'_>], entries: &[ReviewEntry]) -> String {
    let mut out = "CODING ABSTRACT\nDiagnoses\n".to_owned();
    for (place, code) in codes.iter().enumerate() {
        let _ = writeln!(out, "{}. {} {}", place + 1, code.code, code.display);
    }
    for (kind, title) in [
        (EntryKind::Medication, "Medications"),
        (EntryKind::Allergy, "Allergies"),
        (EntryKind::NoKnownAllergies, "No known allergies"),
    ] {
        let standing: Vec<&ReviewEntry> = entries.iter().filter(|entry| entry.kind == kind && stands(entry)).collect();
        if !standing.is_empty() {
            let _ = writeln!(out, "{title}");
        }
        for entry in standing {
            let said = entry.assertion.map(|assertion| assertion.as_str()).or(entry.status.map(|status| status.as_str()));
            let _ = match said {
                Some(said) => writeln!(out, "- {} ({said})", entry.display),
                None => writeln!(out, "- {}", entry.display),
            };
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{Assertion, Attribute, Attributes, CodeRole, Decision, DecisionKind, ItemState, ScoredBy},
        interop::hl7::{Charset, Message},
    };

    fn code(system: &str, code: &str, with: &[&str]) -> CodeCandidate {
        CodeCandidate {
            rank: 1,
            role: CodeRole::Code,
            system: system.to_owned(),
            code: code.to_owned(),
            display: format!("name of {code}"),
            score: 0.9,
            with: with.iter().map(|code| (*code).to_owned()).collect(),
            why: String::new(),
            features: std::collections::BTreeMap::new(),
            scored_by: ScoredBy::Engine,
        }
    }

    fn entry(state: EntryState, codes: Vec<CodeCandidate>) -> ReviewEntry {
        ReviewEntry {
            id: Uuid::from_u128(1),
            kind: EntryKind::Diagnosis,
            display: "words | of it".to_owned(),
            assertion: Some(Assertion::Present),
            status: None,
            codes,
            confidence: None,
            reportable: true,
            not_reportable_because: None,
            attributes: Attributes::default(),
            attributes_note: None,
            prompts: Vec::new(),
            evidence: Vec::new(),
            evidence_keys: Vec::new(),
            state,
            changed: None,
            designation: crate::domain::Designation::default(),
            decisions: Vec::new(),
        }
    }

    fn entries() -> Vec<ReviewEntry> {
        let icd = system::ICD10CM;
        let amended = ReviewEntry {
            decisions: vec![Decision {
                id: Uuid::from_u128(2),
                item_id: Uuid::from_u128(3),
                entry_id: Uuid::from_u128(1),
                user_id: Uuid::from_u128(4),
                user_name: "ada".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                evidence: Vec::new(),
                kind: DecisionKind::Amend {
                    attributes: None,
                    codes: vec![crate::domain::ChosenCode {
                        system: icd.to_owned(),
                        code: "I10".to_owned(),
                        display: String::new(),
                    }],
                    assertion: None,
                    status: None,
                    comment: None,
                },
            }],
            ..entry(EntryState::Amended, vec![code(icd, "I10", &[]), code(icd, "E66.9", &[]), code(icd, "N18.30", &[])])
        };
        let words = |text: &str| Attribute { text: text.to_owned(), start: 0, end: 1, value: None };
        let allergy = ReviewEntry {
            kind: EntryKind::Allergy,
            display: "Penicillin".to_owned(),
            attributes: Attributes {
                reactions: vec![words("hives"), words("itching & more")],
                severity: Some(words("severe")),
                category: Some("medication".to_owned()),
                ..Attributes::default()
            },
            ..entry(EntryState::Accepted, vec![code(system::RXNORM, "7980", &[])])
        };
        vec![
            entry(EntryState::Accepted, vec![code(icd, "E11.22", &["N18.30"]), code(icd, "E11.9", &[])]),
            amended,
            entry(EntryState::Suggested, vec![code(icd, "J45.909", &[])]),
            entry(EntryState::Rejected, vec![code(icd, "M10.9", &[])]),
            ReviewEntry { reportable: false, ..entry(EntryState::Accepted, vec![code(icd, "Z99.9", &[])]) },
            allergy,
        ]
    }

    fn message(settings: &HL7Destination) -> Message {
        let item = ReviewItem {
            id: Uuid::from_u128(9),
            encounter: Some("V-9".to_owned()),
            patient: Some(Patient {
                id: "4711".to_owned(),
                system: Some("NORTH".to_owned()),
                name: Some("Roe, Jane Q".to_owned()),
                birth_date: Some(date(1950, 2, 28)),
                sex: Some("female".to_owned()),
            }),
            patient_id: None,
            encounter_class: Some(EncounterClass::Inpatient),
            facility: Some("SOUTH".to_owned()),
            department: Some("ICU".to_owned()),
            restricted: false,
            labels: crate::domain::Sensitivities::NONE,
            source: None,
            priority: crate::domain::Priority::Routine,
            payer_class: None,
            team: None,
            state: ItemState::Finished,
            claimed_by: None,
            claimed_until: None,
            assigned_to: None,
            escalated: false,
            pended_until: None,
            place_reason: None,
            summary: None,
            revision: 3,
            notes: Vec::new(),
            pending_notes: 0,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let stamp = Stamp { control_id: "M-1", at: Timestamp::UNIX_EPOCH };
        Message::read(&abstract_message(settings, &item, &entries(), stamp), Charset::UNNAMED).expect("a message")
    }

    fn settings(format: AbstractFormat) -> HL7Destination {
        HL7Destination {
            sending_facility: "HIM".to_owned(),
            receiving_application: "BILLING".to_owned(),
            receiving_facility: "NORTH".to_owned(),
            allergies: true,
            problems: true,
            ..HL7Destination::of(format)
        }
    }

    fn fields(message: &Message, name: &str, numbers: &[usize]) -> Vec<String> {
        let row = |segment: &crate::interop::hl7::Segment| {
            numbers.iter().map(|number| segment.raw(*number)).collect::<Vec<_>>().join("|")
        };
        message.all(name).map(row).collect()
    }

    #[test]
    fn only_reportable_codes_that_stand_in_order_and_once() {
        for format in [AbstractFormat::Dft, AbstractFormat::Bar] {
            let message = message(&settings(format));
            assert_eq!(
                fields(&message, "DG1", &[1, 2, 3, 6, 15, 26]),
                [
                    "1|I10|E11.22^name of E11.22^I10|F|1|",
                    "2|I10|N18.30^name of N18.30^I10|F|2|",
                    "3|I10|I10^name of I10^I10|F|3|",
                    "4|I10|E66.9^name of E66.9^I10|F|4|"
                ]
            );
            assert_eq!(fields(&message, "PID", &[3, 5, 7, 8]), ["4711^^^NORTH|Roe^Jane Q|19500228|F"]);
            assert_eq!(fields(&message, "PV1", &[2, 3, 19]), ["I|ICU^^^SOUTH|V-9"]);
            assert_eq!(fields(&message, "MSH", &[3, 4, 5, 6, 10, 18]), ["ABSTRACTOR|HIM|BILLING|NORTH|M-1|UNICODE UTF-8"]);
        }
    }

    #[test]
    fn what_each_format_has_beside() {
        let dft = message(&settings(AbstractFormat::Dft));
        assert_eq!(dft.value("MSH", 9, 3).as_deref(), Some("DFT_P03"));
        let first = fields(&dft, "FT1", &[1, 4, 6, 7, 19]).remove(0);
        assert!(first.starts_with("1|19700101000000+0000|CG|ABSTRACT|E11.22^") && first.matches('~').count() == 3, "{first}");
        assert!(dft.first("AL1").is_none() && dft.first("PRB").is_none());
        let bar = message(&settings(AbstractFormat::Bar));
        let hives = "1|DA|7980^Penicillin^RXNORM|SV|hives~itching \\T\\ more";
        assert_eq!(fields(&bar, "AL1", &[1, 2, 3, 4, 5]), [hives]);
        assert_eq!(bar.all("PRB").count(), 4);
        let plain = HL7Destination { allergies: false, problems: false, ..settings(AbstractFormat::Bar) };
        assert!(message(&plain).first("AL1").is_none() && message(&plain).first("PRB").is_none());
        for format in [AbstractFormat::Mdm, AbstractFormat::Oru] {
            let message = message(&settings(format));
            let text = message.plain(message.first("OBX").expect("an OBX").raw(5));
            assert!(text.contains("1. E11.22 name of E11.22\n") && text.ends_with("- Penicillin (present)"), "{text}");
            assert!(!text.contains("J45.909") && !text.contains("Z99.9"), "{text}");
        }
    }
}
