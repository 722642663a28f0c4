//! One note in, one [`Extraction`] out.
//!
//! The work is cut in two so that windows of many notes share a batch: [`Pipeline::prepare`] reads the note and cuts its
//! windows, the engine runs them through the encoder, [`Pipeline::assemble`] makes the extraction. Everything here is pure:
//! the same note, tables and model give the same extraction.

mod alerts;
mod assemble;
mod context;
mod diagnoses;
mod directions;
#[cfg(test)]
mod fuzz;
mod group;
mod input;
#[cfg(test)]
mod pathological;
mod recode;
mod reconcile;
mod site_pack;
#[cfg(test)]
mod site_pack_tests;
#[cfg(test)]
mod spot_checks;

pub use directions::{one_line, sig};
pub use input::{InputError, MAX_NOTE_BYTES, NoteInput, check_text};
pub use recode::Recoded;
pub use site_pack::{MOST_PACK_ROWS, PACK_SCORE, PackProblem, checked_pack};

use std::sync::{Arc, PoisonError, RwLock};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use self::site_pack::ReadyPack;
use crate::{
    allergy::{AllergyTables, AllergyTexts},
    assertion::CueTable,
    coding::{
        CandidateSource, Coder, ConfidenceModel, Conventions, Ranking, RankingModel, SpecificityPrompts, TermVectors,
        edits::EditRules, queries::QueryRules,
    },
    domain::{EngineVersion, Extraction, SitePack, table::TableError},
    medication::{MedicationCueTable, SigTable},
    recognize::{Input, Model, ModelError, TokenizedNote, Window, cut_windows, merge::Recognizers},
    text::{BoilerplateTable, Document, SectionTable},
    vocabulary::{CodeBook, Tables, Vocabulary},
};

/// So many vectors of new terms are made before tables are exchanged: half a minute of one thread.
const MADE_AT_ONCE: usize = 16_384;

/// Everything loaded that turns a note into an extraction. A clone shares all of it.
#[derive(Clone)]
pub struct Pipeline {
    vocabulary: Arc<Vocabulary>,
    model: Option<Arc<Model>>,
    coder: Arc<Coder>,
    sections: Arc<SectionTable>,
    boilerplate: Arc<BoilerplateTable>,
    ranking: Arc<Ranking>,
    vectors: Arc<RwLock<Vectors>>,
    edits: Arc<EditRules>,
    queries: Arc<QueryRules>,
    conventions: Arc<Conventions>,
    prompts: Arc<SpecificityPrompts>,
    confidence: Arc<ConfidenceModel>,
    cross_reactions: Arc<alerts::CrossReactions>,
    cues: Arc<CueTable>,
    sig: Arc<SigTable>,
    medication_cues: Arc<MedicationCueTable>,
    allergies: Arc<AllergyTables>,
    recognizers: Recognizers,
    /// What the site taught it.
    pack: Option<Arc<ReadyPack>>,
    version: &'static str,
}

/// The vectors of the vocabulary's terms.
#[derive(Debug, Clone, Default)]
pub enum Vectors {
    /// Nobody makes them.
    #[default]
    None,
    /// They are being made.
    Making {
        /// Terms done.
        done: usize,
        /// Terms in all.
        all: usize,
    },
    /// They are there.
    Ready(Arc<TermVectors>),
}

/// A note read and cut into windows, ready for the encoder.
pub struct Prepared {
    input: NoteInput,
    document: Document,
    tokenized: TokenizedNote,
    windows: Vec<Window>,
}

impl Prepared {
    /// How many windows the encoder must run.
    #[must_use]
    pub fn windows(&self) -> usize {
        self.windows.len()
    }
}

/// Logits of one window: one row a wordpiece, one column a label.
pub type WindowLogits = Vec<Vec<f32>>;

/// A window of one of several notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    wordpieces: usize,
    note: usize,
    window: usize,
}

/// The windows of notes in batches of like length and of about `budget` wordpieces; smaller ones where fewer than `threads` would come.
fn batches(notes: &[&Prepared], budget: usize, threads: usize) -> Vec<Vec<Place>> {
    let mut all: Vec<Place> = Vec::new();
    for (note, prepared) in notes.iter().enumerate() {
        let places = prepared.windows.iter().enumerate();
        all.extend(places.map(|(window, cut)| Place { wordpieces: cut.end - cut.start, note, window }));
    }
    all.sort_unstable();
    let total: usize = all.iter().map(|place| place.wordpieces + 2).sum();
    let budget = if threads > 1 { budget.min(total.div_ceil(threads)) } else { budget };
    let mut out = Vec::new();
    let mut rest = all.as_slice();
    while let Some(longest) = rest.last() {
        let take = (budget / (longest.wordpieces + 2)).clamp(1, rest.len());
        let (left, batch) = rest.split_at(rest.len() - take);
        rest = left;
        out.push(batch.to_vec());
    }
    out
}

