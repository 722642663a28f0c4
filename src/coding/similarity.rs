//! Codes by meaning: the terms whose vectors lie nearest to the vector of the mention's words.
//!
//! The vectors are made once for a model and a vocabulary, in the background, and kept in a file of that name. Without them everything else
//! works. A vector is [`i8`] numbers; the product of two is about the cosine of the angle between them.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    recognize::{Model, ModelError},
    vocabulary::{CodeHit, FoundBy, TermKind, TermRef, Vocabulary},
};

/// Terms are read so many at a time; progress is told after each.
const AT_ONCE: usize = 2048;
/// A number of a vector stands for itself over this.
const SCALE: f32 = 127.0;
/// Cosine from which a term says about the same as a phrase that a person looks for.
const ALIKE: f32 = 0.60;
/// Terms looked at for each code that is asked for: many terms name one code.
const TERMS_A_CODE: usize = 4;
/// Rows of one block of the search: what fits into the cache beside the queries.
const BLOCK: usize = 1024;

/// Why vectors cannot be made or kept.
#[derive(Debug, Error)]
pub enum VectorError {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model makes no vectors.
    #[error("the model has no similarity.safetensors, so it makes no vectors of terms")]
    None,
    /// Whoever asked for them does not want them any more.
    #[error("stopped")]
    Stopped,
    /// The file cannot be written.
    #[error("cannot write {file}: {reason}")]
    Unwritable {
        /// The file.
        file: String,
        /// What the system says.
        reason: String,
    },
}

/// A term near a phrase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Index into the vocabulary's diagnoses.
    pub diagnosis: u32,
    /// Cosine of the angle between the vectors, -1 to 1.
    pub cosine: f32,
}

/// The vectors of the vocabulary's diagnosis terms.
#[derive(Debug)]
pub struct TermVectors {
    size: usize,
    diagnoses: Vec<u32>,
    /// Row after row.
    numbers: Vec<i8>,
}

/// The terms that get a vector, in a fixed order: one of each set of words with the same codes, and of sides only the open one where there
/// is one, since the side is read from the note.
#[must_use]
pub fn terms_of(vocabulary: &Vocabulary) -> Vec<u32> {
    let mut forms: Vec<&str> = vec![""; vocabulary.diagnoses.len()];
    for (form, meanings) in vocabulary.terms.iter() {
        for meaning in meanings {
            if let TermRef::Diagnosis(at) = meaning {
                forms[*at as usize] = form;
            }
        }
    }
    let usable = |at: &usize| {
        let term = &vocabulary.diagnoses[*at];
        matches!(term.kind, TermKind::Diagnosis | TermKind::Finding) && !term.codes.is_empty() && term.guard.is_none()
    };
    let all: Vec<(usize, Vec<&str>, bool)> = (0..vocabulary.diagnoses.len())
        .filter(usable)
        .map(|at| {
            let mut words: Vec<&str> = forms[at].split(' ').collect();
            let count = words.len();
            words.retain(|word| !matches!(*word, "left" | "right" | "bilateral"));
            let sided = words.len() < count;
            words.sort_unstable();
            (at, words, sided)
        })
        .collect();
    let open: FxHashSet<&Vec<&str>> = all.iter().filter(|(.., sided)| !sided).map(|(_, words, _)| words).collect();
    let mut seen: FxHashSet<(&Vec<&str>, &str)> = FxHashSet::default();
    all.iter()
        .filter(|(at, words, sided)| {
            let code = vocabulary.diagnoses[*at].codes.first().and_then(|set| set.first()).map_or("", String::as_str);
            !(*sided && open.contains(words)) && seen.insert((words, if *sided { code } else { "" }))
        })
        .map(|(at, ..)| u32::try_from(*at).unwrap_or(u32::MAX))
        .collect()
}

impl TermVectors {
    /// Makes the vectors; `progress` hears how many of how many are done and says whether to go on.
    ///
    /// # Errors
    /// [`VectorError`].
    pub fn make(
        vocabulary: &Vocabulary,
        model: &Model,
        mut progress: impl FnMut(usize, usize) -> bool,
    ) -> Result<Self, VectorError> {
        let size = model.vector_size().ok_or(VectorError::None)?;
        let diagnoses = terms_of(vocabulary);
        let mut vectors = Self { size, numbers: vec![0; diagnoses.len() * size], diagnoses };
        let all = (0..vectors.diagnoses.len()).collect();
        vectors.fill(all, (vocabulary, model), &mut progress)?;
        Ok(vectors)
    }

