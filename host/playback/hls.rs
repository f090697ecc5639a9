//! HLS playlists of a stretch (RFC 8216bis, CMAF): a master, and one for each track with an entry for each fragment, by byte range.
//!
//! Invariants: a run begins with a discontinuity, in both tracks alike, whether the track has something in it or not; each run, and each
//! segment, says when it was; what does not grow ends.

use std::fmt::Write as _;
use std::sync::Arc;

use super::live::Numbers;
use super::source::Source;
use super::timeline::{Fragment, Run, Timeline};
use crate::media::{MediaTime, TICKS_PER_SECOND, TrackKind};
use crate::recording::asset::playlist::{Line, Master};

/// Bytes that an entry takes, about, beside the name of its file.
const ENTRY: usize = 64;
/// Bytes that the name of a segment has, about.
const NAME: usize = 64;

/// How a manifest names what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// From the manifest to the recording: empty, or `../`.
    pub up: &'static str,
    /// What stretch is meant, from the question mark on; empty when nothing is said.
    pub stretch: String,
    /// Which store is meant, from the question mark on; empty when nothing is said.
    pub store: String,
}

impl Links {
    /// The playlist of a track.
    #[must_use]
    pub fn playlist(&self, kind: TrackKind) -> String {
        format!("{}{}.m3u8{}", self.up, name(kind), self.stretch)
    }

    /// A file of media.
    #[must_use]
    pub fn media(&self, file: &str) -> String {
        format!("{}media/{file}{}", self.up, self.store)
    }
}

/// What a track is called in paths.
#[must_use]
pub fn name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    }
}

/// The master playlist. Of an empty stretch it leads to an empty playlist.
#[must_use]
pub fn master(timeline: &Timeline, links: &Links) -> String {
    let audio = links.playlist(TrackKind::Audio);
    Master {
        bandwidth: timeline.bandwidth(),
        video: timeline.newest(TrackKind::Video),
        audio: timeline
            .has_audio()
            .then(|| timeline.newest(TrackKind::Audio))
            .flatten(),
        video_uri: &links.playlist(TrackKind::Video),
        audio_uri: timeline.has_audio().then_some(audio.as_str()),
    }
    .render()
}

/// The playlist of a track. `numbers` are those of its beginning, when it grows.
#[must_use]
pub fn track(timeline: &Timeline, kind: TrackKind, links: &Links, numbers: Numbers) -> String {
    let fragments = || timeline.runs.iter().flat_map(|run| run.of(kind));
    let longest = fragments().map(|one| one.ticks).max().unwrap_or(0);
    let longest = longest.div_ceil(TICKS_PER_SECOND as u64).max(1);
    // Room for all of it at once: a day takes some megabytes, which would be copied each time that they grow.
    let entry = ENTRY.saturating_add(links.media("").len()).saturating_add(NAME);
    let mut out = String::with_capacity(fragments().count().saturating_add(1).saturating_mul(entry));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}");
    let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", numbers.fragment);
    if numbers.run > 0 {
        let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", numbers.run);
    }
    if !timeline.live {
        out.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
    }
    let mut map: Option<&str> = None;
    for (number, run) in timeline.runs.iter().enumerate() {
        if number > 0 {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        map = render_run(run, kind, links, map, &mut out);
    }
    if !timeline.live {
        out.push_str("#EXT-X-ENDLIST\n");
    }
    out
}

fn render_run<'t>(
    run: &'t Run,
    kind: TrackKind,
    links: &Links,
    mut map: Option<&'t str>,
    out: &mut String,
) -> Option<&'t str> {
    let Some(init) = run.init(kind) else {
        return map;
    };
    if map != Some(&init.file) && !run.of(kind).is_empty() {
        let _ = writeln!(out, "#EXT-X-MAP:URI=\"{}\"", links.media(&init.file));
        map = Some(&init.file);
    }
    let mut of: Option<(&Arc<Source>, String)> = None;
    for fragment in run.of(kind) {
        // A new segment: its name, and its time, so that what is rounded does not add up.
        let new = of
            .as_ref()
            .is_none_or(|(source, _)| !Arc::ptr_eq(source, &fragment.source));
        if new {
            of = Some((&fragment.source, links.media(&fragment.source.file(kind))));
        }
        let uri = of.as_ref().map_or("", |(_, uri)| uri.as_str());
        line(fragment, new, uri).render(out);
    }
    map
}

fn line<'u>(fragment: &Fragment, dated: bool, uri: &'u str) -> Line<'u> {
    Line {
        start: dated.then(|| MediaTime::from_ticks(fragment.start)),
        ticks: fragment.ticks,
        bytes: fragment.bytes,
        offset: fragment.offset,
        uri,
    }
}
