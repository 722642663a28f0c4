//! Attention of one window, head by head: scores, softmax and the weighted values of a few queries at a time.

use super::{
    AttentionMemory, Window,
    element::{Element, Pair, Single, Stored},
    finish::{Raw, Scaled, Store},
    lanes::Lanes,
    product::{Panels, Rows, product},
    rows::softmax,
};
use crate::{
    buffer::{Aligned, round_up},
    matrix::{PANEL_VECTORS, column_place},
};

/// Numbers of the widest vector, to a multiple of which rows of scores are padded.
const WIDEST: usize = 16;

/// Keys and values as panels, and a few rows of scores and of weights.
pub(super) struct Workspace<'a, V> {
    keys: &'a mut [u32],
    values: &'a mut [u32],
    scores: &'a mut [f32],
    weights: &'a mut [V],
}

/// A kind of number that attention computes with.
pub(super) trait Attending<L: Lanes>: Stored<L, Sum = L::Floats> {
    /// The part of the memory that holds weights of this kind.
    fn workspace(memory: &mut AttentionMemory, window: Window, rows: usize) -> Workspace<'_, Self::Value>;
}

macro_rules! attending {
    ($kind:ident, $weights:ident) => {
        impl<L: Lanes> Attending<L> for $kind {
            fn workspace(memory: &mut AttentionMemory, window: Window, rows: usize) -> Workspace<'_, Self::Value> {
                let per_word = <Self as Element<L>>::PER_WORD;
                let AttentionMemory { keys, values, scores, $weights, .. } = memory;
                keys.reserve(round_up(window.length, WIDEST) * window.width.div_ceil(per_word));
                values.reserve(window.length.div_ceil(per_word) * round_up(window.width, WIDEST));
                let padded = rows * round_up(window.length, WIDEST);
                scores.reserve(padded);
                $weights.reserve(padded);
                Workspace {
                    keys: keys.as_mut_slice(),
                    values: values.as_mut_slice(),
                    scores: scores.as_mut_slice(),
                    weights: Aligned::as_mut_slice($weights),
                }
            }
        }
    };
}

attending!(Single, singles);
attending!(Pair, halves);

/// Every head of a window; `input` holds queries, keys and values of kind `E`, the context is written as kind `C`.
#[inline(always)]
pub(super) fn attend<L, E, C, const ROWS: usize>(
    lanes: L,
    (input, context): (&[E::Value], &mut [C::Value]),
    window: Window,
    workspace: &mut Workspace<'_, E::Value>,
) where
    L: Lanes,
    E: Attending<L>,
    C: Stored<L>,
{
    let Window { length, width, stride, .. } = window;
    assert!(window.queries.1 <= length, "queries beyond the window");
    let hidden = window.heads * width;
    let padded = round_up(length, WIDEST);
    for head in 0..window.heads {
        let own = &input[window.first * stride + head * width..];
        pack_keys::<L, E>(lanes, &own[hidden..], window, workspace.keys);
        pack_values::<L, E>(&own[2 * hidden..], window, workspace.values);
        let keys = Panels { words: workspace.keys, depth: width.div_ceil(E::PER_WORD), columns: length };
        let values = Panels { words: workspace.values, depth: length.div_ceil(E::PER_WORD), columns: width };
        for first in (window.queries.0..window.queries.1).step_by(ROWS) {
            let count = ROWS.min(window.queries.1 - first);
            let queries = Rows { values: &own[first * stride..], stride, count };
            let destination = Store::<L, Single> { values: workspace.scores, stride: padded, columns: padded };
            product::<L, E, _, ROWS>(lanes, queries, keys, &mut Raw(destination));
            let mut factors = [0.0; ROWS];
            for ((factor, scores), weights) in factors
                .iter_mut()
                .zip(workspace.scores.chunks_exact(padded))
                .zip(workspace.weights.chunks_exact_mut(padded))
                .take(count)
            {
                *factor = softmax::<L, E>(lanes, scores, length, weights);
            }
            let weights = Rows { values: workspace.weights, stride: padded, count };
            let start = (window.first + first) * window.context_stride + head * width;
            let destination = Store::<L, C> { values: &mut context[start..], stride: window.context_stride, columns: width };
            product::<L, E, _, ROWS>(lanes, weights, values, &mut Scaled { factors: &factors, destination });
        }
    }
}

/// Keys as panels: a column is a key, a word one or two of its numbers.
#[inline(always)]
fn pack_keys<L: Lanes, E: Stored<L>>(lanes: L, keys: &[E::Value], window: Window, words: &mut [u32]) {
    let Window { length, width, stride, .. } = window;
    let depth = width.div_ceil(E::PER_WORD);
    let whole = width / E::PER_WORD;
    let Ok(bytes) = i32::try_from(stride * size_of::<E::Value>()) else { unreachable!("shapes are checked to be smaller") };
    for first in (0..length).step_by(L::COUNT) {
        let (start, step) = column_place(first, length, depth, L::COUNT);
        let own = &keys[first * stride..];
        if first + L::COUNT <= length {
            assert!(own.len() >= (L::COUNT - 1) * stride + width, "keys end before their last number");
            for word in 0..whole {
                // SAFETY: word `word` of each of COUNT keys, the last of which was seen to be there.
                let gathered = unsafe { lanes.gather_words(own.as_ptr().cast::<u32>().add(word), bytes) };
                lanes.store_words(&mut words[start + word * step..], gathered);
            }
        }
        let from = if first + L::COUNT <= length { whole } else { 0 };
        for (column, key) in own.chunks(stride).take(L::COUNT.min(length - first)).enumerate() {
            let targets = words[start + column..].iter_mut().step_by(step);
            for (word, values) in targets.zip(key[..width].chunks(E::PER_WORD)).skip(from) {
                *word = E::word(values);
            }
        }
    }
}

/// Values as panels: a column is a number of the head, a word that number of one or two rows.
#[inline(always)]
fn pack_values<L: Lanes, E: Stored<L>>(values: &[E::Value], window: Window, words: &mut [u32]) {
    let Window { length, width, stride, .. } = window;
    let depth = length.div_ceil(E::PER_WORD);
    let panel = PANEL_VECTORS * L::COUNT;
    for first in (0..width).step_by(panel) {
        let count = panel.min(width - first);
        let (start, step) = column_place(first, width, depth, L::COUNT);
        for (index, target) in words[start..].chunks_mut(step).take(depth).enumerate() {
            let row = index * E::PER_WORD;
            let own = &values[row * stride + first..][..count];
            if E::PER_WORD == 2 && row + 1 < length {
                let next = &values[(row + 1) * stride + first..][..count];
                for ((word, own), next) in target.iter_mut().zip(own).zip(next) {
                    *word = E::word(&[*own, *next]);
                }
            } else {
                for (word, own) in target.iter_mut().zip(own) {
                    *word = E::word(&[*own]);
                }
            }
        }
    }
}
