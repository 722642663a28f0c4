//! To which drug each sig word belongs.
//!
//! An amount before the name belongs to it with "of" ("80 mg of Depo-Medrol") or when nothing else claims it ("1%
//! lidocaine", "and IV Flagyl"). Everything else belongs to the drug it follows, as long as only light words stand
//! between, up to the next drug, the end of the list item or of the sentence.

use super::{
    boundary::clause_end,
    dosage::{self, Claimed},
    indication::{purpose, purpose_before},
    scan::{Token, TokenKind, scan},
    sig::SigTable,
    value,
};
use crate::domain::{Attribute, Attributes, Flag, Span};
use crate::text::Document;

/// Attributes of every drug of a note; `drugs` are all medication mentions, `problems` all diagnoses, sorted, without overlap.
#[must_use]
pub fn attributes(document: &Document, sig: &SigTable, drugs: &[Span], problems: &[Span]) -> Vec<Attributes> {
    let tokens: Vec<Token> =
        scan(&document.text, sig).into_iter().filter(|token| !drugs.iter().any(|drug| drug.overlaps(token.span))).collect();
    let mut linker = Linker { document, sig, taken: vec![false; tokens.len()], tokens };
    let mut found = vec![Attributes::default(); drugs.len()];
    let mut claims = vec![Claimed::default(); drugs.len()];
    for (index, drug) in drugs.iter().enumerate() {
        let floor = index.checked_sub(1).map_or(0, |before| drugs[before].end);
        linker.backward(*drug, floor, (&mut found[index], &mut claims[index]));
    }
    for (index, drug) in drugs.iter().enumerate() {
        let ceiling = drugs.get(index + 1).map_or(document.text.len(), |next| next.start);
        linker.forward(*drug, ceiling, (&mut found[index], &mut claims[index]));
    }
    for (drug, found) in drugs.iter().zip(&mut found) {
        if found.route.is_none() {
            let form = found.form.as_ref().map(|form| Span::new(form.start, form.end));
            found.route = form.into_iter().chain([*drug]).find_map(|span| route_within(&document.text, sig, span));
        }
    }
    for ((drug, found), claimed) in drugs.iter().zip(&mut found).zip(&claims) {
        directions(&document.text, sig, (*drug, claimed), found);
    }
    share_between_names(&document.text, drugs, &mut found);
    share_in_coordination(&document.text, drugs, &mut found);
    for (drug, found) in drugs.iter().zip(&mut found).filter(|(_, found)| found.indication.is_none()) {
        found.indication = purpose_before(document, *drug, problems).map(|span| plain(&document.text, span));
    }
    found
}

/// Puts the directions as a whole into the attributes: as FHIR dosages, with what a day comes to and what is handed out.
fn directions(text: &str, sig: &SigTable, (drug, claimed): (Span, &Claimed), found: &mut Attributes) {
    let Some(mut read) = dosage::read(text, sig, drug, claimed) else { return };
    let Some(span) = read.span else { return };
    // "ophthalmic solution", "nasal spray": the form says how
    if let (Some(first), Some(route)) = (read.steps.first_mut(), &found.route)
        && first.route.is_none()
    {
        first.route = route.value.as_ref().and_then(|value| value.as_str()).map(str::to_owned);
    }
    let strength = found.strength.as_ref().and_then(|strength| strength.value.as_ref()).and_then(dosage::amount);
    let at = |span: Span, value: serde_json::Value| Attribute { value: Some(value), ..plain(text, span) };
    found.total_daily_dose = read.total_daily(strength.as_ref()).map(|total| at(span, dosage::quantity(&total)));
    found.quantity = read.quantity.as_ref().map(|(count, span)| at(*span, dosage::quantity(count)));
    found.refills = read.refills.map(|(count, span)| at(span, dosage::figure(count)));
    found.not_understood = read.not_understood.map(|span| plain(text, span));
    if !read.steps.iter().all(|step| *step == dosage::Step::default()) {
        found.dosage = Some(at(span, dosage::to_fhir(&read, sig)));
    }
}

