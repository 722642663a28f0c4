//! How an entry is shown: its codes, why, the words it rests on, what was decided, and what can be.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::words;
use crate::{
    domain::{
        Attributes, ChangeKind, CodeCandidate, CodeRole, DecisionKind, Designation, DiagnosisRole, EntryKind, EntryState,
        Evidence, NotReportable, PresentOnAdmission, ReviewEntry, Tally,
    },
    pipeline::{Pipeline, one_line, sig},
    review::{engine_probability, reliability},
    service::SiteReasons,
    vocabulary::{Edition, Vocabulary},
};

/// Places of evidence shown before the rest is folded away.
const PLACES_SHOWN: usize = 3;

/// A code.
#[derive(Debug, Clone, Default)]
pub(super) struct CodeView {
    /// Its place among the entry's codes, for choosing it.
    pub index: usize,
    /// The code.
    pub code: String,
    /// Its system's short name.
    pub system: String,
    /// Whether the code book has it.
    pub in_book: bool,
    /// Its title.
    pub title: String,
    /// What it says of the entry, when that is more than "the code".
    pub role: Option<&'static str>,
    /// Why it was proposed.
    pub why: String,
    /// In percent.
    pub score: String,
    /// Codes that must stand beside it, with titles.
    pub with: Vec<String>,
}

/// Words the entry rests on.
#[derive(Debug, Clone, Default)]
pub(super) struct PlaceView {
    /// Where they are highlighted.
    pub anchor: String,
    /// The words.
    pub quote: String,
    /// Section and note.
    pub place: String,
    /// The words around that decided assertion or status.
    pub cues: String,
    /// Who found it and how surely.
    pub sources: String,
}

/// A choice of a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    /// Word of the contract.
    pub value: &'static str,
    /// Word for the coder.
    pub label: &'static str,
    /// Whether it is what holds now.
    pub current: bool,
}

/// An entry.
#[derive(Debug, Clone, Default)]
pub(super) struct EntryView {
    /// Its id.
    pub id: Uuid,
    /// `diagnosis` and so on, for its look.
    pub kind: &'static str,
    /// Its name.
    pub display: String,
    /// The note's own words for it.
    pub words: String,
    /// Assertion or status in words.
    pub context: Option<&'static str>,
    /// State.
    pub state: &'static str,
    /// The same in words.
    pub state_text: &'static str,
    /// Whether it must be decided.
    pub undecided: bool,
    /// The codes.
    pub codes: Vec<CodeView>,
    /// Other codes to choose from.
    pub alternatives: Vec<CodeView>,
    /// Probability of the first code, in percent.
    pub confidence: Option<String>,
    /// What reporting the code meets; none where the question does not arise.
    pub reporting: Option<String>,
    /// Whether the code may be reported.
    pub reportable: bool,
    /// Questions to the coder.
    pub prompts: Vec<String>,
    /// Codes that answer them, with their titles: a digit takes one.
    pub choices: Vec<(String, String)>,
    /// Strength, route, reactions...: label and words.
    pub attributes: Vec<(&'static str, String)>,
    /// The words it rests on.
    pub places: Vec<PlaceView>,
    /// The rest of them.
    pub more_places: Vec<PlaceView>,
    /// What was decided before the notes changed.
    pub changed: Option<String>,
    /// Whether no note says it any more: there is nothing to accept.
    pub is_gone: bool,
    /// What was decided, oldest first.
    pub decisions: Vec<String>,
    /// Assertions or statuses to choose from.
    pub contexts: Vec<Choice>,
    /// Code systems to type a code of.
    pub systems: Vec<Choice>,
    /// Directions of a medication in one line.
    pub directions: Option<String>,
    /// Reactions to an allergen, with semicolons between.
    pub reactions: Option<String>,
    /// Severities to choose from: word, label, and whether it is what holds now.
    pub severities: Vec<(String, String, bool)>,
    /// Types of allergy to choose from.
    pub types: Vec<Choice>,
    /// What the diagnosis is to the encounter, in words; empty where nobody said.
    pub designated: String,
    /// Roles to choose from; empty where the diagnosis has none.
    pub roles: Vec<Choice>,
    /// Present-on-admission indicators to choose from; empty where there is none to give.
    pub present: Vec<Choice>,
    /// Its place among the secondary diagnoses.
    pub sequence: String,
    /// What payment makes of its first code.
    pub marks: Vec<String>,
    /// How suggestions like it ended so far.
    pub tally: Option<String>,
    /// Whether the user hid it.
    pub is_hidden: bool,
    /// Whether it can be accepted, amended and rejected now.
    pub can_decide: bool,
    /// Whether it can be accepted as it is.
    pub can_accept: bool,
    /// Whether its forms come when they are asked for: on the page of an encounter with many entries.
    pub later: bool,
    /// Whether a decision stands that can be taken back.
    pub can_withdraw: bool,
}

/// Where the highlighted words of an entry stand: one name for the link and the place.
pub(super) fn anchor(entry: usize, place: usize) -> String {
    format!("w{entry}-{place}")
}

/// What the entries of one item are shown with.
pub(super) struct EntryViews<'a> {
    /// What finds more specific codes.
    pub pipeline: &'a Pipeline,
    /// Titles of codes.
    pub vocabulary: &'a Vocabulary,
    /// The edition of the item's day, whose titles go first.
    pub edition: &'a Edition,
    /// What each note is called.
    pub note_labels: HashMap<Uuid, String>,
    /// Whether the user may decide now.
    pub held: bool,
    /// Whether forms come when they are asked for.
    pub later: bool,
    /// Whether the encounter is a stay, whose diagnoses tell whether they were present on admission.
    pub inpatient: bool,
    /// How suggestions like an entry's ended so far.
    pub tallies: &'a HashMap<Uuid, Tally>,
    /// How often coders took or refused a candidate for its words.
    pub candidates: &'a HashMap<(Uuid, usize), Tally>,
    /// What coders read for the words of reasons.
    pub reasons: &'a SiteReasons,
    /// The zone of the times.
    pub zone: &'a TimeZone,
}

