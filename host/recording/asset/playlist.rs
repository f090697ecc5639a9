//! HLS playlists of one UTC day: a master and one per track (RFC 8216bis), one entry per segment.
//!
//! Invariants: rendered from entries alone, and an entry can be read from the media, so they can be rebuilt.
//! Both tracks carry the same count of discontinuities: one where epochs change, and one where media is missing.

use std::fmt::Write;
use std::sync::Arc;

use jiff::civil::Date;

use super::name::{SEGMENT, SegmentName};
use super::scan::Part;
use crate::media::mp4::read::Track;
use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks, TrackKind};

/// A player without a better word for it.
pub(in crate::recording) const INDEX: &str = "index.m3u8";
/// Segments of an epoch follow one another to the tick; what is further apart had something in between.
pub const CONTIGUOUS: Ticks = Ticks(TICKS_PER_SECOND / 2);

/// One segment in a day.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub name: SegmentName,
    /// Its video.
    pub video: Part,
    /// Its audio.
    pub audio: Option<Part>,
    maps: [Option<Arc<str>>; 2],
}

/// The init segments of an epoch as the playlists need them.
#[derive(Clone, Debug, Default)]
pub(in crate::recording) struct Inits {
    pub(in crate::recording) video: Option<Track>,
    pub(in crate::recording) audio: Option<Track>,
}

/// The playlists of a day as texts.
#[derive(Debug)]
pub(in crate::recording) struct Rendered {
    /// Of its tracks, by name.
    pub(in crate::recording) tracks: Vec<(String, String)>,
    /// What the master of the day is called.
    pub(in crate::recording) master_name: String,
    /// The master, of the day and of the asset.
    pub(in crate::recording) master: String,
    /// The highest bit rate of a segment in it, in bits per second.
    pub(in crate::recording) bandwidth: u64,
}

/// The playlists of one day.
#[derive(Debug)]
pub(in crate::recording) struct Day {
    pub(in crate::recording) date: Date,
    entries: Vec<Entry>,
    // Epochs with the same codec share the first one's init segment, so players need not start over.
    maps: Vec<(Track, Arc<str>)>,
}

impl Day {
    pub(in crate::recording) fn new(date: Date) -> Self {
        Self {
            date,
            entries: Vec::new(),
            maps: Vec::new(),
        }
    }

    pub(in crate::recording) fn add(
        &mut self,
        name: SegmentName,
        video: Part,
        audio: Option<Part>,
        inits: &Inits,
    ) {
        let video_map = inits.video.as_ref().map(|track| self.map(track, &name));
        let audio_map = audio
            .and(inits.audio.as_ref())
            .map(|track| self.map(track, &name));
        self.entries.push(Entry {
            name,
            video,
            audio,
            maps: [video_map, audio_map],
        });
    }

    fn map(&mut self, track: &Track, name: &SegmentName) -> Arc<str> {
        if let Some((_, known)) = self.maps.iter().find(|(known, _)| known == track) {
            return Arc::clone(known);
        }
        let file: Arc<str> = name.epoch.init(track.kind).into();
        self.maps.push((track.clone(), Arc::clone(&file)));
        file
    }

    /// Its playlists by name: those of the tracks, then the master. Nothing when there is nothing in it.
    pub(in crate::recording) fn render(&self, ended: bool) -> Option<Rendered> {
        if self.entries.is_empty() {
            return None;
        }
        let mut tracks = Vec::with_capacity(2);
        if self.has_audio() {
            tracks.push((file(self.date, "audio."), self.track(TrackKind::Audio, ended)));
        }
        tracks.push((file(self.date, "video."), self.track(TrackKind::Video, ended)));
        Some(Rendered {
            tracks,
            master_name: file(self.date, ""),
            master: self.master(),
            bandwidth: self.bandwidth(),
        })
    }

    fn has_audio(&self) -> bool {
        self.entries.iter().any(|entry| entry.audio.is_some())
    }

    fn track(&self, kind: TrackKind, ended: bool) -> String {
        let mut body = String::with_capacity(self.entries.len() * 220 + 200);
        let mut longest = 1;
        let mut before: Option<&Entry> = None;
        let mut map: Option<&Arc<str>> = None;
        for entry in &self.entries {
            if before.is_some_and(|before| !before.continues_in(entry)) {
                body.push_str("#EXT-X-DISCONTINUITY\n");
            }
            before = Some(entry);
            let (Some(part), Some(init)) = entry.part(kind) else {
                continue;
            };
            if map != Some(init) {
                // Writing to a String cannot fail.
                let _ = writeln!(body, "#EXT-X-MAP:URI=\"{init}\"");
                map = Some(init);
            }
            longest = longest.max(part.ticks.div_ceil(TICKS_PER_SECOND as u64));
            entry.render(kind, &part, &mut body);
        }
        let end = if ended { "#EXT-X-ENDLIST\n" } else { "" };
        format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:EVENT\n{body}{end}"
        )
    }

    fn master(&self) -> String {
        let newest = |kind| {
            self.maps
                .iter()
                .rev()
                .map(|(track, _)| track)
                .find(|track| track.kind == kind)
        };
        let audio_uri = file(self.date, "audio.");
        Master {
            bandwidth: self.bandwidth(),
            video: newest(TrackKind::Video),
            audio: newest(TrackKind::Audio),
            video_uri: &file(self.date, "video."),
            audio_uri: self.has_audio().then_some(audio_uri.as_str()),
        }
        .render()
    }

    /// The highest bit rate of a segment, in bits per second.
    fn bandwidth(&self) -> u64 {
        let rate = |entry: &Entry| {
            let bytes = entry.video.bytes + entry.audio.map_or(0, |audio| audio.bytes);
            bytes.saturating_mul(8 * TICKS_PER_SECOND as u64) / entry.video.ticks.max(1)
        };
        self.entries.iter().map(rate).max().unwrap_or(0).max(1)
    }
}

