//! What the tabular list says at a code beside its title, and the payment categories of CMS.

use std::collections::HashMap;

use crate::domain::table::{self, TableError};

/// Kind of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoteKind {
    /// Another name of the code.
    Inclusion,
    /// What the code holds too.
    Includes,
    /// Never coded together.
    Excludes1,
    /// Not the same, may be coded together.
    Excludes2,
    /// The cause is coded before it.
    CodeFirst,
    /// More is coded beside it.
    UseAdditionalCode,
    /// Another condition is coded too, in any order.
    CodeAlso,
    /// Which seventh characters it takes.
    SeventhCharacter,
    /// Anything else.
    Note,
}

impl NoteKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Inclusion,
        Self::Includes,
        Self::Excludes1,
        Self::Excludes2,
        Self::CodeFirst,
        Self::UseAdditionalCode,
        Self::CodeAlso,
        Self::SeventhCharacter,
        Self::Note,
    ];

    /// The word of the table and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inclusion => "inclusion",
            Self::Includes => "includes",
            Self::Excludes1 => "excludes1",
            Self::Excludes2 => "excludes2",
            Self::CodeFirst => "code_first",
            Self::UseAdditionalCode => "use_additional_code",
            Self::CodeAlso => "code_also",
            Self::SeventhCharacter => "seventh_character",
            Self::Note => "note",
        }
    }

    /// Whether the note is another name of its code.
    #[must_use]
    pub const fn names_the_code(self) -> bool {
        matches!(self, Self::Inclusion | Self::Includes)
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeNote {
    /// The code it stands at; a range ("A00-B99") for a block or a chapter.
    pub code: String,
    /// Its kind.
    pub kind: NoteKind,
    /// Its words.
    pub text: String,
}

/// All notes, sorted by code, and the payment categories.
#[derive(Debug, Default)]
pub struct CodeNotes {
    notes: Vec<CodeNote>,
    /// Places of the notes of blocks and chapters.
    ranges: Vec<usize>,
    categories: HashMap<String, (String, String)>,
}

impl CodeNotes {
    /// Reads `icd10cm_notes.tsv` (columns `code`, `kind`, `note`) and `hcc.tsv` (columns `code`, `v24`, `v28`).
    ///
    /// # Errors
    /// An unknown kind, with its line.
    pub fn parse((name, text): (&str, &str), (hcc_name, hcc): (&str, &str)) -> Result<Self, TableError> {
        let mut read = Self::default();
        table::read(name, text, |row| {
            let word = row.get("kind")?;
            let kind = NoteKind::ALL.into_iter().find(|kind| kind.as_str() == word);
            let kind = kind.ok_or_else(|| row.error(format!("unknown kind {word:?}")))?;
            // ", for adverse effects, ..." goes on where the name of the kind ends
            let text = row.get("note")?.trim_start_matches([',', ' ']).to_owned();
            read.notes.push(CodeNote { code: row.get("code")?.to_owned(), kind, text });
            Ok(())
        })?;
        read.notes.sort_by(|one, other| one.code.cmp(&other.code));
        read.ranges = (0..read.notes.len()).filter(|at| read.notes[*at].code.contains('-')).collect();
        table::read(hcc_name, hcc, |row| {
            read.categories.insert(row.get("code")?.to_owned(), (row.get("v24")?.to_owned(), row.get("v28")?.to_owned()));
            Ok(())
        })?;
        Ok(read)
    }

    /// All notes, by code.
    #[must_use]
    pub fn all(&self) -> &[CodeNote] {
        &self.notes
    }

    /// The notes that stand at this very code.
    pub fn at<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a CodeNote> {
        let start = self.notes.partition_point(|note| note.code.as_str() < code);
        self.notes[start..].iter().take_while(move |note| note.code == code)
    }

    /// The notes of the blocks and chapters that hold a code, the narrower first.
    #[must_use]
    pub fn over(&self, code: &str) -> Vec<&CodeNote> {
        let category = code.get(..3).unwrap_or(code);
        let holds =
            |note: &&CodeNote| note.code.split_once('-').is_some_and(|(first, last)| first <= category && category <= last);
        let mut found: Vec<&CodeNote> = self.ranges.iter().map(|at| &self.notes[*at]).filter(holds).collect();
        // a chapter begins at or before its blocks and ends at or behind them
        let (first, last) =
            (|note: &CodeNote| note.code.get(..3).map(str::to_owned), |note: &CodeNote| note.code.get(4..).map(str::to_owned));
        found.sort_by(|one, other| first(other).cmp(&first(one)).then(last(one).cmp(&last(other))));
        found
    }

    /// CMS hierarchical condition categories of versions 24 and 28; empty where the code is in none.
    #[must_use]
    pub fn categories(&self, code: &str) -> Option<(&str, &str)> {
        self.categories.get(code).map(|(v24, v28)| (v24.as_str(), v28.as_str()))
    }
}
