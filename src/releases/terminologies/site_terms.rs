//! A site's own terms: CSV, UTF-8, with a header row. The separator is a comma, a semicolon or a tab, whichever the header has most of;
//! cells may be quoted; a byte order mark and any line end will do. Columns stand in any order; all but `term` may be left away.
//!
//! | column | meaning |
//! |---|---|
//! | `term` | as notes write it; once in the file, whatever its case |
//! | `kind` | diagnosis (also where the cell is empty), finding, abbreviation, stop, medication |
//! | `codes` | ICD-10-CM with the dot: alternatives, best first, by vertical bar; what stands together joined by `+`. For a medication the RxCUIs or the names of ingredients |
//! | `expansion` | the meaning in full words; it finds the codes where there are none |
//! | `guard` | any (also where the cell is empty), upper = only in capitals, context = only with one of the context words near |
//! | `context` | words by vertical bar; `!word` forbids the term |
//! | `case_sensitive` | 1 or yes where only this case or capitals count |
//!
//! A line that is wrong (cells missing, a quote that is not closed, a code that is none) is left out and told with its number; the others are
//! kept. A file that is no UTF-8, whose header is wrong, or of which no line can be used is refused. Errors are told at once, up to
//! [`MOST_ERRORS`].

use std::{
    collections::{HashMap, hash_map::Entry},
    io::Read as _,
};

use super::rows::{Header, first_line};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table, clean};

/// A site's own terms, as in the file, with empty kinds and guards filled in, and the line on which each stands.
pub const SITE_TERMS: Table = Table {
    name: "site_terms.tsv",
    columns: &["term", "kind", "codes", "expansion", "guard", "context", "case_sensitive", "line"],
};

/// The columns that a file may have.
const IN_FILE: [&str; 7] = ["term", "kind", "codes", "expansion", "guard", "context", "case_sensitive"];

/// So many errors are told in one message.
pub const MOST_ERRORS: usize = 20;

const COLUMNS: usize = IN_FILE.len();
const KINDS: [&str; 5] = ["diagnosis", "finding", "abbreviation", "stop", "medication"];
const GUARDS: [&str; 3] = ["any", "upper", "context"];

/// A row in the order of the columns of the file.
type SiteTerm = [String; COLUMNS];

/// Reads the terms.
///
/// # Errors
/// When there is no such file, it is damaged, no term in it can be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut reading = Reading::default();
    let mut found = false;
    release.each(|member| {
        let first = first_line(member)?;
        let first = first.split('\r').next().unwrap_or_default();
        if member.reader().fill_buf().is_ok_and(|bytes| bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
            return Err(ReleaseError::malformed(member.name, 1, "is UTF-16; save the spreadsheet as \"CSV UTF-8\"".to_owned()));
        }
        let separator = separator(first);
        let header = Header::new(first, char::from(separator));
        if header.place(&["term"]).is_none() {
            return Ok(());
        }
        found = true;
        reading.member(member, separator)
    })?;
    if !found {
        return Err(ReleaseError::not_found(
            "a CSV whose first line names the column \"term\" (save a spreadsheet as \"CSV UTF-8\")",
        ));
    }
    if let (true, [(file, line, first), ..]) = (reading.terms.is_empty(), reading.wrong.as_slice()) {
        let more = reading.wrong.iter().skip(1).map(|(_, line, message)| (*line, message.clone()));
        return all_at_once(file, &std::iter::once((*line, first.clone())).chain(more).collect::<Vec<_>>())
            .map(|()| Summary::default());
    }
    for (term, line) in &reading.terms {
        let mut row: Vec<&str> = term.iter().map(String::as_str).collect();
        row.push(line);
        out.row(SITE_TERMS, &row)?;
    }
    let left_out = reading.wrong.iter().take(MOST_ERRORS);
    let mut errors: Vec<String> =
        left_out.map(|(file, line, message)| format!("{file}, line {line} was left out: {message}")).collect();
    if reading.wrong.len() > MOST_ERRORS {
        errors.push(format!("and {} more lines were left out", reading.wrong.len() - MOST_ERRORS));
    }
    Ok(Summary { release: String::new(), notes: reading.notes, errors })
}

