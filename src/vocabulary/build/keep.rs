//! Keeping releases: `DIR/releases/KIND/` with a gzip file a release table and `release.toml`. What belongs to an edition of ICD-10-CM is kept
//! by its first day too, `DIR/releases/KIND@2026-10-01/`, so that several editions stand side by side; the same edition imported again
//! takes its own place.
//!
//! A release is written to `.KIND.partial` and takes its name when it is complete; only then the one before it goes. When that fails or is
//! cut short, the one before it comes back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{BuildError, Kind, Result, files};
use crate::releases::{Release, Summary};

/// What the person who imports says of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Release, where the files do not name it ("2027", "2026AA").
    pub release: Option<String>,
    /// Edition of a code list; by default made of its first day ("ICD-10-CM FY2027").
    pub edition: Option<String>,
    /// First day on which it holds (`2026-10-01`); by default that of the fiscal year which is the release.
    pub first_day: Option<String>,
    /// Last day on which it holds; by default the last of the fiscal year.
    pub last_day: Option<String>,
    /// When it is imported, as text; written as it is.
    pub imported_at: String,
}

/// A release that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its kind.
    pub kind: Kind,
    /// Release, or "unknown".
    pub release: String,
    /// Edition; empty for what has none.
    #[serde(default)]
    pub edition: String,
    /// First day on which it holds; empty for what has none.
    #[serde(default)]
    pub first_day: String,
    /// Last day on which it holds; empty for what has none.
    #[serde(default)]
    pub last_day: String,
    /// Under which licence it may be used.
    pub licence: String,
    /// Who must be named.
    pub attribution: String,
    /// When it was imported.
    pub imported_at: String,
    /// What the importer said.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Lines that are wrong and were left out, each with its number, what is wrong and what to do.
    #[serde(default)]
    pub errors: Vec<String>,
    /// Rows of each release table.
    pub rows: BTreeMap<String, u64>,
    /// The files it was read from.
    pub files: Vec<KeptFile>,
}

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Name of the file that describes a kept release.
const DESCRIPTION: &str = "release.toml";

impl Kept {
    /// The name of its folder and of its source: the kind, and the first day of what is of an edition.
    #[must_use]
    pub fn name(&self) -> String {
        if self.kind.is_of_an_edition() && !self.first_day.is_empty() {
            format!("{}@{}", self.kind, self.first_day)
        } else {
            self.kind.to_string()
        }
    }

    /// Its edition, else its release.
    #[must_use]
    pub fn edition_or_release(&self) -> &str {
        if self.edition.is_empty() { &self.release } else { &self.edition }
    }

    /// The folder that holds it.
    pub(super) fn folder(&self, dir: &Path) -> PathBuf {
        releases(dir).join(self.name())
    }
}

fn releases(dir: &Path) -> PathBuf {
    dir.join("releases")
}

/// Keeps a release in `into`, in the place of an earlier one of its kind; what is of an edition of ICD-10-CM, in the place of the same
/// edition.
///
/// # Errors
/// Files that are not the release, an edition that cannot be told, or a folder that cannot be written. What was kept before stays.
pub fn import(kind: Kind, files: &[PathBuf], about: &About, into: &Path) -> Result<Kept> {
    if files.is_empty() {
        return Err(BuildError::NoFiles);
    }
    let releases = releases(into);
    fs::create_dir_all(&releases).map_err(BuildError::unreadable(&releases))?;
    restore_former(&releases)?;
    let partial = releases.join(format!(".{kind}.partial"));
    remove_folder(&partial)?;
    fs::create_dir(&partial).map_err(BuildError::unreadable(&partial))?;
    // what is damaged is what an import mends
    let former = kept(into).unwrap_or_default();
    let kept = write_release(kind, files, about, &partial).and_then(|mut kept| {
        let replaced = former.iter().find(|former| former.name() == kept.name() && former.edition != kept.edition);
        if let Some(former) = replaced {
            let (edition, day) = (&former.edition, &kept.first_day);
            kept.notes.push(format!("It took the place of {edition}, which began on {day} too"));
            describe(&kept, &partial)?;
        }
        replace(&releases, (&partial, &kept.name())).map(|()| kept)
    });
    if kept.is_err() {
        // the error of the import is what the person must see
        let _ = fs::remove_dir_all(&partial);
    }
    kept
}

