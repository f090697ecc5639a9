//! What was seen of one camera of late, on its way from whoever saw it to whoever records it.
//!
//! Invariants: whoever says something never waits; what is beyond the bounds goes, the oldest first, and is counted; a
//! recording takes each detection once.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Detection, Kept, MAX_DETECTIONS};
use crate::media::{MediaTime, Ticks};

/// Older ones are forgotten: more than a segment of five minutes and the media that a gate holds back.
pub const MAX_AGE: Ticks = Ticks::from_secs(15 * 60);
/// So many detections are kept; of one segment no more are.
const MAX_RECENT: usize = MAX_DETECTIONS;
/// Names that are kept once for all detections.
const MAX_NAMES: usize = 1024;
/// A processor speaks of a moment at most so long after those that it hears.
const MAX_LAG: Ticks = Ticks::from_secs(10);
/// How far the last pictures of a recording may be shown after its last one is decoded.
pub const LAST_PICTURES: Ticks = Ticks::from_secs(2);

#[derive(Debug)]
struct Entry {
    number: u64,
    /// Who said it.
    origin: usize,
    detection: Detection,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    names: BTreeSet<Arc<str>>,
    /// Of the newest.
    number: u64,
    /// Of the newest that had to go because there were too many.
    overrun: u64,
}

/// What was seen of one camera of late.
#[derive(Debug, Default)]
pub struct Recent {
    state: Mutex<State>,
}

impl Recent {
    /// Takes what a node said of a moment. It hands on what it heard from others, perhaps with a name or at a better place: what
    /// those said of the same classes at the same moment is said by it now.
    pub fn add(&self, origin: usize, hears: &[usize], detections: Vec<Detection>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(time) = detections.first().map(|one| one.time) else {
            return;
        };
        if !hears.is_empty() {
            state.replace(hears, time, &detections);
        }
        for detection in detections {
            state.push(origin, detection);
        }
        state.forget(time.offset(Ticks(MAX_AGE.0.saturating_neg())));
    }

    /// What was seen within a range. Whoever asks takes nothing away.
    #[must_use]
    pub fn within(&self, range: &Range<MediaTime>) -> Vec<Detection> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = state.entries.iter().map(|entry| &entry.detection);
        seen.filter(|one| range.contains(&one.time)).cloned().collect()
    }
}

impl State {
    /// What these nodes said of the same classes at the same moment goes.
    fn replace(&mut self, origins: &[usize], time: MediaTime, by: &[Detection]) {
        let long_ago = time.offset(Ticks(MAX_LAG.0.saturating_neg()));
        let older = |old: &Entry| old.detection.time < long_ago;
        let from = self.entries.iter().rposition(older).map_or(0, |last| last + 1);
        let replaced = |old: &Entry| {
            let mut said = by.iter();
            origins.contains(&old.origin)
                && said.any(|new| new.time == old.detection.time && new.label == old.detection.label)
        };
        let late = self.entries.split_off(from);
        self.entries.extend(late.into_iter().filter(|old| !replaced(old)));
    }

    fn push(&mut self, origin: usize, mut detection: Detection) {
        detection.label = self.shared(detection.label);
        detection.track = detection.track.map(|name| self.shared(name));
        self.number += 1;
        let number = self.number;
        self.entries.push_back(Entry {
            number,
            origin,
            detection,
        });
    }

    /// The same name, once in memory.
    fn shared(&mut self, name: Arc<str>) -> Arc<str> {
        if let Some(known) = self.names.get(&name) {
            return Arc::clone(known);
        }
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(Arc::clone(&name));
        name
    }

    fn forget(&mut self, before: MediaTime) {
        while let Some(oldest) = self.entries.front() {
            let too_many = self.entries.len() > MAX_RECENT;
            if !too_many && oldest.detection.time >= before {
                return;
            }
            if too_many {
                self.overrun = oldest.number;
            }
            self.entries.pop_front();
        }
    }
}

/// How far a recording has taken what was seen.
#[derive(Debug)]
pub struct Reader {
    recent: Arc<Recent>,
    /// Of the newest detection when it last took some.
    number: u64,
    /// The time of which it did.
    taken: Range<MediaTime>,
}

impl Reader {
    /// Of a recording that begins.
    #[must_use]
    pub fn new(recent: Arc<Recent>) -> Self {
        Self {
            recent,
            number: 0,
            taken: MediaTime::MIN..MediaTime::MIN,
        }
    }

