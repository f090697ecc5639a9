//! Configuration: Video Analyzer's words for an asset sink.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::nodes::sinks::asset::{AssetSink, DEFAULT_SEGMENT_LENGTH, Wording};
use crate::topology::node::{Finding, oddity};
use crate::topology::{Duration, Pattern};

/// Recording to a video, which is an asset under another name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VideoSink {
    /// The video's name; may hold `${System.TopologyName}` and `${System.PipelineName}`.
    video_name: Pattern,
    /// Where segments wait for their store.
    #[schemars(extend("x-kind" = "directory"))]
    local_media_cache_path: Option<String>,
    /// How much may wait, in MiB; the oldest go first.
    #[serde(rename = "localMediaCacheMaximumSizeMiB")]
    #[schemars(range(min = 1))]
    local_media_cache_maximum_size_mib: Option<u32>,
    /// What the video is given when it is made.
    #[serde(default)]
    video_creation_properties: VideoCreationProperties,
    /// How the video is published.
    #[serde(default)]
    video_publishing_options: VideoPublishingOptions,
}

/// What a video is given when it is made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VideoCreationProperties {
    /// A title for people; read and not kept.
    #[schemars(length(max = 256))]
    #[serde(rename = "title")]
    _title: Option<String>,
    /// A description for people; read and not kept.
    #[schemars(length(max = 2048))]
    #[serde(rename = "description")]
    _description: Option<String>,
    /// Length of a segment: a multiple of 30 s; `PT30S` when it is absent.
    #[schemars(extend("x-min-seconds" = 30))]
    segment_length: Option<Duration>,
    /// How long media is kept; read and not heeded yet.
    retention_period: Option<Duration>,
}

/// How a video is published.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VideoPublishingOptions {
    /// Whether preview images are made; read and not heeded yet.
    #[serde(default)]
    enable_video_preview_image: bool,
}

impl VideoSink {
    /// The asset sink that it is.
    pub(super) fn into_asset(self) -> AssetSink {
        let creation = self.video_creation_properties;
        AssetSink {
            asset_name_pattern: self.video_name,
            segment_length: creation.segment_length.unwrap_or(DEFAULT_SEGMENT_LENGTH),
            local_media_cache_path: self.local_media_cache_path,
            local_media_cache_maximum_size_mib: self.local_media_cache_maximum_size_mib,
            wording: Wording::Video {
                ignored: [
                    (
                        creation.retention_period.is_some(),
                        "/videoCreationProperties/retentionPeriod",
                    ),
                    (
                        self.video_publishing_options.enable_video_preview_image,
                        "/videoPublishingOptions/enableVideoPreviewImage",
                    ),
                ]
                .into_iter()
                .filter_map(|(asked, member)| asked.then_some(member))
                .collect(),
            },
        }
    }
}

/// What was asked for and is not done.
pub(super) fn check(sink: &AssetSink) -> Vec<Finding> {
    let Wording::Video { ignored } = &sink.wording else {
        return Vec::new();
    };
    let not_heeded = ignored.iter().map(|member| {
        oddity(
            member,
            "is read and not heeded yet: the recording is kept, and has no preview",
        )
    });
    not_heeded.collect()
}
