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
                    let others: Vec<&str> =
                        editions.successors(&code.code, edition).iter().map(|code| code.code.as_str()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{CodeCandidate, CodeRole, ScoredBy},
        vocabulary::two_editions,
    };

    #[test]
    fn a_divided_code_names_the_codes_of_that_edition() {
        let editions = two_editions();
        let (newest, older) = (editions.newest(), editions.all().last().expect("an older edition"));
        let coded = |code: &str, edition: &Edition| {
            let code = CodeCandidate {
                rank: 1,
                role: CodeRole::Code,
                system: system::ICD10CM.to_owned(),
                code: code.to_owned(),
                display: String::new(),
                score: 1.0,
                with: Vec::new(),
                why: String::new(),
                features: Default::default(),
                scored_by: ScoredBy::Engine,
            };
            let mut coding = Coding { codes: vec![code], ..Coding::default() };
            for_edition(&editions, edition, &mut coding);
            let codes: Vec<String> = coding.codes.into_iter().map(|code| code.code).collect();
            (codes.join(" "), coding.prompts.into_iter().map(|prompt| prompt.message).collect::<Vec<_>>().join("; "))
        };
        let of = |code: &str, prompt: &str| (code.to_owned(), prompt.to_owned());
        assert_eq!(coded("K37.2", newest), of("K38.0", "K37.2 is divided in FY2027: K38.0, K38.1"));
        assert_eq!(coded("K40.0", newest), of("K40.00", "K40.0 is divided in FY2027: K40.00, K40.01"));
        assert_eq!(coded("K37.1", older), of("K37.2", ""), "the codes of the newest edition are none of the older one");
        assert_eq!(coded("K39.9", newest), of("", "K39.9 is not a code of FY2027, and nothing is known to stand for it"));
    }
}
