//! What a service is told about the hospital that it runs in.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::tz::TimeZone;

use super::limit::NoteLimit;
use crate::web;

/// The options of `serve` and `demo`.
#[derive(Debug, Clone, Args)]
pub(super) struct Site {
    #[command(flatten)]
    pub limit: NoteLimit,
    /// Time zone of the times on the pages, by its name, for example America/Chicago
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = time_zone, env = "ABSTRACTOR_TIME_ZONE")]
    pub time_zone: TimeZone,
    /// Texts of the pages in the hospital's own words or language; `abstractor texts` prints those there are
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_TEXTS")]
    pub texts: Option<PathBuf>,
}

impl Site {
    /// Takes the hospital's own texts into use: the file of the option, else that of the configuration.
    pub(super) fn use_texts(&self, configured: Option<&Path>) -> anyhow::Result<()> {
        let Some(file) = self.texts.as_deref().or(configured) else { return Ok(()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the texts {}", file.display()))?;
        web::use_site_texts(&text).with_context(|| format!("cannot use the texts {}", file.display()))
    }
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "is no name of the time zone database, like Europe/Berlin or America/Chicago".to_owned())
}
