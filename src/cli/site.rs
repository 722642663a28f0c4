//! What a service is told about the hospital that it runs in.

use clap::Args;
use jiff::tz::TimeZone;

use super::limit::NoteLimit;

/// The options of `serve` and `demo`.
#[derive(Debug, Clone, Args)]
pub(super) struct Site {
    #[command(flatten)]
    pub limit: NoteLimit,
    /// Time zone of the times on the pages, by its name, for example America/Chicago
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = time_zone, env = "ABSTRACTOR_TIME_ZONE")]
    pub time_zone: TimeZone,
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "is no name of the time zone database, like Europe/Berlin or America/Chicago".to_owned())
}
