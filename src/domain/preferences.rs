//! What users arrange for themselves, and leads for the site.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChosenCode, MOST_RULES, SamplingRule, Worklist};

/// Saved lists of one user.
pub const MOST_LISTS: usize = 20;
/// Favourite codes, and codes used last, that are kept.
pub const MOST_CODES: usize = 30;
/// Hidden suggestions that are kept; the oldest are shown again.
pub const MOST_HIDDEN: usize = 500;

/// A list with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedList {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub list: Worklist,
}

/// What a user arranged for themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Saved lists, in the order in which they were saved.
    pub lists: Vec<SavedList>,
    /// Key of each action that has another one than usual.
    pub keys: BTreeMap<String, String>,
    /// Codes that the user keeps at hand.
    pub favourites: Vec<ChosenCode>,
    /// Codes that the user chose last, the last one first.
    pub recent: Vec<ChosenCode>,
    /// Entries that the user does not want to see, the last one last.
    pub hidden: Vec<Uuid>,
}

impl Preferences {
    /// Keeps a list under its name, in place of the one that had it. `false` when there are too many.
    pub fn save_list(&mut self, saved: SavedList) -> bool {
        if let Some(known) = self.lists.iter_mut().find(|known| known.name == saved.name) {
            *known = saved;
            return true;
        }
        let fits = self.lists.len() < MOST_LISTS;
        if fits {
            self.lists.push(saved);
        }
        fits
    }

    /// Puts a code among the favourites, or takes it away.
    pub fn toggle_favourite(&mut self, code: ChosenCode) {
        let before = self.favourites.len();
        self.favourites.retain(|known| (&known.system, &known.code) != (&code.system, &code.code));
        if self.favourites.len() == before {
            self.favourites.push(code);
            self.favourites.truncate(MOST_CODES);
        }
    }

    /// Remembers that codes were chosen.
    pub fn used(&mut self, codes: &[ChosenCode]) {
        for code in codes {
            self.recent.retain(|known| (&known.system, &known.code) != (&code.system, &code.code));
            self.recent.insert(0, code.clone());
        }
        self.recent.truncate(MOST_CODES);
    }

    /// Hides an entry, or shows it again.
    pub fn toggle_hidden(&mut self, entry: Uuid) {
        let before = self.hidden.len();
        self.hidden.retain(|known| *known != entry);
        if self.hidden.len() == before {
            self.hidden.push(entry);
            let over = self.hidden.len().saturating_sub(MOST_HIDDEN);
            self.hidden.drain(..over);
        }
    }
}

/// What leads arranged for the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// Entries of a lower confidence than this, in percent, are folded away as less sure.
    #[schema(minimum = 0, maximum = 100)]
    pub shown_from: u8,
    /// Entries of a lower confidence than this, in percent, are never accepted together with others.
    #[schema(minimum = 50, maximum = 100)]
    pub together_from: u8,
    /// Which finished encounters are looked at again; the first rule that draws one counts.
    pub second_review: Vec<SamplingRule>,
}

impl Default for SiteSettings {
    /// Measured by `eval/shown.py`, see ARCHITECTURE.
    fn default() -> Self {
        Self { shown_from: 40, together_from: 80, second_review: Vec::new() }
    }
}

impl SiteSettings {
    /// What is wrong with them; none when they can be used.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        if self.shown_from > 100 {
            return Some("shown_from must be 0 to 100");
        }
        if self.second_review.len() > MOST_RULES {
            return Some("second_review must have at most 20 rules");
        }
        if let Some(problem) = self.second_review.iter().find_map(SamplingRule::problem) {
            return Some(problem);
        }
        // a lower bound would let a coder accept what is as likely wrong as right without a look
        (!(50..=100).contains(&self.together_from)).then_some("together_from must be 50 to 100")
    }
}

/// As many decisions as the engine's word weighs. Its probabilities are calibrated over all words together; of the same words a coder sees a few a
/// week, so that after a month the site's own experience should weigh more.
pub const PRIOR_WEIGHT: f32 = 8.0;