/// The route that the words of a form or of a name begin with: "nasal spray", "IV fluids".
fn route_within(text: &str, sig: &SigTable, span: Span) -> Option<Attribute> {
    let words = span.of(text);
    let route = sig.patterns.route.find(words).filter(|route| route.start() == 0 && words[route.end()..].starts_with(' '))?;
    let span = Span::new(span.start, span.start + route.end());
    Some(Attribute { value: value::of(sig, TokenKind::Route, span.of(text)), ..plain(text, span) })
}

/// "Methylprednisolone (Depo-Medrol): 20 mg" is one drug with two names: what follows belongs to both.
fn share_between_names(text: &str, drugs: &[Span], found: &mut [Attributes]) {
    for index in (1..drugs.len()).rev() {
        let between = Span::new(drugs[index - 1].end, drugs[index].start).of(text).trim();
        if between == "(" && text[drugs[index].end..].starts_with(')') && found[index - 1] == Attributes::default() {
            found[index - 1] = found[index].clone();
        }
    }
}

/// "Ibuprofen and Tylenol for pain": how, how often and for what are said once for both; amounts are not. Where each has its own
/// amount ("100 mg of Demerol, 3 mg of Versed IV"), a route behind the last is that of both.
fn share_in_coordination(text: &str, drugs: &[Span], found: &mut [Attributes]) {
    for index in (1..drugs.len()).rev() {
        let between = Span::new(drugs[index - 1].end, drugs[index].start).of(text).trim().to_lowercase();
        let (before, after) = found.split_at_mut(index);
        let (first, second) = (&mut before[index - 1], &after[0]);
        if let (None, Some(route), Some(amount)) = (&first.route, &second.route, &second.strength)
            && first.strength.is_some()
            && first.frequency.is_none()
            && route.start > drugs[index].end
            && is_only_an_amount(text, drugs[index - 1].end, amount, drugs[index].start)
        {
            first.route = second.route.clone();
        }
        let bare = first.strength.is_none() && first.dose.is_none() && first.frequency.is_none() && first.prn.is_none();
        if !bare || !matches!(between.as_str(), "and" | "or" | "and/or" | "/" | "and also" | "as well as") {
            continue;
        }
        first.indication = first.indication.take().or_else(|| second.indication.clone());
        if second.strength.is_none() {
            first.frequency = second.frequency.clone();
            first.prn = second.prn.clone();
            first.duration = first.duration.take().or_else(|| second.duration.clone());
            first.form = first.form.take().or_else(|| second.form.clone());
            first.dose = second.dose.clone();
            first.route = first.route.take().or_else(|| second.route.clone());
        }
    }
}

struct Linker<'a> {
    document: &'a Document,
    sig: &'a SigTable,
    tokens: Vec<Token>,
    taken: Vec<bool>,
}

