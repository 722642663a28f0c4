//! Oversight of the engine by what coders made of its suggestions: what other thresholds would have done, what drifts, and whether another model,
//! vocabulary or site pack is as good as the one that runs. Pure but for [`evaluate`](fn@evaluate), which reads and records.

mod drift;
mod evaluate;
#[cfg(test)]
mod samples;
mod shadow;
mod thresholds;

pub use drift::{Observations, Windows, findings};
pub use evaluate::{CURRENT_DAYS, EVALUATED_EVERY, REFERENCE_DAYS, each_outcome, evaluate, windows};
pub use shadow::{Compared, Scores, ShadowCase, judged};
pub use thresholds::{STEPS, Simulation, ThresholdShare, ThresholdStep, Thresholds, simulate};
