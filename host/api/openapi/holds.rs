//! Bodies: what is held, what was deleted, and the audit log.

use schemars::JsonSchema;
use serde::Serialize;

/// What is to be held.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HoldRequest {
    /// From here, as ISO 8601 in UTC; from the beginning without.
    start_time: Option<String>,
    /// To here; without, what is to come is held, too.
    end_time: Option<String>,
    /// Why, for people; at most 500 bytes are kept.
    reason: Option<String>,
    /// When the hold ends by itself; without, when somebody releases it.
    until: Option<String>,
}

/// A hold.
#[derive(Serialize, JsonSchema)]
pub(super) struct Hold {
    /// Its number.
    id: i64,
    /// The recording.
    asset: String,
    /// The store that it belongs to.
    store: String,
    /// Its first moment; ISO 8601, UTC; absent: from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// Where it ends; absent: what is to come is held, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// Why; may be empty.
    reason: String,
    /// The name of the token with which it was placed; empty on a host without tokens.
    who: String,
    /// When it was placed.
    since: String,
    /// When it ends by itself; absent: when somebody releases it.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// All holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct HoldList {
    /// By number.
    value: Vec<Hold>,
}

/// What was deleted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deleted {
    /// The recording.
    asset: String,
    /// The store that it belongs to.
    store: String,
    /// Segments that are gone.
    segments: u64,
    /// Their bytes.
    bytes: u64,
    /// The first moment that is gone; ISO 8601, UTC; absent when nothing was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// Where what is gone ends: whole segments go.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// Media of the stretch is still being recorded; what is in the open segment can be deleted when that is sealed.
    still_recording: bool,
}

/// Something that somebody did.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntry {
    /// When; ISO 8601, UTC.
    time: String,
    /// The name of the token; empty on a host without tokens.
    who: String,
    /// By a signed link that this token made: anybody may have it. Absent: with the token itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_link: bool,
    /// The address that it came from; `local`: a command on the state directory itself.
    from: String,
    /// `view`, `export`, `snapshot`, `delete`, `hold` or `release`.
    action: String,
    /// To which recording; absent when it is about a camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    /// In which store.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// A camera that was looked at live: `INSTANCE/SOURCE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<String>,
    /// From which moment of it on; absent: from the beginning, or nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// To which; absent: what is to come, or nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// `begun` (another entry says what came of it), `done` or `refused`.
    outcome: String,
    /// More about it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What was done.
#[derive(Serialize, JsonSchema)]
pub(super) struct AuditList {
    /// The newest first.
    value: Vec<AuditEntry>,
}