    /// Makes the vectors of these rows.
    fn fill(
        &mut self,
        mut rows: Vec<usize>,
        (vocabulary, model): (&Vocabulary, &Model),
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<(), VectorError> {
        let term = |row: usize| vocabulary.diagnoses[self.diagnoses[row] as usize].term.as_str();
        // terms of like length together: their batches are full
        rows.sort_by_key(|row| term(*row).len());
        let mut done = 0;
        for group in rows.chunks(AT_ONCE) {
            if !progress(done, rows.len()) {
                return Err(VectorError::Stopped);
            }
            let phrases: Vec<&str> = group.iter().map(|row| term(*row)).collect();
            for (row, vector) in group.iter().zip(model.vectors(&phrases)?) {
                self.numbers[row * self.size..(row + 1) * self.size].copy_from_slice(&rounded(&vector));
            }
            done += group.len();
        }
        progress(done, rows.len());
        Ok(())
    }

    /// The vectors of the terms that another vocabulary has too, and new ones for those that it lacks; none where more than `most` are lacking.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn taken_over(
        vocabulary: &Vocabulary,
        model: &Model,
        (other, known): (&Vocabulary, &Self),
        most: usize,
    ) -> Result<Option<Self>, VectorError> {
        let size = known.size;
        let places: HashMap<&str, usize> = known
            .diagnoses
            .iter()
            .enumerate()
            .map(|(place, at)| (other.diagnoses[*at as usize].term.as_str(), place))
            .collect();
        let diagnoses = terms_of(vocabulary);
        let mut vectors = Self { size, numbers: vec![0; diagnoses.len() * size], diagnoses };
        let mut missing: Vec<usize> = Vec::new();
        for (row, at) in vectors.diagnoses.iter().enumerate() {
            match places.get(vocabulary.diagnoses[*at as usize].term.as_str()) {
                Some(place) => {
                    let numbers = &known.numbers[place * size..(place + 1) * size];
                    vectors.numbers[row * size..(row + 1) * size].copy_from_slice(numbers);
                }
                None => missing.push(row),
            }
        }
        if missing.len() > most {
            return Ok(None);
        }
        vectors.fill(missing, (vocabulary, model), &mut |_, _| true)?;
        Ok(Some(vectors))
    }

    /// The file that keeps the vectors of this model and these terms; other terms or another model have another file.
    #[must_use]
    pub fn file(folder: &Path, model: &Model, vocabulary: &Vocabulary) -> PathBuf {
        let mut hash = Sha256::new();
        for at in terms_of(vocabulary) {
            hash.update(vocabulary.diagnoses[at as usize].term.as_bytes());
            hash.update(b"\n");
        }
        let terms = hash.finalize().iter().take(6).fold(String::new(), |out, byte| format!("{out}{byte:02x}"));
        folder.join(format!("term-vectors-{}-{terms}.safetensors", model.vectors_version()))
    }

    /// The vectors that `file` keeps; none when there is no such file, or it is of other terms.
    #[must_use]
    pub fn read(file: &Path, vocabulary: &Vocabulary, model: &Model) -> Option<Self> {
        let size = model.vector_size()?;
        let diagnoses = terms_of(vocabulary);
        let numbers = numbers_of(&std::fs::read(file).ok()?, [diagnoses.len(), size])?;
        Some(Self { size, diagnoses, numbers })
    }

