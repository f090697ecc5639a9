//! The demo's clip: its pictures, decoded once, and what moves in it.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use mediagraph::media::decode::{Decoder as _, H264Decoder};
use mediagraph::media::demux::MediaFile;
use mediagraph::media::image::{Fit, ImageSpec, PixelFormat, Size};
use mediagraph::media::picture::Picture;
use mediagraph::media::{AccessUnit, MediaTime, TrackKind};

/// Where the clip's time begins: 2025-01-01.
pub(crate) const BEGIN: u64 = 1_735_689_600 * 90_000;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/clips")
        .join(name)
}

/// From when to when something moves, in seconds.
pub(crate) fn truth() -> Vec<(f64, f64)> {
    let text = std::fs::read_to_string(fixture("yard.truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&text).unwrap();
    let movements = truth["movements"].as_array().unwrap().iter();
    movements
        .map(|one| (one["start"].as_f64().unwrap(), one["end"].as_f64().unwrap()))
        .collect()
}

/// What the motion detector asks for.
pub(crate) const SPEC: ImageSpec = ImageSpec {
    format: PixelFormat::Gray8,
    size: Some(Size {
        width: 320,
        height: 180,
    }),
    fit: Fit::Stretch,
    fill: [0; 3],
};

/// Every second picture, prepared as [`SPEC`] says; what is kept of the large ones is dropped.
pub(crate) static PICTURES: LazyLock<Vec<Shown>> = LazyLock::new(decode);

/// A picture as the detector sees it.
pub(crate) struct Shown {
    pub(crate) time: MediaTime,
    pub(crate) size: Size,
    pub(crate) prepared: mediagraph::media::image::Prepared,
}

/// A picture of which there is nothing to crop from.
pub(crate) fn nothing() -> Arc<Picture> {
    let size = Size { width: 2, height: 2 };
    let planes = [vec![0; 4], vec![0], vec![0]];
    let colour = mediagraph::media::h264::Colour::assumed(2);
    Arc::new(Picture::from_planes(0, MediaTime::MIN, size, planes, colour).unwrap())
}

fn decode() -> Vec<Shown> {
    let file = MediaFile::open(&fixture("yard.mp4")).unwrap();
    let track = file
        .tracks()
        .iter()
        .position(|track| track.kind() == TrackKind::Video)
        .unwrap();
    let video = &file.tracks()[track];
    let mut decoder = H264Decoder::new();
    let mut shown = Vec::new();
    for (number, sample) in video.samples.iter().enumerate() {
        let ticks = sample.pts as u64 * 90_000 / u64::from(video.timescale);
        let unit = AccessUnit {
            time: MediaTime::from_ticks(BEGIN + ticks),
            format: Arc::clone(&video.format),
            data: file.read_sample(track, number).unwrap(),
            random_access: sample.key,
            disposable: false,
            discontinuity: false,
        };
        for picture in decoder.decode(&unit).unwrap() {
            if picture.sequence() % 2 == 0 {
                shown.push(Shown {
                    time: picture.time(),
                    size: picture.size(),
                    prepared: picture.prepare(&SPEC).unwrap(),
                });
            }
        }
    }
    assert!(shown.len() > 1_000);
    shown
}
