//! Messages that come in, as requests of ours: documents (MDM, ORU) and what happens to patients (ADT).

use jiff::Timestamp;

use super::{
    body::{self, Beside},
    header::Header,
    message::{Message, Segment},
    problem::Problem,
    restriction, time,
};
use crate::{
    domain::{EncounterClass, NewNote, Patient, PayerClass, RelatedNote, Relation},
    interop::payers,
};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Nothing that is to be kept.
    Nothing,
    /// Store a note.
    Post(Box<Document>),
    /// Take a document back.
    Retract {
        /// The sender's id of the document.
        external_id: String,
        /// When the sender did.
        at: Option<Timestamp>,
    },
    /// Newer demographics.
    UpdatePatient(Patient),
    /// Two record numbers are one patient.
    MergePatients(Vec<Merge>),
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The note. Its source is not filled in: the sender does not choose it.
    pub note: NewNote,
    /// What another text under the same id is.
    pub again: Again,
}

/// What another text under a known id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// A mistake.
    Refused,
    /// Its next version.
    Next,
}

/// One merge of record numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The patient under the number that stays.
    pub surviving: Patient,
    /// The number that goes, with its authority.
    pub retired: Patient,
}

/// What a message asks for.
///
/// # Errors
/// Why it cannot be used.
pub fn request(message: &Message, header: &Header) -> Result<Request, Problem> {
    if !header.version.is_empty() && !header.version.starts_with("2.") {
        let detail = "only version 2 of HL7 is taken here; see MSH-12";
        return Err(Problem::reject("unsupported_version", 203, detail).at("MSH", 12));
    }
    let event = Some(header.trigger.clone()).filter(|trigger| !trigger.is_empty());
    let event = event.or_else(|| message.value("EVN", 1, 1)).unwrap_or_default();
    let unknown_event = || {
        let detail = "this event is not taken; see the table of messages in the documentation";
        Err(Problem::reject("unsupported_event", 201, detail).at("MSH", 9))
    };
    match (header.kind.as_str(), event.as_str()) {
        ("MDM", "T01" | "T03" | "T05" | "T07" | "T09") if message.first("OBX").is_none() => Ok(Request::Nothing),
        ("MDM", "T01" | "T02") => document(message, header, (Again::Refused, None)),
        ("MDM", "T03" | "T04" | "T07" | "T08") => document(message, header, (Again::Next, None)),
        ("MDM", "T05" | "T06") => document(message, header, (Again::Refused, Some(Relation::Appends))),
        ("MDM", "T09" | "T10") => document(message, header, (Again::Refused, Some(Relation::Replaces))),
        ("MDM", "T11") => Ok(retraction(header, document_number(message)?)),
        ("ORU", "R01") => report(message, header),
        ("ADT", "A08") => Ok(Request::UpdatePatient(required_patient(message)?)),
        ("ADT", "A40") => merges(message),
        ("MDM" | "ORU" | "ADT", _) => unknown_event(),
        _ => {
            let detail = "messages of this type are not taken; MDM, ORU and ADT are";
            Err(Problem::reject("unsupported_message", 200, detail).at("MSH", 9))
        }
    }
}

fn retraction(header: &Header, external_id: String) -> Request {
    Request::Retract { external_id, at: written_at(header, std::iter::empty()) }
}

fn document_number(message: &Message) -> Result<String, Problem> {
    message.value("TXA", 12, 1).ok_or_else(|| Problem::missing("TXA", 12))
}

fn document(message: &Message, header: &Header, (again, relation): (Again, Option<Relation>)) -> Result<Request, Problem> {
    let external_id = document_number(message)?;
    // the document was cancelled since
    if message.value("TXA", 19, 1).as_deref() == Some("CA") {
        return Ok(retraction(header, external_id));
    }
    let parent = || message.value("TXA", 13, 1).ok_or_else(|| Problem::missing("TXA", 13));
    let related = relation.map(|relation| parent().map(|external_id| RelatedNote { relation, external_id })).transpose()?;
    let mut note = described(message, header, body::text(message, Beside::Refused)?)?;
    let written = [message.value("TXA", 8, 1), message.value("TXA", 6, 1)];
    note.external_id = Some(external_id);
    note.related = related;
    note.versioned_at = written_at(header, written.into_iter().flatten());
    note.note_type = message.value("TXA", 2, 1).map(|code| note_type(message, &code));
    note.author = author(message, "TXA", 9);
    Ok(Request::Post(Box::new(Document { note, again })))
}

