//! Bodies: what was recorded, what was not, and why.

use schemars::JsonSchema;
use serde::Serialize;

use super::Object;

/// A link of the chain at a moment.
#[derive(Serialize, JsonSchema)]
struct ExplanationStep {
    /// `instance`, `camera`, `frames`, `detector`, `gate`, `sink` or `upload`.
    link: String,
    /// The node; none when it is about all of them.
    node: Option<String>,
    /// `fine`, `broken` or `unknown`.
    verdict: String,
    /// What is known, for people.
    message: String,
    #[serde(flatten)]
    more: Object,
}

/// What became of a moment.
#[derive(Serialize, JsonSchema)]
pub(super) struct Explanation {
    /// The graph instance.
    instance: String,
    /// The moment; ISO 8601, UTC.
    at: String,
    /// How far around it was looked, from here ...
    from: String,
    /// ... to here.
    to: String,
    /// Whether there is a clip; none when the journal does not say.
    clip: Option<bool>,
    /// The chain, from the camera on.
    steps: Vec<ExplanationStep>,
    /// One plain sentence.
    conclusion: String,
    /// The host's, such as `Europe/Berlin`.
    #[serde(rename = "timeZone")]
    time_zone: String,
    /// How the question was understood, if that needs a word; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
}

/// A stretch of a day that is not there.
#[derive(Serialize, JsonSchema)]
struct CoverageGap {
    /// Its first moment; ISO 8601, UTC.
    start: String,
    /// Where media goes on, or the day or the question ends.
    end: String,
    /// Its length.
    seconds: f64,
    /// `camera`, `disk`, `cacheFull`, `heldFull`, `keepFree`, `retention`, `deleted`, `crash`, `damaged`, or `notRecorded`:
    /// inactive, a closed gate, before the first recording, or not on the disk yet.
    cause: String,
}

/// A day in the host's time zone, or as much of it as was asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CoverageDay {
    /// In the time zone.
    date: String,
    /// Of the seconds, so many are recorded; from 0 to 100.
    percent: f64,
    /// As much of the day as was asked for.
    seconds: f64,
    /// As much as is there.
    recorded_seconds: f64,
    /// As much as is not.
    missing_seconds: f64,
    /// Of what begins in it.
    bytes: u64,
    /// What is not there, and why.
    gaps: Vec<CoverageGap>,
    /// Gaps that are not listed.
    more_gaps: u64,
}

/// What a node recorded.
#[derive(Serialize, JsonSchema)]
struct CoverageCamera {
    /// The graph instance; empty when the index does not know.
    instance: String,
    /// The node that records.
    node: String,
    /// Day by day, the oldest first; from the first of which something is known.
    days: Vec<CoverageDay>,
}

/// What was recorded.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Coverage {
    /// From here ...
    since: String,
    /// ... to here.
    until: String,
    /// Of the days, such as `Europe/Berlin`.
    time_zone: String,
    /// One for each node that records.
    cameras: Vec<CoverageCamera>,
    /// How the question was understood, if that needs a word; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
}

/// A rectangle in fractions of the source picture.
#[derive(Serialize, JsonSchema)]
struct DetectionBox {
    /// Left edge.
    l: f64,
    /// Top edge.
    t: f64,
    /// Width.
    w: f64,
    /// Height.
    h: f64,
}

/// Something that was seen without a break.
#[derive(Serialize, JsonSchema)]
struct DetectionFound {
    /// The asset that it is recorded in.
    asset: String,
    /// The store of the asset.
    store: String,
    /// The graph instance that recorded it; empty when the index does not know.
    instance: String,
    /// The node that recorded it.
    node: String,
    /// Its class, `motion`, or the name of an event.
    label: String,
    /// What a tracker calls it; absent when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// When it was first seen; ISO 8601, UTC.
    first: String,
    /// When it was last seen.
    last: String,
    /// For how long.
    seconds: f64,
    /// In how many detections.
    detections: u64,
    /// When it was seen best.
    best: String,
    /// How certain it was then, from 0 to 1.
    confidence: f64,
    /// Where it was then.
    #[serde(rename = "box")]
    area: DetectionBox,
}

