//! What a note says about a medication or an allergy beside its name.

use serde::{Deserialize, Serialize};

/// One attribute as written, with its place and, when understood, its normalised value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attribute {
    /// The words as written.
    pub text: String,
    /// Where they start; 0 to 0 for words that a coder typed.
    #[serde(default)]
    pub start: usize,
    /// Where they end.
    #[serde(default)]
    pub end: usize,
    /// Normalised value, for example `{"value": 500, "unit": "mg"}` (UCUM unit); absent when not understood.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Value, required = false)]
    pub value: Option<serde_json::Value>,
}

/// A statement that is only ever true ("as needed").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flag {
    /// Always true; kept because the contract names it.
    pub value: bool,
    /// The words as written.
    pub text: String,
    /// Where they start; 0 to 0 for words that a coder typed.
    #[serde(default)]
    pub start: usize,
    /// Where they end.
    #[serde(default)]
    pub end: usize,
}

/// Attributes of one mention; absent ones are left out of the JSON, so `{}` says "none".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attributes {
    /// Amount per unit, or the only amount written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub strength: Option<Attribute>,
    /// Count or volume taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dose: Option<Attribute>,
    /// Tablet, injection, cream...
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub form: Option<Attribute>,
    /// By mouth, intravenous...
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<Attribute>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub frequency: Option<Attribute>,
    /// For how long.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration: Option<Attribute>,
    /// As needed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prn: Option<Flag>,
    /// For what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub indication: Option<Attribute>,
    /// What happens to the medication; the value is `started`, `increased`, `decreased`, `held`, `resumed`, `stopped` or
    /// `continued`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<Attribute>,
    /// The directions as a whole; the value is a list of FHIR R4 `Dosage`, one a step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dosage: Option<Attribute>,
    /// What the directions come to a day, `{"value", "unit"}`, where that follows exactly.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total_daily_dose: Option<Attribute>,
    /// How many units are handed out ("#30").
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantity: Option<Attribute>,
    /// How many refills.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refills: Option<Attribute>,
    /// Words of the directions that no field holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_understood: Option<Attribute>,
    /// Reactions to an allergen.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reactions: Vec<Attribute>,
    /// Severity of a reaction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub severity: Option<Attribute>,
    /// `allergy` or `intolerance`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub allergy_type: Option<String>,
    /// `high` where a reaction was grave or severe, or what a table of the note says, `high` or `low` (FHIR `AllergyIntolerance.criticality`);
    /// absent when nothing says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub criticality: Option<String>,
    /// `medication`, `food`, `environment` or `biologic`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<String>,
}

impl Attributes {
    /// Every attribute that has a place in the text, mutably: the one list that offset mapping walks.
    pub fn places_mut(&mut self) -> Vec<(&mut usize, &mut usize)> {
        let mut places: Vec<(&mut usize, &mut usize)> = Vec::new();
        if let Some(flag) = &mut self.prn {
            places.push((&mut flag.start, &mut flag.end));
        }
        let single = [
            &mut self.strength,
            &mut self.dose,
            &mut self.form,
            &mut self.route,
            &mut self.frequency,
            &mut self.duration,
            &mut self.indication,
            &mut self.change,
            &mut self.dosage,
            &mut self.total_daily_dose,
            &mut self.quantity,
            &mut self.refills,
            &mut self.not_understood,
            &mut self.severity,
        ];
        for attribute in single.into_iter().flatten().chain(&mut self.reactions) {
            places.push((&mut attribute.start, &mut attribute.end));
        }
        places
    }

    /// Takes from `other` what is missing here: the reconciled summary of several mentions.
    pub fn fill_from(&mut self, other: &Self) {
        fn fill<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        // directions are one thing: what one mention says is not mixed with another's
        if self.dosage.is_none() {
            fill(&mut self.dose, &other.dose);
            fill(&mut self.frequency, &other.frequency);
            fill(&mut self.duration, &other.duration);
            fill(&mut self.prn, &other.prn);
            fill(&mut self.total_daily_dose, &other.total_daily_dose);
            fill(&mut self.not_understood, &other.not_understood);
            fill(&mut self.dosage, &other.dosage);
        }
        fill(&mut self.strength, &other.strength);
        fill(&mut self.form, &other.form);
        fill(&mut self.route, &other.route);
        fill(&mut self.indication, &other.indication);
        fill(&mut self.change, &other.change);
        fill(&mut self.quantity, &other.quantity);
        fill(&mut self.refills, &other.refills);
        fill(&mut self.severity, &other.severity);
        fill(&mut self.allergy_type, &other.allergy_type);
        fill(&mut self.criticality, &other.criticality);
        fill(&mut self.category, &other.category);
        for reaction in &other.reactions {
            if !self.reactions.iter().any(|mine| mine.text.eq_ignore_ascii_case(&reaction.text)) {
                self.reactions.push(reaction.clone());
            }
        }
    }
}