/// The releases that are kept in `dir`, in the order of the kinds, of one kind the newest first.
///
/// # Errors
/// A description that cannot be read.
pub fn kept(dir: &Path) -> Result<Vec<Kept>> {
    let releases = releases(dir);
    if !releases.is_dir() {
        return Ok(Vec::new());
    }
    restore_former(&releases)?;
    let mut found: Vec<Kept> = Vec::new();
    for name in names(&releases)? {
        let path = releases.join(&name).join(DESCRIPTION);
        if name.starts_with('.') || !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(BuildError::unreadable(&path))?;
        let damaged = |message: String| BuildError::Damaged { path: path.clone(), message };
        let kept: Kept = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        if kept.name() != name {
            return Err(damaged(format!("it describes the release {}", kept.name())));
        }
        found.push(kept);
    }
    found.sort_by(|one, other| one.kind.cmp(&other.kind).then_with(|| other.first_day.cmp(&one.first_day)));
    Ok(found)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(BuildError::unreadable(folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect::<std::io::Result<_>>().map_err(BuildError::unreadable(folder))
}

/// Gives back what an import that was cut short between two renames has set aside, and clears what it was to set aside for.
fn restore_former(releases: &Path) -> Result<()> {
    for name in names(releases)? {
        let Some(own) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".former")) else { continue };
        let (former, folder) = (releases.join(&name), releases.join(own));
        if folder.exists() {
            remove_folder(&former)?;
        } else {
            fs::rename(&former, &folder).map_err(BuildError::unreadable(&former))?;
        }
    }
    Ok(())
}

/// Gives a complete release its name; the one before it comes back when that fails.
fn replace(releases: &Path, (partial, name): (&Path, &str)) -> Result<()> {
    let (folder, former) = (releases.join(name), releases.join(format!(".{name}.former")));
    if folder.exists() {
        fs::rename(&folder, &former).map_err(BuildError::unreadable(&folder))?;
    }
    if let Err(cause) = fs::rename(partial, &folder) {
        if former.exists() {
            fs::rename(&former, &folder).map_err(BuildError::unreadable(&former))?;
        }
        return Err(BuildError::unreadable(&folder)(cause));
    }
    remove_folder(&former)
}

fn remove_folder(path: &Path) -> Result<()> {
    if path.exists() { fs::remove_dir_all(path).map_err(BuildError::unreadable(path)) } else { Ok(()) }
}

fn write_release(kind: Kind, paths: &[PathBuf], about: &About, partial: &Path) -> Result<Kept> {
    let files = paths.iter().map(|path| kept_file(path)).collect::<Result<Vec<_>>>()?;
    let mut out = files::FolderOutput::new(partial);
    let Summary { release, notes, errors } = kind.read(&Release::new(paths), &mut out)?;
    let rows = out.finish()?;
    let release = about.release.clone().filter(|release| !release.trim().is_empty()).unwrap_or(release);
    let Edition { edition, first_day, last_day } = edition(kind, about, &release)?;
    let kept = Kept {
        kind,
        release: if release.is_empty() { "unknown".to_owned() } else { release },
        edition,
        first_day,
        last_day,
        licence: kind.licence().to_owned(),
        attribution: kind.attribution().to_owned(),
        imported_at: about.imported_at.clone(),
        notes,
        errors,
        rows,
        files,
    };
    describe(&kept, partial)?;
    Ok(kept)
}

fn describe(kept: &Kept, folder: &Path) -> Result<()> {
    let path = folder.join(DESCRIPTION);
    let text = toml::to_string(kept)
        .map_err(|error| BuildError::Damaged { path: path.clone(), message: format!("it cannot be written: {error}") })?;
    fs::write(&path, text).map_err(BuildError::unreadable(&path))
}

fn kept_file(path: &Path) -> Result<KeptFile> {
    let (bytes, sha256) = files::size_and_sha256(path)?;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(KeptFile { name, bytes, sha256 })
}

struct Edition {
    edition: String,
    first_day: String,
    last_day: String,
}