impl Linker<'_> {
    /// Claims amounts, routes and forms that stand before the drug's name.
    fn backward(&mut self, drug: Span, floor: usize, (found, claimed): (&mut Attributes, &mut Claimed)) {
        let text = &self.document.text;
        let mut position = drug.start;
        let mut of = false;
        let mut index = self.tokens.partition_point(|token| token.span.end <= drug.start);
        while let Some(before) = index.checked_sub(1) {
            index = before;
            let token = &self.tokens[index];
            if self.taken[index] || token.whole.start < floor {
                return;
            }
            let gap = Span::new(token.span.end, position).of(text).to_lowercase();
            if gap.contains('\n') && !gap.trim().is_empty() {
                return;
            }
            let words: Vec<&str> = gap
                .split(|character: char| !character.is_alphanumeric() && character != '%')
                .filter(|word| !word.is_empty())
                .collect();
            let with_of = words.first() == Some(&"of");
            let injected = is_injection(token.span.of(text)) && matches!(words.first(), Some(&("with" | "using" | "of")));
            let light = words.iter().skip(usize::from(with_of || injected)).all(|word| BEFORE_NAME.contains(word));
            if !light || gap.contains([',', ';', ':', '.', '(']) {
                return;
            }
            let direct = match token.kind {
                TokenKind::Strength if token.span.of(text).contains(['%', ':']) => true,
                TokenKind::Strength | TokenKind::Dose | TokenKind::Route | TokenKind::Form => !self.continues(index, floor),
                TokenKind::Duration | TokenKind::Frequency => with_of && !self.continues(index, floor),
                TokenKind::Number if position == drug.start && gap == " " && follows_take(&text[..token.span.start]) => {
                    let counted = Token { kind: TokenKind::Dose, ..token.clone() };
                    assign(text, &counted, found);
                    claimed.tokens.push(counted);
                    self.taken[index] = true;
                    return;
                }
                TokenKind::Number => {
                    with_of && !self.continues(index, floor) && !token.span.of(text).eq_ignore_ascii_case("one")
                }
                _ => false,
            };
            if !(direct || (of || with_of) && matches!(token.kind, TokenKind::Strength | TokenKind::Dose) || injected) {
                return;
            }
            of |= with_of;
            if token.kind != TokenKind::Number {
                assign(text, &self.tokens[index], found);
                claimed.tokens.push(self.tokens[index].clone());
            }
            self.taken[index] = true;
            position = self.tokens[index].span.start;
        }
    }

    /// True when this token goes on with what was said of the drug that ends at `floor`: no comma or conjunction between.
    fn continues(&self, index: usize, floor: usize) -> bool {
        if floor == 0 {
            return false;
        }
        let token = &self.tokens[index];
        let before = index.checked_sub(1).map(|before| &self.tokens[before]).filter(|before| before.span.start >= floor);
        if before.is_some_and(|before| is_list_number(&self.document.text, before)) {
            return false;
        }
        let start = before.map_or(floor, |before| before.span.end);
        let gap = Span::new(start, token.span.start).of(&self.document.text).to_lowercase();
        let joined =
            gap.contains([',', ';', '\n']) || [" and", " or", " with", " plus", " then"].iter().any(|word| gap.contains(word));
        !joined && self.is_light(&gap)
    }

    /// Claims what follows the drug's name.
    fn forward(&mut self, drug: Span, ceiling: usize, (found, claimed): (&mut Attributes, &mut Claimed)) {
        let document = self.document;
        let text = &document.text;
        let tokens = std::mem::take(&mut self.tokens);
        let joins = |offset: usize| {
            let index = tokens.partition_point(|token| token.span.start < offset);
            tokens.get(index).is_some_and(|token| token.span.start == offset && token.kind != TokenKind::Number)
        };
        let limit = clause_end(document, (drug.end, ceiling), joins);
        let mut position = drug.end;
        let mut after_prn = false;
        let mut index = tokens.partition_point(|token| token.span.start < drug.end);
        loop {
            if found.indication.is_none()
                && let Some(span) = purpose(text, (position, limit), after_prn)
                && !tokens
                    .iter()
                    .skip(index)
                    .take_while(|token| token.span.start < span.end)
                    .any(|token| token.span.overlaps(span) && !matches!(token.kind, TokenKind::Number | TokenKind::Form))
            {
                found.indication = Some(plain(text, span));
                claimed.indication = Some(span);
                position = span.end;
                index = tokens.partition_point(|token| token.span.start < position);
            }
            let Some(token) = tokens.get(index).filter(|token| token.span.end <= limit + 1 && token.span.start < limit) else {
                break;
            };
            let gap = Span::new(position, token.whole.start.max(position)).of(text);
            // "; dispense 60": what is handed out and how stand apart
            let apart = matches!(
                token.kind,
                TokenKind::Quantity | TokenKind::Refills | TokenKind::Maximum | TokenKind::Instruction | TokenKind::Clock
            );
            let light = self.is_light(gap) || (apart && self.sig.is_light(gap));
            if self.taken[index] || !light || is_next_drugs(text, (token, gap), ceiling) {
                break;
            }
            let follows = tokens.get(index + 1).filter(|next| next.span.start < limit);
            let directly = position == drug.end && gap.trim_matches([' ', ',', '-']).is_empty();
            match token.kind {
                TokenKind::Combination if !directly && token.span.of(text).contains('/') => break,
                // "50 mg 1-2 q4-6h": a range
                TokenKind::Combination if !directly => {
                    let value = value::of(self.sig, TokenKind::Number, token.span.of(text));
                    let dose = Token { kind: TokenKind::Dose, value, ..token.clone() };
                    assign(text, &dose, found);
                    claimed.tokens.push(dose);
                }
                TokenKind::Number => {
                    let Some(kind) = number_kind(text, (token, follows), directly && found.strength.is_none()) else { break };
                    claimed.tokens.push(Token { kind, ..token.clone() });
                    assign(text, &Token { kind, ..token.clone() }, found);
                }
                _ => {
                    claimed.tokens.push(token.clone());
                    assign(text, token, found);
                }
            }
            after_prn = token.kind == TokenKind::Prn;
            self.taken[index] = true;
            position = token.whole.end;
            index += 1;
        }
        self.tokens = tokens;
        claimed.limit = limit;
        claimed.listed = starts_item(document, drug);
    }

    /// Only punctuation and words of the table's kind `gap`, at most seven.
    fn is_light(&self, gap: &str) -> bool {
        self.sig.is_light(gap) && !gap.contains(['=', ';'])
    }
}

