//! Addenda of the order file and of the codes file: what a release adds, deletes and renames.
//!
//! CMS publishes two texts beside the lists. Each line begins with what is done (columns 1-13) and goes on as the list does: in
//! `icd10cm_order_addenda_YYYY.txt` with order number, code without its dot, 0 or 1, short title (60 columns) and long title, in
//! `icd10cm_codes_addenda_YYYY.txt` with code and long title only:
//!
//! ```text
//! Add:         00193 A0471   1 Enterocolitis d/t Clostridium difficile, recurrent        Enterocolitis due to ...
//! Delete:      A047    Enterocolitis due to Clostridium difficile
//! Revise from: A923    West Nile virus
//! Revise to:   A923    West Nile virus infection
//! ```
//!
//! A release that holds both says every change once; whether a code is billable only the order file knows.

use std::collections::BTreeMap;

use super::{dotted, filled_lines};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table};

/// Changes in the order of the file. `billable` is empty where the file does not say it; `former_title` is filled for a revision.
pub const CHANGES: Table = Table { name: "changes.tsv", columns: &["change", "code", "billable", "title", "former_title"] };

/// Reads the addenda.
///
/// # Errors
/// When no file holds addenda, when a line is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut changes = Changes::default();
    release.each(|member| if is_addenda(&member.head()?) { read(member, &mut changes) } else { Ok(()) })?;
    if changes.rows.is_empty() {
        return Err(ReleaseError::not_found(
            "addenda of the ICD-10-CM order or codes file (lines with Add, Delete, Revise from, Revise to)",
        ));
    }
    for row in &changes.rows {
        out.row(CHANGES, &[row.change, &row.code, &row.billable, &row.title, &row.former_title])?;
    }
    Ok(Summary::default())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Add,
    Delete,
    ReviseFrom,
    ReviseTo,
}

const ACTIONS: [(&str, Action); 4] =
    [("add", Action::Add), ("delete", Action::Delete), ("revise from", Action::ReviseFrom), ("revise to", Action::ReviseTo)];

struct Row {
    change: &'static str,
    code: String,
    billable: String,
    title: String,
    former_title: String,
}

#[derive(Default)]
struct Changes {
    rows: Vec<Row>,
    /// Places in `rows` by change, code and titles: the order file and the codes file say the same.
    places: BTreeMap<(&'static str, String, String, String), usize>,
}

impl Changes {
    fn add(&mut self, row: Row) {
        let key = (row.change, row.code.clone(), row.title.clone(), row.former_title.clone());
        match self.places.get(&key) {
            Some(&place) if self.rows[place].billable.is_empty() => self.rows[place].billable = row.billable,
            Some(_) => {}
            None => {
                self.places.insert(key, self.rows.len());
                self.rows.push(row);
            }
        }
    }
}

/// What stands behind the action.
struct Entry {
    code: String,
    billable: String,
    title: String,
}

/// The first lines with an action all name a code: the addenda of the tabular list and of the index begin alike, but do not.
fn is_addenda(head: &str) -> bool {
    const LOOKED_AT: usize = 3;
    let mut entries =
        filled_lines(head).filter_map(|line| action(line).map(|(_, rest)| entry(rest).is_ok())).take(LOOKED_AT).peekable();
    entries.peek().is_some() && entries.all(|is_entry| is_entry)
}

fn read(member: &mut Member<'_>, changes: &mut Changes) -> Result<()> {
    let file = member.name;
    // Line and title of each "Revise from" that waits for its "Revise to".
    let mut former: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut begun = false;
    member.lines(|number, line| {
        let Some((action, rest)) = action(line) else {
            return if begun && !line.trim().is_empty() { Err(no_action(file, number)) } else { Ok(()) };
        };
        begun = true;
        let Entry { code, billable, title } = entry(rest).map_err(|message| ReleaseError::malformed(file, number, message))?;
        let (change, former_title) = match action {
            Action::ReviseFrom => {
                let waiting = former.insert(code.clone(), (number, title));
                return waiting.map_or(Ok(()), |(line, _)| Err(unanswered(file, line, &code)));
            }
            Action::ReviseTo => {
                let message = || format!("{code} is revised without a line \"Revise from\" before it");
                ("revise", former.remove(&code).ok_or_else(|| ReleaseError::malformed(file, number, message()))?.1)
            }
            Action::Add => ("add", String::new()),
            Action::Delete => ("delete", String::new()),
        };
        changes.add(Row { change, code, billable, title, former_title });
        Ok(())
    })?;
    match former.iter().next() {
        Some((code, (line, _))) => Err(unanswered(file, *line, code)),
        None => Ok(()),
    }
}

fn no_action(file: &str, line: u64) -> ReleaseError {
    ReleaseError::malformed(file, line, "begins with none of Add, Delete, Revise from, Revise to; import the file as published")
}

fn unanswered(file: &str, line: u64, code: &str) -> ReleaseError {
    ReleaseError::malformed(
        file,
        line,
        format!("{code} has a line \"Revise from\" and no \"Revise to\"; is the file cut short?"),
    )
}

/// The action a line begins with, with or without its colon, and the rest.
fn action(line: &str) -> Option<(Action, &str)> {
    let line = line.trim_start();
    ACTIONS.iter().find_map(|(word, action)| {
        let (start, rest) = line.split_at_checked(word.len())?;
        let ends = rest.starts_with([':', ' ', '\t']);
        (ends && start.eq_ignore_ascii_case(word)).then(|| (*action, rest.strip_prefix(':').unwrap_or(rest)))
    })
}

fn entry(rest: &str) -> Result<Entry, String> {
    let (first, behind) = next_word(rest);
    let has_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    let (word, behind) = if has_number { next_word(behind) } else { (first, behind) };
    let code = dotted(word).ok_or_else(|| format!("{word:?} is no ICD-10-CM code; import the file as published"))?;
    let (flag, titles) = next_word(behind);
    let (billable, title) = match flag {
        "0" | "1" if has_number => (flag, long_title(titles)),
        "0" | "1" => (flag, titles.trim()),
        _ => ("", behind.trim()),
    };
    if title.is_empty() {
        return Err(format!("{code} has no title; is the line cut short?"));
    }
    Ok(Entry { code, billable: billable.to_owned(), title: title.to_owned() })
}

fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// The long title behind a blank, 60 columns of short title and a blank, when the line is that long.
fn long_title(titles: &str) -> &str {
    let titles = titles.get(1..).unwrap_or_default();
    match titles.char_indices().nth(60) {
        Some((end, ' ')) if !titles[end..].trim().is_empty() => titles[end..].trim(),
        _ => titles.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, read_text, refused, rows},
        *,
    };

