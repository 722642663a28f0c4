//! Codes as the edition of a note's day has them.

use super::Coding;
use crate::{
    domain::{Prompt, system},
    vocabulary::{Edition, Editions, Moved},
};

/// Puts every ICD-10-CM code into an edition: retired ones are forwarded, newer ones taken back to what they replaced, and what the edition
/// has nothing for is left out, with a question to the coder.
pub fn for_edition(editions: &Editions, edition: &Edition, coding: &mut Coding) {
    let mut gone = Vec::new();
    let mut kept: Vec<crate::domain::CodeCandidate> = Vec::with_capacity(coding.codes.len());
    let renamed = coding.codes.first().is_some_and(|first| first.display == coding.display);
    for mut code in coding.codes.drain(..) {
        if code.system == system::ICD10CM {
            match editions.moved(&code.code, edition) {
                Moved::Same => {}
                Moved::To(other) => {
                    let others: Vec<&str> = editions.successors(&code.code).iter().map(|code| code.code.as_str()).collect();
                    if kept.is_empty() && others.len() > 1 {
                        let message = format!("{} is divided in {}: {}", code.code, edition.name, others.join(", "));
                        coding.prompts.push(Prompt { kind: "code_divided".to_owned(), message });
                    }
                    code.why = format!("{} is not of {}; {}", code.code, edition.name, code.why);
                    code.code = other;
                }
                Moved::Gone => {
                    gone.push(code.code);
                    continue;
                }
            }
            edition.codes.title(&code.code).clone_into(&mut code.display);
            code.with = code
                .with
                .iter()
                .filter_map(|beside| match editions.moved(beside, edition) {
                    Moved::Same => Some(beside.clone()),
                    Moved::To(other) => Some(other),
                    Moved::Gone => None,
                })
                .collect();
        }
        if !kept.iter().any(|known| known.code == code.code && known.system == code.system) {
            kept.push(code);
        }
    }
    for (at, code) in kept.iter_mut().enumerate() {
        code.rank = u32::try_from(at + 1).unwrap_or(u32::MAX);
    }
    coding.codes = kept;
    if let Some(first) = coding.codes.first().filter(|_| renamed) {
        coding.display.clone_from(&first.display);
    }
    if !gone.is_empty() {
        let message = format!("{} is not a code of {}, and nothing is known to stand for it", gone.join(", "), edition.name);
        coding.prompts.push(Prompt { kind: "code_retired".to_owned(), message });
    }
}
