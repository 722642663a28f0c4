//! General Equivalence Mappings between ICD-9-CM and ICD-10-CM, which CMS published last for 2018.
//!
//! `2018_I9gem.txt` and `2018_I10gem.txt` have three columns with blanks between them, codes without their dots: source, target,
//! flags. The five flags are: approximate, no map, combination, scenario (0-9), choice list (0-9). A source without a target has
//! `NoDx`. Copies as CSV have a heading that names `icd9`, `icd10` and `flags`. The direction is read from the heading or from the
//! first line that leaves no doubt: codes that begin with a digit are ICD-9-CM.

use super::{dotted, filled_lines};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table};

/// Mappings in the order of the file. Codes have their dots; `target` is empty where nothing corresponds.
pub const GEMS: Table =
    Table { name: "gems.tsv", columns: &["source", "target", "approximate", "no_map", "combination", "scenario", "choice"] };

/// Reads the mappings, of one direction or of both.
///
/// # Errors
/// When no file holds mappings, when a line is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut found = false;
    release.each(|member| match layout(&member.head()?) {
        Some(layout) => {
            found = true;
            read(member, layout, out)
        }
        None => Ok(()),
    })?;
    if !found {
        return Err(ReleaseError::not_found(
            "General Equivalence Mappings (source, target and five flags, or CSV with icd9, icd10, flags)",
        ));
    }
    Ok(Summary::default())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edition {
    Ninth,
    Tenth,
}

/// How a file is written, and the edition of its sources; the targets are of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Blanks(Edition),
    Commas(Edition),
}

fn layout(head: &str) -> Option<Layout> {
    let first = filled_lines(head).next()?;
    let heading: Vec<String> = first.split(',').map(|cell| cell.trim().to_lowercase()).collect();
    match heading.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["icd9", "icd10", "flags", ..] => return Some(Layout::Commas(Edition::Ninth)),
        ["icd10", "icd9", "flags", ..] => return Some(Layout::Commas(Edition::Tenth)),
        _ => {}
    }
    // The last line of the head may be cut in two.
    let sure = |line: &str| {
        let [source, target, flags] = cells(line, Layout::Blanks(Edition::Ninth))?;
        let digit_first = |code: &str| code.starts_with(|first: char| first.is_ascii_digit());
        are_flags(flags).then_some((digit_first(source), digit_first(target)))
    };
    sure(first)?;
    match filled_lines(head).map_while(sure).find(|(source, target)| source | target)? {
        (true, false) => Some(Layout::Blanks(Edition::Ninth)),
        (false, true) => Some(Layout::Blanks(Edition::Tenth)),
        // Two codes that begin with digits are procedures.
        _ => None,
    }
}

fn cells(line: &str, layout: Layout) -> Option<[&str; 3]> {
    let mut cells: Vec<&str> = match layout {
        Layout::Blanks(_) => line.split_whitespace().collect(),
        Layout::Commas(_) => line.split(',').map(str::trim).collect(),
    };
    while cells.len() > 3 && cells.last() == Some(&"") {
        cells.pop();
    }
    cells.try_into().ok()
}

fn are_flags(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 5 && bytes.iter().all(u8::is_ascii_digit) && bytes[..3].iter().all(|flag| *flag <= b'1')
}

fn read(member: &mut Member<'_>, layout: Layout, out: &mut dyn Output) -> Result<()> {
    let file = member.name;
    let (source_edition, target_edition, heading) = match layout {
        Layout::Blanks(Edition::Ninth) => (Edition::Ninth, Edition::Tenth, 0),
        Layout::Blanks(Edition::Tenth) => (Edition::Tenth, Edition::Ninth, 0),
        Layout::Commas(Edition::Ninth) => (Edition::Ninth, Edition::Tenth, 1),
        Layout::Commas(Edition::Tenth) => (Edition::Tenth, Edition::Ninth, 1),
    };
    member.lines(|number, line| {
        if number <= heading || line.trim().is_empty() {
            return Ok(());
        }
        let wrong = |message: String| ReleaseError::malformed(file, number, message);
        let [source, target, flags] =
            cells(line, layout).ok_or_else(|| wrong("does not have three columns: source, target, flags".to_owned()))?;
        if !are_flags(flags) {
            return Err(wrong(format!("{flags:?} is not five flags, such as 10000")));
        }
        let source = code(source, source_edition).map_err(wrong)?;
        let target =
            if target.eq_ignore_ascii_case("NoDx") { String::new() } else { code(target, target_edition).map_err(wrong)? };
        let [approximate, no_map, combination, scenario, choice] = [0, 1, 2, 3, 4].map(|place| &flags[place..=place]);
        out.row(GEMS, &[&source, &target, approximate, no_map, combination, scenario, choice])
    })
}

