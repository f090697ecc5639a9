//! Where recordings went: into their store, or still in the cache.

use jiff::Timestamp;

use super::super::evidence::*;
use super::super::moment::iso;
use super::super::{Evidence, Link, Verdict};
use super::{Chain, of_types, text};

impl Chain {
    pub(super) fn upload(&mut self, evidence: &Evidence) {
        if self.recorded.is_empty() {
            let message = "there is nothing of that moment to upload".to_owned();
            self.add(Link::Upload, None, Verdict::Fine, message);
        }
        for asset in self.recorded.clone() {
            let (verdict, message) = fate(evidence, &asset);
            self.add(Link::Upload, None, verdict, message);
        }
        for (store, since, why) in paused(evidence) {
            let since = iso(since);
            let message = format!(
                "the store `{store}` has taken nothing since {since}; what waits for it is in the cache: {why}"
            );
            self.add(Link::Upload, None, Verdict::Broken, message);
        }
    }
}

/// What became of an asset.
fn fate(evidence: &Evidence, asset: &str) -> (Verdict, String) {
    let about = |entry: &&&crate::events::journal::Entry| text(&entry.event.data, "outputLocation") == asset;
    let available = of_types(&evidence.recordings, &[RECORDING_AVAILABLE]);
    if available.iter().any(|entry| about(&entry)) {
        return (
            Verdict::Fine,
            format!("`{asset}` stands in its store and can be played from there"),
        );
    }
    let blocked = of_types(&evidence.stores, &[UPLOAD_BLOCKED]);
    match blocked.iter().rev().find(about) {
        Some(entry) => (
            Verdict::Broken,
            format!(
                "the store does not take `{asset}`: {}",
                text(&entry.event.data, "message")
            ),
        ),
        None => (
            Verdict::Unknown,
            format!(
                "the journal does not say that `{asset}` is in its store: it waits in the cache, or it is a file"
            ),
        ),
    }
}

/// The stores that took nothing at the end of what was looked at: since when, and why.
fn paused(evidence: &Evidence) -> Vec<(String, Timestamp, String)> {
    let mut paused: Vec<(String, Timestamp, String)> = Vec::new();
    for entry in of_types(&evidence.stores, &[STORE_PAUSED, STORE_RESUMED]) {
        let store = text(&entry.event.data, "store");
        paused.retain(|(name, ..)| name != store);
        if entry.event.event_type == STORE_PAUSED
            && let Some(at) = time(entry)
        {
            paused.push((
                store.to_owned(),
                at,
                text(&entry.event.data, "message").to_owned(),
            ));
        }
    }
    paused
}