    /// Keeps the vectors in `file`, by another name first, so that nobody reads half of them.
    ///
    /// # Errors
    /// [`VectorError::Unwritable`].
    pub fn write(&self, file: &Path) -> Result<(), VectorError> {
        let unwritable = |reason: String| VectorError::Unwritable { file: file.display().to_string(), reason };
        let bytes: Vec<u8> = self.numbers.iter().map(|number| number.cast_unsigned().wrapping_add(128)).collect();
        let tensor = Tensor::from_vec(bytes, (self.diagnoses.len(), self.size), &Device::Cpu);
        let tensor = tensor.map_err(|error| unwritable(error.to_string()))?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(error.to_string()))?;
        }
        // of this call alone: another process may write the same file, and in containers all have the same number
        let number = RandomState::new().build_hasher().finish();
        let partial = file.with_extension(format!("{number:016x}.partial"));
        candle_core::safetensors::save(&HashMap::from([("vectors".to_owned(), tensor)]), &partial)
            .map_err(|error| unwritable(error.to_string()))
            .and_then(|()| std::fs::rename(&partial, file).map_err(|error| unwritable(error.to_string())))
            .inspect_err(|_| drop(std::fs::remove_file(&partial)))
    }

    /// At most `limit` codes whose terms say about the same as a phrase, nearest first. The vectors are those of this vocabulary.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn codes_near<'a>(
        &self,
        (vocabulary, model): (&'a Vocabulary, &Model),
        phrase: &str,
        limit: usize,
    ) -> Result<Vec<CodeHit<'a>>, ModelError> {
        let near = self.nearest(&model.vectors(&[phrase])?, limit.saturating_mul(TERMS_A_CODE)).pop().unwrap_or_default();
        let mut hits: Vec<CodeHit<'a>> = Vec::new();
        for near in near.into_iter().filter(|near| near.cosine >= ALIKE) {
            let Some(term) = vocabulary.diagnoses.get(near.diagnosis as usize) else { continue };
            let Some(code) = term.codes.first().and_then(|set| set.first()) else { continue };
            let Some((edition, code)) = vocabulary.editions.lookup(code) else { continue };
            if hits.len() < limit && !hits.iter().any(|hit| hit.code.code == code.code) {
                hits.push(CodeHit { code, edition, matched: &term.term, found_by: FoundBy::Meaning });
            }
        }
        Ok(hits)
    }

    /// How many terms have a vector.
    #[must_use]
    pub fn len(&self) -> usize {
        self.diagnoses.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diagnoses.is_empty()
    }

    /// For each vector the `limit` nearest terms, nearest first.
    #[must_use]
    pub fn nearest(&self, vectors: &[Vec<f32>], limit: usize) -> Vec<Vec<Near>> {
        let queries: Vec<Vec<i8>> = vectors.iter().map(|vector| rounded(vector)).collect();
        let mut best: Vec<Vec<(i32, u32)>> = vec![Vec::with_capacity(limit + 1); queries.len()];
        for (block, rows) in self.numbers.chunks(BLOCK * self.size).enumerate() {
            for (query, best) in queries.iter().zip(&mut best) {
                for (at, row) in rows.chunks_exact(self.size).enumerate() {
                    let product = product(query, row);
                    if best.len() < limit || best.last().is_some_and(|(last, _)| product > *last) {
                        let row = u32::try_from(block * BLOCK + at).unwrap_or(u32::MAX);
                        let place = best.partition_point(|(other, _)| *other >= product);
                        best.insert(place, (product, row));
                        best.truncate(limit);
                    }
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 127 * 127 * size")]
        let near = |(product, row): (i32, u32)| Near {
            diagnosis: self.diagnoses[row as usize],
            cosine: product as f32 / (SCALE * SCALE),
        };
        best.into_iter().map(|best| best.into_iter().map(near).collect()).collect()
    }
}

/// The numbers of a file of vectors; none when it is damaged or of another shape.
pub(super) fn numbers_of(file: &[u8], shape: [usize; 2]) -> Option<Vec<i8>> {
    let tensors: HashMap<String, Tensor> = candle_core::safetensors::load_buffer(file, &Device::Cpu).ok()?;
    let vectors = tensors.get("vectors")?;
    if vectors.dims() != shape {
        return None;
    }
    let bytes = vectors.flatten_all().and_then(|flat| flat.to_vec1::<u8>()).ok()?;
    // safetensors as candle writes them have no signed bytes
    Some(bytes.into_iter().map(|byte| byte.wrapping_add(128).cast_signed()).collect())
}

fn rounded(vector: &[f32]) -> Vec<i8> {
    #[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
    vector.iter().map(|value| (value * SCALE).round().clamp(-SCALE, SCALE) as i8).collect()
}

fn product(one: &[i8], other: &[i8]) -> i32 {
    one.iter().zip(other).map(|(one, other)| i32::from(*one) * i32::from(*other)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_whatever_block_they_stand_in() {
        let size = 4;
        let count = BLOCK * 2 + 3;
        let mut numbers = vec![0; count * size];
        for (row, value) in [(3, 60), (BLOCK + 1, 127), (2 * BLOCK + 2, 90)] {
            numbers[row * size] = value;
        }
        let diagnoses = (0..u32::try_from(count).expect("small")).collect();
        let vectors = TermVectors { size, diagnoses, numbers };
        let near = vectors.nearest(&[vec![1.0, 0.0, 0.0, 0.0]], 3);
        let order: Vec<usize> = near[0].iter().map(|near| near.diagnosis as usize).collect();
        assert_eq!(order, [BLOCK + 1, 2 * BLOCK + 2, 3]);
        assert!((near[0][0].cosine - 1.0).abs() < 1e-6);
        assert!(vectors.nearest(&[], 3).is_empty());
    }

    #[test]
    fn writers_of_one_file_do_not_meet() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vectors.safetensors");
        let vectors = TermVectors { size: 64, diagnoses: (0..500).collect(), numbers: vec![3; 64 * 500] };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20).for_each(|_| vectors.write(&file).expect("written")));
            }
        });
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1, "the file, and nothing half");
        let nowhere = folder.path().join("vectors.safetensors/below");
        assert!(matches!(vectors.write(&nowhere), Err(VectorError::Unwritable { .. })));
    }
}
