//! How long things stay in zones.
//!
//! A thing is in a zone from the first time it is seen there until it was not seen there for longer than the gap: one that
//! is hidden for a moment, or trembles on the border, has not left.

use std::collections::BTreeMap;

use shapes::{Area, Focus, Zone};

use crate::Seen;

/// Stays remembered; the one that was not seen for longest is forgotten first.
pub const MAX_STAYS: usize = 4096;

/// Settings.
#[derive(Clone, Debug, PartialEq)]
pub struct DwellConfig {
    /// Where.
    pub zones: Vec<Zone>,
    /// Which point of a box counts.
    pub focus: Focus,
    /// Ticks after which a stay is told of.
    pub threshold: u64,
    /// Ticks for which a thing may not be seen in the zone and has not left it.
    pub maximum_gap: u64,
}

/// What is told of a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It was seen in the zone for the first time.
    Entered,
    /// It has stayed for as long as the threshold.
    Dwelled,
    /// It has left.
    Left,
}

/// Something about a stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What.
    pub stage: Stage,
    /// The place of the zone in the configuration.
    pub zone: usize,
    /// Which thing.
    pub id: String,
    /// Ticks from its first to its last sight in the zone.
    pub stayed: u64,
    /// Where it was seen there last.
    pub area: Area,
    /// Things in the zone now.
    pub present: usize,
}

#[derive(Clone, Copy, Debug)]
struct Stay {
    entered: u64,
    seen: u64,
    told: bool,
    area: Area,
}

/// Knows who is where.
#[derive(Debug)]
pub struct Dwell {
    config: DwellConfig,
    /// By zone and thing.
    stays: BTreeMap<(usize, String), Stay>,
    time: u64,
}

impl Dwell {
    /// Nobody is anywhere.
    #[must_use]
    pub fn new(config: DwellConfig) -> Self {
        Self {
            config,
            stays: BTreeMap::new(),
            time: 0,
        }
    }

    /// The zones.
    #[must_use]
    pub fn zones(&self) -> &[Zone] {
        &self.config.zones
    }

    /// Ticks after which a stay is told of.
    #[must_use]
    pub fn threshold(&self) -> u64 {
        self.config.threshold
    }

    /// What is to be told, now that these are seen.
    pub fn observe(&mut self, time: u64, seen: &[Seen<'_>]) -> Vec<Report> {
        if time < self.time {
            self.stays.clear();
        }
        self.time = time;
        let mut reports = Vec::new();
        let gap = self.config.maximum_gap;
        self.end(|stay| time - stay.seen > gap, &mut reports);
        for one in seen {
            for zone in self.zones_of(one.area) {
                self.see(zone, one, &mut reports);
            }
        }
        reports
    }

    /// What is to be told when media time has passed this moment and nothing more was seen up to it.
    pub fn elapsed(&mut self, now: u64) -> Vec<Report> {
        let mut reports = Vec::new();
        let gap = self.config.maximum_gap;
        self.end(|stay| now.saturating_sub(stay.seen) >= gap, &mut reports);
        reports
    }

    /// When somebody will have left, unless seen again before.
    #[must_use]
    pub fn wake(&self) -> Option<u64> {
        let seen = self.stays.values().map(|stay| stay.seen).min();
        seen.map(|seen| seen.saturating_add(self.config.maximum_gap))
    }

    fn zones_of(&self, area: Area) -> Vec<usize> {
        let at = area.point(self.config.focus);
        let zones = self.config.zones.iter().enumerate();
        let within = zones.filter(|(_, zone)| zone.polygon.contains(at));
        within.map(|(place, _)| place).collect()
    }

    fn present(&self, zone: usize) -> usize {
        self.stays.keys().filter(|(at, _)| *at == zone).count()
    }

    fn see(&mut self, zone: usize, one: &Seen<'_>, reports: &mut Vec<Report>) {
        let key = (zone, one.id.to_owned());
        let time = self.time;
        let fresh = !self.stays.contains_key(&key);
        if fresh {
            self.make_room();
        }
        let stay = self.stays.entry(key).or_insert(Stay {
            entered: time,
            seen: time,
            told: false,
            area: one.area,
        });
        (stay.seen, stay.area) = (time, one.area);
        let stayed = time - stay.entered;
        let dwelled = !stay.told && stayed >= self.config.threshold;
        stay.told |= dwelled;
        let stages = [(fresh, Stage::Entered), (dwelled, Stage::Dwelled)];
        for (_, stage) in stages.into_iter().filter(|(is, _)| *is) {
            reports.push(Report {
                stage,
                zone,
                id: one.id.to_owned(),
                stayed,
                area: one.area,
                present: self.present(zone),
            });
        }
    }

    /// Ends stays, the longest unseen first.
    fn end(&mut self, over: impl Fn(&Stay) -> bool, reports: &mut Vec<Report>) {
        let ended = self.stays.extract_if(.., |_, stay| over(stay));
        let mut ended: Vec<((usize, String), Stay)> = ended.collect();
        ended.sort_by_key(|(_, stay)| stay.seen);
        for ((zone, id), stay) in ended {
            reports.push(Report {
                stage: Stage::Left,
                zone,
                id,
                stayed: stay.seen - stay.entered,
                area: stay.area,
                present: self.present(zone),
            });
        }
    }

    fn make_room(&mut self) {
        if self.stays.len() >= MAX_STAYS {
            let oldest = self.stays.iter().min_by_key(|(_, stay)| stay.seen);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.stays.remove(&oldest);
            }
        }
    }
}