/// A report of ORU: one note, known by the filler's number of its first order.
fn report(message: &Message, header: &Header) -> Result<Request, Problem> {
    let order = message.first("OBR").ok_or_else(|| Problem::error("missing_field", 101, "there is no OBR").at("OBR", 1))?;
    let external_id = message.component(order, 3, 1).or_else(|| message.component(order, 2, 1));
    if let (Some(external_id), "X") = (&external_id, order.raw(25)) {
        return Ok(retraction(header, external_id.clone()));
    }
    let mut note = described(message, header, body::text(message, Beside::LeftOut)?)?;
    note.external_id = external_id;
    note.note_type = message.component(order, 4, 2).or_else(|| message.component(order, 4, 1));
    note.author = author(message, "OBR", 32);
    note.versioned_at = written_at(header, message.component(order, 22, 1).into_iter());
    Ok(Request::Post(Box::new(Document { note, again: Again::Next })))
}

/// A note with what all kinds of message say of patient and visit.
fn described(message: &Message, header: &Header, text: String) -> Result<NewNote, Problem> {
    if text.trim().is_empty() {
        let detail = "there is no text; send it in OBX-5 as TX, FT or ST, or as ED with base64";
        return Err(Problem::error("no_text", 101, detail).at("OBX", 5));
    }
    let value = |name, field, component| message.value(name, field, component);
    let served = [value("TXA", 4, 1), value("OBX", 14, 1), value("OBR", 7, 1)];
    let mut note = NewNote {
        text,
        patient: Some(required_patient(message)?),
        encounter: value("PV1", 19, 1).or_else(|| value("PID", 18, 1)),
        encounter_class: value("PV1", 2, 1).and_then(|class| encounter_class(&class)),
        service_date: served.into_iter().flatten().find_map(|text| time::day(&text)),
        discharge_date: value("PV1", 45, 1).and_then(|text| time::day(&text)),
        facility: value("PV1", 3, 4).or_else(|| Some(header.sender.1.clone()).filter(|facility| !facility.is_empty())),
        department: value("PV1", 3, 1),
        payer_class: payer_class(message),
        ..NewNote::default()
    };
    restriction::restrict(message, &mut note);
    Ok(note)
}

/// Who pays first: by the type of the first plan, the financial class of the visit, or the name of the plan's company.
fn payer_class(message: &Message) -> Option<PayerClass> {
    let of_plan = |plan: String| payers::of_words(&plan).or_else(|| payers::of_claim_filing(&plan));
    let said = [("PV1", 20, 1), ("IN1", 4, 1)].into_iter().filter_map(|(name, field, part)| message.value(name, field, part));
    message.value("IN1", 15, 1).and_then(of_plan).or_else(|| said.into_iter().find_map(|words| payers::of_words(&words)))
}

fn encounter_class(code: &str) -> Option<EncounterClass> {
    match code {
        "I" => Some(EncounterClass::Inpatient),
        "O" => Some(EncounterClass::Outpatient),
        "E" => Some(EncounterClass::Emergency),
        _ => None,
    }
}

/// The message's own time orders versions; where it has none, the document's.
fn written_at(header: &Header, others: impl Iterator<Item = String>) -> Option<Timestamp> {
    let zone = time::zone(&header.time);
    std::iter::once(header.time.clone()).chain(others).find_map(|text| time::instant(&text, zone))
}

fn required_patient(message: &Message) -> Result<Patient, Problem> {
    let segment = message.first("PID").ok_or_else(|| Problem::missing("PID", 3))?;
    patient(message, segment, 3).ok_or_else(|| Problem::missing("PID", 3))
}

