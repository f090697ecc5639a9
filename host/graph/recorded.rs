//! What happens to recordings becomes events, with the node that records as their subject.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::events::{Emitter, EventSink, HOST_SUBJECT, TOPIC};
use crate::media::Clock;
use crate::recording::listener::{RecordingEvent, RecordingListener};

const AVAILABLE: &str = "Microsoft.Media.Graph.Operational.RecordingAvailable";
const DATA_DROPPED: &str = "Microsoft.Media.Graph.Diagnostics.DataDropped";
const STORE_PAUSED: &str = "MediaGraph.Diagnostics.StorePaused";
const UPLOAD_BLOCKED: &str = "MediaGraph.Diagnostics.UploadBlocked";
const STORE_RESUMED: &str = "MediaGraph.Diagnostics.StoreResumed";

/// Assets that are remembered to have been told available; more are forgotten, and told once more at most.
const MAX_REMEMBERED: usize = 4096;

/// Tells the world.
#[derive(Debug)]
pub(super) struct RecordedEvents {
    events: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    assets: Mutex<HashMap<(String, String), Told>>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    output_type: &'static str,
    available: bool,
}

impl RecordedEvents {
    /// Publishes to `events`.
    #[must_use]
    pub(super) fn new(events: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            events,
            clock,
            assets: Mutex::default(),
        }
    }

    fn emit(&self, owner: &str, event_type: &str, data: Value) {
        let subject = match owner.split_once('/') {
            Some((instance, node)) => format!("/graphInstances/{instance}/sinks/{node}"),
            None => HOST_SUBJECT.to_owned(),
        };
        Emitter::new(Arc::clone(&self.events), TOPIC, &subject).emit(event_type, self.clock.media(), data);
    }

    fn opened(&self, store: &str, asset: &str, output_type: &'static str) {
        let mut assets = self.assets.lock().unwrap_or_else(PoisonError::into_inner);
        if assets.len() >= MAX_REMEMBERED {
            assets.retain(|_, told| !told.available);
        }
        let told = Told {
            output_type,
            available: false,
        };
        assets.insert((store.to_owned(), asset.to_owned()), told);
    }

    /// In which words, the first time; none when it was told before.
    fn first(&self, store: &str, asset: &str) -> Option<&'static str> {
        let mut assets = self.assets.lock().unwrap_or_else(PoisonError::into_inner);
        // What was left from before a restart is told in the plain words.
        let told = assets
            .entry((store.to_owned(), asset.to_owned()))
            .or_insert(Told {
                output_type: "assetName",
                available: false,
            });
        (!std::mem::replace(&mut told.available, true)).then_some(told.output_type)
    }
}

impl RecordingListener for RecordedEvents {
    fn tell(&self, owner: &str, event: &RecordingEvent) {
        match event {
            RecordingEvent::Opened {
                store,
                asset,
                output_type,
            } => self.opened(store, asset, output_type),
            RecordingEvent::Available { store, asset, .. } => {
                if let Some(output_type) = self.first(store, asset) {
                    let data = json!({"outputType": output_type, "outputLocation": asset});
                    self.emit(owner, AVAILABLE, data);
                }
            }
            RecordingEvent::Dropped {
                asset,
                start,
                end,
                reason,
                fragments,
                units,
                bytes,
                ..
            } => self.emit(
                owner,
                DATA_DROPPED,
                json!({
                    "dataType": "media",
                    "units": units,
                    "fragments": fragments,
                    "bytes": bytes,
                    "start": start.iso(),
                    "end": end.iso(),
                    "reason": reason.name(),
                    "message": reason.text(),
                    "outputLocation": asset,
                }),
            ),
            RecordingEvent::StorePaused { store, message } => {
                self.emit(owner, STORE_PAUSED, json!({"store": store, "message": message}));
            }
            RecordingEvent::AssetBlocked {
                store,
                asset,
                message,
            } => {
                let data = json!({"store": store, "outputLocation": asset, "message": message});
                self.emit(owner, UPLOAD_BLOCKED, data);
            }
            RecordingEvent::StoreResumed { store, after } => {
                let data = json!({"store": store, "afterSeconds": after.as_secs()});
                self.emit(owner, STORE_RESUMED, data);
            }
        }
    }
}