impl Entry {
    fn continues_in(&self, next: &Self) -> bool {
        let ticks = i64::try_from(self.video.ticks).unwrap_or(i64::MAX);
        let end = self.name.start.offset(Ticks(ticks));
        self.name.epoch == next.name.epoch && next.name.start.since(end) <= CONTIGUOUS
    }

    fn part(&self, kind: TrackKind) -> (Option<Part>, Option<&Arc<str>>) {
        let [video, audio] = &self.maps;
        match kind {
            TrackKind::Video => (Some(self.video), video.as_ref()),
            TrackKind::Audio => (self.audio, audio.as_ref()),
        }
    }

    fn render(&self, kind: TrackKind, part: &Part, out: &mut String) {
        let start = match kind {
            TrackKind::Video => self.name.start,
            TrackKind::Audio => {
                let ahead = i64::try_from(part.start).unwrap_or(i64::MAX);
                let video = i64::try_from(self.video.start).unwrap_or(i64::MAX);
                self.name.start.offset(Ticks(ahead.saturating_sub(video)))
            }
        };
        Line {
            start: Some(start),
            ticks: part.ticks,
            bytes: part.bytes,
            offset: part.offset,
            uri: &format!("{}{SEGMENT}", self.name),
        }
        .render(out);
    }
}

/// A master playlist of one picture and at most one sound.
#[derive(Clone, Copy, Debug)]
pub struct Master<'a> {
    /// The highest bit rate, in bits per second.
    pub bandwidth: u64,
    /// The video, if something is known of it.
    pub video: Option<&'a Track>,
    /// The audio, if something is known of it.
    pub audio: Option<&'a Track>,
    /// The playlist of the video.
    pub video_uri: &'a str,
    /// The playlist of the audio; none when there is no audio.
    pub audio_uri: Option<&'a str>,
}

impl Master<'_> {
    /// As text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
        let mut attributes = format!("BANDWIDTH={}", self.bandwidth);
        let tracks = self.video.into_iter().chain(self.audio);
        let codecs: Option<Vec<String>> = tracks.map(Track::codec).collect();
        if let Some(codecs) = codecs.filter(|codecs| !codecs.is_empty()) {
            // Writing to a String cannot fail, here and below.
            let _ = write!(attributes, ",CODECS=\"{}\"", codecs.join(","));
        }
        if let Some((width, height)) = self.video.and_then(Track::size) {
            let _ = write!(attributes, ",RESOLUTION={width}x{height}");
        }
        if let Some(uri) = self.audio_uri {
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,URI=\"{uri}\""
            );
            attributes.push_str(",AUDIO=\"audio\"");
        }
        let _ = writeln!(out, "#EXT-X-STREAM-INF:{attributes}\n{}", self.video_uri);
        out
    }
}

/// A media segment of a playlist: a byte range of a file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its first moment, if it shall be told.
    pub start: Option<MediaTime>,
    /// How long it is.
    pub ticks: u64,
    /// How large it is.
    pub bytes: u64,
    /// Where it begins.
    pub offset: u64,
    /// In which file.
    pub uri: &'a str,
}

impl Line<'_> {
    /// Appends it to a playlist.
    pub fn render(&self, out: &mut String) {
        if let Some(start) = self.start {
            let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", start.iso());
        }
        // Not by `write!`, which takes several times as long: a playlist of a day has 43,200 of these.
        let mut digits = itoa::Buffer::new();
        out.push_str("#EXTINF:");
        push_seconds(out, &mut digits, self.ticks);
        out.push_str(",\n#EXT-X-BYTERANGE:");
        out.push_str(digits.format(self.bytes));
        out.push('@');
        out.push_str(digits.format(self.offset));
        out.push('\n');
        out.push_str(self.uri);
        out.push('\n');
    }
}

fn file(date: Date, track: &str) -> String {
    format!("{date}.{track}m3u8")
}

/// To the microsecond.
fn push_seconds(out: &mut String, digits: &mut itoa::Buffer, ticks: u64) {
    const SECOND: u64 = 1_000_000;
    let micros = ticks.saturating_mul(100) / 9;
    out.push_str(digits.format(micros / SECOND));
    out.push('.');
    // A digit ahead of them keeps the zeros that they begin with.
    let padded = digits.format(SECOND + micros % SECOND);
    out.push_str(padded.get(1..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_to_the_microsecond_with_all_six_digits() {
        for ticks in [0, 1, 9, 90, 89_999, 90_000, 90_001, 180_000, 183_000, u64::MAX] {
            let mut written = String::new();
            push_seconds(&mut written, &mut itoa::Buffer::new(), ticks);
            let micros = ticks.saturating_mul(100) / 9;
            let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
            assert_eq!(written, format!("{seconds}.{rest:06}"), "{ticks}");
        }
    }

    #[test]
    fn an_entry_says_how_long_it_is_and_where_it_lies() {
        let mut out = String::new();
        let line = Line {
            start: None,
            ticks: 183_000,
            bytes: 60_000,
            offset: 0,
            uri: "media/a.m4s",
        };
        line.render(&mut out);
        assert_eq!(out, "#EXTINF:2.033333,\n#EXT-X-BYTERANGE:60000@0\nmedia/a.m4s\n");
    }
}