/// The patient of a PID, by the first identifier that has a number.
fn patient(message: &Message, segment: &Segment, field: usize) -> Option<Patient> {
    let known = |repetition: &&str| message.component_of(repetition, 1).is_some();
    let identifier = message.repetitions(segment, field).find(known)?;
    let mut patient =
        Patient { id: message.component_of(identifier, 1)?, system: message.component_of(identifier, 4), ..Patient::default() };
    if segment.name == "PID" {
        patient.name = message.repetitions(segment, 5).next().and_then(|name| person(message, name, 1));
        patient.birth_date = message.component(segment, 7, 1).and_then(|text| time::day(&text));
        patient.sex = message.component(segment, 8, 1).map(|code| sex(&code).to_owned());
    }
    Some(patient)
}

fn sex(code: &str) -> &'static str {
    match code {
        "F" => "female",
        "M" => "male",
        "O" | "A" | "N" => "other",
        _ => "unknown",
    }
}

/// A name whose family name stands at a component: "Roe, Jane Quinn".
fn person(message: &Message, repetition: &str, family: usize) -> Option<String> {
    let part = |at| message.component_of(repetition, family + at);
    let given: Vec<String> = [part(1), part(2)].into_iter().flatten().collect();
    match (part(0), given.is_empty()) {
        (Some(family), false) => Some(format!("{family}, {}", given.join(" "))),
        (family, true) => family,
        (None, false) => Some(given.join(" ")),
    }
}

/// A person with their number before the name, as components or, in OBR-32, as subcomponents of the first.
fn author(message: &Message, segment: &str, field: usize) -> Option<String> {
    let repetition = message.repetitions(message.first(segment)?, field).next()?;
    let parts: Vec<String> = message.subcomponents(repetition, 1);
    if parts.len() > 2 {
        let said = |at: usize| parts.get(at).filter(|part| !part.is_empty());
        let given: Vec<&str> = [said(2), said(3)].into_iter().flatten().map(String::as_str).collect();
        return said(1).map(|family| format!("{family}, {}", given.join(" ")));
    }
    person(message, repetition, 2).or_else(|| message.component_of(repetition, 1))
}

/// Kinds of document of HL7 table 0270 in the words that are used here; others as the sender writes them.
fn note_type(message: &Message, code: &str) -> String {
    let word = match code {
        "AR" => "autopsy_report",
        "CD" => "cardiodiagnostics",
        "CN" => "consultation",
        "DI" => "diagnostic_imaging",
        "DS" => "discharge_summary",
        "ED" => "emergency_department_report",
        "HP" => "history_and_physical",
        "OP" => "operative_report",
        "PC" => "psychiatric_consultation",
        "PH" => "psychiatric_history_and_physical",
        "PN" => "procedure_note",
        "PR" => "progress_note",
        "SP" => "surgical_pathology",
        "TS" => "transfer_summary",
        _ => return message.value("TXA", 2, 2).unwrap_or_else(|| code.to_owned()),
    };
    word.to_owned()
}

