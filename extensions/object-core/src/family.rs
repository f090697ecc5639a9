//! What the families of models mean by their numbers.

use shapes::Area;

use crate::decoder::{Candidate, Size};
use crate::output::{Output, Table};

/// Strides of the grids of YOLOX; those with four grids have 64 as well, and are told by their number of rows.
const STRIDES: [u32; 4] = [8, 16, 32, 64];
/// Numbers of a box.
const BOX: usize = 4;

/// A way to say where things are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    /// Rows of x, y, width, height, objectness and one number for each class; places are within the cells of grids with
    /// strides of 8, 16 and 32, widths and heights are logarithms.
    Yolox,
    /// The same rows, in pixels.
    Yolov5,
    /// Columns of x, y, width, height and one number for each class, in pixels; there is no objectness. Also YOLOv9 and
    /// YOLO11.
    Yolov8,
    /// Boxes, classes and scores in outputs of their own, already sorted out.
    Ssd(Ssd),
}

/// What models of the family SSD do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssd {
    /// The order of a box's numbers.
    pub corners: Corners,
    /// What they are.
    pub unit: Unit,
    /// The number of the first class: 1 where 0 means that there is nothing.
    pub first_class: u32,
}

/// The order of the numbers of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corners {
    /// Left, top, right, bottom.
    Xyxy,
    /// Top, left, bottom, right.
    Yxyx,
}

/// What the numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1.
    Fraction,
    /// Of the picture that the model was given.
    Pixel,
}

impl Family {
    /// The family's name in configurations.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Yolox => "yolox",
            Self::Yolov5 => "yolov5",
            Self::Yolov8 => "yolov8",
            Self::Ssd(_) => "ssd",
        }
    }

    /// What is likely enough, in the order of the model.
    pub(crate) fn candidates(
        &self,
        outputs: &[Output<'_>],
        picture: Size,
        classes: usize,
        threshold: f32,
    ) -> Result<Vec<Candidate>, String> {
        match self {
            Self::Yolox => yolox(rows(self, outputs, classes + BOX + 1)?, picture, threshold),
            Self::Yolov5 => Ok(yolov5(
                rows(self, outputs, classes + BOX + 1)?,
                picture,
                threshold,
            )),
            Self::Yolov8 => Ok(yolov8(columns(self, outputs, classes + BOX)?, picture, threshold)),
            Self::Ssd(how) => ssd(outputs, picture, *how, threshold),
        }
    }
}

