//! A DASH manifest of a stretch (ISO/IEC 23009-1, live profile): a period for each run, fragments by their times.
//!
//! What does not grow has its periods one behind the other, without the holes between them. What grows has them where they were, counted
//! from 1970, so that they stay there when the manifest is fetched again.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::hls::{Links, name};
use super::timeline::{Fragment, Run, Timeline};
use crate::media::mp4::TIMESCALE;
use crate::media::{MediaTime, TICKS_PER_SECOND, TrackKind};

/// How often a player looks for more, in seconds.
const UPDATE: u64 = 2;
/// How far behind the newest a player should be, in seconds: three fragments, and one that is being written.
const DELAY: u64 = 8;
/// How much a player should have before it begins, in seconds.
const BUFFER: u64 = 2;

/// The manifest; `now` tells players what time it is here.
#[must_use]
pub fn manifest(timeline: &Timeline, links: &Links, now: Timestamp) -> String {
    let mut periods = String::new();
    let mut at = 0_u64;
    for (number, run) in timeline.runs.iter().enumerate() {
        let last = number.saturating_add(1) == timeline.runs.len();
        at = if timeline.live {
            let start = live_start(timeline, number, run).max(at);
            period(run, start, start, !last, links, &mut periods);
            run.end().ticks()
        } else {
            period(run, at, run.start().ticks(), true, links, &mut periods);
            at.saturating_add(length(run))
        };
    }
    let mut out = head(timeline, at, now);
    if timeline.runs.is_empty() && !timeline.live {
        // The schema wants one, also where nothing is.
        out.push_str("  <Period id=\"nothing\" start=\"PT0S\" duration=\"PT0S\"/>\n");
    }
    out.push_str(&periods);
    if timeline.live {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            out,
            "  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"{now:.3}\"/>"
        );
    }
    out.push_str("</MPD>\n");
    out
}

/// What is said of all of it; `length` is that of what does not grow.
fn head(timeline: &Timeline, length: u64, now: Timestamp) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" \
         minBufferTime=\"PT{BUFFER}S\" "
    );
    if !timeline.live {
        let _ = writeln!(
            out,
            "type=\"static\" mediaPresentationDuration=\"{}\">",
            duration(length)
        );
        return out;
    }
    let first = timeline.runs.first().map_or(MediaTime::MIN, Run::start);
    let newest = timeline.runs.last().map_or(MediaTime::MIN, Run::end);
    let depth = newest
        .since(first)
        .0
        .unsigned_abs()
        .div_ceil(TICKS_PER_SECOND as u64);
    let _ = writeln!(
        out,
        "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"{now:.0}\" \
         minimumUpdatePeriod=\"PT{UPDATE}S\" suggestedPresentationDelay=\"PT{DELAY}S\" timeShiftBufferDepth=\"PT{}S\">",
        depth.max(DELAY)
    );
    out
}

/// Where the period of a run begins: where its epoch does, if it is the first of it, so that it does not move while the oldest goes.
fn live_start(timeline: &Timeline, number: usize, run: &Run) -> u64 {
    let before = number.checked_sub(1).and_then(|before| timeline.runs.get(before));
    match before {
        Some(before) if before.tracks.epoch == run.tracks.epoch => run.start().ticks(),
        _ => run.tracks.began.ticks().min(run.start().ticks()),
    }
}

fn length(run: &Run) -> u64 {
    run.end().since(run.start()).0.unsigned_abs()
}

fn period(run: &Run, start: u64, media: u64, ends: bool, links: &Links, out: &mut String) {
    let length = run.end().ticks().saturating_sub(media);
    let ends = if ends {
        format!(" duration=\"{}\"", duration(length))
    } else {
        String::new()
    };
    // The id is when it was: players hand it to whoever shows the time.
    let id = MediaTime::from_ticks(media).iso();
    let _ = writeln!(out, "  <Period id=\"{id}\" start=\"{}\"{ends}>", duration(start));
    adaptation(run, TrackKind::Video, media, links, out);
    if !run.audio.is_empty() {
        adaptation(run, TrackKind::Audio, media, links, out);
    }
    out.push_str("  </Period>\n");
}

fn adaptation(run: &Run, kind: TrackKind, media: u64, links: &Links, out: &mut String) {
    let Some(init) = run.init(kind) else { return };
    let kind_name = name(kind);
    let codecs = init
        .track
        .codec()
        .map_or_else(String::new, |codec| format!(" codecs=\"{codec}\""));
    let size = init.track.size().map_or_else(String::new, |(width, height)| {
        format!(" width=\"{width}\" height=\"{height}\"")
    });
    let fragments = run.of(kind);
    let bytes: u64 = fragments.iter().map(|one| one.bytes).sum();
    let ticks: u64 = fragments.iter().map(|one| one.ticks).sum();
    let rate = bytes.saturating_mul(8 * TICKS_PER_SECOND as u64) / ticks.max(1);
    let _ = write!(
        out,
        "    <AdaptationSet contentType=\"{kind_name}\" mimeType=\"{kind_name}/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n      \
         <SegmentTemplate timescale=\"{TIMESCALE}\" presentationTimeOffset=\"{media}\" initialization=\"{}\" \
         media=\"{}fragments/{}/$Time$.{kind_name}.m4s{}\">\n        <SegmentTimeline>\n",
        links.media(&init.file),
        links.up,
        run.tracks.epoch,
        links.store,
    );
    segments(fragments, out);
    let _ = write!(
        out,
        "        </SegmentTimeline>\n      </SegmentTemplate>\n      \
         <Representation id=\"{kind_name}\" bandwidth=\"{}\"{codecs}{size}/>\n    </AdaptationSet>\n",
        rate.max(1),
    );
}

/// Fragments of one length that follow one another are one entry.
fn segments(fragments: &[Fragment], out: &mut String) {
    let mut rest = fragments.iter().peekable();
    while let Some(first) = rest.next() {
        let (mut repeated, mut end) = (0_u64, first.end());
        while let Some(next) = rest.next_if(|next| next.start == end && next.ticks == first.ticks) {
            (repeated, end) = (repeated.saturating_add(1), next.end());
        }
        let repeated = match repeated {
            0 => String::new(),
            count => format!(" r=\"{count}\""),
        };
        let _ = writeln!(
            out,
            "          <S t=\"{}\" d=\"{}\"{repeated}/>",
            first.start, first.ticks
        );
    }
}

/// `PT1.5S`.
fn duration(ticks: u64) -> String {
    let micros = ticks.saturating_mul(100) / 9;
    format!("PT{}.{:06}S", micros / 1_000_000, micros % 1_000_000)
}
