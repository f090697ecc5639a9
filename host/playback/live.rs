//! How the fragments of a playlist that grows are numbered.
//!
//! A player compares the playlist with the one before by the number of its first fragment and of its first discontinuity (RFC 8216bis,
//! 4.4.3.2 and 4.4.3.3). Fragments have no numbers, and what lay before the playlist may be gone when it is asked for again. So a fragment
//! near the newest is remembered with its numbers whenever a playlist is made, and the next one counts from there: it has that fragment,
//! too, unless nobody has asked for hours.
//!
//! Numbers begin at the fragment's second since 1970. Fragments are longer than a second, so they are higher after a restart than they
//! were before it, and a player takes what follows for new. Runs begin at the counter of their epoch: players keep tables by that number,
//! so it is small.

use std::collections::{HashMap, VecDeque};

use super::timeline::{Fragment, Run};
use crate::media::{TICKS_PER_SECOND, TrackKind};
use crate::recording::index::AssetId;

/// Assets that are remembered; the one that was asked for the longest time ago goes.
const MAX_ASSETS: usize = 512;
/// Fragments that are remembered of each track: a request that read the index a moment ago may be answered behind one that read it later.
const MAX_ANCHORS: usize = 16;

/// The numbers of what comes first in a playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of the first fragment.
    pub fragment: u64,
    /// Of the first run.
    pub run: u64,
}

/// A fragment and its numbers.
#[derive(Clone, Debug)]
struct Anchor {
    epoch: u64,
    start: u64,
    numbers: Numbers,
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct Anchors {
    known: HashMap<(AssetId, TrackKind), VecDeque<Anchor>>,
    /// In the order they were asked for.
    order: VecDeque<(AssetId, TrackKind)>,
}

impl Anchors {
    /// The numbers with which a playlist of a track begins. Runs have the same numbers in all tracks: by them players find what belongs
    /// together.
    pub fn numbers(&mut self, asset: AssetId, kind: TrackKind, runs: &[Run]) -> Numbers {
        let video = self.of_track(asset, TrackKind::Video, runs);
        match kind {
            TrackKind::Video => video,
            TrackKind::Audio => Numbers {
                fragment: self.of_track(asset, TrackKind::Audio, runs).fragment,
                run: video.run,
            },
        }
    }

    fn of_track(&mut self, asset: AssetId, kind: TrackKind, runs: &[Run]) -> Numbers {
        let key = (asset, kind);
        let first = match self.found(&key, runs, kind) {
            Some(found) => found,
            None => self.begin(&key, runs, kind),
        };
        self.remember(key, runs, kind, first);
        first
    }

    /// From a fragment that is remembered.
    fn found(&self, key: &(AssetId, TrackKind), runs: &[Run], kind: TrackKind) -> Option<Numbers> {
        let anchors = self.known.get(key)?;
        anchors.iter().rev().find_map(|anchor| {
            let (fragments, before) = place(anchor, runs, kind)?;
            Some(Numbers {
                fragment: anchor.numbers.fragment.checked_sub(fragments)?,
                // More runs than epochs: some were holes.
                run: anchor.numbers.run.saturating_sub(before),
            })
        })
    }

    fn begin(&self, key: &(AssetId, TrackKind), runs: &[Run], kind: TrackKind) -> Numbers {
        let first = runs.iter().find_map(|run| run.of(kind).first());
        let second = first.map_or(0, |first| first.start / TICKS_PER_SECOND as u64);
        let counter = runs.first().map_or(0, |run| run.tracks.epoch.counter);
        let newest = self.known.get(key).and_then(VecDeque::back);
        let behind = |number: u64, known: u64| number.max(known.saturating_add(1));
        newest.map_or(
            Numbers {
                fragment: second,
                run: counter,
            },
            |anchor| Numbers {
                fragment: behind(second, anchor.numbers.fragment),
                run: behind(counter, anchor.numbers.run),
            },
        )
    }

    fn remember(&mut self, key: (AssetId, TrackKind), runs: &[Run], kind: TrackKind, first: Numbers) {
        let Some((last, position, run)) = newest(runs, kind) else {
            return;
        };
        self.order.retain(|one| *one != key);
        self.order.push_back(key);
        let anchors = self.known.entry(key).or_default();
        if anchors.back().is_none_or(|known| known.start < last.start) {
            anchors.push_back(Anchor {
                epoch: last.source.name.epoch.counter,
                start: last.start,
                numbers: Numbers {
                    fragment: first.fragment.saturating_add(position),
                    run: first.run.saturating_add(run),
                },
            });
        }
        while anchors.len() > MAX_ANCHORS {
            anchors.pop_front();
        }
        while self.order.len() > MAX_ASSETS {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

/// How many fragments and runs come before an anchor; none when it is not there.
fn place(anchor: &Anchor, runs: &[Run], kind: TrackKind) -> Option<(u64, u64)> {
    let mut before = 0_u64;
    for (number, run) in runs.iter().enumerate() {
        let fragments = run.of(kind);
        if run.tracks.epoch.counter == anchor.epoch
            && let Ok(at) = fragments.binary_search_by_key(&anchor.start, |one| one.start)
        {
            return Some((before.saturating_add(at as u64), number as u64));
        }
        before = before.saturating_add(fragments.len() as u64);
    }
    None
}

/// The newest fragment, how many come before it, and the number of its run.
fn newest(runs: &[Run], kind: TrackKind) -> Option<(&Fragment, u64, u64)> {
    let (number, run) = runs
        .iter()
        .enumerate()
        .rfind(|(_, run)| !run.of(kind).is_empty())?;
    let last = run.of(kind).last()?;
    let count: usize = runs.iter().map(|run| run.of(kind).len()).sum();
    Some((last, count.saturating_sub(1) as u64, number as u64))
}

impl super::Playback {
    /// The numbers with which the playlist of a track that grows begins.
    #[must_use]
    pub fn numbers(&self, timeline: &super::timeline::Timeline, kind: TrackKind) -> Numbers {
        let mut anchors = self
            .anchors
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        anchors.numbers(timeline.asset.id, kind, &timeline.runs)
    }
}
