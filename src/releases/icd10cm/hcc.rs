//! Hierarchical condition categories of the CMS-HCC risk adjustment models: the category a diagnosis counts in.
//!
//! Two layouts are read:
//!
//! - The format files of the model software (`F2422P1M.TXT`, `F2824T1N_FY22FY23.TXT`): code without its dot, category, and `D` for a
//!   second category of the same code. **They do not say their version.** It is taken from the file's name, which CMS begins with
//!   `F24` or `F28` (or which has `V22`, `V24`, `V28` in it): the one place where an importer needs the publisher's name.
//! - The "Midyear/Final ICD-10 Mappings" as CSV: lines of title, then a heading (with line breaks in its cells) that begins with
//!   `Diagnosis Code`, `Description`, and has a column `CMS-HCC Model Category V24` for each version. Columns of the models for
//!   kidney failure (ESRD) and drugs (RxHCC), and those of payment years, are passed over.

use std::collections::BTreeSet;

use super::{Remarks, delimited, dotted, filled_lines};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table, clean};

/// Code, version of the model (`V22`, `V24`, `V28`) and category, sorted. A code may be in two categories.
pub const HCC: Table = Table { name: "hcc.tsv", columns: &["code", "version", "category"] };

const VERSIONS: [(&str, &str); 3] = [("V22", "F22"), ("V24", "F24"), ("V28", "F28")];

type Categories = BTreeSet<(String, &'static str, u16)>;

/// Reads the categories.
///
/// # Errors
/// When no file holds categories, when a file does not say its version, when a line is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let (mut categories, mut nameless) = (Categories::new(), Remarks::default());
    release.each(|member| {
        let head = member.head()?;
        if is_format_file(&head) {
            match version_in_name(member.name) {
                Some(version) => return read_format_file(member, version, &mut categories),
                None => nameless.add(member.name, 1, NO_VERSION),
            }
        } else if is_mapping_table(&head) {
            return read_mapping_table(member, &mut categories);
        }
        Ok(())
    })?;
    let notes = nameless.into_notes();
    if categories.is_empty() {
        return Err(match notes.first() {
            Some(note) => ReleaseError::NotFound { wanted: format!("CMS-HCC categories of a known version ({note})") },
            None => ReleaseError::not_found(
                "CMS-HCC categories (a format file such as F2824T1N.TXT, or the ICD-10 mappings as CSV)",
            ),
        });
    }
    for (code, version, category) in &categories {
        out.row(HCC, &[code, version, &category.to_string()])?;
    }
    Ok(Summary { release: String::new(), notes, ..Summary::default() })
}

const NO_VERSION: &str = "holds codes and categories, but its name has neither F22, F24, F28 at the beginning nor V22, V24, V28 in it. \
                          Give the file its publisher's name, such as F2824T1N.TXT";

/// The version in the name of the file itself, else in the names of the folder and the zip around it.
fn version_in_name(name: &str) -> Option<&'static str> {
    let parts = name.rsplit('/').map(str::to_uppercase);
    let known = |part: &String| {
        let is_it = |(version, prefix): &&(&str, &str)| part.starts_with(prefix) || part.contains(version);
        VERSIONS.iter().find(is_it).map(|(version, _)| *version)
    };
    parts.collect::<Vec<_>>().iter().find_map(known)
}

fn is_format_file(head: &str) -> bool {
    filled_lines(head).next().is_some_and(|line| code_and_category(line).is_some())
}

fn code_and_category(line: &str) -> Option<(String, u16)> {
    let cells: Vec<&str> = line.split_whitespace().collect();
    match cells[..] {
        [code, number] | [code, number, "D"] if !code.contains('.') => Some((dotted(code)?, category(number)?)),
        _ => None,
    }
}

fn category(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number| (1..1000).contains(number))
}

fn read_format_file(member: &mut Member<'_>, version: &'static str, categories: &mut Categories) -> Result<()> {
    let file = member.name;
    member.lines(|number, line| {
        if line.trim().is_empty() {
            return Ok(());
        }
        let message = || format!("{line:?} is not a code without its dot and a category; import the file as published");
        let (code, category) = code_and_category(line).ok_or_else(|| ReleaseError::malformed(file, number, message()))?;
        categories.insert((code, version, category));
        Ok(())
    })
}

fn is_mapping_table(head: &str) -> bool {
    let head = clean(head).to_lowercase();
    head.contains("diagnosis code") && head.contains("description") && head.contains("model category")
}

/// A column with the categories of a version.
struct Column {
    place: usize,
    version: &'static str,
}

fn read_mapping_table(member: &mut Member<'_>, categories: &mut Categories) -> Result<()> {
    let file = member.name;
    let mut columns = None;
    delimited::each(member, b',', &mut |line, cells| {
        match &columns {
            None if cells.first().is_some_and(|cell| cell.eq_ignore_ascii_case("diagnosis code")) => {
                columns = Some(version_columns(file, line, cells)?);
            }
            None => {}
            Some(columns) => read_mapping(file, line, (cells, columns), categories)?,
        }
        Ok(())
    })?;
    match columns {
        Some(_) => Ok(()),
        None => {
            Err(ReleaseError::malformed(file, 0, "has no heading that begins with \"Diagnosis Code\"; export it as published"))
        }
    }
}

