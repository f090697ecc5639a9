//! What moves in a clip, worked out from ffmpeg's pictures: the same rule as that of the templates, by other means.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const WIDTH: usize = 160;
const HEIGHT: usize = 90;
/// As in the templates.
const THRESHOLD: u8 = 25;
const PIXELS: usize = 12;
/// ffmpeg scales another way, so sides may be off by so many pixels of the small picture, and times by rounding.
const SLACK: f64 = 3.0;
const SAME_TIME: f64 = 0.02;

/// Something that moved.
#[derive(Debug)]
pub(crate) struct Seen {
    seconds: f64,
    /// Left, top, right and bottom, in fractions of the picture.
    sides: [f64; 4],
}

impl Seen {
    /// As a template's detector says it.
    pub(crate) fn of(said: &Value) -> Self {
        let motion = &said["inferences"][0]["motion"]["box"];
        let side = |name: &str| motion[name].as_f64().unwrap_or_else(|| panic!("{said}"));
        let (l, t) = (side("l"), side("t"));
        Self {
            seconds: said["seconds"].as_f64().unwrap(),
            sides: [l, t, l + side("w"), t + side("h")],
        }
    }

    /// Whether both are one and the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let scale = [WIDTH, HEIGHT, WIDTH, HEIGHT].map(|side| side as f64);
        let mut sides = self.sides.iter().zip(&other.sides).zip(scale);
        (self.seconds - other.seconds).abs() < SAME_TIME
            && sides.all(|((one, other), scale)| (one - other).abs() * scale <= SLACK)
    }
}

/// Everything that moves, five times a second. The clip has 25 pictures a second.
pub(crate) fn motion(clip: &Path) -> Vec<Seen> {
    let filter = format!("select=not(mod(n\\,5)),extractplanes=y,scale={WIDTH}:{HEIGHT}:flags=area");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(clip)
        .args(["-an", "-vf", &filter, "-fps_mode", "passthrough"])
        .args(["-pix_fmt", "gray", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let frames: Vec<&[u8]> = output.stdout.chunks_exact(WIDTH * HEIGHT).collect();
    let pairs = frames.windows(2).enumerate();
    pairs
        .filter_map(|(n, pair)| between(pair[0], pair[1], (n + 1) as f64 / 5.0))
        .collect()
}

fn between(last: &[u8], now: &[u8], seconds: f64) -> Option<Seen> {
    let moved: Vec<(usize, usize)> = (0..WIDTH * HEIGHT)
        .filter(|n| last[*n].abs_diff(now[*n]) > THRESHOLD)
        .map(|n| (n % WIDTH, n / WIDTH))
        .collect();
    let (left, right) = (
        moved.iter().map(|at| at.0).min()?,
        moved.iter().map(|at| at.0).max()? + 1,
    );
    let (top, bottom) = (moved.first()?.1, moved.last()?.1 + 1);
    let part = |side: usize, of: usize| side as f64 / of as f64;
    let sides = [
        part(left, WIDTH),
        part(top, HEIGHT),
        part(right, WIDTH),
        part(bottom, HEIGHT),
    ];
    (moved.len() >= PIXELS).then_some(Seen { seconds, sides })
}
