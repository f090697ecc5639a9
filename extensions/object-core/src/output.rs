//! One output of a model.

/// Numbers in rows: the last dimension runs fastest.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Its name in the model.
    pub name: &'a str,
    /// Its dimensions, the outermost first.
    pub shape: &'a [u32],
    /// As many as the dimensions multiplied; whole numbers are given as such.
    pub values: &'a [f32],
}

impl Output<'_> {
    /// Its two inner dimensions, if all others are 1.
    fn sides(&self) -> &[u32] {
        let inner = self.shape.len().saturating_sub(2);
        match self.shape.split_at_checked(inner) {
            Some((outer, inner)) if outer.iter().all(|side| *side == 1) => inner,
            _ => &[],
        }
    }

    /// The numbers as so many rows of so many, if that is what they are.
    #[must_use]
    pub fn table(&self) -> Option<Table<'_>> {
        let [rows, columns] = *self.sides() else {
            return None;
        };
        let (rows, columns) = (rows as usize, columns as usize);
        (rows.checked_mul(columns) == Some(self.values.len()) && columns > 0).then_some(Table {
            rows,
            columns,
            values: self.values,
        })
    }

    /// Its shape for people.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let sides: Vec<String> = self.shape.iter().map(u32::to_string).collect();
        sides.join("x")
    }
}

/// Rows of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// How many rows there are.
    pub rows: usize,
    /// How many numbers a row has; at least one.
    pub columns: usize,
    values: &'a [f32],
}

impl<'a> Table<'a> {
    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        self.values.chunks_exact(self.columns)
    }

    /// One row; empty when there is none such.
    #[must_use]
    pub fn row(&self, place: usize) -> &'a [f32] {
        let from = place.saturating_mul(self.columns);
        self.values
            .get(from..from.saturating_add(self.columns))
            .unwrap_or_default()
    }
}
