//! PubTator: `ID|t|title`, `ID|a|abstract`, then one line an annotation or a relation; an empty line between documents.
//!
//! The text is title, one space, abstract. Relations are between concepts (`ID<tab>CID<tab>D1<tab>D2`), so they stand for the first span of
//! each.

use super::{Marked, MarkedSpan, Refused, placed};

/// The documents of a PubTator file.
pub(super) fn documents(text: &str) -> Result<Vec<Marked>, Refused> {
    let mut out: Vec<Marked> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", index + 1);
        if line.trim().is_empty() {
            continue;
        }
        if let Some((id, part, words)) = heading(line) {
            match part {
                "t" => out.push(Marked { id: id.to_owned(), text: words.to_owned(), ..Marked::default() }),
                _ => {
                    let last = out.last_mut().filter(|document| document.id == id);
                    let last = last.ok_or_else(|| wrong("an abstract without its title before it"))?;
                    last.text.push(' ');
                    last.text.push_str(words);
                }
            }
            continue;
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let document = out.last_mut().filter(|document| fields.first() == Some(&document.id.as_str()));
        let document = document.ok_or_else(|| wrong("an annotation of no document before it"))?;
        match fields.as_slice() {
            [_, start, end, words, label, code @ ..] => {
                let start = start.parse().map_err(|_| wrong("the start is not a whole number"))?;
                end.parse::<usize>().map_err(|_| wrong("the end is not a whole number"))?;
                let (start, end) = placed(&document.text, start, words).map_err(|message| wrong(&message))?;
                let codes =
                    code.first().map(|codes| codes.split([',', '|', ';']).map(str::to_owned).collect()).unwrap_or_default();
                let key = document.spans.len().to_string();
                document.spans.push(MarkedSpan { key, label: (*label).to_owned(), start, end, codes, said: Vec::new() });
            }
            [_, label, first, second] => {
                let key = |code: &str| {
                    document.spans.iter().find(|span| span.codes.iter().any(|own| own == code)).map(|span| span.key.clone())
                };
                if let (Some(first), Some(second)) = (key(first), key(second)) {
                    document.relations.push(((*label).to_owned(), first, second));
                }
            }
            _ => return Err(wrong("neither an annotation (6 fields) nor a relation (4 fields)")),
        }
    }
    Ok(out)
}

fn heading(line: &str) -> Option<(&str, &str, &str)> {
    let (id, rest) = line.split_once('|')?;
    let (part, words) = rest.split_once('|')?;
    (matches!(part, "t" | "a") && !id.contains('\t')).then_some((id, part, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_annotations_and_relations_are_read() {
        let read = documents(
            "1|t|Lasix and gout\n1|a|Attacks of gout.\n1\t0\t5\tLasix\tChemical\tD005665\n1\t26\t30\tgout\tDisease\tD006073\n\
             1\tCID\tD005665\tD006073\n\n2|t|Asthma\n2|a|\n2\t0\t6\tAsthma\tDisease\n",
        )
        .expect("reads");
        let [one, two] = read.as_slice() else { panic!("two documents") };
        assert_eq!(one.text, "Lasix and gout Attacks of gout.");
        assert_eq!(
            (one.spans[1].start, one.spans[1].end, one.spans[1].codes.as_slice()),
            (26, 30, &["D006073".to_owned()][..])
        );
        assert_eq!(one.relations, [("CID".to_owned(), "0".to_owned(), "1".to_owned())]);
        assert_eq!((two.text.as_str(), two.spans.len()), ("Asthma ", 1));
    }

    #[test]
    fn wrong_lines_are_named_without_their_words() {
        for (text, said) in [
            ("1|a|Gout", "line 1"),
            ("1|t|Gout\n2\t0\t4\tGout\tDisease\tD1", "line 2"),
            ("1|t|Gout\n1\tx\t4\tGout\tDisease\tD1", "start"),
            ("1|t|Gout\n1\t1\t5\tGout\tDisease\tD1", "offset 1"),
            ("1|t|Gout\n1\t0", "neither"),
        ] {
            let message = documents(text).map(|_| ()).expect_err("is refused");
            assert!(message.contains(said) && !message.contains("Gout"), "{message}");
        }
    }
}
