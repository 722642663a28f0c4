//! Statistics of counts: intervals, distances between distributions, and tests that draw whole encounters, because what stands in one
//! encounter is alike. Pure; every draw comes from a seed, so that a result can be had again.

mod bootstrap;
mod distance;
mod draws;
mod interval;
mod paired;
mod permutation;
mod quantile;
mod several;

pub use bootstrap::intervals;
pub use distance::{jensen_shannon, stability_index};
pub use draws::{Draws, Sampling};
pub use interval::wilson;
pub use paired::{PairedDifference, System, Taken, paired, paired_values};
pub use permutation::{Rows, permutation, permutation_within};
pub use quantile::quantile;
pub use several::adjusted;