/// Whether an entry is shown at once: what was decided or changed, what is asked or alerted about, and what is sure enough: by the engine, and by
/// what coders made of suggestions like it.
pub(super) fn is_shown((entry, tally): (&ReviewEntry, Option<&Tally>), from: f32) -> bool {
    if entry.state != EntryState::Suggested || entry.changed.is_some() {
        return true;
    }
    // an allergy that is missed harms
    matches!(entry.kind, EntryKind::Allergy | EntryKind::NoKnownAllergies)
        || reliability(entry, tally).or_else(|| engine_probability(entry)).is_some_and(|known| known >= from)
}

impl EntryViews<'_> {
    /// The view of the entry at this place in its item.
    pub(super) fn view(&self, at: usize, entry: &ReviewEntry) -> EntryView {
        let of_coder = matches!(entry.state, EntryState::Amended | EntryState::Added | EntryState::Withdrawn);
        let (codes, alternatives) = entry
            .codes
            .iter()
            .enumerate()
            .map(|(index, code)| {
                (self.code((entry.id, index), code), of_coder || index == 0 || stands_beside(entry.kind, code))
            })
            .partition::<Vec<_>, _>(|(_, main)| *main);
        let mut alternatives: Vec<(CodeView, bool)> = alternatives;
        // what coders took for these words before comes first; without experience the order is the engine's
        let likely = |view: &CodeView| {
            let known = self.candidates.get(&(entry.id, view.index)).copied().unwrap_or_default();
            entry.codes.get(view.index).map_or(0.0, |code| known.reliability(code.score))
        };
        alternatives.sort_by(|(one, _), (other, _)| likely(other).total_cmp(&likely(one)));
        let all_places = entry.evidence.iter().enumerate().map(|(place, (note, evidence))| PlaceView {
            anchor: anchor(at, place),
            quote: evidence.text.clone(),
            place: self.place(*note, evidence),
            cues: evidence.cues.iter().map(|cue| format!("“{}”", cue.text)).collect::<Vec<_>>().join(", "),
            sources: format!("{} · {}", evidence.sources.join(", "), percent(evidence.confidence)),
        });
        let mut places: Vec<PlaceView> = all_places.collect();
        let more_places = places.split_off(places.len().min(PLACES_SHOWN));
        EntryView {
            id: entry.id,
            kind: entry.kind.as_str(),
            display: entry.display.clone(),
            words: entry.evidence.first().map_or_else(|| entry.display.clone(), |(_, one)| one.text.clone()),
            context: context(entry),
            state: entry.state.as_str(),
            state_text: words::entry_state(entry.state),
            undecided: entry.needs_decision(),
            codes: codes.into_iter().map(|(code, _)| code).collect(),
            alternatives: alternatives.into_iter().map(|(code, _)| code).collect(),
            confidence: entry.confidence.filter(|_| !of_coder).map(percent),
            reporting: reporting(entry),
            reportable: entry.reportable,
            // that the code is not determined is said where the code would stand
            prompts: entry
                .prompts
                .iter()
                .filter(|prompt| prompt.kind != "code_not_determined")
                .map(|prompt| prompt.message.clone())
                .collect(),
            choices: self.choices(entry),
            attributes: attributes(&entry.attributes),
            places,
            more_places,
            changed: entry.changed.as_ref().map(words::change),
            is_gone: entry.changed.as_ref().is_some_and(|change| change.what == ChangeKind::EvidenceGone),
            decisions: entry
                .decisions
                .iter()
                .map(|one| {
                    format!("{} · {} · {}", decision(&one.kind, self.reasons), one.user_name, words::moment(one.at, self.zone))
                })
                .collect(),
            contexts: contexts(entry),
            systems: systems(entry.kind),
            directions: (entry.kind == EntryKind::Medication).then(|| sig(&entry.attributes)),
            reactions: (entry.kind == EntryKind::Allergy).then(|| reactions(&entry.attributes)),
            severities: severities(entry),
            types: ["allergy", "intolerance"]
                .map(|word| Choice {
                    value: word,
                    label: words::of_allergy(word),
                    current: entry.attributes.allergy_type.as_deref() == Some(word),
                })
                .into(),
            designated: designated(entry),
            roles: self.roles(entry),
            present: self.present(entry),
            sequence: entry.designation.sequence.map_or_else(String::new, |place| place.to_string()),
            marks: entry
                .codes
                .first()
                .filter(|code| entry.kind == EntryKind::Diagnosis && code.system == crate::domain::system::ICD10CM)
                .map(|code| marks_of((self.vocabulary, self.edition), &code.code))
                .unwrap_or_default(),
            is_hidden: false,
            tally: self.tallies.get(&entry.id).map(|tally| words::tally(*tally)),
            can_decide: self.held,
            can_accept: self.held
                && entry.changed.as_ref().is_none_or(|change| change.what != ChangeKind::EvidenceGone)
                && matches!(entry.state, EntryState::Suggested | EntryState::Rejected),
            later: self.later,
            can_withdraw: self.held
                && (entry.changed.is_some() || !matches!(entry.state, EntryState::Suggested | EntryState::Withdrawn)),
        }
    }

    fn choices(&self, entry: &ReviewEntry) -> Vec<(String, String)> {
        let stands = !matches!(entry.state, EntryState::Rejected | EntryState::Withdrawn);
        let first = entry.codes.first().filter(|code| code.system == crate::domain::system::ICD10CM);
        let Some(first) = first.filter(|_| self.held && stands && entry.kind == EntryKind::Diagnosis && entry.reportable)
        else {
            return Vec::new();
        };
        let titled = |code: String| (title((self.vocabulary, self.edition), &code).to_owned(), code);
        let found = self.pipeline.more_specific(&self.edition.codes, &first.code).into_iter();
        found.map(titled).map(|(title, code)| (code, title)).collect()
    }

    fn is_designated(&self, entry: &ReviewEntry) -> bool {
        let stands = !matches!(entry.state, EntryState::Rejected | EntryState::Withdrawn);
        self.held && stands && entry.kind == EntryKind::Diagnosis && entry.reportable
    }

    fn roles(&self, entry: &ReviewEntry) -> Vec<Choice> {
        if !self.is_designated(entry) {
            return Vec::new();
        }
        let of = |role: DiagnosisRole| Choice {
            value: role.as_str(),
            label: words::diagnosis_role(role),
            current: entry.designation.role == Some(role),
        };
        DiagnosisRole::ALL.map(of).into()
    }

    fn present(&self, entry: &ReviewEntry) -> Vec<Choice> {
        if !self.is_designated(entry) || !self.inpatient {
            return Vec::new();
        }
        let exempt = entry.codes.first().is_some_and(|code| self.vocabulary.lists.is_exempt(&code.code));
        let of = |present: PresentOnAdmission| Choice {
            value: present.as_str(),
            label: words::present_on_admission(present),
            current: entry.designation.present_on_admission == Some(present),
        };
        // what the list says comes first; a coder who knows better still says otherwise
        let (first, rest): (Vec<_>, Vec<_>) =
            PresentOnAdmission::ALL.into_iter().partition(|present| exempt && *present == PresentOnAdmission::Exempt);
        first.into_iter().chain(rest).map(of).collect()
    }

    fn code(&self, (entry, index): (Uuid, usize), code: &CodeCandidate) -> CodeView {
        let titled = |code: &String| format!("{code} {}", title((self.vocabulary, self.edition), code));
        CodeView {
            index,
            code: code.code.clone(),
            system: words::system_name(&code.system).to_owned(),
            in_book: code.system == crate::domain::system::ICD10CM && self.vocabulary.codes().lookup(&code.code).is_some(),
            title: code.display.clone(),
            role: words::role(code.role),
            why: match self.candidates.get(&(entry, index)) {
                // of the first one the entry itself tells
                Some(tally) if index > 0 => format!("{} · {}", code.why, words::tally(*tally)),
                _ => code.why.clone(),
            },
            score: percent(code.score),
            // the other ingredients of a combination stand in the list themselves
            with: if code.role == CodeRole::Code { code.with.iter().map(titled).collect() } else { Vec::new() },
        }
    }

    fn place(&self, note: Uuid, evidence: &Evidence) -> String {
        let list = evidence.list.map_or(String::new(), |list| format!("{}, ", words::list(list)));
        let boilerplate = evidence.boilerplate.map_or(String::new(), |kind| format!(" · {}", words::boilerplate(kind)));
        let section = match evidence.section.as_str() {
            "unspecified" | "other" => String::new(),
            section => format!("{}, ", words::spaced(section)),
        };
        format!("{list}{section}{}{boilerplate}", self.note_labels.get(&note).map_or("", String::as_str))
    }
}

