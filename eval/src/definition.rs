//! Definitions: what is measured on what, held against what, written as TOML with prose (`eval/definitions`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{EvaluationError, Result},
    figures,
    note::Kind,
};

/// Paths of a definition that begin so lie in the folder of shared data.
const SHARED: &str = "$SHARED/";

/// A measurement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// A short name; results are called after it.
    pub name: String,
    /// What is measured and why, in sentences.
    pub about: String,
    /// What the figures do not say: how the corpus came about, whom it leaves out.
    pub limits: String,
    /// The annotated notes.
    pub corpus: CorpusDefinition,
    /// The system under test.
    pub system: SystemDefinition,
    /// What is computed and shown.
    #[serde(default)]
    pub metrics: MetricsDefinition,
    /// Keystrokes of a coder's decisions.
    #[serde(default)]
    pub effort: Keystrokes,
    /// Least values of metrics; below one of them the measurement fails.
    #[serde(default)]
    pub floors: BTreeMap<String, f64>,
}

/// Formats of corpora.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JSON lines of the gold folders.
    Gold,
    /// JSON lines with `entities`, the common form of the training corpora.
    Common,
    /// A folder of brat standoff: `.txt` beside `.ann`.
    Brat,
    /// BioC XML.
    BiocXml,
    /// BioC JSON.
    BiocJson,
    /// PubTator.
    Pubtator,
    /// FHIR R4 Bundles, one a file or a line, as `GET /v1/notes/{id}/fhir` gives them.
    Fhir,
    /// Reviewed items, as `abstractor-eval export` writes them.
    Reviewed,
}

/// The annotated notes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusDefinition {
    /// How it is written.
    pub format: Format,
    /// File or folder, seen from the definition's folder; `$SHARED/...` in the folder of shared data.
    pub path: PathBuf,
    /// More files or folders of the same format, read as one corpus.
    #[serde(default)]
    pub also: Vec<PathBuf>,
    /// Kinds that count; those that occur when left out.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// The corpus's types and the kinds that they are; the usual names (Disease, Chemical, Drug, ...) when left out.
    #[serde(default)]
    pub types: BTreeMap<String, Kind>,
    /// The corpus's relations and the attributes that they are: `"Strength-Drug" = "strength"`.
    #[serde(default)]
    pub relations: BTreeMap<String, String>,
    /// The corpus's words for assertions and ours: `negated = "absent"`.
    #[serde(default)]
    pub assertions: BTreeMap<String, String>,
    /// Only notes whose field has this value: `split = "test"`.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
    /// Only so many notes from the beginning.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The system under test.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SystemDefinition {
    /// The program's own engine within this process.
    Pipeline {
        /// Options of `abstractor extract` by name, without dashes: `{ recognizers = "dictionary" }`.
        #[serde(default)]
        options: BTreeMap<String, String>,
        /// Sources of candidate codes that take no part.
        #[serde(default)]
        without: Vec<String>,
    },
    /// A running service, by `POST /v1/extract`.
    Service {
        /// Its address, without a path.
        url: String,
        /// File with a token of a role that may extract.
        token_file: Option<PathBuf>,
        /// Requests at a time; 1 when left out.
        #[serde(default = "one")]
        concurrency: usize,
    },
    /// What another system wrote: one line a note of the extraction contract.
    Predictions {
        /// NDJSON, also `.gz`.
        path: PathBuf,
        /// What the system is called in tables.
        system: String,
    },
}

const fn one() -> usize {
    1
}

/// What is computed and shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsDefinition {
    /// Metrics of the short table and of slices; a usual choice when left out.
    pub show: Vec<String>,
    /// Draws of the bootstrap.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Folder of vocabularies by whose names substances are compared, laid out as `../shared/vocabularies`; the program's own tables when left out.
    pub names: Option<PathBuf>,
    /// Fields of notes by which slices are made.
    pub slices: Vec<String>,
    /// Errors of each sort that the report shows in context; 0 keeps every word of a note out of it.
    pub examples: usize,
}

