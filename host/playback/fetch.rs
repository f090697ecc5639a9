//! Reading the tracks of segments, wherever they lie: in the cache, in a folder, in a cloud.
//!
//! Segments move while they are played: an open one is sealed, a sealed one goes to its store, and what the cache has goes then. So what
//! is not found is looked up again. What is nowhere is an error that says so; it is never waited for.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::content::{Content, Piece};
use super::granted::around;
use super::source::{self, Part, Source};
use super::{Playback, PlaybackError, shown, stopped, timeline, turn};
use crate::media::{MediaTime, TrackKind};
use crate::recording::asset::name::{AUDIO_PART, Epoch, SEGMENT, SegmentName, VIDEO_PART};
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

/// A place where bytes may be.
#[derive(Debug)]
enum Place {
    /// A file.
    File(PathBuf, Range<u64>),
    /// The store of the asset, under a name.
    Store(String, Range<u64>),
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
        Ok(MediaFile {
            tag: (!source.growing).then(|| file.to_owned()),
            open: 0..length,
            content: Content::new([Piece::Media {
                source: Arc::new(source),
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
                let found = timeline::load(index, growing, &row, &range, &[])?;
                let of_epoch = found.runs.into_iter().filter(|run| run.tracks.epoch == epoch);
                let mut fragments = of_epoch.flat_map(|run| match kind {
                    TrackKind::Video => run.video,
                    TrackKind::Audio => run.audio,
                });
                Ok(fragments.find(|one| one.start == start))
            })
            .await?;
        let fragment = found.ok_or_else(|| not_there(asset, file))?;
        // It is the same whether its segment is sealed or not.
        Ok(MediaFile {
            tag: Some(format!("{}-{file}", fragment.source.name.epoch)),
            open: 0..fragment.bytes,
            content: Content::new([Piece::Media {
                range: fragment.offset..fragment.offset.saturating_add(fragment.bytes),
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
        let (asset, at) = (&source.asset.name, source.name.start);
        tracing::warn!(asset, segment = %source.name, "A segment is gone that the index has");
        let now = self.options.clock.monotonic();
        self.lost().add(now, source.asset.id, source.name.clone());
        Err(PlaybackError::nothing(
            asset,
            format!(
                "lost what it recorded at {at}\nhint: `mediagraph check` finds what is missing, and notes it"
            ),
        ))
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
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Miss::Gone),
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

/// Where a range of a part may be, the likeliest first. `again`: it was not where it was thought to be.
fn places(source: &Source, part: Part, range: &Range<u64>, again: bool) -> Vec<Place> {
    let whole = source.part(part);
    let (start, end) = (
        whole.start.saturating_add(range.start),
        whole.start.saturating_add(range.end),
    );
    // Only what belongs to it.
    if end > whole.end || start >= end {
        return Vec::new();
    }
    let sealed = source.name.file(SEGMENT);
    let mut places = Vec::with_capacity(2);
    if let Some(folder) = &source.folder {
        if let (true, Part::Track(kind)) = (source.growing, part) {
            let side = match kind {
                TrackKind::Video => VIDEO_PART,
                TrackKind::Audio => AUDIO_PART,
            };
            places.push(Place::File(folder.join(source.name.file(side)), start..end));
            // It has just been sealed, and the index does not know yet: sound stands behind the video.
            let behind = match kind {
                TrackKind::Video => 0,
                TrackKind::Audio => source.video.end,
            };
            if again {
                places.push(Place::File(
                    folder.join(&sealed),
                    start.saturating_add(behind)..end.saturating_add(behind),
                ));
            }
        } else {
            places.push(Place::File(folder.join(&sealed), start..end));
        }
    }
    if source.stored {
        places.push(Place::Store(sealed, start..end));
    }
    places
}

/// Blocks.
fn read_file(path: &std::path::Path, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = range.end.saturating_sub(range.start);
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    let file = File::open(path)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}