/// Whether `drug` is the first thing in an item of a list of medications.
fn starts_item(document: &Document, drug: Span) -> bool {
    let Some(section) = document.section_at(drug).filter(|section| section.kind.ends_with("medications")) else { return false };
    let from = section.body.start.min(drug.start).max(drug.around(&document.text, 300, 0).start);
    let before = &document.text[from..drug.start];
    let item = before.rsplit(['\n', ';', '|']).next().unwrap_or_default();
    let item = item.rsplit(". ").next().unwrap_or_default();
    !item.chars().any(char::is_alphabetic)
}

/// Whether from one drug to the next there is nothing but a comma or "and", and the next drug's amount: ", 3 mg of".
fn is_only_an_amount(text: &str, from: usize, amount: &Attribute, to: usize) -> bool {
    let (Some(lead), Some(tail)) = (text.get(from..amount.start), text.get(amount.end..to)) else { return false };
    matches!(lead.trim().trim_start_matches(',').trim_start(), "" | "and" | "plus" | "with") && matches!(tail.trim(), "" | "of")
}

/// "5." or "5)" before an item of a list.
fn is_list_number(text: &str, token: &Token) -> bool {
    token.kind == TokenKind::Number && [". ", ") "].iter().any(|mark| text[token.span.end..].starts_with(mark))
}

/// "Take two" before the name.
fn follows_take(before: &str) -> bool {
    let word = before.trim_end().rsplit(|character: char| !character.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "take" | "takes" | "taking" | "took" | "give" | "gave")
}

/// Words that may stand between an amount and the name it belongs to.
const BEFORE_NAME: [&str; 18] = [
    "of",
    "the",
    "a",
    "an",
    "some",
    "plain",
    "and",
    "sterile",
    "generic",
    "additional",
    "more",
    "her",
    "his",
    "dose",
    "doses",
    "total",
    "acting",
    "preservative",
];

/// "Injected", "infiltrated", "irrigation": what is done with the drug that "with" or "of" names.
fn is_injection(written: &str) -> bool {
    let lower = written.to_lowercase();
    ["inject", "infiltrat", "irrigat", "infus"].iter().any(|stem| lower.starts_with(stem))
}

