//! What the edits need to know of every code of the edition, once and for all.

use std::collections::{HashMap, HashSet};

use super::key::{Key, Span};
use crate::{
    coding::laterality::{Side, Sides, side_of_title},
    vocabulary::{Code, CodeBook},
};

/// The word.
const UNSPECIFIED: &str = "unspecified";

/// What a title leaves open.
#[derive(Debug)]
pub(super) struct Unspecified {
    /// The title.
    pub(super) title: String,
    /// The codes that name the right and the left side, when a side is what is missing.
    pub(super) sides: Option<(Key, Key)>,
    /// The code under which the named ones stand.
    pub(super) under: Key,
    /// The same, or what is above it when its own title leaves something open ("Other and unspecified asthma").
    around: Key,
    /// The side that the title names.
    side: Option<Side>,
}

impl Unspecified {
    /// Whether another code names what this one leaves open, as far as the codes tell: it stands under the same, and not on the other side.
    pub(super) fn is_named_by(&self, facts: &Facts, other: Key) -> bool {
        let sides = (self.side, facts.sides.get(&other));
        let of_other_side = matches!(sides, (Some(Side::Right), Some(Side::Left)) | (Some(Side::Left), Some(Side::Right)));
        let open_too = || facts.unspecified(other).is_some_and(|open| open.around.span().holds(self.around));
        self.around.span().holds(other) && facts.billable(other) == Some(true) && !of_other_side && !open_too()
    }
}

/// All codes of the edition.
#[derive(Debug)]
pub(super) struct Facts {
    /// In order, with whether it is billable.
    codes: Vec<(Key, bool)>,
    manifestations: HashSet<Key>,
    unspecified: HashMap<Key, Unspecified>,
    /// The sides that titles name.
    sides: HashMap<Key, Side>,
}

impl Facts {
    pub(super) fn new(book: &CodeBook) -> Self {
        let known: Vec<(Key, &Code)> = book.all().iter().filter_map(|code| Some((Key::parse(&code.code)?, code))).collect();
        let mut codes: Vec<(Key, bool)> = known.iter().map(|(key, code)| (*key, code.billable)).collect();
        codes.sort_unstable();
        let billable = || known.iter().filter(|(_, code)| code.billable);
        let manifestations = billable().filter(|(_, code)| is_manifestation(&code.title)).map(|(key, _)| *key).collect();
        let sided = billable().filter_map(|(key, code)| Some((*key, side_of_title(&code.title.to_lowercase())?)));
        let sides = sided.filter(|(_, side)| *side != Side::Bilateral).collect();
        Self { codes, manifestations, unspecified: unspecified(book, &known), sides }
    }

    /// Whether the code may stand on a claim; None when the edition does not have it.
    pub(super) fn billable(&self, key: Key) -> Option<bool> {
        let place = self.codes.binary_search_by_key(&key, |(code, _)| *code).ok()?;
        self.codes.get(place).map(|(_, billable)| *billable)
    }

    /// Whether the edition has a code inside.
    #[cfg(test)]
    pub(super) fn any_in(&self, span: Span) -> bool {
        self.inside(span).next().is_some()
    }

    /// The first billable code below.
    pub(super) fn first_below(&self, key: Key) -> Option<Key> {
        self.inside(key.span()).find(|(_, billable)| *billable).map(|(code, _)| *code)
    }

    /// Whether all that is missing to the code is its seventh character.
    pub(super) fn lacks_seventh(&self, key: Key) -> bool {
        let mut below = self.inside(key.span()).filter(|(code, _)| *code != key).peekable();
        below.peek().is_some()
            && below.all(|(code, _)| {
                let characters = code.characters();
                code.len() == 7 && characters[key.len()..6].iter().all(|byte| *byte == b'X')
            })
    }

    /// Whether the code is a manifestation, which needs its cause.
    pub(super) fn is_manifestation(&self, key: Key) -> bool {
        self.manifestations.contains(&key)
    }

