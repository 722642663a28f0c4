//! From the tokens that belong to a drug to the steps of its directions.

use serde_json::Value;

use super::{Amount, AsNeeded, Dosage, Step, Timing};
use crate::domain::Span;
use crate::medication::{
    scan::{Token, TokenKind},
    sig::SigTable,
};

/// What the linker found to belong to one drug.
#[derive(Debug, Clone, Default)]
pub(in crate::medication) struct Claimed {
    /// Its tokens; bare numbers have become doses or strengths.
    pub tokens: Vec<Token>,
    /// What it is taken for.
    pub indication: Option<Span>,
    /// Where its list item or sentence ends.
    pub limit: usize,
    /// Whether it stands at the start of an item of a medication list: what follows there are directions.
    pub listed: bool,
}

pattern!(NEXT, r"(?i)\b(?:then|followed by|thereafter|afterwards?|(?:decreas|reduc|increas|taper)\w* to|down to|next)\b");
pattern!(STOP, r"(?i)^[\s,;.]*(?:and |& )?then (?:stop|discontinue|d/?c|off)\b");
pattern!(OVER, r"(?i)\bover\s*(?:about\s|approximately\s|at least\s)*$");

/// The directions for the drug at `drug`; none when nothing but a bare strength or form is said.
pub(in crate::medication) fn read(text: &str, sig: &SigTable, drug: Span, claimed: &Claimed) -> Option<Dosage> {
    let mut tokens: Vec<&Token> = claimed.tokens.iter().collect();
    tokens.sort_by_key(|token| token.span);
    let mut steps: Vec<Draft> = vec![Draft::default()];
    let mut dosage = Dosage::default();
    let mut before: Option<Span> = None;
    let mut told = false;
    for token in &tokens {
        let gap = between(text, drug, before, token.whole);
        before = Some(token.whole);
        match token.kind {
            TokenKind::Quantity => dosage.quantity = token.value.as_ref().and_then(amount).map(|count| (count, token.span)),
            TokenKind::Refills => {
                dosage.refills = token.value.as_ref().and_then(Value::as_f64).map(|count| (count, token.span));
            }
            _ => {
                if let Some(together) = steps.last().and_then(|step| step.ends_before(token, gap)) {
                    steps.push(Draft { step: Step { together, ..Step::default() }, ..Draft::default() });
                }
                told |= !matches!(token.kind, TokenKind::Strength | TokenKind::Combination | TokenKind::Form);
                if let Some(step) = steps.last_mut() {
                    step.take(text, sig, token);
                }
            }
        }
    }
    let last = tokens.iter().map(|token| token.whole.end).chain(claimed.indication.map(|span| span.end)).max()?.max(drug.end);
    let mut end = tokens.iter().map(|token| token.span.end).max()?;
    let rest = text.get(last..claimed.limit).unwrap_or_default();
    let stop = STOP.find(rest);
    if let Some(stop) = stop {
        end = last + stop.end();
        steps.push(Draft { step: Step { stop: true, ..Step::default() }, ..Draft::default() });
    }
    dosage.steps = steps.into_iter().map(Draft::finish).collect();
    if let Some(reason) = claimed.indication {
        for step in dosage.steps.iter_mut().filter(|step| step.as_needed == AsNeeded::Yes) {
            step.as_needed = AsNeeded::For(lower(text, reason));
        }
        end = end.max(if dosage.steps.iter().any(|step| step.as_needed != AsNeeded::No) { reason.end } else { 0 });
    }
    told |= dosage.steps.len() > 1 || dosage.steps.iter().any(|step| step.rate.is_some());
    carry_on(&mut dosage.steps);
    if claimed.listed
        && let Some(words) = words_after(text, end.max(last), claimed.limit).filter(|words| !sig.is_light(words.of(text)))
    {
        if let Some(step) = dosage.steps.last_mut() {
            step.not_understood = Some(words.of(text).split_whitespace().collect::<Vec<_>>().join(" "));
        }
        dosage.not_understood = Some(words);
        end = words.end;
        told = true;
    }
    let start = tokens.iter().map(|token| token.span.start).min()?;
    dosage.span = Some(Span::new(start, end));
    told.then_some(dosage)
}

