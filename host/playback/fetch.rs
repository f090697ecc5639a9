//! Reading the tracks of segments, wherever they lie: in the cache, in a folder, in a cloud.
//!
//! Segments move while they are played: an open one is sealed, a sealed one goes to its store, and what the cache has goes then. So what
//! is not found is looked up again. What is nowhere is an error that says so; it is never waited for.

mod places;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;

use self::places::{Place, places, read_file, read_files};
use super::content::{Content, Piece};
use super::granted::around;
use super::source::{self, Part, Source};
use super::{Playback, PlaybackError, shown, stopped, timeline, turn};
use crate::media::{MediaTime, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::index::AssetRow;
use crate::recording::store::StoreErrorKind;

/// A segment is looked up so often: open, sealed without a row, in the cache, in its store.
const MAX_LOOKS: usize = 4;

/// A file of media as players ask for it.
#[derive(Debug)]
pub struct MediaFile {
    /// What it holds.
    pub content: Content,
    /// It does not change any more; none while it grows.
    pub tag: Option<String>,
    /// As much of it may be sent: all of it, but for whoever may have a stretch alone.
    pub open: Range<u64>,
}

/// Why a place did not give them.
enum Miss {
    /// They are not there: perhaps elsewhere by now.
    Gone,
    /// It failed.
    Failed(PlaybackError),
}

impl Playback {
    /// A track of a segment, or an init segment, by its name.
    ///
    /// # Errors
    /// When there is none of this name, or the index cannot be read.
    pub async fn media(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        file: &str,
    ) -> Result<MediaFile, PlaybackError> {
        if let Some((epoch, kind)) = init_name(file) {
            return self.init(asset, epoch, kind).await;
        }
        let Some((name, kind)) = source::parse(file) else {
            return Err(not_there(asset, file));
        };
        let source = self.find(asset, &name).await?;
        let length = source.as_ref().map_or(0, |source| source.length(kind));
        let Some(source) = source.filter(|_| length > 0) else {
            return Err(not_there(asset, file));
        };
        let source = Arc::new(source);
        self.expect(&source, kind, &(0..length)).await?;
        Ok(MediaFile {
            tag: (!source.growing).then(|| file.to_owned()),
            open: 0..length,
            content: Content::new([Piece::Media {
                source,
                kind,
                range: 0..length,
            }]),
        })
    }

    /// The fragment of an epoch that begins at a tick: how DASH asks. `granted` is what somebody may have who may not have all of it.
    ///
    /// # Errors
    /// When there is none, or the index cannot be read.
    pub async fn fragment(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        epoch: &str,
        file: &str,
        granted: Option<&Range<MediaTime>>,
    ) -> Result<MediaFile, PlaybackError> {
        let wanted = source::stem(file).and_then(|(ticks, kind)| Some((ticks.parse::<u64>().ok()?, kind)));
        let (Some((start, kind)), Some(epoch)) = (wanted, Epoch::parse(epoch)) else {
            return Err(not_there(asset, file));
        };
        let (playback, row) = (Arc::clone(self), Arc::clone(asset));
        let at = MediaTime::from_ticks(start);
        let range = around(&(at..at), granted);
        let found = self
            .ask(move |index| {
                let growing = playback.options.cache.growing(&row.store, &row.name);
                let lost = playback.lost_of(&row);
                let found = timeline::load(index, growing, &row, &range, &lost)?;
                let of_epoch = found.runs.into_iter().filter(|run| run.tracks.epoch == epoch);
                let mut fragments = of_epoch.flat_map(|run| match kind {
                    TrackKind::Video => run.video,
                    TrackKind::Audio => run.audio,
                });
                Ok(fragments.find(|one| one.start == start))
            })
            .await?;
        let fragment = found.ok_or_else(|| not_there(asset, file))?;
        let range = fragment.offset..fragment.offset.saturating_add(fragment.bytes);
        self.expect(&fragment.source, kind, &range).await?;
        // It is the same whether its segment is sealed or not.
        Ok(MediaFile {
            tag: Some(format!("{}-{file}", fragment.source.name.epoch)),
            open: 0..fragment.bytes,
            content: Content::new([Piece::Media {
                range,
                source: fragment.source,
                kind,
            }]),
        })
    }

    async fn init(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        epoch: Epoch,
        kind: TrackKind,
    ) -> Result<MediaFile, PlaybackError> {
        let (id, name) = (asset.id, epoch.clone());
        let row = self.ask(move |index| Ok(index.epoch_named(id, &name)?)).await?;
        let init = row.and_then(|row| match kind {
            TrackKind::Video => row.video,
            TrackKind::Audio => row.audio,
        });
        let file = epoch.init(kind);
        let init = init.ok_or_else(|| not_there(asset, &file))?;
        Ok(MediaFile {
            open: 0..init.len() as u64,
            content: Content::new([Piece::Bytes(init.into())]),
            tag: Some(file),
        })
    }

    /// A segment by its name.
    async fn find(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        name: &SegmentName,
    ) -> Result<Option<Source>, PlaybackError> {
        // In this order: what is sealed between the two is in both.
        let growing = self.options.cache.growing(&asset.store, &asset.name);
        let growing = growing.filter(|growing| growing.name == *name);
        let (id, wanted) = (asset.id, name.clone());
        let row = self
            .ask(move |index| Ok(index.playable_named(id, &wanted)?))
            .await?;
        Ok(match (row, growing) {
            (Some(row), _) => Some(Source::sealed(asset, &row.segment)),
            (None, growing) => growing.map(|growing| Source::growing(asset, &growing)),
        })
    }

    /// Reads a range of a track; looks for it elsewhere when it has moved.
    pub(super) async fn read(
        self: &Arc<Self>,
        source: &Arc<Source>,
        kind: TrackKind,
        range: Range<u64>,
    ) -> Result<Bytes, PlaybackError> {
        self.read_part(source, Part::Track(kind), range).await
    }

    /// Reads ranges of the tracks of one segment; those that lie in files of this machine with one turn at the disk, which spares most of
    /// what small ranges cost.
    pub(super) async fn read_all(
        self: &Arc<Self>,
        source: &Arc<Source>,
        ranges: &[(TrackKind, Range<u64>)],
    ) -> Result<Vec<Bytes>, PlaybackError> {
        if let Some(all) = self.read_at_once(source, ranges).await? {
            return Ok(all);
        }
        let mut all = Vec::with_capacity(ranges.len());
        for (kind, range) in ranges {
            all.push(self.read(source, *kind, range.clone()).await?);
        }
        Ok(all)
    }

    /// None: not all of it lies in files, or not where it was thought to be. Then each range is looked for, and what is wrong is told.
    async fn read_at_once(
        &self,
        source: &Source,
        ranges: &[(TrackKind, Range<u64>)],
    ) -> Result<Option<Vec<Bytes>>, PlaybackError> {
        let file = |(kind, range): &(_, _)| self.file(source, Part::Track(*kind), range);
        let Some(files) = ranges.iter().map(file).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let _turn = turn(&self.reads, "the disk has too much to read").await?;
        let read = tokio::task::spawn_blocking(move || read_files(&files)).await;
        Ok(read.map_err(|error| stopped(&error))?.ok())
    }

    /// The file of this machine that has a range of a part, and where in it; none when it is elsewhere.
    pub(super) fn file(
        &self,
        source: &Source,
        part: Part,
        range: &Range<u64>,
    ) -> Option<(PathBuf, Range<u64>)> {
        match places(source, part, range, false).into_iter().next()? {
            Place::File(path, range) => Some((path, range)),
            Place::Store(name, range) => {
                let store = self.options.stores.get(&source.asset.store)?;
                Some((store.file(&source.asset.name, &name).ok()??, range))
            }
        }
    }

    /// The same of any part.
    pub(super) async fn read_part(
        self: &Arc<Self>,
        source: &Arc<Source>,
        part: Part,
        range: Range<u64>,
    ) -> Result<Bytes, PlaybackError> {
        let mut current = Source::clone(source);
        for look in 0..MAX_LOOKS {
            for place in places(&current, part, &range, look > 0) {
                match self.read_from(&current, place).await {
                    Ok(bytes) => return Ok(bytes),
                    Err(Miss::Gone) => {}
                    Err(Miss::Failed(error)) => return Err(error),
                }
            }
            match self.find(&source.asset, &source.name).await? {
                // It is where it was, and is not there.
                Some(same) if same == current && look > 0 => break,
                Some(moved) => current = moved,
                None => break,
            }
        }
        match part {
            Part::Track(_) => Err(self.lose(source, "the file is gone, or cannot be read")),
            // Its media may well be there.
            Part::Behind => Err(PlaybackError::lost(source)),
        }
    }

    /// A segment that cannot be had: playlists leave it out from now on, and for a while.
    pub(super) fn lose(&self, source: &Source, why: &str) -> PlaybackError {
        let asset = &source.asset.name;
        tracing::warn!(asset, segment = %source.name, why, "A segment cannot be played that the index has");
        let now = self.options.clock.monotonic();
        self.lost().add(now, source.asset.id, source.name.clone());
        PlaybackError::lost(source)
    }

    async fn read_from(&self, source: &Source, place: Place) -> Result<Bytes, Miss> {
        let failed = |message: String| Miss::Failed(PlaybackError::broken(&source.asset.name, message));
        match place {
            Place::File(path, range) => {
                let _turn = turn(&self.reads, "the disk has too much to read")
                    .await
                    .map_err(Miss::Failed)?;
                let shown = path.display().to_string();
                let read = tokio::task::spawn_blocking(move || read_file(&path, &range)).await;
                match read.map_err(|error| Miss::Failed(stopped(&error)))? {
                    Ok(bytes) => Ok(bytes.into()),
                    Err(error) if is_gone(&error) => Err(Miss::Gone),
                    Err(error) => Err(failed(format!("`{shown}`: {error}"))),
                }
            }
            Place::Store(name, range) => self.read_from_store(source, &name, range).await,
        }
    }

    async fn read_from_store(&self, source: &Source, name: &str, range: Range<u64>) -> Result<Bytes, Miss> {
        let asset = &source.asset;
        let Some(store) = self.options.stores.get(&asset.store) else {
            let message = format!("the configuration has no store `{}` any more", asset.store);
            return Err(Miss::Failed(PlaybackError::broken(&asset.name, message)));
        };
        let failed = |source| {
            Miss::Failed(PlaybackError::Store {
                asset: asset.name.clone(),
                store: asset.store.clone(),
                source,
            })
        };
        if let Some(path) = store.file(&asset.name, name).map_err(failed)? {
            return Box::pin(self.read_from(source, Place::File(path, range))).await;
        }
        let wanted = range.end.saturating_sub(range.start);
        match store.get(&asset.name, name, Some(range)).await {
            Ok(bytes) if bytes.len() as u64 == wanted => Ok(bytes),
            Ok(_) => Err(Miss::Failed(PlaybackError::broken(
                &asset.name,
                format!(
                    "the store `{}` has less of `{name}` than was put there",
                    asset.store
                ),
            ))),
            Err(error) if error.kind == StoreErrorKind::NotFound => Err(Miss::Gone),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Whether a file is not there, has less than it should have, or stands on a part of the disk that can be read no more.
fn is_gone(error: &io::Error) -> bool {
    let gone = [io::ErrorKind::NotFound, io::ErrorKind::UnexpectedEof];
    gone.contains(&error.kind()) || error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

/// The epoch and the track of an init segment.
pub(super) fn init_name(file: &str) -> Option<(Epoch, TrackKind)> {
    let video = file
        .strip_suffix(".video.mp4")
        .map(|stem| (stem, TrackKind::Video));
    let (stem, kind) = video.or_else(|| Some((file.strip_suffix(".audio.mp4")?, TrackKind::Audio)))?;
    Some((Epoch::parse(stem)?, kind))
}

pub(super) fn not_there(asset: &AssetRow, file: &str) -> PlaybackError {
    PlaybackError::nothing(
        &asset.name,
        format!(
            "no media `{}`\nhint: it may have been let go; fetch the playlist again",
            shown(file)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_disk_cannot_read_is_gone_and_what_nobody_may_read_is_not() {
        let gone = |error: Errno| is_gone(&io::Error::from(error));
        assert!(gone(Errno::NOENT) && gone(Errno::IO));
        assert!(!gone(Errno::ACCESS) && !gone(Errno::MFILE));
    }
}
