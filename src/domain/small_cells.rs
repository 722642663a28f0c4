//! Small cells of aggregate reports: counts so low that they could be one person are not told, nor what would give them away.

use serde::Serialize;

/// Counts below this are not told: what CMS asks of who publishes counts of its beneficiaries.
pub const SMALLEST_CELL: u64 = 11;

/// A count as it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Told.
    Count(u64),
    /// Not told.
    Suppressed,
}

impl Cell {
    /// The count, where it is told.
    #[must_use]
    pub const fn told(self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(count),
            Self::Suppressed => None,
        }
    }
}

/// A table as it may be told: its cells, with the totals of rows, of columns and of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppressedTable {
    /// The cells, row by row.
    pub cells: Vec<Vec<Cell>>,
    /// Totals of the rows.
    pub rows: Vec<Cell>,
    /// Totals of the columns.
    pub columns: Vec<Cell>,
    /// The total of all.
    pub all: Cell,
}

/// A table with counts of 1 to `smallest` − 1 suppressed, and so many more that none of them can be worked out from the totals: no row and no
/// column, totals among them, has one suppressed cell alone, and what is suppressed in a line sums up to at least `smallest`. A count of nothing
/// is told: it is nobody, and it is the last to be suppressed for another's sake.
///
/// Rows that are shorter than the longest are filled up with nothing.
#[must_use]
pub fn suppress(counts: &[Vec<u64>], smallest: u64) -> SuppressedTable {
    let width = counts.iter().map(Vec::len).max().unwrap_or_default();
    // the totals are cells as the others are: the last row and the last column
    let mut grid: Vec<Vec<u64>> =
        counts.iter().map(|row| (0..width).map(|at| row.get(at).copied().unwrap_or_default()).collect()).collect();
    for row in &mut grid {
        row.push(row.iter().fold(0, |sum, count| sum.saturating_add(*count)));
    }
    grid.push((0..=width).map(|at| grid.iter().fold(0, |sum: u64, row| sum.saturating_add(row[at]))).collect());
    let mut hidden: Vec<Vec<bool>> =
        grid.iter().map(|row| row.iter().map(|count| (1..smallest).contains(count)).collect()).collect();
    while let Some((row, column)) = next_to_hide(&grid, &hidden, smallest) {
        hidden[row][column] = true;
    }
    let cell = |row: usize, column: usize| if hidden[row][column] { Cell::Suppressed } else { Cell::Count(grid[row][column]) };
    let height = counts.len();
    SuppressedTable {
        cells: (0..height).map(|row| (0..width).map(|column| cell(row, column)).collect()).collect(),
        rows: (0..height).map(|row| cell(row, width)).collect(),
        columns: (0..width).map(|column| cell(height, column)).collect(),
        all: cell(height, width),
    }
}

/// One list of counts with its total, as it may be told.
#[must_use]
pub fn suppress_list(counts: &[u64], smallest: u64) -> (Vec<Cell>, Cell) {
    let mut table = suppress(&[counts.to_vec()], smallest);
    (table.cells.pop().unwrap_or_default(), table.rows.pop().unwrap_or(Cell::Count(0)))
}