/// What payment makes of a code: condition categories of the risk models, complications where the lists are loaded.
pub(super) fn marks_of((vocabulary, edition): (&Vocabulary, &Edition), code: &str) -> Vec<String> {
    let mut marks = Vec::new();
    if let Some((v24, v28)) = edition.notes.categories(code) {
        let one = |version: &str, category: &str| {
            (!category.is_empty()).then(|| text!("entry-hcc", category = category, version = version))
        };
        marks.extend([one("V28", v28), one("V24", v24)].into_iter().flatten());
    }
    marks.extend(vocabulary.lists.complication(code).map(str::to_owned));
    marks
}

fn designated(entry: &ReviewEntry) -> String {
    let Designation { role, present_on_admission, sequence } = entry.designation;
    let said = [
        role.map(|role| words::diagnosis_role(role).to_owned()),
        present_on_admission.map(|present| text!("item-poa", letter = present.letter())),
        sequence.map(|place| text!("entry-number", number = place)),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn reactions(attributes: &Attributes) -> String {
    attributes.reactions.iter().map(|one| one_line(&one.text)).collect::<Vec<_>>().join("; ")
}

/// Severities to choose from, and what the note says where it says it otherwise.
fn severities(entry: &ReviewEntry) -> Vec<(String, String, bool)> {
    let now = entry.attributes.severity.as_ref().map(|one| one_line(&one.text));
    let is_now = |word: &str| now.as_deref().is_some_and(|now| now.eq_ignore_ascii_case(word));
    let usual = ["mild", "moderate", "severe"];
    let other = now.clone().filter(|now| !usual.iter().any(|word| now.eq_ignore_ascii_case(word)));
    let usual = usual.map(|word| (word.to_owned(), words::of_allergy(word).to_owned(), is_now(word)));
    usual.into_iter().chain(other.map(|word| (word.clone(), word, true))).collect()
}

/// The words of an entry's assertion or status.
pub(super) fn context(entry: &ReviewEntry) -> Option<&'static str> {
    entry.assertion.map(words::assertion).or(entry.status.map(words::status))
}

/// The title of a code in an edition, or in the newest that has it.
pub(super) fn title<'a>((vocabulary, edition): (&'a Vocabulary, &'a Edition), code: &'a str) -> &'a str {
    edition.codes.lookup(code).map_or_else(|| vocabulary.title(code), |found| found.title.as_str())
}

