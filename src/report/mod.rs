//! What reports say, worked out of streams of outcomes, of the audit trail's steps, of queries and of what waits. Pure: the store gives the rows,
//! the pages and the API show what comes of them. Counts here are of staff and engine, so small ones are told as they are; what counts
//! patients leaves them out ([`crate::domain::suppress`]).

mod backlog;
mod counts;
mod engine;
mod months;
mod period;
mod population;
mod queries;
mod reviews;
mod work;

pub use backlog::{BacklogReport, Flow, WaitingCounts, WaitingDimension, WaitingRow, backlog_report, flow};
pub use counts::{OutcomeCounts, Share, Spread, spread};
pub use engine::{
    AmendedPart, Amendment, Dimension, EngineReport, EntryFilter, OutcomeRow, OutcomeRows, OutcomeStep, ReasonCount,
};
pub use months::{ColumnsBy, Months, MonthsError};
pub use period::{Series, Step};
pub use population::{
    CodeLevel, ColumnOf, CountedBy, Gathered, Population, PopulationAsked, PopulationReport, PopulationRow, RowOf, charted,
};
pub use queries::{KindOfQuery, QueryFact, QueryReport, QueryStep, TURNAROUND_HOURS, query_report};
pub use reviews::{ErrorCount, ReviewCounts, ReviewReport, review_report};
pub use work::{WorkTime, WorkTimes};

/// Rows of a table that a page shows, at most; the rest stands in one row, and a file has them all.
pub const MOST_ROWS: usize = 50;
