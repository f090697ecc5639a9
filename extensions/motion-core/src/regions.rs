//! From cells to regions.

use crate::CELL;
use crate::cells::Cell;

/// Most regions in one picture; the largest are kept.
pub const MAX_REGIONS: usize = 16;

/// Regions closer than this many pixels are one.
const MERGE_DISTANCE: f32 = CELL as f32;

/// Where something moves, in fractions of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// A rectangle in pixels and how much changed in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Patch {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
    /// Changed pixels.
    pub(crate) area: u32,
    pub(crate) strong: bool,
    pub(crate) live: bool,
}

impl Patch {
    fn of(column: usize, row: usize, cell: &Cell) -> Self {
        let [left, top, right, bottom] = cell.extent.map(f32::from);
        let (x, y) = ((column * CELL) as f32, (row * CELL) as f32);
        Self {
            left: x + left,
            top: y + top,
            right: x + right,
            bottom: y + bottom,
            area: u32::from(cell.changed),
            strong: cell.strong,
            live: cell.live,
        }
    }

    fn join(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
        self.area = self.area.saturating_add(other.area);
        self.strong |= other.strong;
        self.live |= other.live;
    }

    /// Pixels between the two, along the axis on which they are further apart; 0 if they touch.
    pub(crate) fn distance(&self, other: &Self) -> f32 {
        let x = (other.left - self.right).max(self.left - other.right);
        let y = (other.top - self.bottom).max(self.top - other.bottom);
        x.max(y).max(0.0)
    }

    pub(crate) fn region(&self, width: usize, height: usize) -> Region {
        let (width, height) = (width as f32, height as f32);
        let (left, top) = (
            (self.left / width).clamp(0.0, 1.0),
            (self.top / height).clamp(0.0, 1.0),
        );
        Region {
            left,
            top,
            width: (self.right / width).clamp(0.0, 1.0) - left,
            height: (self.bottom / height).clamp(0.0, 1.0) - top,
        }
    }
}

/// Finds regions; keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    seen: Vec<bool>,
    open: Vec<usize>,
}

impl Finder {
    /// Connected active cells that contain a strong and a live one and are large enough, largest first.
    pub(crate) fn find(&mut self, cells: &[Cell], columns: usize, least_area: u32) -> Vec<Patch> {
        self.seen.clear();
        self.seen.extend(cells.iter().map(|cell| !cell.active()));
        let mut found = Vec::new();
        for start in 0..cells.len() {
            if self.take(start) {
                let patch = self.grow(cells, columns, start);
                if patch.strong && patch.live && patch.area >= least_area {
                    found.push(patch);
                }
            }
        }
        found.sort_by_key(|patch| std::cmp::Reverse(patch.area));
        found.truncate(MAX_REGIONS);
        found
    }

    /// Whether the cell was still to be visited.
    fn take(&mut self, at: usize) -> bool {
        self.seen
            .get_mut(at)
            .is_some_and(|seen| !std::mem::replace(seen, true))
    }

    fn grow(&mut self, cells: &[Cell], columns: usize, start: usize) -> Patch {
        let at = |index: usize| {
            let cell = cells.get(index).copied().unwrap_or_default();
            Patch::of(index % columns, index / columns, &cell)
        };
        let mut patch = at(start);
        self.open.push(start);
        while let Some(index) = self.open.pop() {
            for next in neighbours(index, columns, cells.len()) {
                if self.take(next) {
                    patch.join(&at(next));
                    self.open.push(next);
                }
            }
        }
        patch
    }
}

/// The up to eight cells around one, and itself.
pub(crate) fn neighbours(index: usize, columns: usize, cells: usize) -> impl Iterator<Item = usize> {
    let (column, row) = (index % columns, index / columns);
    let across = column.saturating_sub(1)..=(column + 1).min(columns - 1);
    (row.saturating_sub(1)..=row + 1)
        .flat_map(move |row| across.clone().map(move |column| row * columns + column))
        .filter(move |at| *at < cells)
}

/// Joins what overlaps or nearly touches, until nothing does.
pub(crate) fn merge(mut patches: Vec<Patch>) -> Vec<Patch> {
    let mut merged: Vec<Patch> = Vec::new();
    while let Some(mut patch) = patches.pop() {
        // A patch that has grown may now touch what it did not touch before.
        while let Some(at) = merged
            .iter()
            .position(|other| other.distance(&patch) < MERGE_DISTANCE)
        {
            patch.join(&merged.swap_remove(at));
        }
        merged.push(patch);
    }
    merged.sort_by_key(|patch| std::cmp::Reverse(patch.area));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(left: f32, top: f32, right: f32, bottom: f32) -> Patch {
        Patch {
            left,
            top,
            right,
            bottom,
            area: 1,
            strong: true,
            live: true,
        }
    }

    #[test]
    fn neighbours_stop_at_the_borders() {
        assert_eq!(neighbours(0, 3, 9).collect::<Vec<_>>(), [0, 1, 3, 4]);
        assert_eq!(neighbours(8, 3, 9).collect::<Vec<_>>(), [4, 5, 7, 8]);
        assert_eq!(neighbours(4, 3, 9).count(), 9);
    }

    #[test]
    fn what_nearly_touches_is_merged_and_the_rest_is_not() {
        let merged = merge(vec![
            patch(0.0, 0.0, 10.0, 10.0),
            patch(100.0, 0.0, 110.0, 10.0),
            patch(14.0, 4.0, 30.0, 12.0),
            patch(35.0, 0.0, 40.0, 10.0),
        ]);
        assert_eq!(merged.len(), 2);
        assert_eq!(
            merged[0],
            Patch {
                area: 3,
                ..patch(0.0, 0.0, 40.0, 12.0)
            }
        );
    }

    #[test]
    fn regions_are_fractions_within_the_picture() {
        let region = patch(300.0, 90.0, 328.0, 184.0).region(320, 180);
        assert_eq!((region.left, region.top), (0.9375, 0.5));
        assert_eq!((region.width, region.height), (0.0625, 0.5));
    }
}
