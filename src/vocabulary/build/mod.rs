//! Making vocabularies from official releases: what `abstractor vocabulary import` keeps and what `abstractor vocabulary build` makes.
//!
//! [`import`] keeps a release as its release tables in `DIR/releases/KIND/`, editions side by side in `DIR/releases/KIND@FIRST-DAY/`. [`build()`] makes of everything that is kept, over the tables
//! that the program carries, the engine's tables `DIR/NAME.tsv.gz`. They replace the embedded ones file for file, so a table of which
//! no kept release knows more is not written.
//!
//! | file | what |
//! |---|---|
//! | `kind` | the kinds of releases, their licences, what they need |
//! | `keep` | importing, `release.toml` |
//! | `files`, `rows` | gzip, checksums; rows of tables as they are read and written |
//! | `made` | runs the rules over the kept releases |
//! | `editions`, `retired` | `icd10cm.tsv`, `icd10cm_notes.tsv`, both for each edition; `editions.tsv`, `icd10cm_retired.tsv` |
//! | `codes` | rows of codes and notes; `hcc.tsv`, `poa_exempt.tsv`, `cc_mcc.tsv`, `code_limits.tsv` |
//! | `terms`, `forms`, `neoplasms`, `concepts` | `diagnosis_terms.tsv` |
//! | `index`, `drugs`, `ninth` | `index.tsv`, `drug_poisoning.tsv`, `icd9_gems.tsv` |
//! | `medications` | `medications.tsv`, `clinical_drugs.tsv`, `unii.tsv` |
//! | `allergens`, `site`, `sources` | `allergen_concepts.tsv`, `site_terms.tsv`, `sources.tsv` |
//! | `write`, `report` | the files in the folder, and what is said about them |
//!
//! Rules are functions from rows to rows. The same releases give the same bytes: nothing here reads the clock or the environment.

mod allergens;
mod codes;
mod concepts;
mod drugs;
mod editions;
mod files;
mod forms;
mod index;
mod keep;
mod kind;
mod made;
mod medications;
mod neoplasms;
mod ninth;
mod report;
mod retired;
mod rows;
mod site;
mod sources;
mod terms;
#[cfg(test)]
mod tests;
mod write;

pub use keep::{About, Kept, KeptFile, import, kept};
pub use kind::Kind;
pub use report::{Report, TableReport};
pub(in crate::vocabulary) use sources::{BY_HAND, source_of_word};
pub use sources::{Source, embedded_sources};
pub(in crate::vocabulary) use write::{files, generation};

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::{domain::table::TableError, releases::ReleaseError};

/// Why a release cannot be kept or tables cannot be made. Releases hold no patient's data, so messages may quote them.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The release itself.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A table that the program carries.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A word that names no kind.
    #[error("{word:?} is no kind of release; give one of {}", kind::all_words())]
    UnknownKind {
        /// The word.
        word: String,
    },
    /// No files were named.
    #[error("no file is given; name the files of the release as they were downloaded")]
    NoFiles,
    /// A file or folder that cannot be read or written.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A kept release that is not as it was written.
    #[error("{} cannot be used: {message}. Import the release again", path.display())]
    Damaged {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The list of what was built, which tells the tables of a build from those of a person.
    #[error(
        "{} is damaged or missing: {message}. Without it every table counts as put there by hand; remove the tables that were built (*.tsv.gz) and the \
         list, leave your own, and build again",
        path.display()
    )]
    ListDamaged {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The embedded tables lack one that is needed.
    #[error("the program does not carry the table {table}; build with the program that the tables are for")]
    NotEmbedded {
        /// The table.
        table: String,
    },
    /// A code list that does not say from when it holds.
    #[error(
        "the files of {kind} do not say for which year they hold; import them again with their fiscal year (2027) as release, or with the first day on which they hold (2026-10-01)"
    )]
    EditionUnknown {
        /// The kind.
        kind: Kind,
    },
    /// Text that is no day.
    #[error("{text:?} is no day; write year, month and day, such as 2026-10-01")]
    NotADay {
        /// The text.
        text: String,
    },
    /// An edition that ends before it begins.
    #[error("the edition ends on {last_day}, before its first day {first_day}; exchange the two days")]
    EndsBeforeItBegins {
        /// First day.
        first_day: String,
        /// Last day.
        last_day: String,
    },
}

impl BuildError {
    fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |cause| Self::Unreadable { path: path.to_owned(), cause }
    }
}

/// Result of keeping and building.
type Result<T, E = BuildError> = std::result::Result<T, E>;

/// Makes the engine's tables in `dir` of the releases that are kept in it. `embedded` gives the text of a table that the program
/// carries, by its plain name ("icd10cm.tsv").
///
/// # Errors
/// A kept release that is damaged, an embedded table that is missing, or a folder that cannot be written.
/// Tables of an earlier build stay as they are then.
pub fn build(dir: &Path, embedded: &dyn Fn(&str) -> Option<String>) -> Result<Report> {
    let input = rows::Input::new(dir, embedded)?;
    let made = made::make(&input, write::by_hand(dir)?)?;
    let written = write::write(dir, &made.tables)?;
    Ok(report::report(&input, made, written))
}