    /// What the title leaves open although another code names it.
    pub(super) fn unspecified(&self, key: Key) -> Option<&Unspecified> {
        self.unspecified.get(&key)
    }

    fn inside(&self, span: Span) -> impl Iterator<Item = &(Key, bool)> {
        let start = self.codes.partition_point(|(code, _)| *code < span.low);
        self.codes[start..].iter().take_while(move |(code, _)| span.holds(*code))
    }
}

/// "Dementia in other diseases classified elsewhere", but not the agents, which name themselves the cause of such diseases.
fn is_manifestation(title: &str) -> bool {
    title.contains("classified elsewhere") && !title.contains("not classified elsewhere") && !title.contains("as the cause of")
}

/// "Heart failure, unspecified", but not "stage 1 through stage 4 or unspecified chronic kidney disease".
fn says_unspecified(title: &str) -> bool {
    let title = title.to_lowercase();
    title.match_indices(UNSPECIFIED).any(|(at, _)| !title[..at].ends_with("or ") && !title[..at].ends_with("other and "))
}

fn unspecified(book: &CodeBook, known: &[(Key, &Code)]) -> HashMap<Key, Unspecified> {
    let titles: HashMap<Key, &str> = known.iter().map(|(key, code)| (*key, code.title.as_str())).collect();
    let parent = |key: Key| (3..key.len()).rev().map(|count| key.first(count)).find(|above| titles.contains_key(above));
    // the codes that have a child which names what others leave open
    let naming: HashSet<Key> =
        known.iter().filter(|(_, code)| !says_unspecified(&code.title)).filter_map(|(key, _)| parent(*key)).collect();
    let laterality = Sides::of(book);
    let mut found = HashMap::new();
    for (key, code) in known.iter().filter(|(_, code)| code.billable && says_unspecified(&code.title)) {
        let sides = sides((book, &laterality), (*key, code));
        let mut at = *key;
        let under = loop {
            let Some(above) = parent(at) else { break None };
            // the encounter characters of one code name nothing
            if naming.contains(&above) && at.len() < 7 {
                break Some(above);
            }
            if !titles.get(&above).is_some_and(|title| says_unspecified(title)) {
                break None;
            }
            at = above;
        };
        if sides.is_some() || under.is_some() {
            let under = under.or_else(|| parent(*key)).unwrap_or(*key);
            let leaves_open =
                |heading: &Key| titles.get(heading).is_some_and(|title| title.to_lowercase().contains(UNSPECIFIED));
            let above = std::iter::successors(Some(under), |at| parent(*at).filter(|_| leaves_open(at)));
            let around = above.last().unwrap_or(under);
            let side = side_of_title(&code.title.to_lowercase());
            found.insert(*key, Unspecified { title: code.title.clone(), sides, under, around, side });
        }
    }
    found
}

/// The codes of the same category whose titles differ in naming the side only: the right one and the left one.
fn sides((book, laterality): (&CodeBook, &Sides), (key, code): (Key, &Code)) -> Option<(Key, Key)> {
    let (right, left) = laterality.siblings(book, &code.code)?;
    let of_category = |found: &str| Key::parse(found).filter(|found| *found != key && found.first(3) == key.first(3));
    Some((of_category(&right)?, of_category(&left)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_that_leave_something_open() {
        assert!(says_unspecified("Heart failure, unspecified"));
        assert!(says_unspecified("Pain in unspecified knee"));
        assert!(!says_unspecified(
            "Hypertensive chronic kidney disease with stage 1 through stage 4 or unspecified chronic kidney disease"
        ));
        assert!(!says_unspecified("Other and unspecified ovarian cysts"));
    }

    #[test]
    fn manifestations_by_title() {
        assert!(is_manifestation("Dementia in other diseases classified elsewhere, mild"));
        assert!(is_manifestation("Pleural effusion in other conditions classified elsewhere"));
        assert!(!is_manifestation("Streptococcus, group A, as the cause of diseases classified elsewhere"));
        assert!(!is_manifestation("Shock, not elsewhere classified"));
    }
}