impl Default for MetricsDefinition {
    fn default() -> Self {
        Self {
            show: figures::HEADLINE.iter().map(|name| (*name).to_owned()).collect(),
            draws: 1000,
            seed: 20_261_129,
            names: None,
            slices: ["note_type", "length"].map(str::to_owned).to_vec(),
            examples: 60,
        }
    }
}

/// How many keys a coder presses, by decision. The values that stand here are those of the workbench's short cuts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keystrokes {
    /// `a`.
    pub accept: f64,
    /// A number: the right code is among the alternatives.
    pub choose: f64,
    /// `m`, a code, Enter.
    pub amend: f64,
    /// `r`, a reason, Enter.
    pub reject: f64,
    /// `s`, the words, a code, Enter.
    pub add: f64,
}

impl Default for Keystrokes {
    fn default() -> Self {
        Self { accept: 1.0, choose: 1.0, amend: 7.0, reject: 3.0, add: 10.0 }
    }
}

impl Definition {
    /// Reads a definition; its paths become paths as seen from here. `shared` is the folder of shared data where the caller knows it, else it
    /// is looked for in and beside the folders above the definition.
    ///
    /// # Errors
    /// A file that cannot be read, is no definition, or asks for what is not there; the message says what to do.
    pub fn read(file: &Path, shared: Option<&Path>) -> Result<Self> {
        let wrong = |message: String| EvaluationError::Definition { file: file.to_owned(), message };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("{error}; give the path of a .toml file")))?;
        let mut definition: Self = toml::from_str(&text).map_err(|error| wrong(format!("\n{error}")))?;
        definition.check().map_err(wrong)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let place = Place { folder, shared };
        let corpus = &mut definition.corpus;
        std::iter::once(&mut corpus.path).chain(&mut corpus.also).try_for_each(|path| place.resolve(path)).map_err(wrong)?;
        if let Some(names) = &mut definition.metrics.names {
            place.resolve(names).map_err(wrong)?;
        }
        match &mut definition.system {
            SystemDefinition::Predictions { path, .. } => place.resolve(path).map_err(wrong)?,
            SystemDefinition::Service { token_file: Some(path), .. } => place.resolve(path).map_err(wrong)?,
            SystemDefinition::Service { .. } | SystemDefinition::Pipeline { .. } => {}
        }
        Ok(definition)
    }

    fn check(&self) -> std::result::Result<(), String> {
        for (field, words) in [("name", &self.name), ("about", &self.about), ("limits", &self.limits)] {
            if words.trim().is_empty() {
                return Err(format!("`{field}` is empty; say it in a sentence"));
            }
        }
        for metric in self.metrics.show.iter().chain(self.floors.keys()) {
            if !figures::is_known(metric) {
                return Err(format!("there is no metric {metric:?}; `abstractor-eval metrics` lists them"));
            }
        }
        if let Some((metric, floor)) = self.floors.iter().find(|(_, floor)| !(0.0..=1.0).contains(*floor)) {
            return Err(format!("the floor {floor} of {metric} is not between 0 and 1"));
        }
        if self.metrics.draws < 100 {
            return Err(format!("`draws` is {}; fewer than 100 say nothing of an interval", self.metrics.draws));
        }
        let words = ["present", "historical", "absent", "possible", "hypothetical", "family"];
        if let Some(word) = self.corpus.assertions.values().find(|word| !words.contains(&word.as_str())) {
            return Err(format!("{word:?} under `corpus.assertions` is no assertion; one of {}", words.join(", ")));
        }
        if let SystemDefinition::Service { url, concurrency, .. } = &self.system
            && (!url.starts_with("http") || *concurrency == 0)
        {
            return Err("a service needs `url` with http:// or https://, and a `concurrency` of at least 1".to_owned());
        }
        Ok(())
    }

    /// The name as it goes into names of files.
    #[must_use]
    pub fn slug(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let words: String = self.name.chars().map(plain).collect();
        words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }
}

/// Where relative paths are seen from.
struct Place<'a> {
    folder: &'a Path,
    shared: Option<&'a Path>,
}

