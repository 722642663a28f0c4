//! One row a drug: its home, inpatient and discharge lists, what holds at the end, and how the lists differ.

use crate::{
    domain::{
        Attributes, CodeRole, CodedEntry, EntryKind, Evidence, ListComparison, ListedMedication, MedicationList,
        MedicationStatus, ReconciledMedication, Span,
    },
    text::Document,
};

pattern!(
    DISCHARGED,
    r"(?i)\b(?:discharged (?:home |to home )?(?:on|with)|(?:sent|went|going|goes) home (?:on|with)|(?:on|at|upon) discharge|discharge (?:medications?|meds)|home with a prescription)\b"
);
pattern!(
    AT_HOME,
    r"(?i)\b(?:at home|home (?:medications?|meds|dose|regimen)|prior to admission|before admission|pre-?admission|PTA|as an outpatient|outpatient (?:medications?|meds))\b"
);
pattern!(
    IN_HOSPITAL,
    r"(?i)\b(?:in the (?:ED|ER|emergency (?:room|department)|hospital|operating room|OR|ICU|recovery room|field)|during (?:the|his|her) (?:hospitali[sz]ation|stay|admission|procedure)|intraoperatively|in hospital|en route|by EMS|while (?:inpatient|hospitali[sz]ed))\b"
);
pattern!(INPATIENT_TITLE, r"(?i)\b(?:inpatient|hospital|scheduled|infusions?|drips?|in-house)\b");

/// The list that a mention of a medication stands in: its section decides, else the words of its sentence; none for plans and talk.
pub(super) fn list_of(document: &Document, span: Span, status: MedicationStatus) -> Option<MedicationList> {
    let section = document.section_at(span);
    let kind = section.map_or("", |section| section.kind.as_str());
    let title = section.and_then(|section| section.title).map_or("", |title| title.of(&document.text));
    match kind {
        "discharge_medications" => return Some(MedicationList::Discharge),
        "medications" if INPATIENT_TITLE.is_match(title) => return Some(MedicationList::Inpatient),
        "home_medications" | "medications" => return Some(MedicationList::Home),
        "anesthesia" | "operative_description" | "procedures" => return Some(MedicationList::Inpatient),
        _ => {}
    }
    let near = span.around(&document.text, 400, 400);
    let sentence = document.sentence_at(span).map_or("", |sentence| {
        Span::new(sentence.span.start.max(near.start), sentence.span.end.min(near.end)).of(&document.text)
    });
    if DISCHARGED.is_match(sentence) && status == MedicationStatus::Active {
        Some(MedicationList::Discharge)
    } else if AT_HOME.is_match(sentence) {
        Some(MedicationList::Home)
    } else if status == MedicationStatus::Given || kind == "hospital_course" || IN_HOSPITAL.is_match(sentence) {
        Some(MedicationList::Inpatient)
    } else {
        None
    }
}

/// Rows for all medication entries that are not denied, in order of their first mention.
pub(super) fn reconcile(entries: &[CodedEntry]) -> Vec<ReconciledMedication> {
    let mut rows: Vec<(String, Vec<&CodedEntry>)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Medication) {
        let concept = concept(entry);
        match rows.iter_mut().find(|(known, _)| *known == concept) {
            Some((_, entries)) => entries.push(entry),
            None => rows.push((concept, vec![entry])),
        }
    }
    let has = |list| entries.iter().flat_map(|entry| &entry.evidence).any(|evidence| evidence.list == Some(list));
    let both = has(MedicationList::Home) && has(MedicationList::Discharge);
    rows.into_iter()
        .filter(|(_, entries)| entries.iter().any(|entry| entry.status != Some(MedicationStatus::Absent)))
        .map(|(_, entries)| row(&entries, both))
        .collect()
}

fn ingredients(entry: &CodedEntry) -> Vec<String> {
    entry.codes.iter().filter(|code| code.role == CodeRole::Ingredient).map(|code| code.code.clone()).collect()
}

fn concept(entry: &CodedEntry) -> String {
    let codes = ingredients(entry);
    if codes.is_empty() { crate::vocabulary::normalize_term(&entry.display) } else { codes.join("+") }
}

fn row(entries: &[&CodedEntry], both_lists: bool) -> ReconciledMedication {
    // in order of the text: the last word counts
    let mut mentions: Vec<&Evidence> = entries.iter().flat_map(|entry| &entry.evidence).collect();
    mentions.sort_by_key(|evidence| evidence.start);
    let lists: Vec<ListedMedication> = MedicationList::ALL
        .into_iter()
        .map(Some)
        .chain([None])
        .filter_map(|list| {
            let of_list: Vec<&Evidence> = mentions.iter().copied().filter(|evidence| evidence.list == list).collect();
            let last = of_list.last()?;
            let mut attributes = Attributes::default();
            for evidence in of_list.iter().rev() {
                attributes.fill_from(&evidence.attributes);
            }
            let status = last.status.unwrap_or(MedicationStatus::Active);
            Some(ListedMedication { list, status, attributes, mentions: of_list.len() })
        })
        .collect();
    let of = |wanted| lists.iter().find(|listed| listed.list == Some(wanted));
    let said = |wanted: &[MedicationStatus]| {
        mentions.iter().rev().filter_map(|evidence| evidence.status).find(|status| wanted.contains(status))
    };
    let status = of(MedicationList::Discharge)
        .map(|listed| listed.status)
        .or_else(|| said(&[MedicationStatus::Active, MedicationStatus::Discontinued]))
        .or_else(|| said(&[MedicationStatus::Given]))
        .or_else(|| said(&[MedicationStatus::Hypothetical]))
        .unwrap_or(MedicationStatus::Absent);
    let change = mentions.iter().rev().find_map(|evidence| {
        evidence.attributes.change.as_ref().and_then(|change| change.value.as_ref()?.as_str().map(str::to_owned))
    });
    let comparison = both_lists.then(|| compare(of(MedicationList::Home), of(MedicationList::Discharge))).flatten();
    ReconciledMedication {
        display: entries.first().map(|entry| entry.display.clone()).unwrap_or_default(),
        ingredients: entries.first().map(|entry| ingredients(entry)).unwrap_or_default(),
        status,
        change,
        comparison,
        lists,
        entries: entries.iter().map(|entry| entry.id.clone()).collect(),
    }
}

fn compare(home: Option<&ListedMedication>, discharge: Option<&ListedMedication>) -> Option<ListComparison> {
    match (home, discharge) {
        (Some(home), Some(discharge)) => {
            let same = same_directions(&home.attributes, &discharge.attributes);
            Some(if same { ListComparison::Unchanged } else { ListComparison::Changed })
        }
        (None, Some(_)) => Some(ListComparison::New),
        (Some(_), None) => Some(ListComparison::NotOnDischargeList),
        (None, None) => None,
    }
}

/// Whether strength, dose, frequency and route are the same as far as both lists say them.
fn same_directions(one: &Attributes, other: &Attributes) -> bool {
    [(&one.strength, &other.strength), (&one.dose, &other.dose), (&one.frequency, &other.frequency), (&one.route, &other.route)]
        .into_iter()
        .all(|(one, other)| match (one, other) {
            (Some(one), Some(other)) => match (&one.value, &other.value) {
                (Some(one), Some(other)) => one == other,
                _ => one.text.eq_ignore_ascii_case(&other.text),
            },
            _ => true,
        })
}
