//! The product of rows with panels of weights: the innermost loop of everything.

use super::{element::Element, lanes::Lanes};
use crate::{buffer::round_up, matrix::PANEL_VECTORS};

/// Bytes of rows that stay in the second-level cache while all panels pass by.
const ROWS_IN_CACHE: usize = 768 << 10;

/// How many words ahead of their use weights are asked for.
const AHEAD: usize = 16;

/// What becomes of vectors of sums.
pub(super) trait Finish<L: Lanes, E: Element<L>> {
    /// Takes the sums of a row for the columns from `column` on, some of which may lie beyond the last one.
    fn finish<const VECTORS: usize>(&mut self, lanes: L, row: usize, column: usize, sums: [E::Sum; VECTORS]);
}

/// Rows that a product reads.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, V> {
    pub values: &'a [V],
    /// Numbers from one row to the next.
    pub stride: usize,
    pub count: usize,
}

/// Panels of weights, as `matrix` lays them out.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    pub words: &'a [u32],
    /// Words of one column.
    pub depth: usize,
    pub columns: usize,
}

/// Hands every vector of every row's output to `finish`.
#[inline(always)]
pub(super) fn product<L, E, F, const ROWS: usize>(lanes: L, rows: Rows<'_, E::Value>, panels: Panels<'_>, finish: &mut F)
where
    L: Lanes,
    E: Element<L>,
    F: Finish<L, E>,
{
    if rows.count == 0 || panels.columns == 0 {
        return;
    }
    // what the loads of the innermost loop rely on
    let last = (rows.count - 1) * rows.stride;
    assert!(rows.values.len() >= last + panels.depth * E::PER_WORD, "rows end before their last word");
    assert!(panels.words.len() >= round_up(panels.columns, L::COUNT) * panels.depth, "panels end before their last word");
    let chunk = (ROWS_IN_CACHE / (panels.depth * 4).max(1)).max(1).next_multiple_of(ROWS);
    for first in (0..rows.count).step_by(chunk) {
        let end = (first + chunk).min(rows.count);
        let mut column = 0;
        while column < panels.columns {
            let vectors = (panels.columns - column).div_ceil(L::COUNT).min(PANEL_VECTORS);
            let panel = &panels.words[column * panels.depth..];
            for row in (first..end).step_by(ROWS) {
                let tile = Tile { row, rows: ROWS.min(end - row), column };
                match vectors {
                    1 => multiply::<L, E, F, ROWS, 1>(lanes, rows, (panel, panels.depth), tile, finish),
                    2 => multiply::<L, E, F, ROWS, 2>(lanes, rows, (panel, panels.depth), tile, finish),
                    _ => multiply::<L, E, F, ROWS, 3>(lanes, rows, (panel, panels.depth), tile, finish),
                }
            }
            column += vectors * L::COUNT;
        }
    }
}

/// A few rows of one panel.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    rows: usize,
    column: usize,
}

#[inline(always)]
fn multiply<L, E, F, const ROWS: usize, const VECTORS: usize>(
    lanes: L,
    rows: Rows<'_, E::Value>,
    (panel, depth): (&[u32], usize),
    tile: Tile,
    finish: &mut F,
) where
    L: Lanes,
    E: Element<L>,
    F: Finish<L, E>,
{
    // rows that are not there are computed as the first one, and not handed on
    let mut starts = [rows.values[tile.row * rows.stride..].as_ptr().cast::<u32>(); ROWS];
    for (index, start) in starts.iter_mut().enumerate().take(tile.rows) {
        *start = rows.values[(tile.row + index) * rows.stride..].as_ptr().cast();
    }
    // SAFETY: `product` saw that every row and every panel of VECTORS vectors has `depth` words.
    let sums = unsafe { accumulate::<L, E, ROWS, VECTORS>(lanes, starts, panel.as_ptr(), depth) };
    for (index, row) in sums.into_iter().enumerate() {
        if index < tile.rows {
            finish.finish(lanes, tile.row + index, tile.column, row);
        }
    }
}

/// The sums of ROWS rows over VECTORS vectors of columns, all held in registers.
///
/// # Safety
/// `depth` words can be read from each of `rows`, and `depth` times VECTORS vectors of words from `panel`.
#[inline(always)]
unsafe fn accumulate<L: Lanes, E: Element<L>, const ROWS: usize, const VECTORS: usize>(
    lanes: L,
    rows: [*const u32; ROWS],
    panel: *const u32,
    depth: usize,
) -> [[E::Sum; VECTORS]; ROWS] {
    let mut sums = [[E::zero(lanes); VECTORS]; ROWS];
    for word in 0..depth {
        let mut weights = [lanes.zero_words(); VECTORS];
        for (vector, weight) in weights.iter_mut().enumerate() {
            lanes.prefetch(panel.wrapping_add(((word + AHEAD) * VECTORS + vector) * L::COUNT));
            // SAFETY: vector `word * VECTORS + vector` of the panel, which the caller has.
            *weight = unsafe { lanes.load_words(panel.add((word * VECTORS + vector) * L::COUNT)) };
        }
        for (own, row) in sums.iter_mut().zip(rows) {
            // SAFETY: word `word` of the row, which the caller has.
            let value = unsafe { lanes.splat_word(row.add(word)) };
            for (sum, weight) in own.iter_mut().zip(weights) {
                *sum = E::step(lanes, *sum, value, weight);
            }
        }
    }
    sums
}