/// The edition of a release: as it was said, else by the fiscal year that is its release. Fiscal year 2027 begins on 2026-10-01.
fn edition(kind: Kind, about: &About, release: &str) -> Result<Edition> {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let first_day = said(&about.first_day).map(|text| day(&text)).transpose()?;
    let last_day = said(&about.last_day).map(|text| day(&text)).transpose()?;
    let of_an_edition = kind.is_of_an_edition();
    let first_day = first_day.or_else(|| if of_an_edition { fiscal_year(release).and_then(first_of_year) } else { None });
    if first_day.is_none() && kind.makes_an_edition() {
        return Err(BuildError::EditionUnknown { kind });
    }
    let last_day = last_day.or_else(|| if of_an_edition { first_day.and_then(last_of_year) } else { None });
    if let (Some(first_day), Some(last_day)) = (first_day, last_day)
        && last_day < first_day
    {
        return Err(BuildError::EndsBeforeItBegins { first_day: first_day.to_string(), last_day: last_day.to_string() });
    }
    let by_day = || if of_an_edition { first_day.map(name_of_edition) } else { None };
    let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    Ok(Edition {
        edition: said(&about.edition).or_else(by_day).unwrap_or_default(),
        first_day: text(first_day),
        last_day: text(last_day),
    })
}

/// Reads `2026-10-01`.
pub(super) fn day(text: &str) -> Result<Date> {
    text.trim().parse().map_err(|_| BuildError::NotADay { text: text.to_owned() })
}

fn fiscal_year(release: &str) -> Option<i16> {
    let digits = release.len() == 4 && release.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| release.parse().ok()).flatten()
}

fn first_of_year(year: i16) -> Option<Date> {
    Date::new(year - 1, 10, 1).ok()
}

fn year_of(day: Date) -> i16 {
    if day.month() >= 10 { day.year() + 1 } else { day.year() }
}

fn last_of_year(first_day: Date) -> Option<Date> {
    Date::new(year_of(first_day), 9, 30).ok()
}