fn separator(header: &str) -> u8 {
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

#[derive(Debug, Default)]
struct Reading {
    /// Terms, and the line of each as text.
    terms: Vec<(SiteTerm, String)>,
    /// File and line of terms that cannot be used, and why.
    wrong: Vec<(String, u64, String)>,
    /// Line and file of each term in lower case.
    seen: HashMap<String, String>,
    notes: Vec<String>,
}

impl Reading {
    fn member(&mut self, member: &mut Member<'_>, separator: u8) -> Result<()> {
        let file = member.name;
        let mut bytes = Vec::new();
        member.whole().read_to_end(&mut bytes).map_err(|cause| ReleaseError::unreadable(file, cause))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut csv = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(bytes);
        let mut errors: Vec<(u64, String)> = Vec::new();
        let mut lines = Lines { bytes, at: 0, line: 1 };
        let mut places = None;
        for record in csv.byte_records() {
            let record = record.map_err(|error| ReleaseError::unreadable(file, error))?;
            let line = lines.of(&record);
            let outcome = match &places {
                None => self.header(&record).map(|found| places = Some(found)),
                Some(places) => self.row(&record, places, (file, line)),
            };
            if let Err(message) = outcome {
                errors.push((line, message));
            }
            if places.is_none() {
                break;
            }
        }
        all_at_once(file, &errors)
    }

    fn header(&mut self, record: &csv::ByteRecord) -> Result<Places, String> {
        let names: Vec<String> = texts(record)?.iter().map(|name| name.to_lowercase()).collect();
        let mut places = Places { columns: [None; COLUMNS], width: names.len() };
        for (place, name) in names.iter().enumerate() {
            match IN_FILE.iter().position(|column| column == name) {
                Some(column) if places.columns[column].is_some() => return Err(format!("has the column \"{name}\" twice")),
                Some(column) => places.columns[column] = Some(place),
                None if name.is_empty() => {}
                None => self.notes.push(format!("The column \"{name}\" was not read: it is none of {}", IN_FILE.join(", "))),
            }
        }
        Ok(places)
    }

    /// Keeps a row, or why it cannot be used; an error is a file that is no text.
    fn row(&mut self, record: &csv::ByteRecord, places: &Places, (file, line): (&str, u64)) -> Result<(), String> {
        let cells = texts(record)?;
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        if cells.len() != places.width {
            let (found, width) = (cells.len(), places.width);
            // a quote that is not closed takes the lines behind it
            let breaks: usize =
                record.iter().map(|cell| cell.trim_ascii_end().iter().filter(|byte| **byte == b'\n').count()).sum();
            let taken = if breaks == 0 {
                String::new()
            } else {
                format!(" (lines {line} to {} are in one quote)", line + breaks as u64)
            };
            let message = format!(
                "has {found} cells, not {width}{taken}; put cells that hold the separator in quotes, close every quote, and import the file again"
            );
            self.wrong.push((file.to_owned(), line, message));
            return Ok(());
        }
        let term = checked(places.columns.map(|place| place.map_or_else(String::new, |place| cells[place].clone())));
        match term.and_then(|term| self.once(term, format!("line {line} of {file}"))) {
            Ok(term) => self.terms.push((term, line.to_string())),
            Err(message) => self.wrong.push((file.to_owned(), line, message)),
        }
        Ok(())
    }

    /// The term, when it did not stand before.
    fn once(&mut self, term: SiteTerm, here: String) -> Result<SiteTerm, String> {
        match self.seen.entry(term[0].to_lowercase()) {
            Entry::Occupied(there) => Err(format!("the term \"{}\" stands in {} too; keep one of them", term[0], there.get())),
            Entry::Vacant(place) => {
                place.insert(here);
                Ok(term)
            }
        }
    }
}

/// Lines of records. The CSV reader counts from where the last record ended, before empty lines, and does not know old line ends.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a record begins; records come in their order.
    fn of(&mut self, record: &csv::ByteRecord) -> u64 {
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        while self.at < self.bytes.len() && (self.at < start || matches!(self.bytes[self.at], b'\r' | b'\n')) {
            let ends =
                self.bytes[self.at] == b'\n' || self.bytes[self.at] == b'\r' && self.bytes.get(self.at + 1) != Some(&b'\n');
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
    }
}

/// Where the columns stand.
#[derive(Debug)]
struct Places {
    columns: [Option<usize>; COLUMNS],
    width: usize,
}

fn texts(record: &csv::ByteRecord) -> Result<Vec<String>, String> {
    let text = |cell: &[u8]| {
        let text = std::str::from_utf8(cell).map_err(|_| "is not UTF-8; save the spreadsheet as \"CSV UTF-8\"")?;
        Ok(clean(text.trim_start_matches('\u{feff}')))
    };
    record.iter().map(text).collect()
}

/// The row with its defaults, or what is wrong with it.
fn checked([term, kind, codes, expansion, guard, context, case_sensitive]: SiteTerm) -> Result<SiteTerm, String> {
    if !term.contains(char::is_alphanumeric) {
        return Err("has no term; write it into the column \"term\"".to_owned());
    }
    let kind = one_of("kind", &kind, &KINDS)?;
    let guard = one_of("guard", &guard, &GUARDS)?;
    let codes = checked_codes(&codes, kind)?;
    if kind == "stop" && !codes.is_empty() {
        return Err(format!("the stop term \"{term}\" has codes; it yields nothing, so leave them away"));
    }
    if kind != "stop" && codes.is_empty() && expansion.is_empty() {
        return Err(format!("the term \"{term}\" has neither codes nor an expansion; write one of them"));
    }
    if guard == "context" && !context.split('|').any(|word| !word.trim().is_empty() && !word.trim().starts_with('!')) {
        return Err(format!("the term \"{term}\" has the guard context and no context words; write them into \"context\""));
    }
    let case_sensitive = match case_sensitive.to_lowercase().as_str() {
        "" | "0" | "no" | "false" => String::new(),
        "1" | "yes" | "true" => "1".to_owned(),
        other => return Err(format!("\"{other}\" is no case_sensitive; write 1 or leave it empty")),
    };
    Ok([term, kind.to_owned(), codes, expansion, guard.to_owned(), context, case_sensitive])
}

/// A word of a list; the first where the cell is empty.
fn one_of<'l>(column: &str, word: &str, list: &[&'l str]) -> Result<&'l str, String> {
    let word = if word.is_empty() { list[0].to_owned() } else { word.to_lowercase() };
    let found = list.iter().find(|known| **known == word);
    found.copied().ok_or_else(|| format!("\"{word}\" is no {column}; write one of {}", list.join(", ")))
}

