//! What every command that extracts loads: tables, model, number of threads.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::{Args, Parser, ValueEnum};

use crate::{
    coding::TermVectors,
    pipeline::{Pipeline, Vectors},
    recognize::{Model, ModelFiles, Precision, merge::Recognizers},
    service::Reloading,
    vocabulary::{Tables, Vocabulary},
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

/// Whether codes are found by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Similarity {
    /// Where there are vectors of terms.
    On,
    /// Never.
    Off,
}

/// What the encoder computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EncoderPrecision {
    /// Eight-bit integers where the CPU is fast in them, else f32
    Int8,
    /// bf16 where the CPU has instructions for it, else f32
    Bf16,
    /// f32
    F32,
}

impl From<EncoderPrecision> for Precision {
    fn from(precision: EncoderPrecision) -> Self {
        match precision {
            EncoderPrecision::Int8 => Self::Int8,
            EncoderPrecision::Bf16 => Self::Bf16,
            EncoderPrecision::F32 => Self::F32,
        }
    }
}

/// Options of loading, the same for every command that extracts.
#[derive(Debug, Clone, Args)]
pub struct Load {
    /// Model folder (Hugging Face layout); the embedded model when left out
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What the encoder computes with; it changes nothing on a GPU, or for a model that is not of BERT's kin
    #[arg(long, value_enum, default_value = "int8", env = "ABSTRACTOR_PRECISION")]
    precision: EncoderPrecision,
    /// Folder whose tables replace the embedded ones of the same name
    #[arg(long, value_name = "DIR", env = "ABSTRACTOR_VOCABULARIES")]
    vocabularies: Option<PathBuf>,
    /// Which recognisers take part (for ablation)
    #[arg(long, value_enum, default_value = "both")]
    recognizers: Recognize,
    /// Folder that keeps what is made once from model and vocabularies: the vectors of terms
    #[arg(long, value_name = "DIR", env = "ABSTRACTOR_CACHE")]
    cache: Option<PathBuf>,
    /// Whether codes are found by meaning: with vectors of all terms, which `serve` makes in the background at the first start
    #[arg(long, value_enum, default_value = "on", env = "ABSTRACTOR_SIMILARITY")]
    similarity: Similarity,
    /// Inference threads; one a core when left out
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Load {
    /// The options by their names on the command line, without dashes: what `abstractor extract` would load for them.
    ///
    /// # Errors
    /// A name or a value that no option has, in the words of the command line.
    pub fn of_options<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        #[derive(Parser)]
        #[command(no_binary_name = true, disable_help_flag = true)]
        struct Only {
            #[command(flatten)]
            load: Load,
        }
        let words = options.into_iter().map(|(name, value)| format!("--{name}={value}"));
        Only::try_parse_from(words).map(|only| only.load).map_err(|error| error.to_string())
    }

    /// The same of what is live, from its own folders.
    pub(super) fn live(&self, model: Option<PathBuf>, vocabularies: Option<PathBuf>) -> Self {
        Self { model, vocabularies, ..self.clone() }
    }

    /// Loads everything.
    ///
    /// # Errors
    /// A table or a model that cannot be used, with what to do about it.
    pub fn pipeline(&self) -> anyhow::Result<Pipeline> {
        self.pipeline_of(&self.tables()?)
    }

    /// The tables alone.
    pub(super) fn tables(&self) -> anyhow::Result<Tables> {
        let Some(folder) = &self.vocabularies else {
            return Tables::embedded().context("cannot read the vocabularies");
        };
        let tables = Tables::with_folder(folder).context("cannot read the vocabularies")?;
        if folder.join("releases").is_dir() && tables.find("sources.tsv").is_none() {
            let folder = folder.display();
            eprintln!("note: {folder} keeps releases of which no tables are made: abstractor vocabulary build {folder}");
        }
        Ok(tables)
    }

    /// The model, and a pipeline of these tables.
    pub(super) fn pipeline_of(&self, tables: &Tables) -> anyhow::Result<Pipeline> {
        let recognizers = self.recognizers();
        let (pipeline, model) = rayon::join(
            || Pipeline::new(tables, None, recognizers),
            || recognizers.model.then(|| self.load_model()).transpose(),
        );
        let (mut pipeline, model) =
            (pipeline.context("cannot read the vocabularies")?, model.context("cannot load the model")?);
        if let Some(model) = model {
            pipeline = pipeline.with_model(Arc::new(model));
        }
        self.read_vectors(&pipeline);
        Ok(pipeline)
    }

