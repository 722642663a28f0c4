//! Every sig word of a note, in order, before it is known to which drug it belongs.

use regex::Regex;

use super::{sig::SigTable, value};
use crate::domain::Span;

/// What a token may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// "500 mg", "1%".
    Strength,
    /// "5/325", only directly after a drug.
    Combination,
    /// "2 tablets", "40 units".
    Dose,
    /// "twice a day".
    Frequency,
    /// "10 days" of "for 10 days".
    Duration,
    /// "p.o."
    Route,
    /// "ointment".
    Form,
    /// "as needed".
    Prn,
    /// A bare number.
    Number,
    /// "at 8 a.m. and 8 p.m."
    Clock,
    /// "not to exceed 8 tablets in 24 hours".
    Maximum,
    /// "#30", "dispense 60".
    Quantity,
    /// "2 refills".
    Refills,
    /// "left knee" of "into the left knee".
    Site,
    /// Directions that stay words: "as directed".
    Instruction,
}

/// A sig word or phrase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// The words of the value.
    pub span: Span,
    /// The same with the words that announce or end it: "for 10 days", "7-day course".
    pub whole: Span,
    /// The countable form inside a dose ("tablets" of "2 tablets").
    pub form: Option<Span>,
    pub value: Option<serde_json::Value>,
}

/// All tokens of `text`, without overlap: the longest wins, then the one that starts first, then the order of kinds.
pub(super) fn scan(text: &str, sig: &SigTable) -> Vec<Token> {
    let patterns = &sig.patterns;
    let sources: [(&Regex, TokenKind); 18] = [
        (&patterns.frequency, TokenKind::Frequency),
        (&patterns.frequency_words, TokenKind::Frequency),
        (&patterns.duration, TokenKind::Duration),
        (&patterns.duration_words, TokenKind::Duration),
        (&patterns.strength, TokenKind::Strength),
        (&patterns.dose, TokenKind::Dose),
        (&patterns.spoken_dose, TokenKind::Dose),
        (&patterns.route, TokenKind::Route),
        (&patterns.form, TokenKind::Form),
        (&patterns.prn, TokenKind::Prn),
        (&patterns.clock, TokenKind::Clock),
        (&patterns.maximum, TokenKind::Maximum),
        (&patterns.quantity, TokenKind::Quantity),
        (&patterns.refills, TokenKind::Refills),
        (&patterns.site, TokenKind::Site),
        (&patterns.instruction, TokenKind::Instruction),
        (&patterns.combination, TokenKind::Combination),
        (&patterns.number, TokenKind::Number),
    ];
    let mut found: Vec<(Token, Span)> = Vec::new();
    for (pattern, kind) in sources {
        for captures in pattern.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            let group = |name| captures.name(name).map(|group| Span::new(group.start(), group.end()));
            let whole = Span::new(whole.start(), whole.end());
            let span = ["span", "course", "british", "ear", "bare"].into_iter().find_map(group).unwrap_or(whole);
            if stands_alone(text, whole) && !is_measurement(text, span, kind) {
                let per_volume = kind == TokenKind::Dose && span.of(text).to_ascii_lowercase().ends_with("/ml");
                let kind = if per_volume { TokenKind::Strength } else { kind };
                let value = match kind {
                    TokenKind::Maximum => value::maximum(sig, &captures),
                    TokenKind::Quantity => value::handed_out(sig, &captures),
                    TokenKind::Refills => value::count(sig, &captures),
                    _ => value::of(sig, if per_volume { TokenKind::Dose } else { kind }, span.of(text)),
                };
                let token = Token { kind, span, whole, form: group("form"), value };
                found.push((token, whole));
            }
        }
    }
    // stable: kinds of equal length and start stay in the order above
    found.sort_by_key(|(_, whole)| (whole.start, std::cmp::Reverse(whole.end)));
    let mut tokens: Vec<(Token, Span)> = Vec::with_capacity(found.len());
    for (token, whole) in found {
        match tokens.last_mut() {
            Some((_, last)) if last.end > whole.start => {
                if whole.len() > last.len() {
                    tokens.pop();
                    tokens.push((token, whole));
                }
            }
            _ => tokens.push((token, whole)),
        }
    }
    tokens.into_iter().map(|(token, _)| once_daily(text, sig, token)).collect()
}

/// "OD" is the right eye beside drops, eyes or a percentage, and British "once daily" elsewhere.
fn once_daily(text: &str, sig: &SigTable, token: Token) -> Token {
    let written = token.span.of(text);
    if !matches!(token.kind, TokenKind::Route | TokenKind::Frequency)
        || !matches!(written, "OD" | "O.D." | "O.D" | "od" | "o.d.")
    {
        return token;
    }
    let near = Span::new(token.span.start, token.span.start).around(text, 60, 0);
    let near = near.of(text).rsplit('\n').next().unwrap_or_default().to_lowercase();
    let eye = ["drop", "gtt", "eye", "%", "ophth", "ointment", "inch"].iter().any(|word| near.contains(word));
    let (kind, word) = if eye { (TokenKind::Route, "O.D.") } else { (TokenKind::Frequency, "daily") };
    Token { kind, value: value::of(sig, kind, word), ..token }
}

/// Not a part of a longer word or number.
fn stands_alone(text: &str, span: Span) -> bool {
    let before = text[..span.start].chars().next_back();
    let mut after = text[span.end..].chars();
    let (next, following) = (after.next(), after.next());
    let joins = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let starts_with_digit = text[span.start..].starts_with(|character: char| character.is_ascii_digit());
    let glued_before = joins(before) || (starts_with_digit && matches!(before, Some('#' | '.' | '$')));
    let ends_with_digit = text[..span.end].ends_with(|character: char| character.is_ascii_digit());
    let glued_after = joins(next) || (ends_with_digit && matches!(next, Some('.' | ',' | '/')) && joins(following));
    !glued_before && !glued_after
}

/// Laboratory values, ages and times past are not sigs.
fn is_measurement(text: &str, span: Span, kind: TokenKind) -> bool {
    let written = span.of(text);
    let after: String = text[span.end..].chars().take(14).collect::<String>().to_lowercase();
    match kind {
        TokenKind::Strength => written.to_ascii_lowercase().ends_with("dl") || after.starts_with(" of the "),
        TokenKind::Duration | TokenKind::Frequency => {
            [" ago", " old", "-old", " prior", " later", " status"].iter().any(|word| after.starts_with(word))
        }
        _ => false,
    }
}
