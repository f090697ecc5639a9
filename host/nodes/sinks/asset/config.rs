//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::media::Ticks;
use crate::topology::node::{Finding, finding, oddity};
use crate::topology::{Code, Duration, Pattern};

/// Segments are as long as this unless the topology says otherwise.
pub const DEFAULT_SEGMENT_LENGTH: Duration = Duration(Ticks::from_secs(30));

/// Segments are whole multiples of this.
const SEGMENT_STEP: Ticks = Ticks::from_secs(30);

/// Segments above this are late to be seen and heavy to lose.
const RECOMMENDED_MAXIMUM: Ticks = Ticks::from_secs(300);

/// What is assumed of a camera whose bit rate is not known yet: 1080p at 30 pictures a second.
const USUAL_BITS_PER_SECOND: u64 = 4_000_000;

/// Recording to an asset.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetSink {
    /// The asset's name; may hold `${System.DateTime}`, which is filled in when a recording opens.
    pub asset_name_pattern: Pattern,
    /// Length of a segment: a multiple of 30 s; `PT30S` when it is absent.
    #[serde(default = "default_segment_length")]
    #[schemars(extend("x-min-seconds" = 30))]
    pub segment_length: Duration,
    /// Where segments wait for their store: an absolute path, mapped as the configuration says. Otherwise `cache` in the
    /// state directory.
    #[schemars(extend("x-kind" = "directory"))]
    pub local_media_cache_path: Option<String>,
    /// How much may wait, in MiB, what is being written included; the oldest go first. No limit when it is absent.
    #[serde(rename = "localMediaCacheMaximumSizeMiB")]
    #[schemars(range(min = 1))]
    pub local_media_cache_maximum_size_mib: Option<u32>,
    /// Whose words the topology used.
    #[serde(skip)]
    pub wording: Wording,
}

/// The same sink has two names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wording {
    /// Live Video Analytics: it records to an asset.
    #[default]
    Asset,
    /// Azure Video Analyzer: it records to a video.
    Video {
        /// Members that ask for what is not done.
        ignored: Vec<&'static str>,
    },
}

fn default_segment_length() -> Duration {
    DEFAULT_SEGMENT_LENGTH
}

impl AssetSink {
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = self.check_segments("/segmentLength");
        findings.extend(self.check_cache());
        findings
    }

    /// A cache that does not hold two segments lets media go as soon as a store is away.
    pub(in crate::nodes::sinks) fn check_cache(&self) -> Option<Finding> {
        let mib = u64::from(self.local_media_cache_maximum_size_mib?);
        let seconds = u64::try_from(self.segment_length.0.0 / crate::media::TICKS_PER_SECOND).unwrap_or(0);
        let two = 2 * seconds * USUAL_BITS_PER_SECOND / 8;
        (mib << 20 < two).then(|| {
            let wanted = two.div_ceil(1 << 20);
            let message = format!(
                "{mib} MiB is less than two segments of {seconds} s at 4 Mbit/s ({wanted} MiB): segments are sealed early, \
                 and little survives while the store is away"
            );
            oddity("/localMediaCacheMaximumSizeMiB", message)
        })
    }

    /// `member` is where the topology gives their length.
    pub(in crate::nodes::sinks) fn check_segments(&self, member: &'static str) -> Vec<Finding> {
        let length = self.segment_length.0;
        if length.0 % SEGMENT_STEP.0 != 0 {
            let message = "must be a multiple of 30 s";
            return vec![finding(Code::PropertyValueOutOfRange, member, message)];
        }
        if length > RECOMMENDED_MAXIMUM {
            return vec![oddity(
                member,
                "segments above 5 minutes are stored and seen late",
            )];
        }
        Vec::new()
    }
}
