//! `/second-reviews`: finished encounters that a lead looks at again, and the auditor's worksheet of one.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    change::{Answer, filled},
    entry::{decision, marks_of, title},
    item_view::{NoteView, Seen, notes_of},
    notice::{self, Notice},
    queries::note_label,
    session::{Posted, Session},
    shell::{Refusal, Shell, missing, page},
    words,
};
use crate::{
    auth::Permission,
    domain::{Agreement, CodingError, Evidence, Role, SecondReview, User, Verdict, Worksheet, WorksheetLine, system},
    review::{assigned_codes, code_day},
    service::{DecideError, MOST_OF_SAMPLE, SampleAsked, Service},
};

/// Quotations that a line of the worksheet shows.
const QUOTES: usize = 3;

/// A review in a list.
#[derive(Debug, Clone)]
pub(super) struct ReviewRow {
    /// Its id.
    pub id: Uuid,
    /// Who finished the encounter; not said where the reviewer is not to know.
    pub coder: String,
    /// Since when it waits, or when it was done.
    pub when: String,
    /// Who reviewed it.
    pub reviewer: String,
    /// What came of it.
    pub result: String,
    /// Whether it is blinded.
    pub blinded: bool,
}

/// The lists.
#[derive(Template)]
#[template(path = "second_reviews.html")]
pub(super) struct ReviewsPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// Those that wait.
    pub waiting: Vec<ReviewRow>,
    /// Those that are done.
    pub done: Vec<ReviewRow>,
    /// How far coders and reviewers agree, over what is listed as done.
    pub overall: Option<String>,
    /// Whose encounters may be drawn.
    pub coders: Vec<String>,
}

/// A code of the worksheet.
#[derive(Debug, Clone)]
pub(super) struct LineView {
    /// The code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// `principal` or `admitting`, and the indicator of presence on admission.
    pub designated: String,
    /// What payment makes of it.
    pub marks: Vec<String>,
    /// The words that it rests on, with their notes.
    pub quotes: Vec<String>,
    /// What was decided on it.
    pub decided: Vec<String>,
    /// What was said of it, once it was.
    pub verdict: &'static str,
    /// The code that should stand instead, and the comment.
    pub told: String,
}

/// The worksheet.
#[derive(Template)]
#[template(path = "second_review.html")]
pub(super) struct WorksheetPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The review.
    pub id: Uuid,
    /// The item.
    pub item: Uuid,
    /// The patient.
    pub patient: String,
    /// Whether the reviewer codes without seeing what the coder chose.
    pub blinded: bool,
    /// Who finished it.
    pub coder: String,
    /// Whether the user may fill it in.
    pub can_review: bool,
    /// The codes.
    pub lines: Vec<LineView>,
    /// What kind of error a wrong code can be.
    pub errors: Vec<(&'static str, &'static str)>,
    /// What came of it.
    pub result: Option<String>,
    /// What the reviewer said on the whole.
    pub comment: Option<String>,
    /// The notes.
    pub notes: Vec<NoteView>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
    /// How many encounters were drawn.
    drawn: Option<u32>,
}

/// An agreement in words.
pub(super) fn told(agreement: Agreement) -> String {
    let Agreement { agreed, codes, errors } = agreement;
    text!("reviews-agreement", agreed = agreed, codes = codes, percent = agreement.percent(), errors = errors)
}

/// `GET /second-reviews`
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::SecondReview)?;
    let now = service.surroundings.now();
    let row = |review: SecondReview| ReviewRow {
        id: review.id,
        coder: if review.blinded && review.reviewed.is_none() { String::new() } else { review.coder.1 },
        when: match &review.reviewed {
            Some((_, at)) => words::moment(*at, &service.time_zone),
            None => words::age(review.drawn_at, now),
        },
        reviewer: review.reviewed.map(|(name, _)| name).unwrap_or_default(),
        result: review.worksheet.map(|sheet| told(sheet.agreement())).unwrap_or_default(),
        blinded: review.blinded,
    };
    let waiting = service.second_reviews(user, true).await?.into_iter().map(row).collect();
    let done = service.second_reviews(user, false).await?;
    let all = done
        .iter()
        .filter_map(|review| review.worksheet.as_ref())
        .map(Worksheet::agreement)
        .fold(Agreement::default(), Agreement::with);
    let works = |one: &User| matches!(one.role, Role::Coder | Role::Lead) && one.id != user.id;
    let coders = service.store.users().await?.into_iter().filter(works).map(|one| one.name).collect();
    let drawn =
        address.drawn.map(|drawn| Notice { is_problem: drawn == 0, text: text!("reviews-drawn", count = drawn).into() });
    let view = ReviewsPage {
        shell: Shell::of(&session),
        notice: drawn.or_else(|| notice::lookup(address.notice.as_deref(), address.problem.as_deref())),
        coders,
        waiting,
        overall: (!done.is_empty()).then(|| told(all)),
        done: done.into_iter().map(row).collect(),
    };
    Ok(page(StatusCode::OK, &view))
}