impl Place<'_> {
    fn resolve(&self, path: &mut PathBuf) -> std::result::Result<(), String> {
        let absolute = match path.to_str().and_then(|words| words.strip_prefix(SHARED)) {
            Some(rest) => self.shared_folder()?.join(rest),
            None => self.folder.join(&*path),
        };
        if !absolute.exists() {
            let words = path.display();
            return Err(format!(
                "there is no {words} (looked for at {}); paths are seen from the definition",
                absolute.display()
            ));
        }
        *path = absolute;
        Ok(())
    }

    fn shared_folder(&self) -> std::result::Result<PathBuf, String> {
        if let Some(shared) = self.shared {
            return Ok(shared.to_owned());
        }
        let folder = self.folder.canonicalize().map_err(|error| error.to_string())?;
        let found = folder.ancestors().map(|above| above.join("shared")).find(|shared| shared.is_dir());
        found.ok_or_else(|| {
            "it reads shared data, and no folder above it has a folder `shared`; name one with --shared or ABSTRACTOR_SHARED"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "A try: one"
        about = "Words."
        limits = "Words."
        corpus = { format = "gold", path = "notes.jsonl" }
        system = { kind = "pipeline", options = { recognizers = "dictionary" } }
    "#;

    fn read(text: &str) -> Result<Definition> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("notes.jsonl"), "").expect("writes");
        let file = folder.path().join("one.toml");
        std::fs::write(&file, text).expect("writes");
        Definition::read(&file, Some(folder.path()))
    }

    #[test]
    fn a_good_one_reads_and_is_complete() {
        let definition = read(GOOD).expect("reads");
        assert_eq!(definition.slug(), "a-try-one");
        assert_eq!((definition.metrics.draws, definition.effort.accept), (1000, 1.0));
        assert!(definition.corpus.path.is_absolute());
    }

    #[test]
    fn bad_ones_say_what_to_do() {
        let shared = GOOD.replace("\"notes.jsonl\"", "\"$SHARED/gold/dev.jsonl\"");
        for (text, said) in [
            (GOOD.replace("\"Words.\"", "\" \""), "say it in a sentence"),
            (GOOD.replace("\"gold\"", "\"golden\""), "unknown variant"),
            (GOOD.replace("notes.jsonl", "other.jsonl"), "paths are seen from the definition"),
            (GOOD.replace("pipeline", "engine"), "unknown variant"),
            (format!("{GOOD}\n[floors]\n\"DX.affirmd\" = 0.9"), "abstractor-eval metrics"),
            (format!("{GOOD}\n[floors]\n\"DX.affirmed\" = 90.0"), "between 0 and 1"),
            (format!("{GOOD}\n[metrics]\ndraws = 3"), "fewer than 100"),
            (format!("{GOOD}\n[metrics]\ndrawn = 300"), "unknown field"),
            (GOOD.replace("path =", "assertions = { negated = \"no\" }, path ="), "is no assertion"),
            (shared, "looked for at"),
        ] {
            let Err(error) = read(&text) else { panic!("is not refused: {text}") };
            assert!(error.to_string().contains(said), "{said:?} is not in {error}");
        }
    }

    #[test]
    fn the_example_of_the_readme_is_a_definition() {
        let readme = include_str!("../README.md");
        let example = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let definition: Definition = toml::from_str(example).expect("reads");
        assert_eq!(definition.check(), Ok(()));
    }

    #[test]
    fn shared_data_are_looked_for_above_or_where_the_caller_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let (definitions, shared) = (folder.path().join("project/definitions"), folder.path().join("shared/gold"));
        std::fs::create_dir_all(&definitions).expect("a folder");
        std::fs::create_dir_all(&shared).expect("a folder");
        std::fs::write(shared.join("dev.jsonl"), "").expect("writes");
        let file = definitions.join("one.toml");
        std::fs::write(&file, GOOD.replace("\"notes.jsonl\"", "\"$SHARED/gold/dev.jsonl\"")).expect("writes");
        assert!(Definition::read(&file, None).is_ok());
        assert!(Definition::read(&file, Some(&folder.path().join("elsewhere"))).is_err());
        assert!(Definition::read(&file, Some(&folder.path().join("shared"))).is_ok());
    }
}