/// A page of what was seen.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetectionList {
    /// The host's, such as `Europe/Berlin`.
    time_zone: String,
    /// By their first moments.
    value: Vec<DetectionFound>,
    /// How the question was understood, if that needs a word; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<String>>,
    /// For the next page; absent when this is the last.
    #[serde(rename = "@continuationToken", skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
}

/// A recording.
#[derive(Serialize, JsonSchema)]
struct Asset {
    /// Its name.
    name: String,
    /// The store that it belongs to.
    store: String,
    /// The graph instance that recorded into it last; empty when the index does not know.
    instance: String,
    /// The node that recorded into it last.
    node: String,
    /// When it was first recorded into; ISO 8601, UTC.
    created: String,
    /// Something of it may not be removed.
    held: bool,
    /// It is being recorded.
    live: bool,
    /// Its first moment; absent when nothing of it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// Its newest moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

/// A page of recordings.
#[derive(Serialize, JsonSchema)]
pub(super) struct AssetList {
    /// By name and store.
    value: Vec<Asset>,
    /// For the next page; absent when this is the last.
    #[serde(rename = "@continuationToken", skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
}

/// A stretch that is there.
#[derive(Serialize, JsonSchema)]
struct AvailableRange {
    /// Its first year, month, day or moment.
    start: String,
    /// Its last, or where it ends.
    end: String,
}

/// What of a recording is there.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AvailableMedia {
    /// In order, apart from one another; none when nothing is there.
    time_ranges: Vec<AvailableRange>,
}

/// A stretch that is missing.
#[derive(Serialize, JsonSchema)]
struct AssetGap {
    /// Its first moment; ISO 8601, UTC.
    start: String,
    /// Where media goes on.
    end: String,
    /// `camera`, `disk`, `cacheFull`, `heldFull`, `keepFree`, `retention`, `deleted`, `crash`, `damaged`, or `notRecorded`:
    /// inactive, a closed gate, or the host was not there.
    cause: String,
}

/// What is missing of a recording.
#[derive(Serialize, JsonSchema)]
pub(super) struct GapList {
    /// In order, at most 1000.
    value: Vec<AssetGap>,
    /// Gaps that are not listed.
    more: u64,
}

/// What a link is to be for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkRequest {
    /// From when on; ISO 8601 in UTC. Without it and `endTime` the newest 4 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    /// Until when, at most 24 hours later; without it as far as is recorded, and more as it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    /// For how long it counts, up to an hour, such as `PT30M`; 10 minutes without.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime: Option<String>,
}

/// A link; its addresses are below that of the host.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Link {
    /// The moment from which it is no longer valid; ISO 8601, UTC.
    expires: String,
    /// Where the stretch begins.
    start_time: String,
    /// Where it ends; absent when it grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    /// For players of HLS.
    hls: String,
    /// For players of DASH.
    dash: String,
    /// As a file; absent when it grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Pictures; `?time=` says of when.
    frame: String,
}

/// Something at one moment.
#[derive(Serialize, JsonSchema)]
struct Seen {
    /// The moment of the picture; ISO 8601, UTC.
    time: String,
    /// Its class, `motion`, or the name of an event.
    label: String,
    /// What a tracker calls it; absent when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// How certain it is, from 0 to 1.
    confidence: f64,
    /// Where it is; the whole picture when nobody said it.
    #[serde(rename = "box")]
    area: DetectionBox,
}

/// Media of which nobody can say what was seen in it.
#[derive(Serialize, JsonSchema)]
struct SeenMissing {
    /// Its first moment; ISO 8601, UTC.
    start: String,
    /// Where it ends.
    end: String,
    /// `damaged` or `storeAway`.
    cause: String,
}

/// A page of what was seen of a recording.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeenList {
    /// By their times.
    value: Vec<Seen>,
    /// What could not be read for this page.
    missing: Vec<SeenMissing>,
    /// Detections that were not kept because there were too many, in all segments that were read for this page.
    left_out: u64,
    /// The same question has the same answer later.
    settled: bool,
    /// For the next page; absent when this is the last.
    #[serde(rename = "@continuationToken", skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
}

/// The time at the site.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteTime {
    /// By the host's clock; ISO 8601, UTC.
    now: String,
    /// In which times without an offset are meant, such as `Europe/Berlin`.
    time_zone: String,
    /// How far its clocks are ahead of UTC now, such as `+01:00`.
    offset: String,
}