/// An amount right before the next drug's name is that drug's: "and 1% lidocaine", "with IV Flagyl".
fn is_next_drugs(text: &str, (token, gap): (&Token, &str), ceiling: usize) -> bool {
    let after = text.get(token.span.end..ceiling).unwrap_or("x");
    let joined = [" and ", " with ", " plus ", " or "].iter().any(|word| gap.contains(word)) || gap.contains(", ");
    ceiling < text.len() && joined && (after == " " || after.trim() == "of") && token.kind != TokenKind::Frequency
}

/// A bare number is a dose before a frequency or route ("1 p.o. daily"), a strength directly after the name ("Isordil 20 tid").
fn number_kind(text: &str, (token, follows): (&Token, Option<&Token>), directly: bool) -> Option<TokenKind> {
    let next = follows.filter(|next| text[token.span.end..next.span.start].trim_matches([' ', ',']).is_empty())?;
    if !matches!(next.kind, TokenKind::Frequency | TokenKind::Route | TokenKind::Prn | TokenKind::Form) {
        return None;
    }
    let written = token.span.of(text);
    let small = written.len() <= 1
        || !written.starts_with(|character: char| character.is_ascii_digit())
        || written.contains(['/', '-']);
    Some(if directly && !small { TokenKind::Strength } else { TokenKind::Dose })
}

fn plain(text: &str, span: Span) -> Attribute {
    Attribute { text: span.of(text).to_owned(), start: span.start, end: span.end, value: None }
}

/// Puts a token into its attribute; the first of a kind stays, neighbouring frequencies are joined.
fn assign(text: &str, token: &Token, found: &mut Attributes) {
    let written = || Attribute { value: token.value.clone(), ..plain(text, token.span) };
    match token.kind {
        TokenKind::Strength | TokenKind::Combination => {
            found.strength.get_or_insert_with(written);
        }
        TokenKind::Dose | TokenKind::Number => {
            if let Some(form) = token.form
                && found.form.is_none()
            {
                found.form = Some(plain(text, form));
            }
            found.dose.get_or_insert_with(written);
        }
        TokenKind::Duration => {
            found.duration.get_or_insert_with(written);
        }
        // parts of the directions as a whole, no attributes of their own
        TokenKind::Clock
        | TokenKind::Maximum
        | TokenKind::Quantity
        | TokenKind::Refills
        | TokenKind::Site
        | TokenKind::Instruction => {}
        TokenKind::Route => {
            found.route.get_or_insert_with(written);
        }
        TokenKind::Form => {
            found.form.get_or_insert_with(written);
        }
        TokenKind::Prn => {
            let Span { start, end } = token.span;
            found.prn.get_or_insert_with(|| Flag { value: true, text: token.span.of(text).to_owned(), start, end });
        }
        TokenKind::Frequency => match &mut found.frequency {
            None => found.frequency = Some(written()),
            Some(first) => join_frequency(text, first, token),
        },
    }
}

/// "t.i.d. with meals", "daily in the morning": one frequency with both values.
fn join_frequency(text: &str, first: &mut Attribute, token: &Token) {
    let between = text.get(first.end..token.span.start).unwrap_or("x");
    if !between.trim_matches([' ', ',']).is_empty() && between.trim() != "and" {
        return;
    }
    first.end = token.span.end;
    first.text = text[first.start..first.end].to_owned();
    match (
        first.value.as_mut().and_then(serde_json::Value::as_object_mut),
        token.value.as_ref().and_then(|value| value.as_object()),
    ) {
        (Some(value), Some(more)) => {
            for (name, part) in more {
                value.entry(name.clone()).or_insert_with(|| part.clone());
            }
        }
        (None, Some(more)) => first.value = Some(more.clone().into()),
        _ => {}
    }
}
