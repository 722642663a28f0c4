//! `abstractor vocabulary`: what the vocabularies hold, and making them from official releases.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::load::Load;
use crate::coding::TermVectors;

/// Vocabularies: import releases, build, look up.
#[derive(Debug, Subcommand)]
pub(super) enum Vocabularies {
    /// Make the vectors by which codes of like meaning are found, and keep them
    Vectors(Vectors),
}

/// Arguments of `abstractor vocabulary vectors`.
#[derive(Debug, Args)]
pub(super) struct Vectors {
    #[command(flatten)]
    load: Load,
}

impl Vocabularies {
    /// Runs the command.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Vectors(vectors) => vectors.run(),
        }
    }
}

impl Vectors {
    fn run(&self) -> anyhow::Result<()> {
        let pipeline = self.load.pipeline()?;
        let file = self
            .load
            .vectors_file(&pipeline, None)
            .context("the model makes no vectors, or no folder keeps them; see --cache")?;
        if let Some(vectors) = pipeline.vectors() {
            println!("{} vectors are there already: {}", vectors.len(), file.display());
            return Ok(());
        }
        let model = pipeline.model().context("no model takes part")?;
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} terms, {eta} left")?);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.load.replicas()).build()?;
        let vectors = pool.install(|| {
            TermVectors::make(pipeline.vocabulary(), model, |done, all| {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
                true
            })
        })?;
        bar.finish_and_clear();
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        vectors.write(&file)?;
        println!("{} vectors written to {}", vectors.len(), file.display());
        Ok(())
    }
}
