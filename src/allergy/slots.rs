//! Reactions that no table has, by their place: what stands in brackets or behind a mark or a verb of causing, right after a substance.

use super::table::AllergyTables;
use crate::domain::Span;

pattern!(
    LEAD,
    r#"(?i)^["'”]?\s*(?:(?:(?:drug |medication )?(?:allerg(?:y|ies)|intolerance|sensitivity|hypersensitivity)|listed|only|infusion|injection|suture|sting|bites?|patch|cream|tablets?|therapy|jewel\w+|exposure|not tolerated|stopped|discontinued|d/c'?d)\b[\s,]*)*(?:(?:\s*[-–—:=>|/(\[,"“]+\s*)|(?:which|that|and|it|has|have|had|both|each|all|also|apparently|always|really|which also|severely)\s+)*(?:(?:caus\w+|gives?|gave|produc\w+|induc\w+|trigger\w*|precipitat\w+|result\w* in|leads? to|led to|made|makes?|turn(?:s|ed)|leaves?|left|drives?|drove|sets? off|brings? on|brought on|sends?|sent|manifested (?:by|as)|characterized by|with|develop\w*|experienc\w+|got|gets|has|had|due to|owing to|secondary to|because (?:it|of|he|she|his|her|they|my)|for|reactions?(?: of| was| is| were|:)?|rxn:?|manifestations?:?|side effects?:?|in the form of|as)\b[:,\s"“-]*)?(?:(?:him|her|them|me|his|my|the patient|patient|pt|the|an?|to|get|gets|got|become|be|feel|have|has|had|want|into|all|really|very|so|experience|develop|it|she|he|i)\s+)*["“]?"#
);
pattern!(MARK, r#"^[-–—:=>|/(\["“]|^,\s"#);
pattern!(CHUNKS, r"(?i)\s*(?:[,;/+&|()\[\]]|\band\b|\bor\b|\bwith\b|\bplus\b|--+| [-–—] )\s*");
pattern!(
    TAIL,
    r#"(?i)\s*(?:["”.]|\b(?:in (?:the )?\d|in (?:childhood|adolescence|infancy)|at age|at the|as an? |as (?:child|infant)|on (?:two|three|several|multiple|exposure)|when |while |during |after |years? ago|last |about |requiring|required|under |over |reported|per |only\b|within |severity\b|historically|previously|previous|since |where |so |but |which |by |he |she |if |until |because |this )|\d).*$"#
);
pattern!(
    COMMENT,
    r"(?i)\b(?:unknown|unk|unclear|unsure|unspecified|see|other|comments?|details?|child|childhood|infant|baby|listed|reviewed|tolerat\w*|avoid\w*|confirmed|patient|per|reports?|states?|not|no|none|possible|questionable|recalled?|remember\w*|verified|noted|allerg\w*|intoleran\w*|sensitiv\w*|history|yes|updated|nkda|days?|years?|mg|mcg|units?|give|use|she|he|is|are|was|were|will|currently|takes?|continues?|medications?|oral|iv|type|true|reactions?|both|skin test|switched|premedicat\w*|daily|twice|tablets?|prn|bid|tid|weekly|hold|restart|started?|resumed?|last|dose|drug|food|environmental|class|mother|father|same|source|chart|today|removed|refuted|n/a|blank|positive|negative|contact|date|onset|category|status|severity|active|previously|uneventful\w*|including|such as|e\.g|i\.e|effects?|adverse|side|january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|thinks?|thought|first|second|third|current|controlled|one|any|all|each|free|instead|alternatives?|chosen|used|premed\w*|pretreat\w*|ok|okay|fine|well|problems?|issues?|he's|she's|it's|i'm|that|this|these|those|there)\b"
);

/// The open reactions of `region`, which goes from the end of a substance to the next one.
pub(super) fn open_after(text: &str, tables: &AllergyTables, region: Span) -> Vec<Span> {
    let content = region.of(text);
    let lead = LEAD.find(content).map_or(0, |lead| lead.end());
    let announced = content[..lead].split_whitespace().any(|word| word.chars().any(char::is_alphabetic));
    if !announced && !MARK.is_match(content.trim_start()) {
        return Vec::new();
    }
    parts(text, tables, (region, lead))
}

/// The open reactions of a cell of a table.
pub(super) fn open_in(text: &str, tables: &AllergyTables, cell: Span) -> Vec<Span> {
    parts(text, tables, (cell, 0))
}

fn parts(text: &str, tables: &AllergyTables, (region, lead): (Span, usize)) -> Vec<Span> {
    let content = region.of(text);
    let mut parts: Vec<(usize, usize)> = Vec::new();
    let mut at = lead;
    for separator in CHUNKS.find_iter(&content[lead..]) {
        parts.push((at, lead + separator.start()));
        at = lead + separator.end();
        if parts.len() == 4 {
            break;
        }
    }
    if parts.len() < 4 {
        parts.push((at, content.len()));
    }
    parts
        .into_iter()
        .filter_map(|(start, end)| open(content, tables, (start, end)))
        .map(|place| Span::new(region.start + place.start, region.start + place.end))
        .collect()
}

/// One part without its remarks and its word of severity; None when it is no short phrase of words.
fn open(content: &str, tables: &AllergyTables, (start, end): (usize, usize)) -> Option<Span> {
    let part = content.get(start..end)?;
    let part = &part[..TAIL.find(part).map_or(part.len(), |tail| tail.start())];
    let part = part.trim_end_matches(|character: char| !character.is_alphanumeric());
    let bare = part.trim_start_matches(|character: char| !character.is_alphanumeric());
    let graded = tables
        .reactions
        .severities_in(bare, Span::new(0, bare.len()))
        .first()
        .map_or(0, |(span, ..)| if span.start == 0 { span.end } else { 0 });
    let words = bare[graded..].trim_start();
    let from = start + (part.len() - words.len());
    let count = words.split_whitespace().count();
    let short = count > 0 && count <= 5 && words.len() >= 3;
    (short && !words.chars().any(|character| character.is_ascii_digit()) && !COMMENT.is_match(words))
        .then(|| Span::new(from, from + words.len()))
}