/// The one output of a model that answers with one row for each place.
fn rows<'a>(family: &Family, outputs: &'a [Output<'_>], wanted: usize) -> Result<Table<'a>, String> {
    let table = only(family, outputs)?;
    if table.columns == wanted {
        return Ok(table);
    }
    Err(mismatch(
        family,
        outputs,
        table.columns.checked_sub(BOX + 1),
        wanted - BOX - 1,
    ))
}

/// The one output of a model that answers with one column for each place.
fn columns<'a>(family: &Family, outputs: &'a [Output<'_>], wanted: usize) -> Result<Table<'a>, String> {
    let table = only(family, outputs)?;
    if table.rows == wanted {
        return Ok(table);
    }
    Err(mismatch(
        family,
        outputs,
        table.rows.checked_sub(BOX),
        wanted - BOX,
    ))
}

/// Some models have outputs for training beside the one that counts, which stands first.
fn only<'a>(family: &Family, outputs: &'a [Output<'_>]) -> Result<Table<'a>, String> {
    let table = outputs.first().and_then(Output::table);
    table.ok_or_else(|| {
        format!(
            "the model answers with {}, which is not what models of the family {} do\nhint: check `family`",
            shapes_of(outputs),
            family.name()
        )
    })
}

fn shapes_of(outputs: &[Output<'_>]) -> String {
    let one = |output: &Output<'_>| format!("`{}` of {}", output.name, output.shape_text());
    let all: Vec<String> = outputs.iter().take(6).map(one).collect();
    if all.is_empty() {
        "nothing".to_owned()
    } else {
        all.join(", ")
    }
}

fn mismatch(family: &Family, outputs: &[Output<'_>], told: Option<usize>, named: usize) -> String {
    let told = told.map_or_else(|| "no".to_owned(), |told| told.to_string());
    format!(
        "the model answers with {}: as one of the family {} it would tell {told} classes apart, and `classes` names {named}\n\
         hint: give the names of the model's own classes, or check `family`",
        shapes_of(outputs),
        family.name()
    )
}

/// The most likely of a row's classes.
fn best(scores: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, score) in scores.iter().enumerate() {
        if *score > best.1 {
            best = (class, *score);
        }
    }
    best
}

/// A box around a centre, in pixels, as fractions of the picture.
fn around([x, y, width, height]: [f32; BOX], picture: Size) -> Area {
    Area {
        left: (x - width / 2.0) / picture.width,
        top: (y - height / 2.0) / picture.height,
        width: width / picture.width,
        height: height / picture.height,
    }
}

/// A row of x, y, width, height, objectness and classes, if it is likely enough.
fn row_candidate(row: &[f32], threshold: f32) -> Option<([f32; BOX], usize, f32)> {
    let (place, rest) = row.split_first_chunk::<BOX>()?;
    let (objectness, classes) = rest.split_first()?;
    // No class can make up for it: spares looking at all of them.
    if objectness.is_nan() || *objectness < threshold {
        return None;
    }
    let (class, score) = best(classes);
    let score = objectness * score;
    (score >= threshold).then_some((*place, class, score))
}

fn yolox(table: Table<'_>, picture: Size, threshold: f32) -> Result<Vec<Candidate>, String> {
    let grids = grids(picture, table.rows).ok_or_else(|| {
        format!(
            "the model answers with {} rows, which do not fit grids of 8, 16 and 32 pixels over a picture of {}x{}\n\
             hint: check `family`",
            table.rows, picture.width, picture.height
        )
    })?;
    let mut found = Vec::new();
    for (row, (column, line, stride)) in table.rows().zip(grids) {
        if let Some(([x, y, width, height], class, score)) = row_candidate(row, threshold) {
            let place = [
                (x + column) * stride,
                (y + line) * stride,
                width.exp() * stride,
                height.exp() * stride,
            ];
            found.push(Candidate {
                area: around(place, picture),
                class,
                score,
            });
        }
    }
    Ok(found)
}

/// For each row the column and line of its cell, and the size of the cell; None if no choice of strides has so many rows.
fn grids(picture: Size, rows: usize) -> Option<impl Iterator<Item = (f32, f32, f32)>> {
    let cells = move |stride: u32| {
        let along = |length: f32| length as u32 / stride;
        (along(picture.width), along(picture.height))
    };
    let count = |strides: &[u32]| -> usize {
        let sizes = strides.iter().map(|stride| cells(*stride));
        sizes
            .map(|(columns, lines)| columns as usize * lines as usize)
            .sum()
    };
    let choices = [STRIDES.get(..3)?, STRIDES.as_slice()];
    let strides = choices
        .into_iter()
        .find(|strides| count(strides) == rows)?
        .to_vec();
    Some(strides.into_iter().flat_map(move |stride| {
        let (columns, lines) = cells(stride);
        (0..lines)
            .flat_map(move |line| (0..columns).map(move |column| (column as f32, line as f32, stride as f32)))
    }))
}

fn yolov5(table: Table<'_>, picture: Size, threshold: f32) -> Vec<Candidate> {
    let likely = table.rows().filter_map(|row| row_candidate(row, threshold));
    likely
        .map(|(place, class, score)| Candidate {
            area: around(place, picture),
            class,
            score,
        })
        .collect()
}

fn yolov8(table: Table<'_>, picture: Size, threshold: f32) -> Vec<Candidate> {
    // Row by row, since that is how the numbers stand: the best class of each place so far.
    let mut best = vec![(0_usize, f32::NEG_INFINITY); table.columns];
    for class in BOX..table.rows {
        for (best, score) in best.iter_mut().zip(table.row(class)) {
            if *score > best.1 {
                *best = (class - BOX, *score);
            }
        }
    }
    let boxes = [table.row(0), table.row(1), table.row(2), table.row(3)];
    let likely = best
        .into_iter()
        .enumerate()
        .filter(|(_, (_, score))| *score >= threshold);
    likely
        .filter_map(|(place, (class, score))| {
            let [x, y, width, height] = boxes.map(|row| row.get(place).copied());
            Some(Candidate {
                area: around([x?, y?, width?, height?], picture),
                class,
                score,
            })
        })
        .collect()
}

fn ssd(outputs: &[Output<'_>], picture: Size, how: Ssd, threshold: f32) -> Result<Vec<Candidate>, String> {
    let Some((boxes, classes, scores)) = parts(outputs) else {
        return Err(format!(
            "the model answers with {}; of the family ssd are expected boxes of Nx4, N classes and N scores\nhint: check `family`",
            shapes_of(outputs)
        ));
    };
    let rows = boxes.rows().zip(classes.values).zip(scores.values);
    let likely = rows.filter(|(_, score)| **score >= threshold);
    let candidate = |((place, class), score): ((&[f32], &f32), &f32)| {
        let [first, second, third, fourth] = *place.first_chunk::<BOX>()?;
        let [left, top, right, bottom] = match how.corners {
            Corners::Xyxy => [first, second, third, fourth],
            Corners::Yxyx => [second, first, fourth, third],
        };
        let (width, height) = match how.unit {
            Unit::Fraction => (1.0, 1.0),
            Unit::Pixel => (picture.width, picture.height),
        };
        let class = (class.round() as i64).checked_sub(i64::from(how.first_class))?;
        Some(Candidate {
            area: Area {
                left: left / width,
                top: top / height,
                width: (right - left) / width,
                height: (bottom - top) / height,
            },
            class: usize::try_from(class).ok()?,
            score: *score,
        })
    };
    Ok(likely.filter_map(candidate).collect())
}

/// Which of the outputs are what: the boxes are told by their shape, the others by their names, else by their order, in
/// which classes stand before scores.
fn parts<'a>(outputs: &'a [Output<'a>]) -> Option<(Table<'a>, &'a Output<'a>, &'a Output<'a>)> {
    let (at, boxes) = outputs.iter().enumerate().find_map(|(at, output)| {
        let table = output.table().filter(|table| table.columns == BOX)?;
        Some((at, table))
    })?;
    let lists: Vec<&Output<'_>> = outputs
        .iter()
        .enumerate()
        .filter(|(place, output)| *place != at && output.values.len() == boxes.rows)
        .map(|(_, output)| output)
        .collect();
    let named = |words: &[&str]| {
        let is = |output: &&&Output<'_>| {
            let name = output.name.to_ascii_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        lists.iter().find(is).copied()
    };
    let classes = named(&["class", "label"]).or_else(|| lists.first().copied())?;
    let others = |output: &&&Output<'_>| !std::ptr::eq(**output, classes);
    let scores = named(&["score", "conf", "prob"]).or_else(|| lists.iter().find(others).copied())?;
    (!std::ptr::eq(classes, scores)).then_some((boxes, classes, scores))
}