    /// What was seen in a segment, and what was said too late for the one before it. `last`: none follows at once.
    pub fn take(&mut self, segment: Range<MediaTime>, last: bool) -> Kept {
        let state = self.recent.state.lock().unwrap_or_else(PoisonError::into_inner);
        let end = match last {
            true => segment.end.offset(LAST_PICTURES),
            false => segment.end,
        };
        // A timeline that begins anew may begin earlier.
        let follows = segment.start >= self.taken.start;
        let from = match follows {
            true => segment.start.max(self.taken.end),
            false => segment.start,
        };
        let wanted = |entry: &&Entry| {
            let time = entry.detection.time;
            let late = entry.number > self.number && self.taken.contains(&time);
            (from..end).contains(&time) || late
        };
        let mut detections: Vec<Detection> = state
            .entries
            .iter()
            .filter(wanted)
            .map(|entry| entry.detection.clone())
            .collect();
        detections.sort_by_key(|one| one.time);
        // Some of those that had to go may not have been of this segment; nobody knows any more.
        let left_out = state.overrun.saturating_sub(self.number);
        self.number = state.number.max(state.overrun);
        self.taken = from.min(segment.start)..end;
        Kept {
            detections,
            left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    fn at(second: f64) -> MediaTime {
        MediaTime::from_ticks(900_000_000).offset(Ticks((second * 90_000.0) as i64))
    }

    fn saw(recent: &Recent, second: f64, label: &str) {
        recent.add(0, &[], vec![seen(at(second), label, "", 0.5)]);
    }

    fn labels(kept: &Kept) -> Vec<&str> {
        kept.detections.iter().map(|one| &*one.label).collect()
    }

    #[test]
    fn a_segment_takes_its_own_and_what_came_too_late_for_the_one_before() {
        let recent = Arc::new(Recent::default());
        let mut reader = Reader::new(Arc::clone(&recent));
        for (second, label) in [(-1.0, "before"), (0.0, "first"), (6.0, "early")] {
            saw(&recent, second, label);
        }
        assert_eq!(labels(&reader.take(at(0.0)..at(6.0), false)), ["first"]);
        saw(&recent, 5.5, "late");
        saw(&recent, -2.0, "much too late");
        assert_eq!(labels(&reader.take(at(6.0)..at(12.0), false)), ["late", "early"]);
        saw(&recent, 13.0, "shown late");
        assert_eq!(labels(&reader.take(at(12.0)..at(12.5), true)), ["shown late"]);
        assert!(labels(&reader.take(at(12.5)..at(14.0), true)).is_empty(), "once");
        let within: Vec<_> = recent
            .within(&(at(5.0)..at(13.0)))
            .iter()
            .map(|one| one.time)
            .collect();
        assert_eq!(within, [at(6.0), at(5.5)], "who looks takes nothing away");
        // Another recording of the same time.
        assert_eq!(
            labels(&Reader::new(recent).take(at(0.0)..at(6.0), false)),
            ["first", "late"]
        );
    }

    #[test]
    fn what_a_tracker_says_stands_for_what_it_heard() {
        let recent = Arc::new(Recent::default());
        let truck = |track| seen(at(1.0), "truck", track, 0.5);
        recent.add(4, &[], vec![truck(""), seen(at(1.0), "dog", "", 0.5)]);
        recent.add(3, &[], vec![truck("")]);
        recent.add(5, &[4], vec![truck("7")]);
        let kept = Reader::new(recent).take(at(0.0)..at(2.0), false);
        let mut told: Vec<_> = kept
            .detections
            .iter()
            .map(|one| (&*one.label, one.track.as_deref()))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [("dog", None), ("truck", None), ("truck", Some("7"))]);
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten_and_what_is_too_much_is_counted() {
        let recent = Arc::new(Recent::default());
        let mut reader = Reader::new(Arc::clone(&recent));
        saw(&recent, 0.0, "old");
        saw(&recent, 901.0, "new");
        let kept = reader.take(at(0.0)..at(1000.0), false);
        assert_eq!((labels(&kept), kept.left_out), (vec!["new"], 0));
        let many = vec![seen(at(1001.0), "many", "", 0.5); MAX_RECENT + 7];
        recent.add(0, &[], many);
        let kept = reader.take(at(1000.0)..at(1010.0), false);
        assert_eq!(kept.detections.len(), MAX_RECENT);
        assert_eq!(kept.left_out, 7);
    }
}