fn code(text: &str, edition: Edition) -> Result<String, String> {
    let code = match edition {
        Edition::Ninth => dotted_ninth(text),
        Edition::Tenth => dotted(text),
    };
    code.ok_or_else(|| format!("{text:?} is no code of ICD-{}-CM", if edition == Edition::Ninth { 9 } else { 10 }))
}

/// An ICD-9-CM diagnosis with its dot: behind three characters, behind four for external causes (E849.0).
fn dotted_ninth(text: &str) -> Option<String> {
    let bare = text.replace('.', "");
    let stem = if bare.starts_with('E') { 4 } else { 3 };
    let digits = bare.strip_prefix(['E', 'V']).unwrap_or(&bare);
    let is_code = digits.bytes().all(|byte| byte.is_ascii_digit()) && (stem..=5).contains(&bare.len());
    is_code.then(|| if bare.len() > stem { format!("{}.{}", &bare[..stem], &bare[stem..]) } else { bare })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, refused, rows, shared},
        *,
    };

    #[test]
    fn both_directions_are_told_apart() {
        let paths = ["gem_from_icd9.txt", "gem_to_icd9.txt", "gem.csv", "order.txt", "F2499P1M.TXT"].map(fixture);
        let (_, out) = read(import, &paths).expect("read");
        assert_eq!(
            rows(&out, "gems.tsv"),
            [
                "001.0;A00.0;0;0;0;0;0",
                "365.70;;1;1;0;0;0",
                "805.2;S12.000A;1;0;1;1;1",
                "E849.0;Y92.009;1;0;0;0;0",
                "V01.0;Z20.811;1;0;0;0;0",
                "A00.0;001.0;0;0;0;0;0",
                "E84.9;277.00;1;0;0;0;0",
                "T36.0X5A;E930.0;1;0;0;0;0",
                "V00.101A;E006.0;1;0;0;0;0",
                "001.0;A00.0;0;0;0;0;0",
                "365.70;;1;1;0;0;0",
            ]
        );
    }

    #[test]
    fn malformed_lines_say_where_and_what() {
        for (line, wanted) in [
            ("0011 A001", "line 2: does not have three columns"),
            ("0011 A001 2000", "line 2: \"2000\" is not five flags"),
            ("0011 A001 20000", "line 2: \"20000\" is not five flags"),
            ("00 A001 00000", "line 2: \"00\" is no code of ICD-9-CM"),
            ("0011 cholera 00000", "line 2: \"cholera\" is no code of ICD-10-CM"),
        ] {
            let message = refused(import, "g.txt", &format!("0010 A000 00000\n{line}\n"));
            assert!(message.contains(wanted), "{message}");
        }
        // Procedures have mappings of the same form.
        assert!(refused(import, "g.txt", "0016 0016070 10000\n").contains("General Equivalence Mappings"));
    }

    #[test]
    fn the_mappings_of_2018_are_read() {
        let Some(path) = shared("icd10cm-index/2018_i9gem.csv.gz") else { return };
        let (_, out) = read(import, &[path]).expect("read");
        let rows = &out.tables["gems.tsv"];
        assert_eq!(rows.len(), 24_860);
        assert!(rows.iter().any(|row| row[..3] == ["250.00", "E11.9", "1"]));
        assert_eq!(rows.iter().filter(|row| row[3] == "1").count(), rows.iter().filter(|row| row[1].is_empty()).count());
    }
}
