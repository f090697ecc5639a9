//! What has been told of those who look: a player asks for a playlist every few seconds and for thousands of fragments, and a
//! pointer that moves over a timeline for hundreds of pictures.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Action, Entry, Looked};
use crate::media::{MediaTime, TICKS_PER_SECOND};

/// For so long somebody who goes on looking at the same is no news: 10 minutes.
pub const WINDOW: Duration = Duration::from_secs(600);
/// Of so many it is remembered; of more, the oldest are told again sooner.
pub const MAX_SEEN: usize = 1024;
/// Pictures that somebody looks at within the same hour of a recording are one entry, in ticks.
const HOUR: u64 = 3_600 * TICKS_PER_SECOND as u64;

/// What has been told within the last [`WINDOW`].
#[derive(Debug, Default)]
pub(super) struct Seen(VecDeque<Told>);

#[derive(Debug)]
struct Told {
    /// On the monotonic clock.
    since: Duration,
    who: String,
    by_link: bool,
    from: String,
    action: Action,
    what: [String; 3],
    start: MediaTime,
    end: MediaTime,
}

impl Told {
    fn is_of(&self, entry: &Entry) -> bool {
        (self.action, &self.who, self.by_link, &self.from)
            == (entry.action, &entry.who, entry.by_link, &entry.from)
            && self.what == what(entry)
    }

    /// A playlist or a picture within what was told of is nothing new; each file is.
    fn has(&self, start: MediaTime, end: MediaTime) -> bool {
        match self.action {
            Action::Export => (self.start, self.end) == (start, end),
            _ => self.start <= start && end <= self.end,
        }
    }
}

impl Seen {
    /// Whether it is news; then it is remembered.
    pub(super) fn note(&mut self, entry: &Entry, looked: Looked, now: Duration) -> bool {
        self.0.retain(|told| now.saturating_sub(told.since) < WINDOW);
        let mut known = self.0.iter().filter(|told| told.is_of(entry));
        let (start, end) = match stretch(entry.action, looked) {
            Some((start, end)) => {
                if known.any(|told| told.has(start, end)) {
                    return false;
                }
                (start, end)
            }
            // Fragments: whoever has a playlist was told of with it.
            None if known.next().is_some() => return false,
            None => (MediaTime::MAX, MediaTime::MAX),
        };
        self.0.push_back(Told {
            since: now,
            who: entry.who.clone(),
            by_link: entry.by_link,
            from: entry.from.clone(),
            action: entry.action,
            what: what(entry),
            start,
            end,
        });
        while self.0.len() > MAX_SEEN {
            self.0.pop_front();
        }
        true
    }

    pub(super) fn forget(&mut self, entry: &Entry) {
        if let Some(place) = self.0.iter().rposition(|told| told.is_of(entry)) {
            self.0.remove(place);
        }
    }
}

fn what(entry: &Entry) -> [String; 3] {
    [entry.asset.clone(), entry.store.clone(), entry.camera.clone()]
}

/// None: nobody said which.
fn stretch(action: Action, looked: Looked) -> Option<(MediaTime, MediaTime)> {
    let start = looked.start?;
    if action == Action::Snapshot {
        let hour = start.ticks() / HOUR * HOUR;
        return Some((MediaTime::from_ticks(hour), MediaTime::from_ticks(hour + HOUR)));
    }
    Some((start, looked.end.unwrap_or(MediaTime::MAX)))
}
