//! Who passes in a clip of a street, as `street.truth.json` says it.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::bodies::Class;

/// A clip's length and all who pass in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StreetTruth {
    /// Frames a second.
    pub(crate) fps: u32,
    /// Frames in all.
    pub(crate) frames: u32,
    /// Length.
    pub(crate) seconds: f64,
    /// In the order in which they come into sight.
    pub(crate) passages: Vec<Seen>,
}

/// One who passes, in seconds of the clip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// What the detector should call it.
    pub(crate) class: Class,
    /// What a person would call it.
    pub(crate) what: String,
    /// First moment in which it is seen.
    pub(crate) start: f64,
    /// First moment in which it is no longer seen.
    pub(crate) end: f64,
    /// When most of it is seen.
    pub(crate) best: f64,
    /// Where it is then: left, top, width and height in parts of the picture.
    pub(crate) area: [f64; 4],
}

impl StreetTruth {
    /// Nothing yet.
    pub(super) fn new(fps: u32) -> Self {
        Self {
            fps,
            frames: 0,
            seconds: 0.0,
            passages: Vec::new(),
        }
    }

    /// So many frames more, in which these passed.
    pub(super) fn add(&mut self, mut seen: Vec<Seen>, frames: u32) {
        seen.sort_by(|one, other| one.start.total_cmp(&other.start));
        self.passages.extend(seen);
        self.frames += frames;
        self.seconds = f64::from(self.frames) / f64::from(self.fps);
    }

    /// Those of a class.
    pub(crate) fn of(&self, class: Class) -> impl Iterator<Item = &Seen> {
        self.passages.iter().filter(move |seen| seen.class == class)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no list of passages", path.display()))
    }

    /// Writes it, one line for each who passes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        let mut lines = Vec::new();
        for seen in &self.passages {
            let mut seen = seen.clone();
            for value in [&mut seen.start, &mut seen.end, &mut seen.best] {
                *value = round(*value);
            }
            seen.area = seen.area.map(round);
            lines.push(format!("    {}", serde_json::to_string(&seen)?));
        }
        let text = format!(
            "{{\n  \"fps\": {},\n  \"frames\": {},\n  \"seconds\": {},\n  \"passages\": [\n{}\n  ]\n}}\n",
            self.fps,
            self.frames,
            round(self.seconds),
            lines.join(",\n")
        );
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_parts_follow_each_other() {
        let seen = |start| Seen {
            class: Class::Van,
            what: "white van".to_owned(),
            start,
            end: start + 2.0,
            best: start + 1.0,
            area: [0.1, 0.2, 0.3, 0.4],
        };
        let mut truth = StreetTruth::new(10);
        truth.add(vec![seen(4.0), seen(1.0)], 100);
        truth.add(vec![seen(12.0)], 50);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.json");
        truth.write(&path).unwrap();
        let read = StreetTruth::read(&path).unwrap();
        assert_eq!((read.frames, read.seconds), (150, 15.0));
        let starts: Vec<f64> = read.of(Class::Van).map(|seen| seen.start).collect();
        assert_eq!(starts, [1.0, 4.0, 12.0]);
        assert_eq!(read.passages[0].area, [0.1, 0.2, 0.3, 0.4]);
    }
}
