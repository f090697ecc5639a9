//! State directories with recordings that no camera had to send for hours: the bench `recordings` writes them out of a clip.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::clip;
use crate::measure::record_cost::{LARGE, make_clip_of};
use crate::measure::{Context, bench};

/// Where each of them begins.
pub(super) const BEGIN: &str = "2026-03-01T00:00:00";
/// From a keyframe to the next, and so the length of a fragment, in seconds.
pub(super) const FRAGMENT_S: u64 = 2;
/// The length of a segment, in seconds.
pub(super) const SEGMENT_S: u64 = 30;

/// The length of a clip, in seconds.
const CLIP_S: u64 = 20;

/// A camera as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Camera {
    /// 640x360, 10 pictures a second, 250 kbit/s.
    Small,
    /// 1080p30, 4 Mbit/s.
    Large,
}

impl Camera {
    /// What it is called in results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Small => "250 kbit/s",
            Self::Large => "4 Mbit/s",
        }
    }

    /// Some seconds of it, to be played again and again.
    ///
    /// # Errors
    /// Without ffmpeg, or when it fails.
    pub(super) fn clip(self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(format!("{self:?}.mp4"));
        eprintln!("making a clip of {}", self.name());
        let small = "fps=10,noise=alls=7:allf=t:all_seed=1";
        // A keyframe every two seconds.
        let (filter, gop, rate) = match self {
            Self::Small => (small, 20, "250k"),
            Self::Large => (LARGE, 60, "4M"),
        };
        make_clip_of(&clip::file(), &path, filter, gop, rate, CLIP_S)?;
        Ok(path)
    }
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Archive {
    pub(super) asset: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) segments: u64,
    pub(super) fragments: u64,
    pub(super) bytes: u64,
    pub(super) index_bytes: u64,
}

impl Archive {
    /// Records so many seconds.
    ///
    /// # Errors
    /// When it is not what was wanted.
    pub(super) fn record(context: &Context, state: &Path, clip: &Path, seconds: u64) -> Result<Self> {
        eprintln!("recording {:.1} h of it", seconds as f64 / 3600.0);
        let archive = Self::make(context, "archive", state, clip, ("--seconds", seconds))?;
        archive.holds(seconds)?;
        Ok(archive)
    }

    /// Records one segment behind a year, or so many days, of index.
    ///
    /// # Errors
    /// As [`Archive::record`].
    pub(super) fn year(context: &Context, state: &Path, clip: &Path, days: u64) -> Result<Self> {
        eprintln!("filling an index of {days} days");
        let archive = Self::make(context, "year", state, clip, ("--days", days))?;
        archive.holds(days * 86_400 + SEGMENT_S)?;
        Ok(archive)
    }

    fn make(
        context: &Context,
        part: &str,
        state: &Path,
        clip: &Path,
        (name, amount): (&str, u64),
    ) -> Result<Self> {
        let arguments = [
            "--state".into(),
            state.into(),
            "--clip".into(),
            clip.into(),
            name.into(),
            amount.to_string().into(),
        ];
        bench::run(context, part, arguments)
    }

    fn holds(&self, seconds: u64) -> Result<()> {
        let wanted = (seconds / SEGMENT_S, seconds / FRAGMENT_S);
        if (self.segments, self.fragments) != wanted || !self.start.starts_with(BEGIN) {
            bail!(
                "{} segments and {} fragments should have been recorded from {BEGIN}: {self:?}",
                wanted.0,
                wanted.1
            );
        }
        Ok(())
    }

    /// The query that means all of it.
    pub(super) fn stretch(&self) -> String {
        format!("startTime={}&endTime={}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_what_was_wanted_or_nothing() {
        let line = r#"{"asset":"yard","start":"2026-03-01T00:00:00.000Z","end":"2026-03-01T01:00:00.000Z","segments":120,
            "fragments":1800,"bytes":5,"indexBytes":6}"#;
        let archive: Archive = serde_json::from_str(line).unwrap();
        assert!(archive.holds(3600).is_ok());
        assert!(archive.holds(3630).is_err());
        assert!(
            archive
                .stretch()
                .starts_with("startTime=2026-03-01T00:00:00.000Z&endTime=")
        );
    }
}
