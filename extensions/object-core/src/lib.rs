//! From the output of object detection models to boxes with labels.
//!
//! A model answers with rows of numbers, and each [`Family`] of models means something else by them. [`Decoder`] knows what,
//! keeps what is likely enough and wanted, and leaves one box of those that show the same thing. Pure: the same numbers give
//! the same boxes, whatever the numbers are; there is no panic and no work without bound.
//!
//! Boxes are fractions of the picture that the model was given, until [`in_frame`] takes its border off.

#![forbid(unsafe_code)]

mod decoder;
mod family;
mod labels;
mod output;
mod suppress;

pub use decoder::{Decoder, MAX_CANDIDATES, Object, Settings, in_frame};
pub use family::{Corners, Family, Ssd, Unit};
pub use labels::{COCO, Labels, MAX_CLASSES, MAX_LABEL_BYTES};
pub use output::Output;
