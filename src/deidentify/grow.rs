//! Names of places and organisations that go on beyond the word that was found: "Camp Wahpeton", "Brandt Lake", "Little Sprouts Daycare".

use super::{
    Covered, Identifier, IdentifierClass,
    lexicon::Lexicon,
    tokens::{Shape, Token, gap},
    words::{CREDENTIALS, GENERIC, HEADS, LABELS, RELATIONS, STOPPERS, TERMS, TITLES, holds},
};
use crate::domain::Span;

/// Words by which places end.
const ENDS: &str = "hill|hills|river|creek|lake|lakes|falls|springs|beach|heights|grove|island|ridge|junction|harbor|harbour|ferry|\
    prairie|mills|woods|rapids|bluff|bluffs|canyon|meadows|cove|shores|pike|trail|crossing|hollow|village|estates|\
    manor|bayou|bay|park|forest|gap|fork|forks|center|centre|city|county|township|street|avenue|road|lane|drive|way|\
    court|square|bridge|point|landing|beach|farm|farms|ranch|field|fields|fort|town|parish|glen|dale|moor|\
    green|apartments|towers|tower|arms|acres|terrace|plaza|mall|church|baptist|lutheran|methodist|presbyterian|\
    episcopal|catholic|elementary|middle|academy|high|isd|usd|district|reservation|pueblo|rez|pass|valley|mountain|\
    mountains|peak|basin|flats|corners|mesa|summit|chapel|priory|abbey|stadium|arena|field|speedway|campground";
/// Words by which places begin.
const BEGINNINGS: &str = "fort|port|lake|mount|glen|cape|camp|upper|lower|little|big|grand|old|new|el|la|los|las|san|santa|saint|st|ste|mt|ft|\
    north|south|east|west|point|villa|villas|rancho|rio|casa|isle|bayou|the|our|holy|sacred|mercy|good|first|second|\
    green|white|black|red|blue|golden|silver|royal|great|white|sunny|cedar|maple|oak|pine|willow|elm|birch|magnolia|\
    spring|summer|autumn|winter|ocean|sea|sun|star|eagle|bear|deer|fox|wolf|hawk|rose|lily|mountain|valley|river";

/// Words that belong to names that were found, and runs of words with capitals that end or begin like a place.
pub(super) fn find(
    text: &str,
    words: &[Token],
    found: &[Identifier],
    (lexicon, mentions): (&Lexicon, &Covered),
) -> Vec<Identifier> {
    let grown = Covered::of(found.iter().filter(|one| is_growing(one.class)).map(|one| one.span));
    let covered = Covered::of(found.iter().map(|one| one.span));
    let mut out = Vec::new();
    let is_free = |word: &Token| !covered.overlaps(word.span);
    let may_join = |word: &Token| {
        let folded = word.folded.as_str();
        word.shape == Shape::Title
            && ![CREDENTIALS, LABELS, RELATIONS, STOPPERS, TERMS, TITLES].iter().any(|list| holds(list, folded))
            && !is_day(folded)
    };
    for (at, word) in words.iter().enumerate() {
        let folded = word.folded.as_str();
        let is_police = matches!(folded, "pd" | "fd" | "so") && word.shape == Shape::Upper;
        if !is_free(word) || word.shape != Shape::Title && !is_police || mentions.overlaps(word.span) {
            continue;
        }
        let next = words.get(at + 1).filter(|next| matches!(gap(text, word, next), " " | "-" | " & "));
        let last = at
            .checked_sub(1)
            .and_then(|last| words.get(last))
            .filter(|last| matches!(gap(text, last, word), " " | "-" | " & "));
        // "Camp" of "Camp Wahpeton", "Hometown" of "Hometown Apothecary"
        let is_before = next.is_some_and(|next| grown.overlaps(next.span) && next.shape == Shape::Title)
            && (holds(BEGINNINGS, folded) || !word.begins && may_join(word) && !lexicon.is_clinical(folded));
        // "Lake" of "Brandt Lake", "Regional" of "Oxbow Regional"
        let is_behind = last.is_some_and(|last| grown.overlaps(last.span) && last.shape == Shape::Title)
            && (holds(ENDS, folded)
                || holds(HEADS, folded)
                || is_police
                || word.shape == Shape::Title
                    && may_join(word)
                    && !holds(GENERIC, folded)
                    && !lexicon.is_clinical(folded)
                    && text[word.span.end..].starts_with([' ', ',', '.', ')', ';', '\n']));
        let left = Span::new(word.span.start, word.span.start).around(text, 12, 0).of(text);
        let has_cue =
            ["to ", "from ", "in ", "near ", "on ", "of ", "at ", "the ", "nr "].iter().any(|cue| left.ends_with(cue));
        // "Sugar Hill": a place of words that everybody knows
        let is_place = next.is_some_and(|next| {
            holds(ENDS, &next.folded)
                && next.shape == Shape::Title
                && !word.begins
                && may_join(word)
                && !holds(GENERIC, folded)
                && !holds(GENERIC, &next.folded)
                && (has_cue || !lexicon.is_clinical(folded))
        });
        if is_place && let Some(next) = next {
            out.push(Identifier::new(Span::new(word.span.start, next.span.end), IdentifierClass::Location));
        } else if is_before || is_behind {
            let class =
                if is_behind && holds(ENDS, folded) { IdentifierClass::Location } else { IdentifierClass::Organization };
            out.push(Identifier::new(word.span, class));
        }
    }
    out
}

const fn is_growing(class: IdentifierClass) -> bool {
    matches!(class, IdentifierClass::Name | IdentifierClass::Location | IdentifierClass::Organization)
}

/// Days and months, which stand beside names without belonging to them.
fn is_day(folded: &str) -> bool {
    super::date_words::WEEKDAYS.contains(&folded) || super::date_words::MONTHS.contains(&folded)
}