/// "ICD-10-CM FY2027"; an update within the year has its month: "ICD-10-CM FY2026-04".
fn name_of_edition(first_day: Date) -> String {
    let year = year_of(first_day);
    if first_day.month() == 10 { format!("ICD-10-CM FY{year}") } else { format!("ICD-10-CM FY{year}-{:02}", first_day.month()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/releases")).join(name)
    }

    fn about(release: &str) -> About {
        About { release: Some(release.to_owned()), imported_at: "2026-11-01T10:00:00Z".to_owned(), ..About::default() }
    }

    #[test]
    fn a_release_is_kept_with_its_description() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = fixture("icd10cm/tabular.xml");
        let kept_now = import(Kind::Icd10cmTabular, &[file], &About::default(), folder.path()).expect("kept");
        assert_eq!((kept_now.release.as_str(), kept_now.edition.as_str()), ("2031", "ICD-10-CM FY2031"));
        assert_eq!((kept_now.first_day.as_str(), kept_now.last_day.as_str()), ("2030-10-01", "2031-09-30"));
        assert_eq!((kept_now.rows["codes.tsv"], kept_now.rows["notes.tsv"]), (14, 10));
        assert_eq!((kept_now.files[0].name.as_str(), kept_now.files[0].sha256.len()), ("tabular.xml", 64));
        assert_eq!(kept(folder.path()).expect("listed"), [kept_now]);
        let mut names: Vec<String> = fs::read_dir(folder.path().join("releases/icd10cm-tabular@2030-10-01"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["codes.tsv.gz", "notes.tsv.gz", "release.toml"]);
    }

    #[test]
    fn a_failing_import_leaves_what_was_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let releases = folder.path().join("releases");
        let first = import(Kind::Icd10cmOrder, &[fixture("icd10cm/order.txt")], &about("2027"), folder.path()).expect("kept");
        let damaged = folder.path().join("order.txt");
        let good = fs::read_to_string(fixture("icd10cm/order.txt")).expect("a fixture");
        fs::write(&damaged, format!("{good}00006 broken\n")).expect("written");
        let error = import(Kind::Icd10cmOrder, &[damaged], &about("2028"), folder.path()).expect_err("refused");
        assert!(error.to_string().contains("line 6"), "{error}");
        let error = import(Kind::Icd10cmOrder, &[fixture("icd10cm/order.txt")], &About::default(), folder.path());
        assert!(matches!(error, Err(BuildError::EditionUnknown { kind: Kind::Icd10cmOrder })));
        assert_eq!(kept(folder.path()).expect("listed"), [first]);
        assert_eq!(fs::read_dir(&releases).expect("a folder").count(), 1);
        // cut short between the two renames: the former release comes back
        let (own, former) = (releases.join("icd10cm-order@2026-10-01"), releases.join(".icd10cm-order@2026-10-01.former"));
        fs::rename(&own, &former).expect("renamed");
        assert_eq!(kept(folder.path()).expect("listed").len(), 1);
        fs::rename(&own, &former).expect("renamed");
        import(Kind::Icd10cmOrder, &[fixture("icd10cm/index.xml")], &about("2028"), folder.path()).expect_err("refused");
        assert_eq!(kept(folder.path()).expect("listed").len(), 1);
        // and where the new one cannot take its name
        fs::create_dir(releases.join("partial")).expect("a folder");
        replace(&releases, (&releases.join("not there"), "icd10cm-order@2026-10-01")).expect_err("refused");
        assert_eq!(kept(folder.path()).expect("listed").len(), 1);
    }

    #[test]
    fn editions_are_kept_side_by_side_and_the_same_one_replaces_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let order = [fixture("icd10cm/order.txt")];
        for year in ["2027", "2028", "2027"] {
            import(Kind::Icd10cmOrder, &order, &about(year), folder.path()).expect("kept");
        }
        let renamed = About { edition: Some("Ours".to_owned()), ..about("2027") };
        let renamed = import(Kind::Icd10cmOrder, &order, &renamed, folder.path()).expect("kept");
        assert_eq!(renamed.notes, ["It took the place of ICD-10-CM FY2027, which began on 2026-10-01 too"]);
        import(Kind::CmsHcc, &[fixture("icd10cm/hcc_mappings.csv")], &about("2027"), folder.path()).expect("kept");
        let names: Vec<String> = kept(folder.path()).expect("listed").iter().map(Kept::name).collect();
        assert_eq!(names, ["icd10cm-order@2027-10-01", "icd10cm-order@2026-10-01", "cms-hcc"]);
    }

    #[test]
    fn the_same_release_gives_the_same_bytes() {
        let bytes = || {
            let folder = tempfile::tempdir().expect("a folder");
            let files = ["RXNCONSO.RRF", "RXNREL.RRF", "RXNSAT.RRF"].map(|name| fixture("terminologies/rxnorm").join(name));
            import(Kind::Rxnorm, &files, &About::default(), folder.path()).expect("kept");
            ["medications.tsv.gz", "clinical_drugs.tsv.gz", "unii.tsv.gz", "release.toml"]
                .map(|name| fs::read(folder.path().join("releases/rxnorm").join(name)).expect("a file"))
        };
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn editions_are_named_by_their_first_day() {
        let of = |about: &About, release: &str| edition(Kind::Icd10cmOrder, about, release);
        let april = About { first_day: Some("2026-04-01".to_owned()), ..About::default() };
        let found = of(&april, "").expect("an edition");
        assert_eq!((found.edition.as_str(), found.last_day.as_str()), ("ICD-10-CM FY2026-04", "2026-09-30"));
        let wrong = About { first_day: Some("1 April".to_owned()), ..About::default() };
        assert!(matches!(of(&wrong, "2027"), Err(BuildError::NotADay { .. })));
        let turned = About { last_day: Some("2020-01-01".to_owned()), ..april };
        assert!(matches!(of(&turned, ""), Err(BuildError::EndsBeforeItBegins { .. })));
        let index = edition(Kind::Icd10cmIndex, &About::default(), "").expect("may be unknown");
        assert!(index.edition.is_empty() && index.first_day.is_empty());
    }

    #[test]
    fn a_damaged_description_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        import(Kind::Icd10cmIndex, &[fixture("icd10cm/index.xml")], &About::default(), folder.path()).expect("kept");
        let path = folder.path().join("releases/icd10cm-index@2030-10-01/release.toml");
        fs::write(&path, "kind = 3").expect("written");
        let error = kept(folder.path()).expect_err("damaged").to_string();
        assert!(error.contains("release.toml cannot be used") && error.ends_with("Import the release again"), "{error}");
        assert!(matches!(import(Kind::Fhir, &[], &About::default(), folder.path()), Err(BuildError::NoFiles)));
    }
}