/// Codes that belong to the entry together with the first one, rather than instead of it.
fn stands_beside(kind: EntryKind, code: &CodeCandidate) -> bool {
    match code.role {
        CodeRole::Ingredient | CodeRole::AllergyStatus => true,
        CodeRole::ClinicalDrug => kind == EntryKind::Medication && code.rank <= 2,
        CodeRole::Code | CodeRole::Class => false,
    }
}

fn percent(probability: f32) -> String {
    format!("{:.0} %", probability * 100.0)
}

/// Whether the code may be reported; for what is no diagnosis only when there is something to say.
fn reporting(entry: &ReviewEntry) -> Option<String> {
    if matches!(entry.state, EntryState::Rejected | EntryState::Withdrawn) {
        return None;
    }
    match entry.not_reportable_because {
        None if entry.reportable => Some(text!("entry-reportable").to_owned()),
        Some(NotReportable::NotADiagnosis | NotReportable::CodeNotDetermined) | None => None,
        Some(reason) => Some(text!("entry-not-reportable", reason = words::not_reportable(reason))),
    }
}

fn attributes(attributes: &Attributes) -> Vec<(&'static str, String)> {
    let Attributes { strength, dose, form, route, frequency, duration, prn, indication, change, reactions, severity, .. } =
        attributes;
    let one = [
        (text!("attribute-strength"), strength),
        (text!("attribute-dose"), dose),
        (text!("attribute-form"), form),
        (text!("attribute-route"), route),
        (text!("attribute-frequency"), frequency),
        (text!("attribute-duration"), duration),
        (text!("attribute-for"), indication),
        (text!("attribute-severity"), severity),
    ];
    let mut out: Vec<(&'static str, String)> =
        one.into_iter().filter_map(|(label, value)| Some((label, value.as_ref()?.text.clone()))).collect();
    if let Some(total) = attributes.total_daily_dose.as_ref().and_then(|total| total.value.as_ref()) {
        out.push((text!("attribute-a-day"), quantity(total)));
    }
    for (label, count) in
        [(text!("attribute-dispense"), &attributes.quantity), (text!("attribute-refills"), &attributes.refills)]
    {
        if let Some(count) = count {
            out.push((label, count.text.clone()));
        }
    }
    if let Some(steps) =
        attributes.dosage.as_ref().and_then(|dosage| dosage.value.as_ref()?.as_array()).filter(|steps| steps.len() > 1)
    {
        let steps: Vec<&str> = steps.iter().filter_map(|step| step["text"].as_str()).collect();
        out.push((text!("attribute-steps"), steps.join("; ")));
    }
    if let Some(rest) = &attributes.not_understood {
        out.push((text!("attribute-not-understood"), format!("“{}”", rest.text)));
    }
    if let Some(name) = change.as_ref().and_then(|change| change.value.as_ref()?.as_str()) {
        out.push((text!("attribute-change"), words::medication_change(name).to_owned()));
    }
    if let Some(flag) = prn {
        out.push((text!("attribute-as-needed"), flag.text.clone()));
    }
    if !reactions.is_empty() {
        let all: Vec<&str> = reactions.iter().map(|reaction| reaction.text.as_str()).collect();
        out.push((text!("attribute-reaction"), all.join(", ")));
    }
    if let Some(allergy_type) = &attributes.allergy_type {
        out.push((text!("attribute-type"), words::of_allergy(allergy_type).to_owned()));
    }
    if let Some(criticality) = &attributes.criticality {
        out.push((text!("attribute-criticality"), words::of_allergy(criticality).to_owned()));
    }
    out
}

/// "4000 mg", "30-40 mg"; units by their word.
fn quantity(value: &serde_json::Value) -> String {
    let unit = value["unit"].as_str().unwrap_or_default();
    let unit = match unit {
        "[iU]" => text!("attribute-units"),
        "[drp]" => text!("attribute-drops"),
        "ug" => "mcg",
        other => other.trim_matches(['{', '}']),
    };
    match (&value["value"], &value["low"], &value["high"]) {
        (serde_json::Value::Number(one), ..) => format!("{one} {unit}"),
        (_, low, high) => format!("{low}-{high} {unit}"),
    }
}

/// A decision in words.
pub(super) fn decision(kind: &DecisionKind, reasons: &SiteReasons) -> String {
    let with_comment = |mut words: String, comment: &Option<String>| {
        if let Some(comment) = comment {
            words = text!("decision-comment", decision = words, comment = comment);
        }
        words
    };
    match kind {
        DecisionKind::Accept { bulk: false } => text!("decision-accepted").to_owned(),
        DecisionKind::Accept { bulk: true } => text!("decision-accepted-together").to_owned(),
        DecisionKind::Reject { reason, comment } => {
            with_comment(text!("decision-rejected", reason = reasons.label(reason)), comment)
        }
        DecisionKind::Designate { role, present_on_admission, sequence } => {
            let said = [
                role.map(|role| text!("decision-role", role = words::diagnosis_role(role))),
                present_on_admission.map(|present| text!("decision-present", letter = present.letter())),
                sequence.map(|sequence| text!("decision-place", number = sequence)),
            ];
            said.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        DecisionKind::Amend { codes, assertion, status, attributes: changed, comment } => {
            let mut changes: Vec<String> = codes.iter().map(|code| code.code.clone()).collect();
            changes.extend(assertion.map(|assertion| words::assertion(assertion).to_owned()));
            changes.extend(status.map(|status| words::status(status).to_owned()));
            changes.extend(
                changed.iter().flat_map(|changed| attributes(changed)).map(|(label, value)| format!("{label} {value}")),
            );
            with_comment(text!("decision-amended", changes = changes.join(", ")), comment)
        }
        DecisionKind::Add { comment, .. } => with_comment(text!("decision-added").to_owned(), comment),
        DecisionKind::Withdraw {} => text!("decision-withdrawn").to_owned(),
    }
}

/// Assertions or statuses that fit the kind.
fn contexts(entry: &ReviewEntry) -> Vec<Choice> {
    match entry.kind {
        EntryKind::Diagnosis | EntryKind::Allergy => words::ASSERTIONS
            .into_iter()
            .map(|one| Choice { value: one.as_str(), label: words::assertion(one), current: entry.assertion == Some(one) })
            .collect(),
        EntryKind::Medication => words::STATUSES
            .into_iter()
            .map(|one| Choice { value: one.as_str(), label: words::status(one), current: entry.status == Some(one) })
            .collect(),
        EntryKind::NoKnownAllergies => Vec::new(),
    }
}

/// The code systems, the kind's own chosen.
pub(super) fn systems(kind: EntryKind) -> Vec<Choice> {
    use crate::domain::system::{ICD10CM, RXNORM, SNOMED};
    let home = words::home_system(kind);
    [(ICD10CM, "ICD-10-CM"), (RXNORM, "RxNorm"), (SNOMED, "SNOMED CT")]
        .map(|(value, label)| Choice { value, label, current: value == home })
        .into()
}
