//! Detections summed up: who was there from when to when.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Area, Detection, Fraction};
use crate::media::{MediaTime, Ticks};

/// What is not seen for longer than this has gone: what comes then is another sighting.
pub const UNBROKEN: Ticks = Ticks::from_secs(10);
/// The sightings of one segment. Of more, those that were seen least often are left out.
pub const MAX_SIGHTINGS: usize = 512;

/// Something that was seen, without a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its class.
    pub label: Arc<str>,
    /// Its name, if a tracker gave it one.
    pub track: Option<Arc<str>>,
    /// When it was first seen.
    pub first: MediaTime,
    /// When it was last seen.
    pub last: MediaTime,
    /// When it was seen best.
    pub best: MediaTime,
    /// How certain it was then.
    pub confidence: Fraction,
    /// Where it was then.
    pub area: Area,
    /// How often it was seen.
    pub count: u64,
}

impl Sighting {
    fn begin(one: &Detection) -> Self {
        Self {
            label: Arc::clone(&one.label),
            track: one.track.clone(),
            first: one.time,
            last: one.time,
            best: one.time,
            confidence: one.confidence,
            area: one.area,
            count: 1,
        }
    }

    fn again(&mut self, one: &Detection) {
        self.last = one.time;
        self.count += 1;
        if one.confidence > self.confidence {
            (self.best, self.confidence, self.area) = (one.time, one.confidence, one.area);
        }
    }
}

/// The sightings that detections come to, by their first moments. Detections of one class without a name are one sighting, however
/// many of them there are at a time: nobody knows which is which.
#[must_use]
pub fn sightings(detections: &[Detection]) -> Vec<Sighting> {
    let mut ordered: Vec<&Detection> = detections.iter().collect();
    ordered.sort_by_key(|one| one.time);
    let mut open: BTreeMap<(&str, Option<&str>), Sighting> = BTreeMap::new();
    let mut all = Vec::new();
    for one in ordered {
        let key = (&*one.label, one.track.as_deref());
        match open.get_mut(&key) {
            Some(sighting) if one.time.since(sighting.last) <= UNBROKEN => sighting.again(one),
            _ => all.extend(open.insert(key, Sighting::begin(one))),
        }
    }
    all.extend(open.into_values());
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    all.truncate(MAX_SIGHTINGS);
    all.sort_by(|one, other| {
        let key = |one: &Sighting| (one.first, Arc::clone(&one.label), one.track.clone());
        key(one).cmp(&key(other))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::super::tests::seen;
    use super::*;

    fn at(second: i64) -> MediaTime {
        MediaTime::from_ticks(900_000_000).offset(Ticks::from_secs(second))
    }

    #[test]
    fn each_thing_is_one_sighting_until_it_was_away_for_too_long() {
        let all = [
            seen(at(3), "truck", "7", 0.5),
            seen(at(0), "truck", "", 0.25),
            seen(at(1), "truck", "7", 0.75),
            seen(at(10), "truck", "", 0.25),
            seen(at(2), "truck", "8", 0.5),
            seen(at(21), "truck", "", 0.25),
        ];
        let told: Vec<_> = sightings(&all)
            .iter()
            .map(|one| {
                let seconds = one.last.since(one.first).seconds();
                (one.track.as_deref().unwrap_or("-").to_owned(), seconds, one.count)
            })
            .collect();
        let expected = [("-", 10.0, 2), ("7", 2.0, 2), ("8", 0.0, 1), ("-", 0.0, 1)];
        assert_eq!(
            told,
            expected.map(|(name, seconds, count)| (name.to_owned(), seconds, count))
        );
        let best = &sightings(&all)[1];
        assert_eq!((best.best, best.confidence), (at(1), Fraction::of(0.75)));
        assert_eq!(best.area.l, Fraction::of(0.75), "where it was then");
    }

    #[test]
    fn what_is_seen_most_often_stays_when_there_are_too_many() {
        let mut all: Vec<_> = (0..MAX_SIGHTINGS)
            .map(|n| seen(at(0), "passing", &n.to_string(), 0.5))
            .collect();
        all.extend([seen(at(5), "truck", "x", 0.5), seen(at(6), "truck", "x", 0.5)]);
        let told = sightings(&all);
        assert_eq!(told.len(), MAX_SIGHTINGS);
        assert_eq!(told.last().unwrap().track.as_deref(), Some("x"));
    }
}