/// Every MRG belongs to the PID before it.
fn merges(message: &Message) -> Result<Request, Problem> {
    let mut surviving = None;
    let mut merges = Vec::new();
    for segment in &message.segments {
        match segment.name.as_str() {
            "PID" => surviving = Some(patient(message, segment, 3).ok_or_else(|| Problem::missing("PID", 3))?),
            "MRG" => {
                let surviving = surviving.clone().ok_or_else(|| Problem::missing("PID", 3))?;
                let retired = patient(message, segment, 1).ok_or_else(|| Problem::missing("MRG", 1))?;
                merges.push(Merge { surviving, retired });
            }
            _ => {}
        }
    }
    if merges.is_empty() { Err(Problem::missing("MRG", 1)) } else { Ok(Request::MergePatients(merges)) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{domain::Confidentiality, interop::hl7::header};

    fn read(kind: &str, segments: &str) -> Result<Request, Problem> {
        let text = format!("MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500-0500||{kind}|C1|P|2.5.1\r{segments}\r");
        let header = Header::read(text.as_bytes()).expect("a header");
        request(&header::message(text.as_bytes(), &header)?, &header)
    }

    fn code(kind: &str, segments: &str) -> &'static str {
        read(kind, segments).expect_err(segments).code
    }

    fn posted(kind: &str, segments: &str) -> Document {
        match read(kind, segments).expect("can be used") {
            Request::Post(document) => *document,
            other => panic!("{other:?}"),
        }
    }

    const PATIENT: &str = "PID|1||4711^^^NORTH^MR~9||Roe^Jane^Q||19500228|F\r\
        PV1|1|I|ICU^2^1^SOUTH||||||||||||||||V-9&x|||||||||||||||||||||||||20260501|20260506";
    const TXA: &str = "TXA|1|DS|TX|20260503||20260504||20260504|77^Wu^Ann^B|||D-1^EHR|D-0^EHR|||||R";

    #[test]
    fn a_document() {
        let document = posted("MDM^T02^MDM_T02", &format!("{PATIENT}\r{TXA}\rOBX|1|TX|||Gout.~Asthma."));
        let patient = Patient {
            id: "4711".to_owned(),
            system: Some("NORTH".to_owned()),
            name: Some("Roe, Jane Q".to_owned()),
            birth_date: Some(date(1950, 2, 28)),
            sex: Some("female".to_owned()),
        };
        let some = |word: &str| Some(word.to_owned());
        let note = NewNote {
            text: "Gout.\nAsthma.".to_owned(),
            external_id: some("D-1"),
            versioned_at: Some("2026-05-04T15:15:00Z".parse().expect("an instant")),
            patient: Some(patient),
            encounter: some("V-9"),
            encounter_class: Some(EncounterClass::Inpatient),
            note_type: some("discharge_summary"),
            service_date: Some(date(2026, 5, 3)),
            discharge_date: Some(date(2026, 5, 6)),
            author: some("Wu, Ann B"),
            facility: some("SOUTH"),
            department: some("ICU"),
            confidentiality: Confidentiality::Restricted,
            ..NewNote::default()
        };
        assert!(document.note == note, "another note");
        assert_eq!(document.again, Again::Refused);
    }

    #[test]
    fn who_pays() {
        let with = |visit: &str, plan: &str| {
            let patient = format!("PID|1||4711^^^NORTH^MR\rPV1|1|I|ICU||||||||||||||||V-9|{visit}");
            posted("MDM^T02^MDM_T02", &format!("{patient}\r{plan}{TXA}\rOBX|1|TX|||Gout.")).note.payer_class
        };
        assert_eq!(with("", ""), None);
        assert_eq!(with("MEDICARE", ""), Some(PayerClass::Medicare));
        assert_eq!(with("P7", "IN1|1|PL1|C9|Blue Cross of Somewhere\r"), Some(PayerClass::Commercial));
        let plan = |kind: &str| format!("IN1|1|PL1|C9|Somebody|||||||||||{kind}\r");
        assert_eq!(with("MEDICARE", &plan("16")), Some(PayerClass::MedicareAdvantage), "the type of the plan says more");
        let two = format!("{}IN1|2|PL2|C8|Else|||||||||||MC\r", plan("CI"));
        assert_eq!(with("", &two), Some(PayerClass::Commercial), "the first plan pays first");
    }

    #[test]
    fn events_of_documents() {
        let whole = format!("{PATIENT}\r{TXA}\rOBX|1|TX|||Gout.");
        let parent = |relation| Some(RelatedNote { relation, external_id: "D-0".to_owned() });
        for (event, again, related) in [
            ("MDM^T01", Again::Refused, None),
            ("MDM^T04", Again::Next, None),
            ("MDM^T06", Again::Refused, parent(Relation::Appends)),
            ("MDM^T08", Again::Next, None),
            ("MDM^T10", Again::Refused, parent(Relation::Replaces)),
        ] {
            let document = posted(event, &whole);
            assert_eq!((document.again, document.note.related), (again, related), "{event}");
        }
        let at = "2026-05-04T15:15:00Z".parse().ok();
        let retracted = Ok(Request::Retract { external_id: "D-1".to_owned(), at });
        assert_eq!(read("MDM^T11", &format!("{PATIENT}\r{TXA}")), retracted);
        assert_eq!(read("MDM^T04", &format!("{PATIENT}\r{TXA}|CA\rOBX|1|TX|||Gout.")), retracted);
        for event in ["MDM^T01", "MDM^T03", "MDM^T09"] {
            assert_eq!(read(event, &format!("{PATIENT}\r{TXA}")), Ok(Request::Nothing), "{event}");
        }
    }

    #[test]
    fn a_report() {
        let order = "OBR|1|P-1|F-1|123^CT chest|||20260502|||||||||||||||20260503|||F|||||||77&Wu&Ann";
        let document = posted("ORU^R01", &format!("PID|1||7^^^A\rPV1|1|E\r{order}\rOBX|1|NM|||7\rOBX|2|TX|||Nodule."));
        let note = document.note;
        assert_eq!((note.external_id.as_deref(), note.note_type.as_deref()), (Some("F-1"), Some("CT chest")));
        assert_eq!((note.author.as_deref(), note.facility.as_deref()), (Some("Wu, Ann"), Some("NORTH")));
        assert_eq!((note.service_date, note.encounter_class), (Some(date(2026, 5, 2)), Some(EncounterClass::Emergency)));
        assert_eq!(document.again, Again::Next);
        let cancelled = order.replace("|F|", "|X|");
        let retracted = read("ORU^R01", &format!("PID|1||7\r{cancelled}")).expect("can be used");
        assert!(matches!(retracted, Request::Retract { external_id, .. } if external_id == "F-1"));
        assert_eq!(code("ORU^R01", &format!("PID|1||7\r{order}\rOBX|1|NM|||7")), "no_text");
    }

    #[test]
    fn patients() {
        let Ok(Request::UpdatePatient(patient)) = read("ADT^A08", "PID|1||~7^^^A||Roe^Jane||1950|U") else {
            panic!("not read")
        };
        assert_eq!((patient.id.as_str(), patient.name.as_deref(), patient.birth_date), ("7", Some("Roe, Jane"), None));
        assert_eq!(patient.sex.as_deref(), Some("unknown"));
        let merged = read("ADT^A40", "PID|1||7^^^A||Roe^Jane\rMRG|8^^^B\rPID|2||9\rMRG|10");
        let Ok(Request::MergePatients(merges)) = merged else { panic!("not read") };
        let numbers: Vec<_> = merges.iter().map(|merge| (merge.surviving.id.as_str(), merge.retired.id.as_str())).collect();
        assert_eq!(numbers, [("7", "8"), ("9", "10")]);
        assert_eq!(merges[0].retired.system.as_deref(), Some("B"));
    }

    #[test]
    fn what_cannot_be_used() {
        let whole = format!("{PATIENT}\r{TXA}\rOBX|1|TX|||Gout.");
        for (kind, segments, expected) in [
            ("MDM^T02", whole.replace("4711^^^NORTH^MR~9", ""), "missing_field"),
            ("MDM^T02", whole.replace("D-1^EHR", ""), "missing_field"),
            ("MDM^T06", whole.replace("D-0^EHR", ""), "missing_field"),
            ("MDM^T02", whole.replace("Gout.", " "), "no_text"),
            ("MDM^T99", whole.clone(), "unsupported_event"),
            ("ADT^A01", whole.clone(), "unsupported_event"),
            ("ADT^A40", PATIENT.to_owned(), "missing_field"),
            ("ADT^A40", "MRG|7".to_owned(), "missing_field"),
            ("ADT^A08", "PV1|1".to_owned(), "missing_field"),
            ("SIU^S12", whole, "unsupported_message"),
            ("", String::new(), "unsupported_message"),
        ] {
            assert_eq!(code(kind, &segments), expected, "{kind}");
        }
    }
}
