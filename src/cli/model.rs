//! `abstractor model`: what a model folder is, and what it still needs before the service takes it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use crate::recognize::{Model, ModelFiles, Precision, TokenizedNote, Window};

/// Models: look at the one in the program, check one of your own.
#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// Say what a model is: family, sizes, labels, calibration
    Info {
        /// Its folder; the embedded model when left out
        folder: Option<PathBuf>,
    },
    /// Try everything that loading needs, and say what is missing and what to do
    Check {
        /// The folder, in the Hugging Face layout
        folder: PathBuf,
    },
    /// Write manifest.json: name, version and the checksum of every file
    Manifest {
        /// The folder
        folder: PathBuf,
        /// Name, which stands in every extraction; the folder's name when left out
        #[arg(long)]
        name: Option<String>,
        /// Version, which stands in every extraction
        #[arg(long, default_value = "1")]
        version: String,
    },
}

/// A sentence of ours, to see that tokenizer and network work together.
const SENTENCE: &str = "Allergic to penicillin. Takes metformin for type 2 diabetes mellitus.";

impl Models {
    /// Runs the command; false when a checked folder cannot be used.
    pub(super) fn run(&self) -> anyhow::Result<bool> {
        match self {
            Self::Info { folder } => {
                let files = folder.as_deref().map_or_else(|| Ok(ModelFiles::embedded()), ModelFiles::read)?;
                say(&info(&Model::load(&files, Precision::default())?, &files));
                Ok(true)
            }
            Self::Check { folder } => {
                let (lines, usable) = check(folder);
                say(&(lines.join("\n") + "\n"));
                Ok(usable)
            }
            Self::Manifest { folder, name, version } => {
                let files = ModelFiles::read(folder)?;
                // a manifest of files that cannot be loaded would only hide what is wrong with them
                Model::load_unchecked(&files, String::new(), Precision::default())?;
                let named = folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
                let name = name.clone().or(named).unwrap_or_else(|| "model".to_owned());
                let manifest = serde_json::to_string_pretty(&files.new_manifest(&name, version))?;
                let path = folder.join("manifest.json");
                std::fs::write(&path, format!("{manifest}\n")).with_context(|| format!("cannot write {}", path.display()))?;
                say(&format!("{} written\n", path.display()));
                Ok(true)
            }
        }
    }
}

/// To standard output; a closed pipe (`| head`) is no error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What a loaded model is, a line for each fact.
fn info(model: &Model, files: &ModelFiles<'_>) -> String {
    use std::fmt::Write as _;
    let description = &model.description;
    let mut out = String::new();
    let _ = writeln!(out, "model         {}", model.name);
    let _ = writeln!(out, "family        {}", description.family.as_str());
    let _ = writeln!(out, "sizes         {}", description.sizes());
    let _ = writeln!(out, "weights       {:.1} MB", megabytes(files.weights.len()));
    let _ = writeln!(out, "windows       {} wordpieces", crate::recognize::WINDOW_PIECES);
    let labels =
        description.label_names.iter().map(|(own, ours)| if own == ours { own.clone() } else { format!("{own} → {ours}") });
    let _ = writeln!(out, "labels        {}", labels.collect::<Vec<_>>().join(", "));
    let _ =
        writeln!(out, "layout        {}", if description.layout { "capitals and line starts are read" } else { "not read" });
    let contexts = &description.contexts;
    let heads = match (contexts.assertions.is_empty(), contexts.statuses.is_empty()) {
        (false, false) => "assertion, medication status",
        (false, true) => "assertion",
        (true, false) => "medication status",
        (true, true) => "none: assertion and status come from the rules alone",
    };
    let _ = writeln!(out, "other heads   {heads}");
    let calibration = match &files.calibration {
        Some(_) => format!("temperature {}", model.temperature),
        None => "none: confidences are the model's own".to_owned(),
    };
    let _ = writeln!(out, "calibration   {calibration}");
    out
}

#[expect(clippy::cast_precision_loss, reason = "a size to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// A line for each thing tried, and whether the folder can be used as it is.
fn check(folder: &Path) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let files = match ModelFiles::read(folder) {
        Ok(files) => files,
        Err(error) => return (vec![format!("missing   {error}")], false),
    };
    lines.push("ok        config.json, tokenizer.json and model.safetensors are there".to_owned());
    let model = match Model::load_unchecked(&files, "checked".to_owned(), Precision::default()) {
        Ok(model) => model,
        Err(error) => {
            lines.push(format!("wrong     {error}"));
            return (lines, false);
        }
    };
    lines.push(format!("ok        {}, {}", model.description.family.as_str(), model.description.sizes()));
    let used: Vec<&str> = model.description.label_names.iter().map(|(_, ours)| ours.as_str()).collect();
    for kind in ["DIAGNOSIS", "MEDICATION", "ALLERGEN", "NO_KNOWN_ALLERGIES"] {
        if !used.iter().any(|label| label.ends_with(kind)) {
            lines.push(format!("note      no label stands for {kind}: the dictionary and the rules find these alone"));
        }
    }
    match tagged(&model) {
        Ok(pieces) => lines.push(format!("ok        a sentence of {pieces} wordpieces ran through")),
        Err(error) => {
            lines.push(format!("wrong     {error}"));
            return (lines, false);
        }
    }
    if files.calibration.is_none() {
        let advice =
            "note      no calibration.json: confidences are the model's own; fit a temperature and write {\"temperature\": T}";
        lines.push(advice.to_owned());
    }
    match files.checked_manifest() {
        Ok(manifest) => {
            lines.push(format!("ok        checksums of {} {}", manifest.name, manifest.version));
            (lines, true)
        }
        Err(error) => {
            lines.push(format!("missing   {error}"));
            (lines, false)
        }
    }
}

/// Runs a sentence; gives its wordpieces.
fn tagged(model: &Model) -> anyhow::Result<usize> {
    let note: TokenizedNote = model.tokenize(SENTENCE)?;
    let logits = model.run(&[model.input(&note, &Window::whole(note.ids.len()))])?;
    anyhow::ensure!(
        logits.iter().flatten().flatten().all(|value| value.is_finite()),
        "the network gives numbers that are not finite"
    );
    Ok(note.ids.len())
}
