//! From decisions to proposals: what coders did again and again becomes a change of the site pack that a lead may approve. Pure: outcomes in,
//! proposals out.
//!
//! - **A term**: words that coders added with one code, which the engine did not suggest for them.
//! - **A suppression**: words that were suggested and nearly always rejected, everywhere or in one kind of section.
//! - **A preference**: words whose first code was amended to one other code nearly always.
//! - **A threshold**: the highest one at which few of what coders accepted would have been folded away.
//!
//! Nothing is proposed on the word of one coder or for one patient: a name that stands in the notes of one person never becomes a term. How sure
//! "nearly always" is says the lower end of Wilson's interval, which asks for more where there is less.

mod gather;
mod propose;
#[cfg(test)]
mod tests;

pub use gather::Gathered;
pub use propose::occurrences;

/// How much must speak for a proposal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floors {
    /// Entries.
    pub entries: u64,
    /// Encounters.
    pub encounters: u64,
    /// Patients.
    pub patients: u64,
    /// Coders.
    pub coders: u64,
    /// The share that speaks for a term or a preference.
    pub share: f64,
    /// The lower end of the interval of that share.
    pub agreement: f64,
    /// The same of a suppression, which hides what somebody may look for.
    pub rejected: f64,
    /// The share of accepted entries that a threshold may fold away.
    pub hidden: f64,
    /// Entries of a kind before a threshold is proposed.
    pub of_kind: u64,
    /// Hundredths by which a threshold must differ from the one that holds.
    pub moved: u8,
}

impl Default for Floors {
    fn default() -> Self {
        Self {
            entries: 3,
            encounters: 3,
            patients: 3,
            coders: 2,
            share: 0.8,
            agreement: 0.5,
            rejected: 0.7,
            hidden: 0.02,
            of_kind: 200,
            moved: 5,
        }
    }
}
