//! What is asked about what was seen: a stretch, a label, and where a page begins.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::range::{Asked, RangeError};
use crate::media::MediaTime;
use crate::recording::detections::Detection;

/// The detections of a page when nobody says how many.
pub const PAGE: usize = 5_000;
/// The most detections of a page.
pub const MAX_PAGE: usize = 10_000;
/// Longer tokens are not ours, in bytes.
pub(super) const MAX_TOKEN: usize = 128;
/// What a token begins with.
const KIND: &str = "1/seen";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Seen in this time.
    pub range: Range<MediaTime>,
    /// Only of this class; without regard to the case of the letters A to Z.
    pub label: Option<String>,
    /// At most so many.
    pub(super) limit: usize,
    /// Where the page begins.
    pub(super) begin: Place,
}

/// A place among detections that are ordered by their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) time: MediaTime,
    /// So many of this time come before it.
    pub(super) skip: usize,
}

/// Why a question makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No stretch.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// No such page.
    #[error("a page has 1 to {MAX_PAGE} detections")]
    Limit,
    /// Not ours, or of another question.
    #[error(
        "the continuation token is none of this list\n\
         hint: ask for the same stretch as before, or leave the token out to begin at its start"
    )]
    Token,
}

impl Question {
    /// Of what a request says of its stretch, its page and where that begins.
    ///
    /// # Errors
    /// When it makes no sense, or asks for too much at once.
    pub fn new(
        stretch: Result<Asked, RangeError>,
        label: Option<&str>,
        limit: Option<&str>,
        token: Option<&str>,
    ) -> Result<Self, QuestionError> {
        let Asked::Between(start, end) = stretch? else {
            return Err(RangeError::Both.into());
        };
        let limit = limit.map_or(Ok(PAGE), str::parse);
        let limit = limit.ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
        let begin = match token.filter(|token| !token.is_empty()) {
            None => Some(Place { time: start, skip: 0 }),
            Some(token) => Place::read(token).filter(|place| (start..end).contains(&place.time)),
        };
        Ok(Self {
            range: start..end,
            label: label.map(str::to_owned),
            limit: limit.ok_or(QuestionError::Limit)?,
            begin: begin.ok_or(QuestionError::Token)?,
        })
    }

    /// What is left of the stretch.
    pub(super) fn rest(&self) -> Range<MediaTime> {
        self.begin.time..self.range.end
    }

    pub(super) fn wants(&self, one: &Detection) -> bool {
        let labelled = |label: &String| one.label.eq_ignore_ascii_case(label);
        self.rest().contains(&one.time) && self.label.as_ref().is_none_or(labelled)
    }
}

impl Place {
    pub(super) fn read(token: &str) -> Option<Self> {
        let bytes = (token.len() <= MAX_TOKEN).then(|| URL_SAFE_NO_PAD.decode(token).ok())??;
        let text = String::from_utf8(bytes).ok()?;
        let (time, skip) = text.strip_prefix(KIND)?.strip_prefix('/')?.split_once('/')?;
        Some(Self {
            time: MediaTime::from_ticks(time.parse().ok()?),
            skip: skip.parse().ok()?,
        })
    }

    pub(super) fn write(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{KIND}/{}/{}", self.time.ticks(), self.skip))
    }
}
