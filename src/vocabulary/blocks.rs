//! Chapters and blocks of the tabular list: the way from the top down to the categories.

use super::{Code, CodeBook, tables::Tables};
use crate::domain::table::{self, TableError};

const NAME: &str = "icd10cm_blocks.tsv";

/// A chapter, or a block of categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First and last category: `I00-I99`.
    pub range: String,
    /// Number of a chapter; none for a block.
    pub chapter: Option<u8>,
    /// Its title.
    pub title: String,
    /// Categories that it holds beside its range.
    also: Vec<String>,
}

impl Block {
    fn ends(&self) -> (&str, &str) {
        self.range.split_once('-').unwrap_or((&self.range, &self.range))
    }

    /// Whether a code, or its category, stands in it.
    #[must_use]
    pub fn holds(&self, code: &str) -> bool {
        let category = code.get(..3).unwrap_or(code);
        let (first, last) = self.ends();
        first <= category && category <= last || self.also.iter().any(|also| also == category)
    }

    fn holds_block(&self, other: &Self) -> bool {
        let ((first, last), (other_first, other_last)) = (self.ends(), other.ends());
        self.range != other.range && first <= other_first && other_last <= last
    }
}

/// All chapters with their blocks.
#[derive(Debug, Default)]
pub struct Blocks(Vec<Block>);

impl Blocks {
    /// Reads `icd10cm_blocks.tsv` (columns `range`, `chapter`, `title`, `also`).
    ///
    /// # Errors
    /// A row that cannot be used.
    pub fn load(tables: &Tables) -> Result<Self, TableError> {
        Self::parse(tables.get(NAME)?)
    }

    fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut all = Vec::new();
        table::read(name, text, |row| {
            let (range, chapter) = (row.get("range")?, row.get("chapter")?);
            if range.len() != 7 || range.as_bytes()[3] != b'-' {
                return Err(row.error(format!("{range:?} is not a range of categories like I00-I99")));
            }
            let number = chapter.parse().ok();
            if number.is_none() && !chapter.is_empty() {
                return Err(row.error(format!("{chapter:?} is not the number of a chapter")));
            }
            let also = row.get("also")?.split('|').filter(|also| !also.is_empty()).map(str::to_owned).collect();
            all.push(Block { range: range.to_owned(), chapter: number, title: row.get("title")?.to_owned(), also });
            Ok(())
        })?;
        Ok(Self(all))
    }

    /// The chapters, in order.
    pub fn chapters(&self) -> impl Iterator<Item = &Block> {
        self.0.iter().filter(|block| block.chapter.is_some())
    }

    /// The chapter or block of this range, as a person types it: "i00-i99".
    #[must_use]
    pub fn lookup(&self, range: &str) -> Option<&Block> {
        let range = range.trim().replace('\u{2013}', "-").to_uppercase();
        self.0.iter().find(|block| block.range == range)
    }

    /// Chapter and blocks that hold a code, the broadest first.
    #[must_use]
    pub fn over(&self, code: &str) -> Vec<&Block> {
        self.0.iter().filter(|block| block.holds(code)).collect()
    }

    /// Chapter and blocks around a block, the broadest first.
    #[must_use]
    pub fn around(&self, block: &Block) -> Vec<&Block> {
        self.0.iter().filter(|other| other.holds_block(block)).collect()
    }

    /// The blocks directly below a chapter or block.
    #[must_use]
    pub fn below(&self, block: &Block) -> Vec<&Block> {
        let inner: Vec<&Block> = self.0.iter().filter(|other| block.holds_block(other)).collect();
        inner.iter().filter(|one| !inner.iter().any(|other| other.holds_block(one))).copied().collect()
    }

    /// The categories of a block that stand in none of the blocks below it.
    #[must_use]
    pub fn categories<'a>(&self, block: &Block, codes: &'a CodeBook) -> Vec<&'a Code> {
        let below = self.below(block);
        let own = |code: &&Code| {
            code.code.len() == 3 && block.holds(&code.code) && !below.iter().any(|inner| inner.holds(&code.code))
        };
        codes.all().iter().filter(own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Blocks {
        Blocks::load(&Tables::embedded().expect("tables")).expect("blocks")
    }

    #[test]
    fn every_category_stands_in_one_chapter_and_is_reached_from_it() {
        let tables = Tables::embedded().expect("tables");
        let codes = CodeBook::parse(tables.get("icd10cm.tsv").expect("a table")).expect("codes");
        let blocks = blocks();
        assert_eq!(blocks.chapters().count(), 22);
        fn reached(blocks: &Blocks, codes: &CodeBook, block: &Block, out: &mut Vec<String>) {
            out.extend(blocks.categories(block, codes).iter().map(|code| code.code.clone()));
            for below in blocks.below(block) {
                reached(blocks, codes, below, out);
            }
        }
        let mut found = Vec::new();
        blocks.chapters().for_each(|chapter| reached(&blocks, &codes, chapter, &mut found));
        found.sort();
        let mut wanted: Vec<String> =
            codes.all().iter().filter(|code| code.code.len() == 3).map(|code| code.code.clone()).collect();
        wanted.sort();
        assert_eq!(found, wanted, "each category once");
    }

    #[test]
    fn blocks_stand_in_blocks() {
        let blocks = blocks();
        let ranges = |found: Vec<&Block>| found.iter().map(|block| block.range.clone()).collect::<Vec<_>>();
        assert_eq!(ranges(blocks.over("C50.911")), ["C00-D49", "C00-C96", "C00-C75", "C50-C50"]);
        assert_eq!(ranges(blocks.over("M1A.00X0")), ["M00-M99", "M00-M25", "M05-M14"]);
        let range = |range| blocks.lookup(range).expect("a block");
        assert_eq!(ranges(blocks.around(range("c50\u{2013}c50"))), ["C00-D49", "C00-C96", "C00-C75"]);
        assert_eq!(ranges(blocks.below(range("C00-C96")))[0], "C00-C75");
    }
}
