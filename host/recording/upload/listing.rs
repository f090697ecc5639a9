//! Playlists, rendered from the rows of the index and written beside the media.
//!
//! Invariants: what is listed stands in the store; `index.m3u8` is the master of the newest day that has something; the playlists of a day end when nothing will follow in it, and a power cut takes
//! nothing from them once the index knows that they stay. While a backlog is worked off they are written at most once in the
//! length of a segment; a master only when it says something new.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use jiff::civil::Date;

use super::worker::{Halt, Worker};
use crate::media::{MediaTime, TrackKind};
use crate::recording::RecordingError;
use crate::recording::asset::playlist::{Day, INDEX, Inits, Rendered};
use crate::recording::asset::scan;
use crate::recording::cache::Cache;
use crate::recording::index::{EpochId, EpochRow, Unlisted};
use crate::recording::listener::RecordingEvent;
use crate::recording::store::StoreError;

/// Days that are looked at in one pass.
const MAX_DAYS: u32 = 256;
/// The master names the highest bit rate: a hint, which is written again when it has grown by so much, and at the end.
const NEWS_PERCENT: u64 = 150;

/// What stands in the store of a day's playlists, as far as this process knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    change: i64,
    ended: bool,
    master: String,
    bandwidth: u64,
}

/// What shall stand there.
#[derive(Debug)]
struct Wanted {
    rendered: Option<Rendered>,
    ended: bool,
    newest: bool,
    /// The master of the newest day before, when nothing is left of the newest.
    before: Option<String>,
    until: MediaTime,
}

impl Wanted {
    /// Of all playlists that show the day.
    fn names(&self) -> Vec<String> {
        let Some(rendered) = &self.rendered else {
            return self.before.iter().map(|_| INDEX.to_owned()).collect();
        };
        let tracks = rendered.tracks.iter().map(|(name, _)| name.clone());
        let newest = self.newest.then(|| INDEX.to_owned());
        tracks
            .chain([rendered.master_name.clone()])
            .chain(newest)
            .collect()
    }
}

impl Worker {
    /// Writes the playlists of all days that have changed; while something of an asset waits (`draining`), not too often.
    pub(super) async fn list(&mut self, draining: bool) -> Result<(), Halt> {
        let store = self.options.name.clone();
        let days = self
            .reading(move |cache| Ok(cache.index().unlisted(&store, MAX_DAYS)?))
            .await?;
        for day in days {
            if let Err(error) = self.list_day(&day, draining).await? {
                self.failed(day.asset, error)?;
            }
        }
        Ok(())
    }

    async fn list_day(&mut self, day: &Unlisted, draining: bool) -> Result<Result<(), StoreError>, Halt> {
        let now = self.now();
        let date = date(day.day);
        let open = self.options.cache.is_open(&self.options.name, &day.name);
        let asset = self.assets.entry(day.asset).or_default();
        if asset.name.is_empty() {
            asset.name.clone_from(&day.name);
        }
        let before = asset.written.get(&date).cloned();
        let recent = asset.listed.is_some_and(|at| now < at + asset.pace);
        if asset.is_blocked(now) || (draining && recent && self.waits(day).await?) {
            return Ok(Ok(()));
        }
        let same = |before: &Written| before.change == day.change && !before.ended;
        if open && before.as_ref().is_some_and(same) && !self.turned(day).await? {
            return Ok(Ok(()));
        }
        let of = day.clone();
        let wanted = self.reading(move |cache| wanted(cache, &of, open)).await?;
        if !wanted.ended && before.as_ref().is_some_and(same) {
            return Ok(Ok(()));
        }
        let put = self.put_playlists(day, date, before, &wanted).await;
        if let Err(error) = put {
            return Ok(Err(error));
        }
        self.succeeded(day.asset);
        if wanted.rendered.is_some() {
            let event = RecordingEvent::Available {
                store: self.options.name.clone(),
                asset: day.name.clone(),
                until: wanted.until,
            };
            self.options.cache.listener().tell(&day.owner, &event);
        }
        if wanted.ended {
            return self.end_day(day, date, &wanted).await;
        }
        Ok(Ok(()))
    }

    /// Makes the playlists of a day stay, and then says so in the index: after that nothing writes them again.
    async fn end_day(
        &mut self,
        day: &Unlisted,
        date: Date,
        wanted: &Wanted,
    ) -> Result<Result<(), StoreError>, Halt> {
        // Forgotten first: what fails here is to be put anew, all of it.
        if let Some(asset) = self.assets.get_mut(&day.asset) {
            asset.written.remove(&date);
        }
        let names = wanted.names();
        if let Err(error) = self.options.store.settle(&day.name, &names).await {
            return Ok(Err(error));
        }
        let done = day.clone();
        self.reading(move |cache| Ok(cache.index().listed(&done)?))
            .await?;
        Ok(Ok(()))
    }

    /// Whether a day that was written is over meanwhile: something has begun in a later one.
    async fn turned(&self, day: &Unlisted) -> Result<bool, Halt> {
        let day = day.clone();
        self.reading(move |cache| Ok(cache.index().has_in(day.asset, later(&day), false)?))
            .await
    }

    async fn waits(&self, day: &Unlisted) -> Result<bool, Halt> {
        let day = day.clone();
        self.reading(move |cache| Ok(cache.index().has_in(day.asset, day.range(), true)?))
            .await
    }

