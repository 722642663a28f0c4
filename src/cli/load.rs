//! What every command that extracts loads: tables, model, number of threads.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::{
    pipeline::Pipeline,
    recognize::{Model, ModelFiles, merge::Recognizers},
    vocabulary::Tables,
};

/// Which recognisers take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Recognize {
    /// Dictionary and model.
    Both,
    /// The dictionary alone.
    Dictionary,
    /// The model alone.
    Model,
}

/// Options of loading.
#[derive(Debug, Clone, Args)]
pub(super) struct Load {
    /// Model folder (Hugging Face layout); the embedded model when left out
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Folder whose tables replace the embedded ones of the same name
    #[arg(long, value_name = "DIR")]
    vocabularies: Option<PathBuf>,
    /// Which recognisers take part (for ablation)
    #[arg(long, value_enum, default_value = "both")]
    recognizers: Recognize,
    /// Inference threads; one a core when left out
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Load {
    /// Loads everything.
    pub(super) fn pipeline(&self) -> anyhow::Result<Pipeline> {
        let tables = match &self.vocabularies {
            Some(folder) => Tables::with_folder(folder),
            None => Tables::embedded(),
        }
        .context("cannot read the vocabularies")?;
        let recognizers =
            Recognizers { dictionary: self.recognizers != Recognize::Model, model: self.recognizers != Recognize::Dictionary };
        let model = if recognizers.model { Some(self.load_model().context("cannot load the model")?) } else { None };
        Pipeline::new(&tables, model, recognizers).context("cannot read the vocabularies")
    }

    fn load_model(&self) -> anyhow::Result<Model> {
        let files = match &self.model {
            Some(folder) => ModelFiles::read(folder)?,
            None => ModelFiles::embedded(),
        };
        Ok(Model::load(&files)?)
    }

    /// How many engine threads to start.
    pub(super) fn replicas(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}