/// "30 mg daily x 4 days, 20 mg x 4 days": how often is said once for the steps of a taper.
fn carry_on(steps: &mut [Step]) {
    for index in 1..steps.len() {
        let (before, rest) = steps.split_at_mut(index);
        let (before, step) = (&before[index - 1], &mut rest[0]);
        if !step.stop && !step.together && step.timing.is_empty() && step.bounds.is_some() && before.bounds.is_some() {
            step.timing = before.timing.clone();
        }
    }
}

/// The text between two tokens, without the drug's name.
fn between(text: &str, drug: Span, before: Option<Span>, token: Span) -> &str {
    let from = before.map_or(token.start, |before| before.end);
    let from = if from <= drug.start && drug.end <= token.start { drug.end } else { from };
    text.get(from..token.start).unwrap_or_default()
}

/// What stands between the last understood word and the end of the item, when it has words.
fn words_after(text: &str, from: usize, to: usize) -> Option<Span> {
    let rest = text.get(from..to)?;
    let start = rest.find(char::is_alphanumeric)?;
    let inside = rest.trim_end_matches(|character: char| !character.is_alphanumeric() && character != ')' && character != '%');
    let open = rest[..start].rfind('(').filter(|_| inside.ends_with(')')).unwrap_or(start);
    let words = Span::new(from + open, from + inside.len());
    // a line break ends what belongs together; a single letter or number says nothing
    (words.len() > 2 && words.of(text).chars().any(char::is_alphabetic)).then_some(words)
}

/// A step while its tokens come in.
#[derive(Debug, Default)]
struct Draft {
    step: Step,
    /// Amounts by mass or volume, in order.
    strengths: Vec<Amount>,
    patch: bool,
    amount: bool,
    timed: bool,
    rated: bool,
}

impl Draft {
    /// Whether this token begins another step after `gap`, and then whether that is taken together with this one.
    fn ends_before(&self, token: &Token, gap: &str) -> Option<bool> {
        let anything = self.amount || self.timed;
        // "was then injected" tells what was done, not another step
        let begins = !matches!(token.kind, TokenKind::Route | TokenKind::Form | TokenKind::Site | TokenKind::Instruction);
        if anything && begins && NEXT.is_match(gap) {
            return Some(false);
        }
        let amount = matches!(token.kind, TokenKind::Strength | TokenKind::Dose | TokenKind::Number);
        let rated = self.rated && token.value.as_ref().and_then(self::amount).is_some_and(|more| is_rate(&more.unit));
        if !(amount && self.amount && (self.timed || rated)) {
            return None;
        }
        let lower = gap.to_lowercase();
        let joined = lower.trim_matches([' ', ',', ';']);
        let plain =
            matches!(joined, "" | "and" | "&" | "plus" | "and take" | "take" | "and then take" | "with" | "and at" | "at");
        (plain && !gap.contains('(')).then(|| self.step.bounds.is_none())
    }

    fn take(&mut self, text: &str, sig: &SigTable, token: &Token) {
        let value = token.value.as_ref();
        match token.kind {
            TokenKind::Strength => {
                self.amount = true;
                let strength = value.and_then(amount);
                self.rated |= strength.as_ref().is_some_and(|strength| is_rate(&strength.unit));
                self.strengths.extend(strength);
            }
            TokenKind::Dose | TokenKind::Number => match value.and_then(amount) {
                Some(dose) if is_rate(&dose.unit) => self.rate(dose),
                Some(dose) => {
                    self.amount = true;
                    self.step.dose.get_or_insert(dose);
                }
                None if lower(text, token.span) == "loading dose" => {}
                // "sliding scale", "a thin layer"
                None => self.step.instructions.push(lower(text, token.span)),
            },
            TokenKind::Frequency => match value.filter(|value| value.is_object()) {
                Some(value) => {
                    self.timed = true;
                    merge(&mut self.step.timing, value);
                }
                None => self.step.instructions.push(lower(text, token.span)),
            },
            TokenKind::Clock => {
                self.timed = true;
                value.into_iter().for_each(|value| merge(&mut self.step.timing, value));
            }
            TokenKind::Duration => {
                let Some(long) = value.and_then(amount) else {
                    self.step.instructions.push(lower(text, token.span));
                    return;
                };
                self.timed = true;
                let short = matches!(long.unit.as_str(), "s" | "min" | "h");
                let before = Span::new(token.span.start, token.span.start).around(text, 60, 0);
                if short && OVER.is_match(before.of(text)) {
                    self.step.over.get_or_insert(long);
                } else {
                    self.step.bounds.get_or_insert(long);
                }
            }
            TokenKind::Route => {
                let route = value.and_then(Value::as_str).map_or_else(|| lower(text, token.span), str::to_owned);
                self.step.route.get_or_insert(route);
            }
            TokenKind::Site => {
                self.step.site.get_or_insert(lower(text, token.span));
            }
            TokenKind::Prn => self.step.as_needed = AsNeeded::Yes,
            TokenKind::Maximum => {
                let part = |name: &str| value?.get(name).and_then(amount);
                self.step.maximum = part("amount").zip(part("period"));
            }
            TokenKind::Instruction => self.step.instructions.push(lower(text, token.span)),
            TokenKind::Form => {
                let form = token.span.of(text);
                self.patch |= form.to_lowercase().contains("patch");
                // "two Advil 200 mg caplets"
                if let (Some(dose), Some(unit)) = (&mut self.step.dose, sig.value("dose_form", form))
                    && dose.unit.is_empty()
                {
                    unit.clone_into(&mut dose.unit);
                }
            }
            TokenKind::Combination => self.amount = true,
            TokenKind::Quantity | TokenKind::Refills => {}
        }
    }