fn checked_codes(codes: &str, kind: &str) -> Result<String, String> {
    if codes.is_empty() {
        return Ok(String::new());
    }
    let alternative = |together: &str| -> Result<String, String> {
        let codes: Vec<String> = together.split('+').map(|code| checked_code(code.trim(), kind)).collect::<Result<_, _>>()?;
        Ok(codes.join("+"))
    };
    let alternatives: Vec<String> = codes.split('|').map(alternative).collect::<Result<_, _>>()?;
    Ok(alternatives.join("|"))
}

fn checked_code(code: &str, kind: &str) -> Result<String, String> {
    if kind == "medication" {
        // whether the ingredient is loaded shows when the tables are built
        let says_something = code.contains(char::is_alphanumeric);
        return if says_something {
            Ok(code.to_owned())
        } else {
            Err("an ingredient is empty; write its RxCUI, such as 161, or its name".to_owned())
        };
    }
    let code = code.to_ascii_uppercase();
    let (category, rest) = code.split_once('.').map_or((code.as_str(), None), |(category, rest)| (category, Some(rest)));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let letters = category.as_bytes();
    let is_category = letters.len() == 3 && letters[0].is_ascii_uppercase() && letters[1].is_ascii_digit() && plain(category);
    if is_category && rest.is_none_or(|rest| (1..=4).contains(&rest.len()) && plain(rest)) {
        return Ok(code);
    }
    Err(format!(
        "\"{code}\" is no ICD-10-CM code; write it with its dot, pairs as E11.22+N18.30 and alternatives as E11.22|E11.9"
    ))
}

