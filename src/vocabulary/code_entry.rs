//! A code, a block or a chapter of the book with what stands above, below and beside it.

use super::{
    Block, Code, CodeNote, Edition, IndexEntry, Intent, NoteKind, Poisoning, TermRef, Vocabulary, normalize_term, tidy_code,
};

/// What the book answers to a code.
#[derive(Debug, Clone)]
pub enum CodeAnswer<'a> {
    /// A code of a loaded edition.
    Code(Box<CodeEntry<'a>>),
    /// A code that no loaded edition has, but that was one.
    Retired(RetiredCode<'a>),
}

/// What an edition says of a code.
#[derive(Debug, Clone, Copy)]
pub struct CodeInEdition<'a> {
    /// The edition.
    pub edition: &'a Edition,
    /// The code there; none where the edition does not have it.
    pub code: Option<&'a Code>,
}

/// A code of the book with its surroundings.
#[derive(Debug, Clone)]
pub struct CodeEntry<'a> {
    /// The code, as the newest edition that has it says.
    pub code: &'a Code,
    /// That edition; all that stands below is of it.
    pub edition: &'a Edition,
    /// Every loaded edition, the newest first.
    pub editions: Vec<CodeInEdition<'a>>,
    /// What stands for it in the newest edition where it is valid no more.
    pub replaced_by: Vec<&'a Code>,
    /// The retired codes for which it stands now.
    pub replaces: Vec<&'a str>,
    /// Chapter and blocks that hold it, the broadest first.
    pub blocks: Vec<&'a Block>,
    /// The codes above it, highest first.
    pub parents: Vec<&'a Code>,
    /// The codes directly below it.
    pub children: Vec<&'a Code>,
    /// Its notes, and those of the codes, blocks and chapters above it that hold for it too.
    pub notes: Vec<&'a CodeNote>,
    /// The seventh characters that it, or the codes below it, take.
    pub seventh_characters: Vec<(char, &'a str)>,
    /// Paths of the Alphabetic Index that lead to it.
    pub paths: Vec<&'a IndexEntry>,
    /// Substances of the Table of Drugs that lead to it.
    pub substances: Vec<(&'a Poisoning, Intent)>,
}

impl CodeEntry<'_> {
    /// Whether the newest edition has it no more, or not for claims though an older one had.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        let billable = |one: &CodeInEdition<'_>| one.code.is_some_and(|code| code.billable);
        self.editions.first().is_some_and(|newest| newest.code.is_none() || !billable(newest))
            && (self.editions.iter().any(billable) || !self.replaced_by.is_empty())
    }
}

/// A code of the past.
#[derive(Debug, Clone)]
pub struct RetiredCode<'a> {
    /// The code.
    pub code: String,
    /// What stands for it in the newest edition; empty where nothing is known.
    pub replaced_by: Vec<&'a Code>,
}

/// A chapter or block with its surroundings.
#[derive(Debug, Clone)]
pub struct BlockEntry<'a> {
    /// The chapter or block.
    pub block: &'a Block,
    /// Chapter and blocks around it, the broadest first.
    pub around: Vec<&'a Block>,
    /// The blocks directly below it.
    pub below: Vec<&'a Block>,
    /// The categories directly below it.
    pub categories: Vec<&'a Code>,
    /// Its notes and those of what stands around it.
    pub notes: Vec<&'a CodeNote>,
}

impl Vocabulary {
    /// A code, as a person types it ("e1122", "S72.92-"), with what stands above, below and beside it, in the newest edition that has it, or
    /// what became of it. None for what never was a code.
    #[must_use]
    pub fn look_up_code(&self, typed: &str) -> Option<CodeAnswer<'_>> {
        let tidy = tidy_code(typed)?;
        let Some((edition, code)) = self.editions.lookup(&tidy) else {
            let replaced_by = self.editions.successors(&tidy, self.editions.newest());
            return self.editions.is_retired(&tidy).then_some(CodeAnswer::Retired(RetiredCode { code: tidy, replaced_by }));
        };
        let codes = &edition.codes;
        let mut parents = Vec::new();
        let mut at = code;
        while let Some(parent) = codes.parent(&at.code) {
            parents.push(parent);
            at = parent;
        }
        let blocks = self.blocks.over(&code.code);
        // names are the code's own, instructions hold for everything below
        let mut notes: Vec<&CodeNote> = edition.notes.at(&code.code).collect();
        let above =
            parents.iter().map(|parent| parent.code.as_str()).chain(blocks.iter().rev().map(|block| block.range.as_str()));
        for place in above {
            notes.extend(edition.notes.at(place).filter(|note| note.kind != NoteKind::Inclusion));
        }
        parents.reverse();
        Some(CodeAnswer::Code(Box::new(CodeEntry {
            editions: self.editions.all().map(|one| CodeInEdition { edition: one, code: one.codes.lookup(&tidy) }).collect(),
            replaced_by: self.editions.successors(&tidy, self.editions.newest()),
            replaces: self.editions.predecessors(&tidy).into_iter().filter(|_| code.billable).collect(),
            blocks,
            parents,
            children: codes.children(&code.code).collect(),
            notes,
            seventh_characters: codes.seventh_characters(&code.code),
            paths: self.index.leading_to(&code.code, codes),
            substances: self.poisonings.leading_to(&code.code),
            code,
            edition,
        })))
    }

    /// At most `limit` substances of the Table of Drugs for a name of theirs: as the table has it, or of a medication with these ingredients.
    #[must_use]
    pub fn find_substances(&self, words: &str, limit: usize) -> Vec<&Poisoning> {
        if !self.poisonings.is_loaded() {
            return Vec::new();
        }
        let medications = self.terms.lookup(&normalize_term(words)).iter().filter_map(|meaning| match meaning {
            TermRef::Medication(at) => self.medications.get(*at as usize),
            _ => None,
        });
        let ingredients = medications.flat_map(|medication| medication.display.split('+'));
        self.poisonings.find_each(std::iter::once(words).chain(ingredients), limit)
    }

    /// A chapter or block by its range ("I00-I99"), in the newest edition.
    #[must_use]
    pub fn look_up_block(&self, range: &str) -> Option<BlockEntry<'_>> {
        let block = self.blocks.lookup(range)?;
        let around = self.blocks.around(block);
        let places = std::iter::once(block).chain(around.iter().rev().copied());
        Some(BlockEntry {
            notes: places.flat_map(|place| self.notes().at(&place.range)).collect(),
            below: self.blocks.below(block),
            categories: self.blocks.categories(block, self.codes()),
            block,
            around,
        })
    }
}