    fn rate(&mut self, rate: Amount) {
        self.amount = true;
        self.rated = true;
        self.step.rate.get_or_insert(rate);
    }

    /// What is a strength of the product and what is taken: an amount alone is taken, beside a count it is a strength.
    fn finish(mut self) -> Step {
        let patch = self.patch || self.step.dose.as_ref().is_some_and(|dose| dose.unit == "{patch}");
        let mut amounts: Vec<Amount> = Vec::new();
        for strength in std::mem::take(&mut self.strengths) {
            if is_rate(&strength.unit) {
                // a patch gives 25 mcg an hour: that is its strength
                if !patch {
                    self.rate(strength);
                }
            } else if strength.unit != "%"
                && !strength.unit.is_empty()
                && (!strength.unit.contains('/') || by_weight(&strength.unit))
            {
                amounts.push(strength);
            }
        }
        // of two ("500 mg tablets, take 1000 mg") the last is taken
        if self.step.dose.is_none() {
            self.step.dose = amounts.pop();
        }
        self.step.keep_to_fhir();
        self.step
    }
}

/// "mL/h", "ug/kg/min".
fn is_rate(unit: &str) -> bool {
    unit.ends_with("/h") || unit.ends_with("/min")
}

/// "mg/kg", "mg/kg/d", "mg/m2".
fn by_weight(unit: &str) -> bool {
    unit.split('/').skip(1).all(|part| matches!(part, "kg" | "m2" | "d"))
}

fn lower(text: &str, span: Span) -> String {
    span.of(text).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The amount of `{"value", "unit"}` or `{"low", "high", "unit"}`.
pub(in crate::medication) fn amount(value: &Value) -> Option<Amount> {
    let low = value.get("value").or_else(|| value.get("low")).and_then(Value::as_f64)?;
    let unit = value.get("unit").and_then(Value::as_str).unwrap_or_default().to_owned();
    // "1:1000" is a strength only
    value.get("per").is_none().then(|| Amount { low, high: value.get("high").and_then(Value::as_f64), unit })
}

/// Adds what a frequency says; what is there already stays.
pub(super) fn merge(timing: &mut Timing, value: &Value) {
    let figure = |name: &str| value.get(name).and_then(Value::as_f64);
    let words = |name: &str| -> Vec<String> {
        let list = value.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    if timing.frequency.is_none() && timing.period.is_none() {
        timing.frequency = figure("frequency");
        timing.frequency_max = figure("frequencyMax");
        timing.period = figure("period");
        timing.period_max = figure("periodMax");
        timing.period_unit = value.get("periodUnit").and_then(Value::as_str).unwrap_or_default().to_owned();
    }
    timing.count = timing.count.or_else(|| figure("count"));
    for (mine, more) in
        [(&mut timing.when, words("when")), (&mut timing.days, words("dayOfWeek")), (&mut timing.times, words("timeOfDay"))]
    {
        for one in more {
            if !mine.contains(&one) {
                mine.push(one);
            }
        }
    }
}
