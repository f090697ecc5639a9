//! Who goes with whom at the least cost altogether.

/// Pairs rows with columns: for each row its column, if it has one. A pair whose cost is not finite, and a row for which
/// all together is cheaper at `alone`, stay single. Rows and columns are few (hundreds); the work is rows² times columns.
pub(crate) fn assign(
    rows: usize,
    columns: usize,
    alone: f32,
    cost: impl Fn(usize, usize) -> f32,
) -> Vec<Option<usize>> {
    // A column of its own for each row means that it stays single.
    let width = columns + rows;
    let price = |row: usize, column: usize| {
        let cost = if column < columns {
            cost(row, column)
        } else {
            alone
        };
        if cost.is_finite() {
            cost.min(IMPOSSIBLE)
        } else {
            IMPOSSIBLE
        }
    };
    let mut search = Search::new(rows, width);
    for row in 0..rows {
        search.place(row, &price);
    }
    let mut of_row = vec![None; rows];
    for (column, row) in search.row_of.iter().enumerate().take(columns) {
        if let Some((row, place)) = row.and_then(|row| Some((row, of_row.get_mut(row)?)))
            && price(row, column) < IMPOSSIBLE
        {
            *place = Some(column);
        }
    }
    of_row
}

/// More than any sum of real costs.
const IMPOSSIBLE: f32 = 1e6;

/// Shortest augmenting paths with potentials (the Hungarian method).
struct Search {
    row_of: Vec<Option<usize>>,
    of_row: Vec<f32>,
    of_column: Vec<f32>,
}

impl Search {
    fn new(rows: usize, width: usize) -> Self {
        Self {
            row_of: vec![None; width],
            of_row: vec![0.0; rows],
            of_column: vec![0.0; width],
        }
    }

    /// Finds a column for one more row, moving others where that is cheaper.
    fn place(&mut self, start: usize, price: &impl Fn(usize, usize) -> f32) {
        let width = self.row_of.len();
        let (mut least, mut came_from) = (vec![f32::INFINITY; width], vec![None; width]);
        let mut done = vec![false; width];
        let (mut row, mut at): (usize, Option<usize>) = (start, None);
        loop {
            let (mut delta, mut next) = (f32::INFINITY, None);
            let base = self.of_row.get(row).copied().unwrap_or_default();
            let columns = least
                .iter_mut()
                .zip(&mut came_from)
                .zip(&done)
                .zip(&self.of_column);
            for (column, (((least, from), done), potential)) in columns.enumerate() {
                if *done {
                    continue;
                }
                let reduced = price(row, column) - base - potential;
                if reduced < *least {
                    (*least, *from) = (reduced, at);
                }
                if *least < delta {
                    (delta, next) = (*least, Some(column));
                }
            }
            let Some(column) = next else { return };
            self.shift(start, delta, &mut least, &done);
            if let Some(done) = done.get_mut(column) {
                *done = true;
            }
            at = Some(column);
            match self.row_of.get(column).copied().flatten() {
                Some(taken) => row = taken,
                None => break,
            }
        }
        self.augment(start, at, &came_from);
    }

    fn shift(&mut self, start: usize, delta: f32, least: &mut [f32], done: &[bool]) {
        if let Some(potential) = self.of_row.get_mut(start) {
            *potential += delta;
        }
        let columns = self.row_of.iter().zip(&mut self.of_column).zip(least).zip(done);
        for (((row, potential), least), done) in columns {
            if !*done {
                *least -= delta;
                continue;
            }
            *potential -= delta;
            if let Some(potential) = row.and_then(|row| self.of_row.get_mut(row)) {
                *potential += delta;
            }
        }
    }

    fn augment(&mut self, start: usize, end: Option<usize>, came_from: &[Option<usize>]) {
        let mut at = end;
        while let Some(column) = at {
            let before = came_from.get(column).copied().flatten();
            let row = before.map_or(Some(start), |before| self.row_of.get(before).copied().flatten());
            if let Some(place) = self.row_of.get_mut(column) {
                *place = row;
            }
            at = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(costs: &[&[f32]], alone: f32) -> Vec<Option<usize>> {
        let columns = costs.first().map_or(0, |row| row.len());
        assign(costs.len(), columns, alone, |row, column| costs[row][column])
    }

    #[test]
    fn the_sum_is_least_not_the_first_choice() {
        // Greedy takes 0-0 for 1 and pays 9 for 1-1.
        assert_eq!(of(&[&[1.0, 2.0], &[1.5, 9.0]], 100.0), [Some(1), Some(0)]);
        let three: [&[f32]; 3] = [&[4.0, 1.0, 3.0], &[2.0, 0.0, 5.0], &[3.0, 2.0, 2.0]];
        assert_eq!(of(&three, 100.0), [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn what_is_impossible_or_too_dear_stays_single() {
        let never = f32::INFINITY;
        assert_eq!(of(&[&[never, never], &[0.5, never]], 3.0), [None, Some(0)]);
        assert_eq!(of(&[&[5.0]], 3.0), [None]);
        assert_eq!(of(&[&[1.0], &[2.0]], 3.0), [Some(0), None]);
        assert_eq!(of(&[&[f32::NAN]], 3.0), [None]);
        assert!(of(&[], 3.0).is_empty());
    }

    #[test]
    fn it_is_as_good_as_trying_everything() {
        let mut seed = 7_u64;
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f32 / 16_777_216.0
        };
        for _ in 0..200 {
            let costs: Vec<Vec<f32>> = (0..4).map(|_| (0..4).map(|_| random()).collect()).collect();
            let found = assign(4, 4, 10.0, |row, column| costs[row][column]);
            let sum: f32 = found
                .iter()
                .enumerate()
                .map(|(row, column)| costs[row][column.unwrap()])
                .sum();
            let mut best = f32::INFINITY;
            for a in 0..4 {
                for b in (0..4).filter(|b| *b != a) {
                    for c in (0..4).filter(|c| *c != a && *c != b) {
                        let d = 6 - a - b - c;
                        best = best.min(costs[0][a] + costs[1][b] + costs[2][c] + costs[3][d]);
                    }
                }
            }
            assert!((sum - best).abs() < 1e-4, "{sum} is not {best}");
        }
    }
}