/// How suggestions like one ended so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted as they were.
    pub accepted: u32,
    /// Accepted with changes.
    pub amended: u32,
    /// Rejected.
    pub rejected: u32,
}

impl Tally {
    /// How many there were.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.accepted.saturating_add(self.amended).saturating_add(self.rejected)
    }

    /// The probability that a suggestion is right, 0 to 1, after what coders made of those like it: the mean of a beta distribution whose prior is
    /// the engine's own probability, which weighs as much as [`PRIOR_WEIGHT`] decisions.
    #[must_use]
    pub fn reliability(self, engine: f32) -> f32 {
        // counts of decisions are far below what a float holds exactly
        #[expect(clippy::cast_precision_loss, reason = "a count of decisions")]
        let [accepted, total] = [self.accepted as f32, self.total() as f32];
        (PRIOR_WEIGHT * engine.clamp(0.0, 1.0) + accepted) / (PRIOR_WEIGHT + total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experience_moves_the_engines_word_as_far_as_there_is_of_it() {
        let of = |accepted, amended, rejected| Tally { accepted, amended, rejected }.reliability(0.8);
        assert!((of(0, 0, 0) - 0.8).abs() < 1e-6, "without experience it is the engine's");
        assert!((of(0, 4, 4) - 0.4).abs() < 1e-6, "eight decisions weigh as much as its word");
        assert!(of(0, 0, 1) < 0.8 && of(0, 0, 1) > 0.7, "one decision changes little");
        assert!(of(0, 0, 1000) < 0.01 && of(1000, 0, 0) > 0.99);
        assert!(of(0, 1, 0) < 0.8, "what was amended was not right");
    }

    fn code(code: &str) -> ChosenCode {
        ChosenCode { system: "s".to_owned(), code: code.to_owned(), display: String::new() }
    }

    #[test]
    fn lists_are_known_by_their_name() {
        let mut own = Preferences::default();
        let list = |alert| SavedList { name: "alerts".to_owned(), list: Worklist { alert, ..Worklist::default() } };
        assert!(own.save_list(list(false)) && own.save_list(list(true)));
        assert_eq!(own.lists, [list(true)]);
        for number in 1..MOST_LISTS {
            assert!(own.save_list(SavedList { name: number.to_string(), list: Worklist::default() }));
        }
        assert!(!own.save_list(SavedList { name: "one more".to_owned(), list: Worklist::default() }));
        assert!(own.save_list(list(false)), "a known one still changes");
    }

    #[test]
    fn codes_used_last_come_first_and_once() {
        let mut own = Preferences::default();
        own.used(&[code("a"), code("b")]);
        own.used(&[code("a")]);
        assert_eq!(own.recent, [code("a"), code("b")]);
        own.toggle_favourite(code("a"));
        own.toggle_favourite(code("b"));
        own.toggle_favourite(code("a"));
        assert_eq!(own.favourites, [code("b")]);
    }

    #[test]
    fn hidden_ones_are_bounded() {
        let mut own = Preferences::default();
        for number in 0..MOST_HIDDEN as u128 + 2 {
            own.toggle_hidden(Uuid::from_u128(number));
        }
        assert_eq!((own.hidden.len(), own.hidden[0]), (MOST_HIDDEN, Uuid::from_u128(2)));
        own.toggle_hidden(Uuid::from_u128(2));
        assert_eq!(own.hidden.len(), MOST_HIDDEN - 1);
    }

    #[test]
    fn settings_have_bounds() {
        assert_eq!(SiteSettings::default().problem(), None);
        assert!(SiteSettings { together_from: 49, ..SiteSettings::default() }.problem().is_some());
        assert!(SiteSettings { shown_from: 101, ..SiteSettings::default() }.problem().is_some());
        assert_eq!(serde_json::from_str::<SiteSettings>("{}").expect("read"), SiteSettings::default());
    }
}
