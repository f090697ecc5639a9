//! Clips whose pictures carry their number, and recordings of them with what was seen.
//!
//! A bright block drives from left to right; below it sixteen fields, black or white, are the number of the picture in binary, the
//! lowest digit first. What was "seen" is where the block is.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mediagraph::media::{AccessUnit, StreamFormat, Ticks};
use mediagraph::recording::detections::{Area, Detection, Fraction};

use crate::archive::Archive;
use crate::clip::{Clip, run, sha256};

/// Between two pictures, in milliseconds.
pub(crate) const PICTURE_MS: i64 = 40;
/// Of one stretch.
pub(crate) const SECONDS: u32 = 8;
/// When the first picture of the first stretch was taken, in milliseconds since 1970: `archive::NOON`.
pub(crate) const NOON_MS: i64 = 1_795_176_000_000;
/// The asset that is recorded by [`street`].
pub(crate) const ASSET: &str = "gate \"north\" onload=alert(1)";
/// Who recorded it.
pub(crate) const INSTANCE: &str = "gate";
/// What a model may call something.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";
/// When the block is seen best, in seconds of a stretch.
pub(crate) const BEST: f64 = 4.0;
/// When it is seen, in fifths of a second.
const SEEN_FIFTHS: std::ops::RangeInclusive<u32> = 10..=30;

/// One recording without a break.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// After noon, in seconds.
    pub(crate) after: i64,
    /// The number of its first picture.
    pub(crate) first: i64,
    pub(crate) width: u32,
    pub(crate) label: &'static str,
}

/// Two of one size with a gap between them, and one of another size behind another gap.
pub(crate) const STRETCHES: [Stretch; 3] = [
    Stretch {
        after: 0,
        first: 0,
        width: 320,
        label: "truck",
    },
    Stretch {
        after: 28,
        first: 1000,
        width: 320,
        label: "truck",
    },
    Stretch {
        after: 50,
        first: 2000,
        width: 640,
        label: HOSTILE,
    },
];

impl Stretch {
    /// When a picture was taken, in milliseconds since 1970; none for a number that is not in it.
    pub(crate) fn moment(&self, number: i64) -> Option<i64> {
        let place = number - self.first;
        let pictures = i64::from(SECONDS) * 1000 / PICTURE_MS;
        (0..pictures)
            .contains(&place)
            .then_some(NOON_MS + self.after * 1000 + place * PICTURE_MS)
    }

    pub(crate) fn start(&self) -> i64 {
        NOON_MS + self.after * 1000
    }

    pub(crate) fn end(&self) -> i64 {
        self.start() + i64::from(SECONDS) * 1000
    }

    /// When the block in it was first seen.
    pub(crate) fn seen(&self) -> i64 {
        self.start() + i64::from(*SEEN_FIFTHS.start()) * 200
    }

    /// When it was seen best.
    pub(crate) fn best(&self) -> i64 {
        self.start() + (BEST * 1000.0) as i64
    }
}

/// Where the block is: left, top, width and height, in parts of the picture.
pub(crate) fn block(second: f64) -> [f64; 4] {
    [0.05 + 0.08 * second, 0.5, 0.2, 0.2]
}

/// Draws a clip.
pub(crate) fn draw(first: i64, seconds: u32, width: u32, path: &Path) {
    let height = width * 9 / 16;
    let source = |size: String, colour: &str| format!("color=c={colour}:size={size}:rate=25");
    let digits = format!(
        "{},format=gray,geq=lum='if(mod(floor((N+{first})/pow(2\\,X))\\,2)\\,235\\,16)',scale={width}:{}:flags=neighbor",
        source("16x2".to_owned(), "black"),
        height / 9,
    );
    let [left, top, wide, high] = block(0.0);
    let part = |all: u32, part: f64| (f64::from(all) * part).round();
    let speed = block(1.0)[0] - left;
    let put = format!(
        "[0][1]overlay=x='W*({left}+{speed}*t)':y='H*{top}'[driven];[driven][2]overlay=y='H*8/9',format=yuv420p[out]"
    );
    let block = format!("{}x{}", part(width, wide), part(height, high));
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args([
            "-f",
            "lavfi",
            "-i",
            &source(format!("{width}x{height}"), "0x2f4858"),
        ])
        .args(["-f", "lavfi", "-i", &source(block, "0xe8c547")])
        .args(["-f", "lavfi", "-i", &digits])
        .args(["-f", "lavfi", "-i", "sine=sample_rate=44100"])
        .args([
            "-filter_complex",
            &put,
            "-map",
            "[out]",
            "-map",
            "3",
            "-c:a",
            "aac",
        ])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "50"])
        .args([
            "-keyint_min",
            "50",
            "-sc_threshold",
            "0",
            "-t",
            &seconds.to_string(),
        ])
        .arg(path));
}

/// The pictures and the sound of a stretch. In `btrt`, a box beside the codec's settings, ffmpeg says how many bits there are; no
/// camera does, so what has the settings of the stretch before counts as of the same camera.
fn units(stretch: &Stretch, file: &Path, formats: &mut Vec<Arc<StreamFormat>>) -> Vec<Arc<AccessUnit>> {
    draw(stretch.first, SECONDS, stretch.width, file);
    let mut units = Clip::read(file).later(Ticks::from_secs(stretch.after));
    for unit in &mut units {
        let format = &unit.format;
        let same = |known: &&Arc<StreamFormat>| {
            known.kind == format.kind
                && known.width == format.width
                && known.decoder_config == format.decoder_config
        };
        match formats.iter().find(same) {
            Some(known) => Arc::make_mut(unit).format = Arc::clone(known),
            None => formats.push(Arc::clone(format)),
        }
    }
    units
}

/// Records all stretches.
pub(crate) fn street() -> Archive {
    let archive = Archive::new();
    let mut formats = Vec::new();
    for (number, stretch) in STRETCHES.iter().enumerate() {
        let file = archive.folder.path().join("clip.mp4");
        let units = units(stretch, &file, &mut formats);
        let begins = units.iter().map(|unit| unit.time).min().unwrap();
        assert_eq!(begins.ticks(), stretch.start() as u64 * 90);
        let mut seen = Vec::new();
        for fifth in SEEN_FIFTHS {
            let second = f64::from(fifth) / 5.0;
            let time = begins.offset(Ticks((second * 90_000.0) as i64));
            let one = Detection {
                time,
                label: stretch.label.into(),
                track: Some(number.to_string().into()),
                confidence: Fraction::of(0.9 - 0.1 * (second - BEST).abs()),
                area: Area::from_parts(block(second).map(Fraction::of)),
            };
            seen.push(one);
        }
        archive.record_seen(ASSET, INSTANCE, &units, seen);
    }
    archive
}

/// A configuration with a token that everybody needs, as behind a proxy, and a site whose clock is not UTC's.
pub(crate) fn guarded(token: &str, role: &str) -> String {
    format!(
        "time_zone = \"Europe/Berlin\"\n[server]\nbehind_proxy = true\n[[tokens]]\nname = \"test\"\nsha256 = \"{}\"\nrole = \"{role}\"\n",
        sha256(token.as_bytes())
    )
}

/// The asset as a part of an address.
pub(crate) fn asset_path() -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    format!("/assets/{}", ASSET.bytes().map(escaped).collect::<String>())
}
