//! Messages of other systems that are of a patient, with and without a note of theirs: what is kept of them is given out and goes with the patient.

use std::collections::HashSet;

use uuid::Uuid;

use crate::store::{MessageFilter, PatientRecord, Store, StoreError};

/// Messages that are listed at once.
const PAGE: u32 = 1000;

/// The messages of a patient, newest first: those that brought or changed a note of theirs, and those of the source that name one of their record
/// numbers in a segment about a patient, also where they could not be used. What is given out of a patient and what is purged of them is the
/// same. Every message of the source is opened.
///
/// # Errors
/// When the store fails.
pub async fn messages_of(store: &dyn Store, source: &str, record: &PatientRecord) -> Result<Vec<Uuid>, StoreError> {
    let merged = record.merged.iter().map(|(_, patient)| patient);
    let numbers: Vec<String> = std::iter::once(&record.patient).chain(merged).map(|patient| patient.id.clone()).collect();
    let of_notes: HashSet<Uuid> = record.messages.iter().copied().collect();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = store.messages(MessageFilter::Any, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        before = Some(last.id);
        for line in &page {
            if of_notes.contains(&line.id) {
                found.push(line.id);
            } else if line.source == source
                // none of one that was purged
                && let Some(message) = store.message(line.id).await?
                && names(&String::from_utf8_lossy(&message.content), &numbers)
            {
                found.push(line.id);
            }
        }
    }
}

/// Whether a segment about a patient has one of these numbers as a whole component.
fn names(message: &str, numbers: &[String]) -> bool {
    let segments = message
        .split(['\r', '\n'])
        .filter(|segment| ["PID", "MRG"].into_iter().any(|name| segment.trim_start_matches('\u{b}').starts_with(name)));
    let is_number = |piece: &str| numbers.iter().any(|number| !number.is_empty() && piece == number);
    segments.flat_map(|segment| segment.split(['|', '^', '~', '&'])).any(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_segments_about_a_patient() {
        let message = "MSH|^~\\&|A|B\rPID|1||4711^^^H~0815^^^H||Roe^Jane\rPV1|1|I|99\rOBX|1|TX|||4712\r";
        for (number, is_named) in [("4711", true), ("0815", true), ("471", false), ("99", false), ("4712", false), ("", false)]
        {
            assert_eq!(names(message, &[number.to_owned()]), is_named, "{number}");
        }
        assert!(names("MSH|^~\\&|\rPID|1||new\rMRG|old^^^H\r", &["old".to_owned()]));
    }
}