    /// Reads the vectors of terms, where they are kept.
    fn read_vectors(&self, pipeline: &Pipeline) {
        if let Some(file) = self.vectors_file(pipeline)
            && let Some(vectors) = pipeline.model().and_then(|model| TermVectors::read(&file, pipeline.vocabulary(), model))
        {
            pipeline.set_vectors(Vectors::Ready(Arc::new(vectors)));
        }
    }

    /// Keeps the vectors of terms for the next start, where there are any.
    pub(super) fn keep_vectors(&self, pipeline: &Pipeline) {
        if let (Some(file), Some(vectors)) = (self.vectors_file(pipeline), pipeline.vectors())
            && let Err(error) = vectors.write(&file)
        {
            tracing::warn!(%error, "the vectors of terms cannot be kept; the next start makes them anew");
        }
    }

    /// How the tables are read anew, with a model that is loaded already; none without a folder of tables.
    pub(super) fn reloading(&self, in_use: Tables) -> Option<Reloading> {
        let (folder, load, recognizers) = (self.vocabularies.clone()?, self.clone(), self.recognizers());
        Some(Reloading {
            read: Box::new(move || Tables::with_folder(&folder).map_err(|error| error.to_string())),
            make: Box::new(move |tables, in_use| {
                let model = in_use.model().cloned();
                let pipeline = Pipeline::new(tables, model, recognizers).map_err(|error| error.to_string())?;
                load.read_vectors(&pipeline);
                if pipeline.vectors().is_none() {
                    pipeline.take_vectors_of(in_use);
                    load.keep_vectors(&pipeline);
                }
                Ok(pipeline)
            }),
            in_use,
        })
    }

    /// The model with the vectors of a vocabulary's terms; none where one of them takes no part or is not there.
    pub(super) fn meanings(&self, vocabulary: &Vocabulary) -> anyhow::Result<Option<(Model, TermVectors)>> {
        if !self.recognizers().model || self.similarity == Similarity::Off {
            return Ok(None);
        }
        let model = self.load_model().context("cannot load the model")?;
        let vectors = self.file_for(vocabulary, &model).and_then(|file| TermVectors::read(&file, vocabulary, &model));
        Ok(vectors.map(|vectors| (model, vectors)))
    }

    /// Where the vectors of terms are kept: in the folder that was named, else in the user's cache folder; none when nothing makes vectors.
    pub(super) fn vectors_file(&self, pipeline: &Pipeline) -> Option<PathBuf> {
        self.file_for(pipeline.vocabulary(), pipeline.model()?)
    }

    fn file_for(&self, vocabulary: &Vocabulary, model: &Model) -> Option<PathBuf> {
        if model.vector_size().is_none() || self.similarity == Similarity::Off {
            return None;
        }
        Some(TermVectors::file(&self.cache_folder()?, model, vocabulary))
    }

    /// The folder that keeps what is made once: the one that was named, else the user's.
    pub(super) fn cache_folder(&self) -> Option<PathBuf> {
        self.cache.clone().or_else(user_cache)
    }

    /// Whether the model takes part.
    pub(super) fn uses_model(&self) -> bool {
        self.recognizers().model
    }

    /// Whether vectors of terms are made, where the model can make some.
    pub(super) fn makes_vectors(&self) -> bool {
        self.uses_model() && self.similarity == Similarity::On
    }

    fn recognizers(&self) -> Recognizers {
        Recognizers { dictionary: self.recognizers != Recognize::Model, model: self.recognizers != Recognize::Dictionary }
    }

    /// The model that was asked for.
    pub(super) fn load_model(&self) -> anyhow::Result<Model> {
        self.load_model_in(self.precision.into())
    }

    /// The model in another precision than the one that was asked for.
    pub(super) fn load_model_in(&self, precision: Precision) -> anyhow::Result<Model> {
        let files = match &self.model {
            Some(folder) => ModelFiles::read(folder)?,
            None => ModelFiles::embedded(),
        };
        Ok(Model::load(&files, precision)?)
    }

    /// How many engine threads to start.
    #[must_use]
    pub fn replicas(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

/// The user's cache folder of this program, after the XDG convention.
fn user_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(folder.join("abstractor"))
}
