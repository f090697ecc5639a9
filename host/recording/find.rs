//! What was seen when, from the index: `mediagraph find` and `GET /api/detections`.
//!
//! Page by page. A token says behind which sighting to go on; nobody remembers anything of it, so it is good for ever.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::detections::Fraction;
use super::index::{Index, IndexError, SightingFilter, SightingRow};
use crate::media::MediaTime;
use crate::media::inference::Rect;

/// The sightings of a page when nobody says how many.
pub const PAGE: u32 = 200;
/// The most sightings of a page.
pub const MAX_PAGE: u32 = 1000;
/// Longer tokens are not ours, in bytes.
const MAX_TOKEN: usize = 128;
/// What a token begins with.
const KIND: &str = "1/detections";

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Of this class; none: of all.
    pub label: Option<String>,
    /// Seen at or after this ...
    pub since: Timestamp,
    /// ... and before this.
    pub until: Timestamp,
    /// In this asset.
    pub asset: Option<String>,
    /// At least as certain as this, from 0 to 1.
    pub minimum_confidence: f64,
    /// At most so many.
    pub limit: u32,
    /// What the page before gave.
    pub token: Option<String>,
    /// For whoever shows the answer to people.
    pub zone: TimeZone,
}

/// Why a question makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The end is not after the beginning.
    #[error("`until` ({until}) is not after `since` ({since})")]
    Empty {
        /// From here ...
        since: Timestamp,
        /// ... to here.
        until: Timestamp,
    },
    /// No fraction.
    #[error("a confidence is a number from 0 to 1, such as 0.5")]
    Confidence,
    /// No such page.
    #[error("a page has 1 to {MAX_PAGE} sightings")]
    Limit,
    /// Not ours.
    #[error(
        "the continuation token is none of this list\n\
         hint: hand back what the page before gave, or leave it out to begin at the start"
    )]
    Token,
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Something that was seen without a break.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The asset that it is recorded in.
    pub asset: String,
    /// The store of the asset.
    pub store: String,
    /// The graph instance that recorded it; empty when the index does not know.
    pub instance: String,
    /// The node that recorded it.
    pub node: String,
    /// Its class, `motion`, or the name of an event.
    pub label: String,
    /// What a tracker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was first seen, UTC.
    pub first: String,
    /// When it was last seen.
    pub last: String,
    /// For how long.
    pub seconds: f64,
    /// In how many detections.
    pub detections: u64,
    /// When it was seen best.
    pub best: String,
    /// How certain it was then, from 0 to 1.
    pub confidence: f64,
    /// Where it was then, in fractions of the source picture.
    #[serde(rename = "box")]
    pub area: Rect,
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// That of the host, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Sightings by their first moments.
    pub value: Vec<Found>,
    /// What is to be told of how the question was understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// For the next page; none when this is the last.
    #[serde(
        rename = "@continuationToken",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub token: Option<String>,
}

/// Answers a question from an index, as far as `sees` lets the caller see what an instance recorded.
///
/// # Errors
/// When the question makes no sense, or the index cannot be read.
pub fn find(index: &Index, question: &Question, sees: impl Fn(&str) -> bool) -> Result<Page, FindError> {
    let Question {
        since, until, limit, ..
    } = *question;
    if until <= since {
        return Err(FindError::Empty { since, until });
    }
    if !(0.0..=1.0).contains(&question.minimum_confidence) {
        return Err(FindError::Confidence);
    }
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(FindError::Limit);
    }
    let after = question.token.as_deref().filter(|token| !token.is_empty());
    let mut owners = index.recorders()?;
    owners.retain(|owner| sees(instance_of(owner).0));
    let filter = SightingFilter {
        label: question.label.as_deref(),
        range: MediaTime::from_timestamp(since)..MediaTime::from_timestamp(until),
        asset: question.asset.as_deref(),
        owners: &owners,
        minimum: Fraction::of(question.minimum_confidence),
        after: after
            .map(|token| decode(token).ok_or(FindError::Token))
            .transpose()?,
        limit: limit.saturating_add(1),
    };
    let mut rows = index.find_sightings(&filter)?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    Ok(Page {
        time_zone: crate::when::name(&question.zone),
        token: rows.last().filter(|_| more).map(encode),
        value: rows.iter().map(found).collect(),
        notes: Vec::new(),
    })
}

fn instance_of(owner: &str) -> (&str, &str) {
    owner.split_once('/').unwrap_or((owner, ""))
}

fn found(row: &SightingRow) -> Found {
    let (instance, node) = instance_of(&row.owner);
    let seen = &row.sighting;
    Found {
        asset: row.asset.clone(),
        store: row.store.clone(),
        instance: instance.to_owned(),
        node: node.to_owned(),
        label: seen.label.to_string(),
        id: seen.track.as_deref().map(str::to_owned),
        first: seen.first.iso(),
        last: seen.last.iso(),
        seconds: (seen.last.since(seen.first).seconds() * 1e3).round() / 1e3,
        detections: seen.count,
        best: seen.best.iso(),
        confidence: seen.confidence.value(),
        area: seen.area.rect(),
    }
}

fn encode(last: &SightingRow) -> String {
    URL_SAFE_NO_PAD.encode(format!("{KIND}/{}/{}", last.sighting.first.ticks(), last.id))
}

fn decode(token: &str) -> Option<(MediaTime, i64)> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (first, id) = text.strip_prefix(KIND)?.strip_prefix('/')?.split_once('/')?;
    Some((MediaTime::from_ticks(first.parse().ok()?), id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_are_taken() {
        let of = |text: &str| decode(&URL_SAFE_NO_PAD.encode(text));
        assert_eq!(of("1/detections/7/9"), Some((MediaTime::from_ticks(7), 9)));
        for other in [
            "1/detections",
            "1/detections/7",
            "1/detections/x/9",
            "1/topology/7/9",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(decode("no base64!"), None);
        assert_eq!(decode(&"a".repeat(MAX_TOKEN + 1)), None);
    }
}