    const CHANGED: [&str; 4] = [
        "add;A04.71;1;Enterocolitis due to Clostridium difficile, recurrent;",
        "delete;A04.7;1;Enterocolitis due to Clostridium difficile;",
        "revise;A92.3;1;West Nile virus infection, of a kind with a title longer than sixty columns;West Nile virus",
        "add;C84;0;Mature lymphomas;",
    ];

    #[test]
    fn order_addenda_have_long_titles_and_flags() {
        let (_, out) = read(import, &[fixture("order.txt"), fixture("addenda_order.txt")]).expect("read");
        assert_eq!(rows(&out, "changes.tsv"), CHANGED);
    }

    #[test]
    fn both_addenda_say_a_change_once() {
        let (_, out) = read(import, &[fixture("addenda_codes.txt"), fixture("addenda_order.txt")]).expect("read");
        assert_eq!(rows(&out, "changes.tsv"), CHANGED);
        let (_, out) = read(import, &[fixture("addenda_codes.txt")]).expect("read");
        assert_eq!(rows(&out, "changes.tsv")[0], "add;A04.71;;Enterocolitis due to Clostridium difficile, recurrent;");
    }

    #[test]
    fn colons_dots_and_flags_may_be_missing() {
        let text = "Addenda of 2031\n\nADD A00.0 1 Cholera\nDelete\tA001\tCholera eltor\n";
        let (_, out) = read_text(import, "a.txt", text).expect("read");
        assert_eq!(rows(&out, "changes.tsv"), ["add;A00.0;1;Cholera;", "delete;A00.1;;Cholera eltor;"]);
    }

    #[test]
    fn malformed_lines_say_where_and_what() {
        let fine = "Add: A000 Cholera\nAdd: A001 Cholera\nAdd: A009 Cholera\n";
        for (line, wanted) in [
            ("Delete: 0010 Cholera", "line 4: \"Cholera\" is no"),
            ("Delete: X Cholera", "line 4: \"X\" is no ICD-10-CM code"),
            ("Delete: A002", "line 4: A00.2 has no title"),
            ("Change: A002 Cholera", "line 4: begins with none of"),
            ("Revise to: A002 Cholera", "line 4: A00.2 is revised without"),
            ("Revise from: A002 Cholera", "line 4: A00.2 has a line \"Revise from\" and no"),
        ] {
            let message = refused(import, "a.txt", &format!("{fine}{line}\n"));
            assert!(message.contains(wanted), "{message}");
        }
        assert!(refused(import, "a.txt", "Add   - - due to cholera A00.0\n").contains("none of the files holds addenda"));
    }
}
