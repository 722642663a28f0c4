//! What a coder types about a medication, read as the same words in a note would be.

use super::Pipeline;
use crate::{
    domain::{Attribute, Attributes, EntryKind, Span},
    medication,
    text::Document,
};

impl Pipeline {
    /// The attributes that words behind a drug's name state: "500 mg 1 tablet by mouth twice daily". They stand in no note, so their places
    /// are 0 to 0.
    #[must_use]
    pub fn directions(&self, drug: &str, words: &str) -> Attributes {
        let text = format!("{drug} {words}");
        let document = Document::new(&text, &self.sections);
        let mut found =
            medication::attributes(&document, &self.sig, &[Span::new(0, drug.len())], &[]).pop().unwrap_or_default();
        nowhere(&mut found);
        found
    }

    /// Attributes as somebody gave them, with the values that their words have; places and values that were given do not count.
    #[must_use]
    pub fn with_values(&self, kind: EntryKind, drug: &str, mut given: Attributes) -> Attributes {
        nowhere(&mut given);
        if kind != EntryKind::Medication {
            for one in given.reactions.iter_mut().chain(&mut given.severity) {
                one.value = None;
            }
            return given;
        }
        let read = self.directions(drug, &sig(&given));
        let valued = |given: &mut Option<Attribute>, read: &Option<Attribute>| {
            if let Some(one) = given {
                one.value =
                    read.as_ref().filter(|read| read.text.eq_ignore_ascii_case(&one.text)).and_then(|read| read.value.clone());
            }
        };
        for (given, read) in [
            (&mut given.strength, &read.strength),
            (&mut given.dose, &read.dose),
            (&mut given.form, &read.form),
            (&mut given.route, &read.route),
            (&mut given.frequency, &read.frequency),
            (&mut given.duration, &read.duration),
        ] {
            valued(given, read);
        }
        given.dosage = read.dosage;
        given.total_daily_dose = read.total_daily_dose;
        given.not_understood = read.not_understood;
        given
    }
}

/// Words with single spaces between, whatever stood there: a field of a form holds one line.
#[must_use]
pub fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of the attributes as one line, in the order of a sig.
#[must_use]
pub fn sig(attributes: &Attributes) -> String {
    let Attributes { strength, dose, form, route, frequency, duration, .. } = attributes;
    // "1 tablet" says the form too
    let form = form.as_ref().filter(|form| dose.as_ref().is_none_or(|dose| !dose.text.contains(&form.text)));
    let mut parts: Vec<String> = [strength.as_ref(), dose.as_ref(), form, route.as_ref(), frequency.as_ref()]
        .into_iter()
        .flatten()
        .map(|one| one.text.clone())
        .collect();
    parts.extend(attributes.prn.iter().map(|flag| flag.text.clone()));
    parts.extend(duration.iter().map(|one| {
        let is_bare = one.text.starts_with(|first: char| first.is_ascii_digit());
        if is_bare { format!("for {}", one.text) } else { one.text.clone() }
    }));
    one_line(&parts.join(" "))
}

fn nowhere(attributes: &mut Attributes) {
    for (start, end) in attributes.places_mut() {
        (*start, *end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Attribute, recognize::merge::Recognizers, vocabulary::Tables};

    fn pipeline() -> Pipeline {
        let tables = Tables::embedded().expect("the tables");
        let recognizers = Recognizers { dictionary: true, model: false };
        Pipeline::new(&tables, None, recognizers).expect("loads")
    }

    #[test]
    fn typed_directions_are_read_as_in_a_note() {
        let pipeline = pipeline();
        let read = pipeline.directions("metformin", "500 mg 1 tablet by mouth twice daily for 10 days");
        let texts =
            [&read.strength, &read.dose, &read.route, &read.frequency].map(|one| one.as_ref().map(|one| one.text.as_str()));
        assert_eq!(texts, [Some("500 mg"), Some("1 tablet"), Some("by mouth"), Some("twice daily")]);
        assert!(read.dosage.is_some() && read.total_daily_dose.is_some(), "{read:?}");
        assert!(read.strength.as_ref().is_some_and(|one| (one.start, one.end) == (0, 0) && one.value.is_some()));
        assert_eq!(sig(&read), "500 mg 1 tablet by mouth twice daily for 10 days");
        assert_eq!(pipeline.directions("metformin", ""), Attributes::default());
        let wrapped = pipeline.directions("metformin", "500 mg by mouth twice\n  daily");
        assert_eq!(sig(&wrapped), "500 mg by mouth twice daily", "a line of a form has no line breaks");
    }

    #[test]
    fn given_attributes_get_the_values_of_their_words_only() {
        let pipeline = pipeline();
        let one =
            |text: &str| Some(Attribute { text: text.to_owned(), start: 3, end: 9, value: Some(serde_json::json!("made up")) });
        let given = Attributes { strength: one("500 mg"), frequency: one("when the moon is full"), ..Attributes::default() };
        let valued = pipeline.with_values(EntryKind::Medication, "metformin", given);
        let strength = valued.strength.expect("kept");
        assert_eq!((strength.start, strength.end), (0, 0));
        assert_eq!(strength.value.expect("understood")["unit"], "mg");
        let frequency = valued.frequency.expect("kept as given");
        assert_eq!((frequency.text.as_str(), frequency.value), ("when the moon is full", None));
    }
}
