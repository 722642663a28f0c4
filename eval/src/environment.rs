//! Where and with what something was measured, so that a figure can be had again.

use std::{path::Path, process::Command};

use serde::{Deserialize, Serialize};

/// Where and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The commit of the checkout that the definition lies in; none outside one.
    pub commit: Option<String>,
    /// Whether files of it were changed since.
    pub changed: Option<bool>,
    /// The processor's name.
    pub processor: Option<String>,
    /// Its cores.
    pub cores: usize,
    /// Operating system and architecture.
    pub system: String,
    /// Whether the program was built with optimisation: a debug build is slower, and as right.
    pub optimised: bool,
    /// Version of this harness.
    pub harness: String,
}

impl Environment {
    /// What can be found out here; `folder` lies in the checkout.
    #[must_use]
    pub fn here(folder: &Path) -> Self {
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
            Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
        });
        Self {
            commit: git(&["rev-parse", "HEAD"]),
            changed: git(&["status", "--porcelain", "--untracked-files=no"]).map(|changes| !changes.is_empty()),
            processor,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            optimised: !cfg!(debug_assertions),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether a time that was measured here may be held against one of there: the same kind of machine and of build.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let machine = |one: &Self| (one.processor.clone(), one.cores, one.system.clone(), one.optimised);
        machine(self) == machine(other)
    }

    /// As one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let commit = self.commit.as_deref().map_or("unknown", |commit| commit.get(..12).unwrap_or(commit));
        let changed = if self.changed == Some(true) { " with changes" } else { "" };
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        let build = if self.optimised { "release build" } else { "debug build" };
        format!(
            "commit {commit}{changed}, {build}, {processor}, {} cores, {}, harness {}",
            self.cores, self.system, self.harness
        )
    }
}