/// The form of a sample.
#[derive(Deserialize)]
pub(super) struct SampleForm {
    count: String,
    #[serde(default)]
    coder: String,
    #[serde(default)]
    code: String,
    days: String,
    /// Not empty: the reviewer codes them without seeing what the coder chose.
    #[serde(default)]
    blinded: String,
}

/// `POST /second-reviews`: draws a sample of what was finished.
pub(super) async fn draw(State(service): State<Arc<Service>>, Posted { session, form, .. }: Posted<SampleForm>) -> Answer {
    let user = session.may(Permission::SecondReview)?;
    let within = |text: &str, most: u32| text.trim().parse::<u32>().ok().filter(|number| (1..=most).contains(number));
    let (Some(count), Some(days)) = (within(&form.count, MOST_OF_SAMPLE), within(&form.days, 3_650)) else {
        return Ok(Redirect::to("/second-reviews?problem=sample").into_response());
    };
    let coder = match filled(&form.coder) {
        None => None,
        Some(name) => match service.store.user_named(&name).await? {
            Some(found) => Some(found.id),
            None => return Ok(Redirect::to("/second-reviews?problem=sample").into_response()),
        },
    };
    let code = filled(&form.code).map(|code| words::tidy_code(system::ICD10CM, &code));
    let asked = SampleAsked { count, coder, code, days, blinded: !form.blinded.is_empty() };
    let drawn = service.draw_sample(user, &asked).await?;
    Ok(Redirect::to(&format!("/second-reviews?drawn={drawn}")).into_response())
}

/// `GET /second-reviews/{id}`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Path(id): Path<Uuid>,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::SecondReview)?;
    let reviewed = service.second_review(user, id).await?.ok_or_else(|| missing(&session))?;
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let (edition, _) = vocabulary.editions.on(code_day(&reviewed.item.record));
    let review = &reviewed.review;
    let titled = |code: &str| title((vocabulary, edition), code).to_owned();
    let assigned = assigned_codes(&reviewed.item.entries);
    let designated = |code: &str| {
        let of = assigned.iter().find(|one| one.code == code).map(|one| one.designation).unwrap_or_default();
        let present = of.present_on_admission.map(|present| text!("item-poa", letter = present.letter()));
        [of.role.map(|role| words::diagnosis_role(role).to_owned()), present]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    };
    let reasons = service.site_reasons().await?;
    let entries = &reviewed.item.entries;
    let line = |code: &str, verdict: &'static str, told: String| {
        let entry =
            assigned.iter().find(|one| one.code == code).and_then(|one| entries.iter().find(|entry| entry.id == one.entry));
        let quote =
            |(note, evidence): &(Uuid, Evidence)| format!("“{}” {}", evidence.text, note_label(&reviewed.item.record, *note));
        LineView {
            title: titled(code),
            designated: designated(code),
            marks: marks_of((vocabulary, edition), code),
            quotes: entry.map(|entry| entry.evidence.iter().take(QUOTES).map(quote).collect()).unwrap_or_default(),
            decided: entry
                .map(|entry| {
                    entry.decisions.iter().map(|one| format!("{} · {}", decision(&one.kind, &reasons), one.user_name)).collect()
                })
                .unwrap_or_default(),
            verdict,
            told,
            code: code.to_owned(),
        }
    };
    let lines = match &review.worksheet {
        Some(sheet) => sheet
            .lines
            .iter()
            .map(|found| {
                let parts = [
                    found.error.map(|error| words::coding_error(error).to_owned()),
                    found.instead.as_ref().map(|code| text!("review-instead", code = format!("{code} {}", titled(code)))),
                    found.comment.clone(),
                ];
                let told = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
                line(&found.code, words::verdict(found.verdict), told)
            })
            .collect(),
        None if review.blinded => Vec::new(),
        None => assigned.iter().map(|one| line(one.code, "", String::new())).collect(),
    };
    let patient = reviewed.item.record.item.patient.as_ref();
    let waits = review.worksheet.is_none();
    let view = WorksheetPage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        id,
        item: review.item_id,
        patient: patient.map_or_else(String::new, words::patient),
        blinded: review.blinded,
        coder: if review.blinded && waits { String::new() } else { review.coder.1.clone() },
        can_review: waits && !reviewed.is_own && reviewed.is_current,
        lines,
        errors: CodingError::ALL.map(|error| (error.as_str(), words::coding_error(error))).into(),
        result: review.worksheet.as_ref().map(|sheet| told(sheet.agreement())),
        comment: review.worksheet.as_ref().and_then(|sheet| sheet.comment.clone()),
        notes: notes_of(&reviewed.item, Seen { pipeline: &pipeline, user: user.id, zone: &service.time_zone, kept: None }),
    };
    Ok(page(StatusCode::OK, &view))
}