/// The cell whose suppression the first line that gives something away needs; none when no line does.
fn next_to_hide(grid: &[Vec<u64>], hidden: &[Vec<bool>], smallest: u64) -> Option<(usize, usize)> {
    let (height, width) = (grid.len(), grid.first().map_or(0, Vec::len));
    let rows = (0..height).map(|row| (0..width).map(|column| (row, column)).collect::<Vec<_>>());
    let columns = (0..width).map(|column| (0..height).map(|row| (row, column)).collect::<Vec<_>>());
    for line in rows.chain(columns) {
        let is_hidden = |place: &(usize, usize)| hidden[place.0][place.1];
        let (under, open): (Vec<_>, Vec<_>) = line.iter().copied().partition(is_hidden);
        // the total is the last of its line: what is left of it is told by the rest
        let total_is_open = line.last().is_some_and(|last| !is_hidden(last));
        let sum = under.iter().fold(0_u64, |sum, (row, column)| sum.saturating_add(grid[*row][*column]));
        let gives_away = under.len() == 1 || !under.is_empty() && total_is_open && sum < smallest;
        if !gives_away {
            continue;
        }
        // the least that is something, then nothing, then the total
        let cheapest = open.into_iter().min_by_key(|(row, column)| {
            let is_total = usize::from(row + 1 == height) + usize::from(column + 1 == width);
            let count = grid[*row][*column];
            (is_total, count == 0, count)
        });
        if cheapest.is_some() {
            return cheapest;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(table: &SuppressedTable) -> Vec<String> {
        let line = |cells: &[Cell], total: Cell| {
            let told = |cell: &Cell| cell.told().map_or_else(|| "*".to_owned(), |count| count.to_string());
            format!("{} = {}", cells.iter().map(told).collect::<Vec<_>>().join(" "), told(&total))
        };
        let rows = table.cells.iter().zip(&table.rows).map(|(cells, total)| line(cells, *total));
        rows.chain([line(&table.columns, table.all)]).collect()
    }

    #[test]
    fn a_cell_beside_a_small_one_goes_too() {
        let table = suppress(&[vec![5, 40, 60], vec![20, 30, 50]], SMALLEST_CELL);
        assert_eq!(words(&table), ["* * 60 = 105", "* * 50 = 100", "25 70 110 = 205"]);
        assert_eq!(
            suppress_list(&[100, 0, 12], SMALLEST_CELL),
            (vec![Cell::Count(100), Cell::Count(0), Cell::Count(12)], Cell::Count(112))
        );
        assert_eq!(
            suppress_list(&[3, 50, 12], SMALLEST_CELL),
            (vec![Cell::Suppressed, Cell::Count(50), Cell::Suppressed], Cell::Count(65))
        );
        let (cells, total) = suppress_list(&[4], SMALLEST_CELL);
        assert_eq!((cells, total), (vec![Cell::Suppressed], Cell::Suppressed));
        assert_eq!(suppress(&[], SMALLEST_CELL).all, Cell::Count(0));
    }

    /// Every line of a table with its total last: rows, columns and the line of totals of both.
    fn lines(table: &SuppressedTable) -> Vec<Vec<Cell>> {
        let rows = table.cells.iter().zip(&table.rows).map(|(cells, total)| cells.iter().copied().chain([*total]).collect());
        let columns =
            (0..table.columns.len()).map(|at| table.cells.iter().map(|row| row[at]).chain([table.columns[at]]).collect());
        let totals = [
            table.columns.iter().copied().chain([table.all]).collect(),
            table.rows.iter().copied().chain([table.all]).collect::<Vec<Cell>>(),
        ];
        rows.chain(columns).chain(totals).collect()
    }

    proptest! {
        #[test]
        fn nothing_small_is_told_or_can_be_worked_out(
            counts in proptest::collection::vec(proptest::collection::vec(prop_oneof![0_u64..15, 0_u64..200], 1..6), 1..6)
        ) {
            let table = suppress(&counts, SMALLEST_CELL);
            for line in lines(&table) {
                prop_assert!(line.iter().all(|cell| cell.told().is_none_or(|count| count == 0 || count >= SMALLEST_CELL)));
                let hidden = line.iter().filter(|cell| cell.told().is_none()).count();
                prop_assert!(hidden != 1, "{:?}", words(&table));
                // the difference of the total and what is told is the sum of what is not
                if let (true, Some(total)) = (hidden > 0, line.last().and_then(|total| total.told())) {
                    let told: u64 = line[..line.len() - 1].iter().filter_map(|cell| cell.told()).sum();
                    prop_assert!(total - told >= SMALLEST_CELL, "{:?}", words(&table));
                }
            }
        }

        #[test]
        fn what_is_told_is_true(counts in proptest::collection::vec(proptest::collection::vec(0_u64..40, 3), 3)) {
            let table = suppress(&counts, SMALLEST_CELL);
            for (row, cells) in counts.iter().zip(&table.cells) {
                for (count, cell) in row.iter().zip(cells) {
                    prop_assert!(cell.told().is_none_or(|told| told == *count));
                }
            }
            if counts.iter().flatten().all(|count| *count == 0 || *count >= SMALLEST_CELL) {
                prop_assert!(table.cells.iter().flatten().all(|cell| cell.told().is_some()), "nothing small, nothing suppressed");
            }
        }
    }
}
