//! How much a topology would record, and how long the disk lasts.

use std::path::Path;

use serde::Serialize;

use crate::cli::doctor::size;
use crate::media::{Clock, SystemClock};
use crate::recording::capacity::{ASSUMED_BITS, days, measure, per_day};
use crate::recording::index::{FILE_NAME, Index};
use crate::recording::retention::{KeepFree, space};
use crate::topology::draw::Outline;

/// What is known, and what had to be assumed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Storage {
    /// Nodes that record.
    nodes: u64,
    /// Of each, in bits per second.
    bits_per_second: u64,
    /// Cameras of the last day that this is the mean of; 0 when it is assumed.
    measured_cameras: u64,
    /// Of all nodes, when they record all day.
    bytes_per_day: u64,
    /// Bytes on the disk above its reserve.
    free: Option<u64>,
    /// Until the disk is full up to its reserve; from then on the oldest goes.
    days_until_full: Option<f64>,
    /// The state directory.
    state: String,
}

impl Storage {
    /// None for a topology that records nothing.
    pub(super) fn of(outline: &Outline, state: &Path) -> Option<Self> {
        let records = |kind: &str| {
            ["AssetSink", "FileSink", "VideoSink"]
                .iter()
                .any(|end| kind.ends_with(end))
        };
        let nodes = outline
            .nodes
            .iter()
            .filter(|node| records(node.node_type))
            .count() as u64;
        if nodes == 0 {
            return None;
        }
        let rates = Index::open_to_read(&state.join(FILE_NAME)).ok();
        let rates = rates
            .and_then(|index| measure(&index, SystemClock::new().wall()).ok())
            .unwrap_or_default();
        let cameras = rates.len() as u64;
        let mean = rates.iter().map(|rate| rate.bits).sum::<f64>() / rates.len().max(1) as f64;
        let bits_per_second = if cameras == 0 { ASSUMED_BITS } else { mean as u64 };
        let bytes_per_day = per_day(bits_per_second).saturating_mul(nodes);
        let there = state
            .ancestors()
            .find(|path| path.exists())
            .unwrap_or(Path::new("."));
        let room = space(there).ok();
        let free = room.map(|space| space.free.saturating_sub(KeepFree::default().of(space.total)));
        Some(Self {
            nodes,
            bits_per_second,
            measured_cameras: cameras,
            bytes_per_day,
            free,
            days_until_full: free.and_then(|free| days(free, bytes_per_day)),
            state: state.display().to_string(),
        })
    }

    pub(super) fn text(&self) -> String {
        let source = match self.measured_cameras {
            0 => "assumed: nothing was measured".to_owned(),
            1 => "measured: one camera in the last day".to_owned(),
            many => format!("measured: the mean of {many} cameras in the last day"),
        };
        let nodes = if self.nodes == 1 {
            "1 node"
        } else {
            "each of its nodes"
        };
        let mut text = format!(
            "  storage: {nodes} that records all day at {:.1} Mbit/s ({source}) makes {} a day in all\n",
            self.bits_per_second as f64 / 1e6,
            size(self.bytes_per_day)
        );
        if let (Some(free), Some(days)) = (self.free, self.days_until_full) {
            text.push_str(&format!(
                "  the disk of `{}` has {} above its default reserve: full in {days:.1} days, then the oldest goes\n",
                self.state,
                size(free)
            ));
        }
        text
    }
}