/// The worksheet as a form: fields `verdict-CODE`, `error-CODE`, `instead-CODE`, `comment-CODE`.
#[derive(Deserialize)]
pub(super) struct WorksheetForm {
    /// Codes that the coder does not have, or, where the reviewer codes blindly, all codes.
    #[serde(default)]
    codes: String,
    /// Not empty: another principal diagnosis should be named.
    #[serde(default)]
    principal_changed: String,
    #[serde(default)]
    comment: String,
}

/// The codes in a text, with whatever between.
fn typed_codes(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';'));
    let mut codes: Vec<String> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let code = words::tidy_code(system::ICD10CM, part);
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// `POST /second-reviews/{id}`
pub(super) async fn record(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Posted { session, form, fields, .. }: Posted<WorksheetForm>,
) -> Answer {
    let user = session.may(Permission::SecondReview)?;
    let reviewed = service.second_review(user, id).await?.ok_or_else(|| missing(&session))?;
    let there = format!("/second-reviews/{id}");
    let codes = typed_codes(&form.codes);
    let pipeline = service.engine.pipeline();
    let vocabulary = pipeline.vocabulary();
    let (edition, _) = vocabulary.editions.on(code_day(&reviewed.item.record));
    let is_code = |code: &str| edition.codes.lookup(code).is_some_and(|code| code.billable);
    let field = |name: &str, code: &str| {
        fields.iter().find(|(field, _)| *field == format!("{name}-{code}")).and_then(|(_, value)| filled(value))
    };
    let instead = |code: &str| field("instead", code).map(|typed| words::tidy_code(system::ICD10CM, &typed));
    let assigned: Vec<String> = assigned_codes(&reviewed.item.entries).into_iter().map(|one| one.code.to_owned()).collect();
    let others = assigned.iter().filter_map(|code| instead(code));
    if codes.iter().cloned().chain(others).any(|code| !is_code(&code)) {
        return Ok(Redirect::to(&format!("{there}?problem=code_unknown")).into_response());
    }
    let comment = filled(&form.comment);
    let done = if reviewed.review.blinded {
        service.record_blinded_review(user, id, &codes, comment).await
    } else {
        let mut lines = Vec::new();
        for code in &assigned {
            let verdict = match field("verdict", code).as_deref() {
                Some("agreed") => Verdict::Agreed,
                Some("wrong") => Verdict::Wrong,
                _ => return Ok(Redirect::to(&format!("{there}?problem=verdict_missing")).into_response()),
            };
            let instead = instead(code).filter(|_| verdict == Verdict::Wrong);
            let error = field("error", code).and_then(|word| word.parse().ok()).filter(|_| verdict == Verdict::Wrong);
            lines.push(WorksheetLine { code: code.clone(), verdict, instead, error, comment: field("comment", code) });
        }
        let missed = codes.into_iter().filter(|code| !assigned.contains(code));
        lines.extend(missed.map(|code| WorksheetLine {
            code,
            verdict: Verdict::Missed,
            instead: None,
            error: None,
            comment: None,
        }));
        let worksheet = Worksheet { lines, principal_changed: !form.principal_changed.is_empty(), comment };
        service.record_second_review(user, id, worksheet).await
    };
    let told = match done {
        Ok(()) => "notice=reviewed",
        Err(DecideError::Missing) => return Err(missing(&session)),
        Err(DecideError::Store(error)) => return Err(error.into()),
        Err(_) => "problem=review_refused",
    };
    Ok(Redirect::to(&format!("{there}?{told}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_as_one_likes() {
        assert_eq!(typed_codes(" j189, I10;e119\nI10 "), ["J18.9", "I10", "E11.9"]);
        assert!(typed_codes(" ;, ").is_empty());
    }

    #[test]
    fn agreements_in_words() {
        assert_eq!(told(Agreement { agreed: 3, errors: 1, codes: 4 }), "3 of 4 codes agreed (75 %), 1 error");
        assert_eq!(told(Agreement::default()), "0 of 0 codes agreed (100 %), 0 errors");
    }
}
