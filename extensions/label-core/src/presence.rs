//! Which things match, and since when.

use std::collections::BTreeMap;

use crate::{Condition, Thing};

/// Named things remembered; the one that was not seen for longest is forgotten first.
pub const MAX_THINGS: usize = 1024;

/// The condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Since when the first of the things matches.
    pub since: u64,
}

#[derive(Clone, Copy, Debug)]
struct Presence {
    since: u64,
    seen: u64,
}

/// Remembers the things that match. Those without a name share one memory: as long as there is any.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    named: BTreeMap<String, Presence>,
    unnamed: Option<Presence>,
}

impl Condition {
    fn matches(&self, thing: &Thing<'_>) -> bool {
        let labelled = self.labels.is_empty()
            || self
                .labels
                .iter()
                .any(|label| label.eq_ignore_ascii_case(thing.label));
        // What is said of the whole picture is in every zone.
        let placed = self.zones.is_empty()
            || thing.area.is_none_or(|area| {
                let at = area.point(self.focus);
                self.zones.iter().any(|zone| zone.polygon.contains(at))
            });
        labelled && placed && thing.confidence >= self.minimum_confidence
    }
}

impl Presences {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the condition holds in this observation.
    pub(crate) fn observe(
        &mut self,
        condition: &Condition,
        time: u64,
        things: &[Thing<'_>],
    ) -> Option<Match> {
        let recent = |one: &Presence| time.saturating_sub(one.seen) <= condition.maximum_gap;
        self.named.retain(|_, one| recent(one));
        self.unnamed = self.unnamed.filter(recent);
        let long = |since: u64| time.saturating_sub(since) >= condition.minimum_dwell;
        let (mut count, mut since) = (0, u64::MAX);
        for thing in things.iter().filter(|thing| condition.matches(thing)) {
            let began = match thing.id {
                Some(id) => self.see(id, time),
                None => {
                    let unnamed = self.unnamed.get_or_insert(Presence {
                        since: time,
                        seen: time,
                    });
                    unnamed.seen = time;
                    unnamed.since
                }
            };
            if long(began) {
                (count, since) = (count + 1, since.min(began));
            }
        }
        (count >= condition.minimum_count.max(1)).then_some(Match { since })
    }

    fn see(&mut self, id: &str, time: u64) -> u64 {
        if !self.named.contains_key(id) && self.named.len() >= MAX_THINGS {
            let oldest = self.named.iter().min_by_key(|(_, one)| one.seen);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.named.remove(&oldest);
            }
        }
        let one = self.named.entry(id.to_owned()).or_insert(Presence {
            since: time,
            seen: time,
        });
        one.seen = time;
        one.since
    }
}