    async fn put_playlists(
        &mut self,
        day: &Unlisted,
        date: Date,
        before: Option<Written>,
        wanted: &Wanted,
    ) -> Result<(), StoreError> {
        self.claim(day.asset, &day.name).await?;
        let Some(rendered) = &wanted.rendered else {
            return self.remove_playlists(&day.name, date, wanted).await;
        };
        for (name, text) in &rendered.tracks {
            self.put_playlist(&day.name, name, text).await?;
        }
        let news = before.as_ref().is_none_or(|before| {
            let known = before.bandwidth.saturating_mul(NEWS_PERCENT) / 100;
            rendered.bandwidth > known || without_rate(&before.master) != without_rate(&rendered.master)
        });
        let differs = before
            .as_ref()
            .is_none_or(|before| before.master != rendered.master);
        let write = news || (wanted.ended && differs);
        if write {
            self.put_playlist(&day.name, &rendered.master_name, &rendered.master)
                .await?;
            if wanted.newest {
                self.put_playlist(&day.name, INDEX, &rendered.master).await?;
            }
        }
        let now = self.now();
        if let Some(asset) = self.assets.get_mut(&day.asset) {
            asset.listed = Some(now);
            let (master, bandwidth) = match before {
                Some(before) if !write => (before.master, before.bandwidth),
                _ => (rendered.master.clone(), rendered.bandwidth),
            };
            let written = Written {
                change: day.change,
                ended: wanted.ended,
                master,
                bandwidth,
            };
            asset.written.insert(date, written);
        }
        Ok(())
    }

    async fn put_playlist(&self, asset: &str, name: &str, text: &str) -> Result<(), StoreError> {
        let text = Bytes::copy_from_slice(text.as_bytes());
        self.options.store.put_index(asset, name, text).await?;
        let mut inner = self.shared.lock();
        inner.playlists = inner.playlists.saturating_add(1);
        Ok(())
    }

    /// Nothing of this day is left.
    async fn remove_playlists(&self, asset: &str, date: Date, wanted: &Wanted) -> Result<(), StoreError> {
        // First what names them.
        match &wanted.before {
            Some(master) => self.put_playlist(asset, INDEX, master).await?,
            None if wanted.newest => self.options.store.remove(asset, INDEX).await?,
            None => {}
        }
        for track in ["", "audio.", "video."] {
            let name = format!("{date}.{track}m3u8");
            self.options.store.remove(asset, &name).await?;
        }
        Ok(())
    }
}

/// The attributes of a master without its bit rate.
fn without_rate(master: &str) -> String {
    master
        .split(',')
        .map(|part| part.split_once("BANDWIDTH=").map_or(part, |(before, _)| before))
        .collect::<Vec<_>>()
        .join(",")
}

fn date(day: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch
        .checked_add(jiff::Span::new().try_days(day).unwrap_or_default())
        .unwrap_or(Date::MAX)
}

fn later(day: &Unlisted) -> std::ops::Range<MediaTime> {
    day.range().end..MediaTime::from_ticks(i64::MAX as u64)
}

/// What shall stand in the store of a day. Blocks.
fn wanted(cache: &Cache, day: &Unlisted, open: bool) -> Result<Wanted, RecordingError> {
    let index = cache.index();
    let (listed, until) = day_of(cache, day)?;
    let waits = index.has_in(day.asset, day.range(), true)?;
    let over = !open || index.has_in(day.asset, later(day), false)?;
    let ended = over && !waits;
    let rendered = listed.render(ended);
    let newest = !index.has_stored_in(day.asset, later(day))?;
    let before = match &rendered {
        None if newest => master_before(cache, day)?,
        _ => None,
    };
    Ok(Wanted {
        rendered,
        ended,
        newest,
        before,
        until,
    })
}

/// What a store has of a day, and where that ends.
fn day_of(cache: &Cache, day: &Unlisted) -> Result<(Day, MediaTime), RecordingError> {
    let index = cache.index();
    let rows = index.stored_in(day.asset, &day.range())?;
    let mut epochs: HashMap<EpochId, Inits> = HashMap::new();
    let mut listed = Day::new(date(day.day));
    for row in &rows {
        let inits = match epochs.entry(row.epoch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(inits(index.epoch(row.epoch)?)),
        };
        listed.add(row.name.clone(), row.video, row.audio, inits);
    }
    Ok((listed, rows.iter().map(|row| row.end).max().unwrap_or_default()))
}

/// The master of the newest day before that has something.
fn master_before(cache: &Cache, day: &Unlisted) -> Result<Option<String>, RecordingError> {
    let Some(number) = cache.index().day_before(day)? else {
        return Ok(None);
    };
    let before = Unlisted {
        day: number,
        ..day.clone()
    };
    let (listed, _) = day_of(cache, &before)?;
    Ok(listed.render(true).map(|rendered| rendered.master))
}

/// What the init segments of an epoch declare.
fn inits(epoch: Option<EpochRow>) -> Inits {
    let of = |init: Option<Vec<u8>>, kind| init.and_then(|init| scan::declared(&init, kind));
    epoch.map_or_else(Inits::default, |epoch| Inits {
        video: of(epoch.video, TrackKind::Video),
        audio: of(epoch.audio, TrackKind::Audio),
    })
}
