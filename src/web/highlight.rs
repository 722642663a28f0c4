//! A note's text cut into pieces, so that evidence and headings can be marked without changing a character.
//!
//! Marks may overlap or lie inside each other; HTML elements may not. The text is cut wherever a mark or a heading begins
//! or ends; each piece takes the look of the shortest mark over it and the words of all of them. A long text is cut into blocks of
//! whole lines too, so that a browser lays out only those near the screen.

use rustc_hash::FxHashMap;

use crate::domain::Span;

/// Bytes of a block, at least.
const BLOCK: usize = 4_000;

/// Words that an entry rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where, bytes.
    pub span: Span,
    /// Its look: style classes.
    pub look: String,
    /// What a pointer over it tells.
    pub title: String,
    /// Name of the place, for links to it.
    pub anchor: String,
    /// Where the entry stands.
    pub entry: String,
}

/// A piece of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its characters, exactly.
    pub text: String,
    /// Whether another block begins here.
    pub begins: bool,
    /// Whether it belongs to a heading.
    pub heading: bool,
    /// The place among the headings of the one that begins here.
    pub section: Option<usize>,
    /// Names of the marks that begin here.
    pub anchors: Vec<String>,
    /// Style classes; none = not marked.
    pub look: Option<String>,
    /// What a pointer over it tells.
    pub title: String,
    /// Where the entry of the shortest mark stands.
    pub entry: String,
}

impl Piece {
    /// The name that a marked piece bears itself: one element less for each, and a note has hundreds.
    pub(super) fn own_place(&self) -> Option<&str> {
        let marked = self.look.is_some() && !self.heading;
        self.anchors.last().filter(|_| marked).map(String::as_str)
    }

    /// The names that stand before it.
    pub(super) fn places(&self) -> &[String] {
        match (self.own_place(), self.anchors.split_last()) {
            (Some(_), Some((_, others))) => others,
            _ => &self.anchors,
        }
    }
}

/// The pieces of a note, in order and without gaps. Marks that do not fit the text are left out.
pub(super) fn pieces(text: &str, headings: &[Span], marks: &[Mark]) -> Vec<Piece> {
    let fits = |span: Span| !span.of(text).is_empty();
    let all_headings = headings;
    let headings: Vec<Span> = headings.iter().copied().filter(|span| fits(*span)).collect();
    let mut marks: Vec<&Mark> = marks.iter().filter(|mark| fits(mark.span)).collect();
    marks.sort_by_key(|mark| (mark.span.start, mark.span.end));
    let mut cuts: Vec<usize> = [0, text.len()].into();
    cuts.extend(headings.iter().chain(marks.iter().map(|mark| &mark.span)).flat_map(|span| [span.start, span.end]));
    let blocks = blocks(text, &headings, &marks);
    cuts.extend(&blocks);
    cuts.sort_unstable();
    cuts.dedup();
    let mut over: Vec<&Mark> = Vec::new();
    let mut waiting = marks.into_iter().peekable();
    let mut heading_at = headings.iter().peekable();
    // looked up for every piece: a note may be nothing but headings
    let mut sections: FxHashMap<usize, usize> = FxHashMap::default();
    for (at, heading) in all_headings.iter().enumerate().filter(|(_, heading)| fits(**heading)) {
        sections.entry(heading.start).or_insert(at);
    }
    let mut out = Vec::with_capacity(cuts.len());
    for (start, end) in cuts.iter().zip(cuts.iter().skip(1)).map(|(start, end)| (*start, *end)) {
        over.retain(|mark| mark.span.end > start);
        let mut anchors = Vec::new();
        while let Some(mark) = waiting.next_if(|mark| mark.span.start <= start) {
            anchors.push(mark.anchor.clone());
            over.push(mark);
        }
        while heading_at.next_if(|heading| heading.end <= start).is_some() {}
        let heading = heading_at.peek().is_some_and(|heading| heading.start <= start);
        let section = sections.get(&start).copied();
        let shortest = over.iter().min_by_key(|mark| mark.span.len());
        let mut titles: Vec<&str> = over.iter().map(|mark| mark.title.as_str()).collect();
        titles.dedup();
        out.push(Piece {
            text: Span::new(start, end).of(text).to_owned(),
            begins: blocks.contains(&start),
            heading,
            section,
            anchors,
            look: shortest.map(|mark| mark.look.clone()),
            title: titles.join(" + "),
            entry: shortest.map(|mark| mark.entry.clone()).unwrap_or_default(),
        });
    }
    out
}