fn version_columns(file: &str, line: u64, heading: &[String]) -> Result<Vec<Column>> {
    let version = |cell: &str| {
        let version = cell.to_uppercase().split_once("CMS-HCC MODEL CATEGORY ")?.1.to_owned();
        VERSIONS.iter().find(|(known, _)| *known == version).map(|(known, _)| *known)
    };
    let columns: Vec<Column> =
        heading.iter().enumerate().filter_map(|(place, cell)| Some(Column { place, version: version(cell)? })).collect();
    if columns.is_empty() {
        return Err(ReleaseError::malformed(
            file,
            line,
            "the heading has no column \"CMS-HCC Model Category V24\" or V28; import the file as published",
        ));
    }
    Ok(columns)
}

fn read_mapping(file: &str, line: u64, (cells, columns): (&[String], &[Column]), categories: &mut Categories) -> Result<()> {
    let filled = columns.iter().filter_map(|column| cells.get(column.place).map(|cell| (column.version, cell.as_str())));
    let filled: Vec<(&'static str, &str)> = filled.filter(|(_, cell)| !cell.is_empty()).collect();
    // Below the table stand notes, which have no category.
    if filled.is_empty() {
        return Ok(());
    }
    let written = cells.first().map_or("", String::as_str);
    let code = dotted(written).ok_or_else(|| {
        ReleaseError::malformed(file, line, format!("{written:?} is no ICD-10-CM code; import the file as published"))
    })?;
    for (version, cell) in filled {
        let number = cell
            .parse::<f32>()
            .ok()
            .filter(|number| number.fract() == 0.0)
            .map_or(cell.to_owned(), |number| number.to_string());
        let message = || format!("{cell:?} in the column of {version} is no category; import the file as published");
        categories.insert((
            code.clone(),
            version,
            category(&number).ok_or_else(|| ReleaseError::malformed(file, line, message()))?,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{fixture, read, read_text, refused, rows, shared},
        *,
    };

    #[test]
    fn format_files_and_mapping_tables_are_read() {
        let paths = [fixture("hcc_mappings.csv"), fixture("F2499P1M.TXT"), fixture("gem_to_icd9.txt"), fixture("order.txt")];
        let (summary, out) = read(import, &paths).expect("read");
        assert_eq!(summary, Summary::default());
        assert_eq!(rows(&out, "hcc.tsv"), ["A01.03;V24;115", "B20;V24;1", "B20;V28;1", "B37.7;V24;2", "B37.7;V24;6"]);
    }

    #[test]
    fn the_version_of_a_format_file_is_in_its_name() {
        for (name, version) in [
            ("F2422P1M.TXT", Some("V24")),
            ("software.zip/V28115T1N/F2824T1N_FY22FY23.TXT", Some("V28")),
            ("2026 V28 software.zip/formats.txt", Some("V28")),
            ("hcc_v22.txt", Some("V22")),
            ("formats.txt", None),
        ] {
            assert_eq!(version_in_name(name), version, "{name}");
        }
        let message = refused(import, "formats.txt", "B20\t1\t\n");
        assert!(message.contains("formats.txt, line 1: holds codes and categories, but its name"), "{message}");
    }

    #[test]
    fn malformed_files_say_where_and_what() {
        let heading = "Diagnosis Code,Description,CMS-HCC Model Category V28\n";
        for (name, text, wanted) in [
            ("F28.TXT", "B20\t1\t\nB20\t\n".to_owned(), "line 2: \"B20\\t\" is not a code"),
            ("F28.TXT", "B20\t1\t\n0010\t2\n".to_owned(), "line 2: \"0010\\t2\" is not a code"),
            ("m.csv", format!("{heading}cholera,x,2\n"), "line 2: \"cholera\" is no ICD-10-CM code"),
            ("m.csv", format!("{heading}A000,x,two\n"), "line 2: \"two\" in the column of V28"),
            ("m.csv", "Diagnosis Code,Description,RxHCC Model Category V08\n".to_owned(), "line 1: the heading has no column"),
            ("m.csv", "A,Diagnosis Code,Description,CMS-HCC Model Category V28\n".to_owned(), "has no heading"),
            ("m.csv", "A000 Cholera\n".to_owned(), "none of the files holds CMS-HCC categories"),
        ] {
            let message = refused(import, name, &text);
            assert!(message.contains(wanted), "{message}");
        }
        let (_, out) = read_text(import, "m.csv", &format!("{heading}A000,x,2.0\n")).expect("read");
        assert_eq!(rows(&out, "hcc.tsv"), ["A00.0;V28;2"]);
    }

    #[test]
    fn the_releases_of_2024_are_read() {
        let names = ["cms-hcc/F2422P1M.TXT.gz", "cms-hcc/F2824T1N.TXT.gz"];
        let Some(paths) = names.into_iter().map(shared).collect::<Option<Vec<_>>>() else { return };
        let (_, out) = read(import, &paths).expect("read");
        let count = |version: &str| out.tables["hcc.tsv"].iter().filter(|row| row[1] == version).count();
        assert_eq!((count("V24"), count("V28")), (9_875, 8_090));
    }
}