impl Pipeline {
    /// Reads all tables; the model takes part when one is given and `recognizers` says so.
    ///
    /// # Errors
    /// The first table row that cannot be used.
    pub fn new(tables: &Tables, model: Option<Arc<Model>>, recognizers: Recognizers) -> Result<Self, TableError> {
        let vocabulary = Vocabulary::load(tables)?;
        let editions = || vocabulary.editions.all().map(|edition| (edition.name.as_str(), &edition.codes, &edition.notes));
        let (limits, policy) = (tables.get("code_limits.tsv")?, tables.get("edit_policy.tsv")?);
        let (coder, edits) = rayon::join(|| Coder::new(&vocabulary), || EditRules::new(editions(), limits, policy));
        Ok(Self {
            coder: Arc::new(coder),
            edits: Arc::new(edits?),
            model: model.filter(|_| recognizers.model),
            sections: Arc::new(
                SectionTable::parse(tables.get("sections.tsv")?.1)?.with_codes(tables.get("section_codes.tsv")?.1)?,
            ),
            ranking: Arc::new(Ranking {
                model: RankingModel::parse(tables.get("code_ranking.tsv")?)?,
                explain: false,
                without: Vec::new(),
            }),
            vectors: Arc::default(),
            prompts: Arc::new(SpecificityPrompts::parse(tables.get("specificity_prompts.tsv")?)?),
            conventions: Arc::new(Conventions::parse(tables.get("conventions.tsv")?, &vocabulary)?),
            queries: Arc::new(QueryRules::parse(tables.get("queries.tsv")?, tables.get("query_words.tsv")?)?),
            confidence: Arc::new(ConfidenceModel::parse(tables.get("code_confidence.tsv")?)?),
            boilerplate: Arc::new(BoilerplateTable::parse(tables.get("boilerplate.tsv")?.1)?),
            cross_reactions: Arc::new(alerts::CrossReactions::parse(tables.get("cross_reactions.tsv")?.1)?),
            cues: Arc::new(CueTable::parse(tables.get("cues.tsv")?.1)?),
            sig: Arc::new(SigTable::parse(tables.get("sig_words.tsv")?.1)?),
            medication_cues: Arc::new(MedicationCueTable::parse(tables.get("medication_cues.tsv")?.1)?),
            allergies: Arc::new(AllergyTables::parse(AllergyTexts {
                allergens: tables.get("allergens.tsv")?.1,
                reactions: tables.get("reactions.tsv")?.1,
                phrases: tables.get("reaction_phrases.tsv")?.1,
                links: tables.get("allergy_links.tsv")?.1,
            })?),
            vocabulary: Arc::new(vocabulary),
            recognizers,
            pack: None,
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// The same with a version of the site's pack in the place of the one that it has, or with none. Everything else is shared, so that this costs
    /// little more than the pack itself. Rows whose code the vocabularies do not have are left out.
    #[must_use]
    pub fn with_site_pack(&self, pack: Option<(u64, Arc<SitePack>)>) -> Self {
        let ready = pack.map(|(version, pack)| Arc::new(ReadyPack::new(&self.vocabulary, version, pack)));
        Self { pack: ready, ..self.clone() }
    }

    /// The site's pack and its version, where it has one.
    #[must_use]
    pub fn site_pack(&self) -> Option<(u64, Arc<SitePack>)> {
        self.pack.as_ref().map(|ready| (ready.version, Arc::clone(&ready.pack)))
    }

    /// Rows of the site's pack that cannot be used with these vocabularies.
    #[must_use]
    pub fn pack_rows_left_out(&self) -> usize {
        self.pack.as_ref().map_or(0, |ready| ready.left_out)
    }

    /// A pack as it is kept: words folded, codes with their names.
    ///
    /// # Errors
    /// The first row that cannot be used, such as one with a code that no loaded edition has.
    pub fn checked_pack(&self, pack: SitePack) -> Result<SitePack, PackProblem> {
        checked_pack(&self.vocabulary, pack)
    }

    /// The same with a model, which takes part where the recognizers say so.
    #[must_use]
    pub fn with_model(self, model: Arc<Model>) -> Self {
        let model = self.recognizers.model.then_some(model);
        Self { model, ..self }
    }

    /// The vocabularies.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The more specific codes of an edition that answer what a code leaves open: sides first, then what is asked of the code; at most
    /// [`MOST_CHOICES`](crate::coding::MOST_CHOICES).
    #[must_use]
    pub fn more_specific(&self, codes: &CodeBook, code: &str) -> Vec<String> {
        let sides = self.coder.sided_choices(codes, code);
        let asked = self.prompts.choices(code).iter().filter(|choice| !sides.contains(choice)).cloned();
        let mut choices: Vec<String> = sides.iter().cloned().chain(asked).collect();
        choices.retain(|choice| codes.lookup(choice).is_some_and(|found| found.billable));
        choices.truncate(crate::coding::MOST_CHOICES);
        choices
    }

    /// The model, where one takes part.
    #[must_use]
    pub const fn model(&self) -> Option<&Arc<Model>> {
        self.model.as_ref()
    }

    /// The rules by which a drafted list of codes is checked.
    #[must_use]
    pub fn edits(&self) -> &EditRules {
        &self.edits
    }

    /// The templates of queries to providers, and the rules that a draft keeps.
    #[must_use]
    pub fn queries(&self) -> &QueryRules {
        &self.queries
    }

    /// Shows every candidate of a diagnosis with its features.
    #[must_use]
    pub fn explaining(mut self) -> Self {
        self.ranking = Arc::new(Ranking { explain: true, ..(*self.ranking).clone() });
        self
    }

    /// Codes without candidates of these sources, to measure what each adds.
    #[must_use]
    pub fn without(mut self, sources: Vec<CandidateSource>) -> Self {
        self.ranking = Arc::new(Ranking { without: sources, ..(*self.ranking).clone() });
        self
    }

    /// The vectors by which codes of like meaning are found; none while they are not there.
    #[must_use]
    pub fn vectors(&self) -> Option<Arc<TermVectors>> {
        match self.vectors_state() {
            Vectors::Ready(vectors) => Some(vectors),
            Vectors::None | Vectors::Making { .. } => None,
        }
    }

    /// Takes the vectors of the terms that another pipeline of the same model has too, and makes the missing ones, where these are not many.
    pub fn take_vectors_of(&self, other: &Self) {
        let (Some(model), Some(vectors), None) = (&self.model, other.vectors(), self.vectors()) else { return };
        let found = TermVectors::taken_over(&self.vocabulary, model, (&other.vocabulary, &vectors), MADE_AT_ONCE);
        // where the encoder fails they are made in the background, or nobody makes them
        if let Ok(Some(found)) = found {
            self.set_vectors(Vectors::Ready(Arc::new(found)));
        }
    }

    /// Where the making of the vectors stands.
    #[must_use]
    pub fn vectors_state(&self) -> Vectors {
        self.vectors.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where it stands; codes by meaning from the moment on when they are ready.
    pub fn set_vectors(&self, vectors: Vectors) {
        *self.vectors.write().unwrap_or_else(PoisonError::into_inner) = vectors;
    }

    /// What stands under `engine` in every extraction, but for the edition's exactness.
    #[must_use]
    pub fn engine_version(&self) -> EngineVersion {
        EngineVersion {
            version: self.version.to_owned(),
            model: self.model.as_ref().map_or_else(|| "none".to_owned(), |model| model.name.clone()),
            vocabulary: self.vocabulary.checksum.clone(),
            edition: self.vocabulary.editions.newest().name.clone(),
            edition_exact: true,
            site_pack: self.pack.as_ref().map(|pack| pack.version.to_string()),
        }
    }

    /// Reads a note and cuts its windows.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn prepare(&self, input: NoteInput) -> Result<Prepared, ModelError> {
        let document = Document::new(&input.text, &self.sections);
        let tokenized =
            self.model.as_ref().map_or_else(|| Ok(TokenizedNote::default()), |model| model.tokenize(&input.text))?;
        let windows = cut_windows(tokenized.ids.len());
        Ok(Prepared { input, document, tokenized, windows })
    }

    /// Runs the windows of several prepared notes through the encoder in batches of about `budget` wordpieces, windows of
    /// like length together; with a pool on all its threads at once, else on the calling one. The result has, for each note, the logits of its
    /// windows.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn run(
        &self,
        notes: &[&Prepared],
        budget: usize,
        pool: Option<&rayon::ThreadPool>,
    ) -> Result<Vec<Vec<WindowLogits>>, ModelError> {
        let mut out: Vec<Vec<WindowLogits>> = notes.iter().map(|note| vec![Vec::new(); note.windows.len()]).collect();
        let Some(model) = &self.model else { return Ok(out) };
        let batches = batches(notes, budget, pool.map_or(1, rayon::ThreadPool::current_num_threads));
        let run = |batch: &Vec<Place>| {
            let inputs: Vec<Input> = batch
                .iter()
                .map(|place| model.input(&notes[place.note].tokenized, &notes[place.note].windows[place.window]))
                .collect();
            model.run(&inputs)
        };
        let logits: Vec<_> = match pool {
            Some(pool) => pool.install(|| batches.par_iter().map(run).collect::<Result<_, _>>())?,
            None => batches.iter().map(run).collect::<Result<_, _>>()?,
        };
        for (place, logits) in batches.iter().flatten().zip(logits.into_iter().flatten()) {
            out[place.note][place.window] = logits;
        }
        Ok(out)
    }

    /// Makes the extraction; offsets are bytes.
    #[must_use]
    pub fn assemble(&self, prepared: &Prepared, logits: &[WindowLogits]) -> Extraction {
        assemble::Assembly { pipeline: self, prepared }.extraction(logits)
    }

    /// Everything at once for one note, on the calling thread.
    ///
    /// # Errors
    /// When tokenizer or encoder fail.
    pub fn extract(&self, input: NoteInput) -> Result<Extraction, ModelError> {
        let prepared = self.prepare(input)?;
        let logits = self.run(&[&prepared], 4096, None)?.pop().unwrap_or_default();
        Ok(self.assemble(&prepared, &logits))
    }
}
