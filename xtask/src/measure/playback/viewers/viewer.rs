//! Somebody who looks, as players do: live pictures as they come, or fragment by fragment as they are shown.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::super::http;

/// How often a playlist that grows is asked for: the length of a fragment.
const AGAIN: Duration = Duration::from_secs(2);
/// Fragments from the end at which a player begins.
const FROM_END: usize = 3;
/// Fragments that are played again and again: the first segment.
const FIRST: usize = 15;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The camera.
    Live,
    /// Its recording, while it grows.
    Growing,
    /// The beginning of its recording.
    Recorded,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Growing => "of what is being recorded",
            Self::Recorded => "of what was recorded",
        }
    }
}

/// Who looks, and for how long.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    /// The path of the live view, and of the asset.
    pub(super) live: String,
    pub(super) asset: String,
    pub(super) until: Instant,
}

/// One entry of a playlist.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    file: String,
    offset: u64,
    bytes: u64,
    seconds: f64,
}

impl Viewer {
    /// Looks until its time is over; gives the bytes of media that it got.
    ///
    /// # Errors
    /// When the host refuses, or breaks off.
    pub(super) fn look(&self) -> Result<u64> {
        match self.kind {
            Kind::Live => http::ask(self.address, &self.live, None)?.read(|_| Instant::now() < self.until),
            Kind::Growing => self.follow(),
            Kind::Recorded => self.play(),
        }
    }

    fn follow(&self) -> Result<u64> {
        let (mut seen, mut bytes) = (HashSet::new(), 0);
        while Instant::now() < self.until {
            let asked = Instant::now();
            let all = self.entries()?;
            let from = if seen.is_empty() {
                all.len().saturating_sub(FROM_END)
            } else {
                0
            };
            for (place, entry) in all.iter().enumerate() {
                if seen.insert((entry.file.clone(), entry.offset)) && place >= from {
                    bytes += self.fetch(entry)?;
                }
            }
            self.sleep(AGAIN.saturating_sub(asked.elapsed()));
        }
        Ok(bytes)
    }

    fn play(&self) -> Result<u64> {
        let first: Vec<Entry> = self.entries()?.into_iter().take(FIRST).collect();
        let mut bytes = 0;
        for entry in first.iter().cycle() {
            if Instant::now() >= self.until {
                break;
            }
            let asked = Instant::now();
            bytes += self.fetch(entry)?;
            self.sleep(Duration::from_secs_f64(entry.seconds).saturating_sub(asked.elapsed()));
        }
        Ok(bytes)
    }

    fn sleep(&self, time: Duration) {
        let left = self.until.saturating_duration_since(Instant::now());
        std::thread::sleep(time.min(left));
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        let text = http::text(self.address, &format!("{}/video.m3u8", self.asset))?;
        read(&text).context("the playlist has an entry of an unknown shape")
    }

    fn fetch(&self, entry: &Entry) -> Result<u64> {
        let range = entry.offset..entry.offset.saturating_add(entry.bytes);
        http::ask(
            self.address,
            &format!("{}/{}", self.asset, entry.file),
            Some(range),
        )?
        .drain()
    }
}

/// The entries of a playlist, each with a length, a byte range and a name.
fn read(playlist: &str) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let (mut seconds, mut range) = (None, None);
    for line in playlist.lines() {
        if let Some(length) = line.strip_prefix("#EXTINF:") {
            seconds = Some(length.split(',').next()?.parse::<f64>().ok()?);
        } else if let Some(bytes) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (bytes, offset) = bytes.split_once('@')?;
            range = Some((bytes.parse().ok()?, offset.parse().ok()?));
        } else if !line.starts_with('#') && !line.is_empty() {
            let (bytes, offset) = range.take()?;
            entries.push(Entry {
                file: line.to_owned(),
                offset,
                bytes,
                seconds: seconds.take()?,
            });
        }
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_a_length_a_range_and_a_name() {
        let list =
            "#EXTM3U\n#EXT-X-MAP:URI=\"media/i.mp4\"\n#EXTINF:2.00000,\n#EXT-X-BYTERANGE:7@3\nmedia/a.m4s\n";
        let entries = read(list).unwrap();
        assert_eq!(
            entries,
            [Entry {
                file: "media/a.m4s".to_owned(),
                offset: 3,
                bytes: 7,
                seconds: 2.0
            }]
        );
        assert_eq!(read("#EXTINF:2.0,\nmedia/a.m4s\n"), None);
        assert_eq!(read("#EXTM3U\n").map(|all| all.len()), Some(0));
    }
}