/// Where blocks behind the first one begin: after a line break that lies in no mark and no heading.
fn blocks(text: &str, headings: &[Span], marks: &[&Mark]) -> Vec<usize> {
    let mut spans: Vec<Span> = headings.iter().copied().chain(marks.iter().map(|mark| mark.span)).collect();
    spans.sort_unstable();
    let (mut spans, mut reached) = (spans.into_iter().peekable(), 0);
    let mut begun = Vec::new();
    for (at, _) in text.match_indices('\n') {
        let at = at + 1;
        while let Some(span) = spans.next_if(|span| span.start < at) {
            reached = reached.max(span.end);
        }
        if reached <= at && at < text.len() && at - begun.last().copied().unwrap_or_default() >= BLOCK {
            begun.push(at);
        }
    }
    begun
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(start: usize, end: usize, name: &str) -> Mark {
        Mark {
            span: Span::new(start, end),
            look: name.to_owned(),
            title: name.to_owned(),
            anchor: format!("w-{name}"),
            entry: format!("e-{name}"),
        }
    }

    /// Pieces as text: `[words]{look: titles}`, headings in `#`.
    fn drawn(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| {
                let words = if piece.heading { format!("#{}#", piece.text) } else { piece.text.clone() };
                piece.look.as_ref().map_or(words.clone(), |look| format!("[{words}]{{{look}: {}}}", piece.title))
            })
            .collect()
    }

    #[test]
    fn a_long_text_is_cut_between_lines_and_never_in_a_mark() {
        let line = "what was said at the bedside was written down\n";
        let text = line.repeat(300);
        let found = pieces(&text, &[], &[mark(4_100, 8_900, "a")]);
        assert_eq!(found.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        let mut at = 0;
        let mut begun = Vec::new();
        for piece in &found {
            if piece.begins {
                begun.push(at);
            }
            at += piece.text.len();
        }
        assert!(begun.iter().all(|at| text[..*at].ends_with('\n') && !(4_100..8_900).contains(at)), "{begun:?}");
        assert!(begun.len() == 3 && begun[0] > 4_000 && begun[1] > 8_900, "{begun:?}");
        assert!(pieces("a\nb\n", &[], &[]).iter().all(|piece| !piece.begins), "a short one is one block");
    }

    #[test]
    fn overlaps() {
        let text = "severe left knee pain";
        for (marks, expected) in [
            (vec![], text),
            (vec![mark(0, 6, "a")], "[severe]{a: a} left knee pain"),
            (vec![mark(7, 21, "a"), mark(12, 16, "b")], "severe [left ]{a: a}[knee]{b: a + b}[ pain]{a: a}"),
            (vec![mark(0, 11, "a"), mark(7, 16, "b")], "[severe ]{a: a}[left]{b: a + b}[ knee]{b: b} pain"),
            (vec![mark(0, 6, "a"), mark(0, 6, "b")], "[severe]{a: a + b} left knee pain"),
            (vec![mark(15, 99, "a"), mark(3, 3, "b")], text),
        ] {
            assert_eq!(drawn(&pieces(text, &[], &marks)), expected);
        }
    }

    #[test]
    fn headings_and_anchors() {
        let made = pieces("PMH: gout", &[Span::new(0, 3)], &[mark(5, 9, "a"), mark(5, 9, "b")]);
        assert_eq!(drawn(&made), "#PMH#: [gout]{a: a + b}");
        assert_eq!(made[2].anchors, ["w-a", "w-b"]);
    }

    proptest! {
        #[test]
        fn no_character_is_lost(text in "\\PC{0,40}", places in proptest::collection::vec((0usize..60, 0usize..60), 0..8)) {
            let marks: Vec<Mark> = places.iter().map(|(start, end)| mark(*start, *end, "m")).collect();
            let headings: Vec<Span> = places.iter().take(2).map(|(start, end)| Span::new(*start, *end)).collect();
            let whole: String = pieces(&text, &headings, &marks).into_iter().map(|piece| piece.text).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