fn all_at_once(file: &str, errors: &[(u64, String)]) -> Result<()> {
    let Some((line, first)) = errors.first() else { return Ok(()) };
    let mut message = first.clone();
    for (line, other) in errors.iter().take(MOST_ERRORS).skip(1) {
        message.push_str(&format!("\nline {line}: {other}"));
    }
    if errors.len() > MOST_ERRORS {
        message.push_str(&format!("\nand {} more", errors.len() - MOST_ERRORS));
    }
    Err(ReleaseError::malformed(file, *line, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{self, imported_fixtures, refusal, refuses_what_is_damaged, try_import};

    /// The first six cells of each row.
    fn rows(out: &crate::releases::MemoryOutput, table: &str) -> Vec<String> {
        let cells = |row: &String| row.split('\t').take(6).collect::<Vec<_>>().join("\t");
        testing::rows(out, table).iter().map(cells).collect()
    }

    #[test]
    fn a_spreadsheets_file_is_read() {
        let (out, summary) = imported_fixtures(import, &["site_terms/spreadsheet.csv"]);
        assert_eq!(
            rows(&out, "site_terms.tsv"),
            [
                "sugar; wet\tdiagnosis\tE11.22+N18.30|E11.9\t\tany\t",
                "ZVD\tabbreviation\t\tzorv disease\tupper\t!dvd|!\"video\"",
                "PT\tabbreviation\tI26.99\t\tcontext\tembolus|lung",
                "zorv clinic\tstop\t\t\tany\t",
                "zorv pill\tmedication\t161+7804\t\tany\t",
                "chronic zorv\tdiagnosis\tE11.9\t\tany\t",
            ]
        );
        assert!(summary.notes[0].starts_with("The column \"comment\" was not read"), "{:?}", summary.notes);
    }

    #[test]
    fn commas_tabs_and_old_line_ends_will_do() {
        for text in [
            "term,codes\rzorv fever,R50.9",
            "term\tcodes\r\nzorv fever\tR50.9\r\n",
            "\"codes\",\"term\"\nR50.9,\"zorv\nfever\"\n",
        ] {
            let (out, _) = try_import(import, text.as_bytes()).expect(text);
            assert_eq!(rows(&out, "site_terms.tsv"), ["zorv fever\tdiagnosis\tR50.9\t\tany\t"], "{text}");
        }
        let (out, _) = imported_fixtures(import, &["site_terms/tabs.tsv"]);
        assert_eq!(rows(&out, "site_terms.tsv").len(), 1);
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let text = "term,kind,codes,guard,context\n\
            a,illness,E11.9,,\n\
            ,diagnosis,E11.9,,\n\
            b,,E119,,\n\
            c,,E11.9|,,\n\
            d,,E11.9,,\n\
            D,,E11.9,,\n\
            e,stop,E11.9,,\n\
            f,,,,\n\
            g,medication,aspirin|,,\n\
            h,,E11.9,never,\n\
            i,,E11.9,context,!no\n\
            fine,,E11.9,,\n";
        let (out, summary) = try_import(import, text.as_bytes()).expect("the rest is kept");
        assert_eq!(
            testing::rows(&out, "site_terms.tsv"),
            ["d\tdiagnosis\tE11.9\t\tany\t\t\t6", "fine\tdiagnosis\tE11.9\t\tany\t\t\t13"]
        );
        let message = summary.errors.join("\n").replace("download, line ", "line ").replace(" was left out:", ":");
        let expected = [
            "line 2: \"illness\" is no kind; write one of diagnosis, finding, abbreviation, stop, medication",
            "line 3: has no term; write it into the column \"term\"",
            "line 4: \"E119\" is no ICD-10-CM code; write it with its dot",
            "line 5: \"\" is no ICD-10-CM code",
            "line 7: the term \"D\" stands in line 6 of download too; keep one of them",
            "line 8: the stop term \"e\" has codes",
            "line 9: the term \"f\" has neither codes nor an expansion",
            "line 10: an ingredient is empty",
            "line 11: \"never\" is no guard; write one of any, upper, context",
            "line 12: the term \"i\" has the guard context and no context words",
        ];
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{message}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
        // a file of which nothing is left is refused
        let message = refusal(import, b"term,codes\na,E119\nb,E11.9|\n");
        assert!(message.contains("line 2: \"E119\" is no") && message.contains("\nline 3: "), "{message}");
    }

    #[test]
    fn a_line_with_the_wrong_number_of_cells_is_told_and_the_rest_is_kept() {
        let text = "term,codes,guard\na,E11.9,\nj,E11.9\nk,E11.9,any,,\nl,I10,\n\"m,I10,\nn,I10,\n";
        let (out, summary) = try_import(import, text.as_bytes()).expect("the rest is kept");
        let kept: Vec<String> = rows(&out, "site_terms.tsv").iter().map(|row| row[..1].to_owned()).collect();
        assert_eq!(kept, ["a", "l"]);
        let advice = "put cells that hold the separator in quotes, close every quote, and import the file again";
        assert_eq!(
            summary.errors,
            [
                format!("download, line 3 was left out: has 2 cells, not 3; {advice}"),
                format!("download, line 4 was left out: has 5 cells, not 3; {advice}"),
                format!("download, line 6 was left out: has 1 cells, not 3 (lines 6 to 7 are in one quote); {advice}"),
            ]
        );
        assert!(summary.notes.is_empty(), "{summary:?}");
    }

    #[test]
    fn case_and_names_of_ingredients_are_kept() {
        let (out, _) = try_import(import, b"term,kind,codes,case_sensitive\nIt,,R50.9,yes\nbaby pill,medication,aspirin,\n")
            .expect("read");
        assert_eq!(
            testing::rows(&out, "site_terms.tsv"),
            ["It\tdiagnosis\tR50.9\t\tany\t\t1\t2", "baby pill\tmedication\taspirin\t\tany\t\t\t3"]
        );
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for text in [
            "term,codes\n\n\"zorv\nfever\",R50.9\n\n\nzorv,bad",
            "term,codes\r\n\r\n\"zorv\r\nfever\",R50.9\r\n\r\n\r\nzorv,bad\r\n",
            "term,codes\r\r\"zorv\rfever\",R50.9\r\r\rzorv,bad\r",
            "\u{feff}term,codes\n\n\"zorv\nfever\",R50.9\n\n\nzorv,bad\n",
        ] {
            let (_, summary) = try_import(import, text.as_bytes()).expect("the rest is kept");
            assert!(summary.errors[0].starts_with("download, line 7 was left out: \"BAD\" is no"), "{:?}", summary.errors);
        }
    }

    #[test]
    fn not_more_than_twenty_errors_are_told() {
        let message = refusal(import, format!("term,codes\n{}", "a,wrong\n".repeat(23)).as_bytes());
        assert_eq!(message.lines().count(), MOST_ERRORS + 1);
        assert!(message.ends_with("\nand 3 more"), "{message}");
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &["site_terms/tabs.tsv"]);
        let latin = refusal(import, b"term,codes\ncaf\xe9 au lait spots,L81.3\n");
        assert!(latin.contains("line 2: is not UTF-8; save the spreadsheet as"), "{latin}");
        let wide = refusal(import, b"\xff\xfet\0e\0r\0m\0\n\0");
        assert!(wide.contains("is UTF-16"), "{wide}");
        let twice = refusal(import, b"term,codes,Term\na,R50.9,b\n");
        assert!(twice.contains("line 1: has the column \"term\" twice"), "{twice}");
        let open = refusal(import, b"term,codes\n\"zorv fever,R50.9\nzorv,R50.9\n");
        assert!(
            open.contains("line 2: has 1 cells, not 2 (lines 2 to 3 are in one quote)") && open.contains("close every quote"),
            "{open}"
        );
    }
}
