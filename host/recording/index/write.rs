//! What changes the index: assets, epochs and segments come and go.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::read::{packed_part, segment, ticks};
use super::{
    AssetId, Dropped, EpochId, Gap, GapReason, Index, IndexError, NewSegment, SegmentId, SegmentState, gaps,
    holds, listing, pack, retention, sightings,
};
use crate::media::TrackKind;
use crate::recording::asset::name::{Epoch, SEGMENT};

impl Index {
    /// The number of an asset; makes a row for one that is new. `owner` is `INSTANCE/NODE`: whoever records into it last.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn asset(&self, store: &str, name: &str, owner: &str, now: Timestamp) -> Result<AssetId, IndexError> {
        self.writing(|transaction| {
            transaction.execute(
                "INSERT INTO asset (store, name, owner, created) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (store, name) DO UPDATE SET owner = excluded.owner",
                params![store, name, owner, now.as_microsecond()],
            )?;
            let id = "SELECT id FROM asset WHERE store = ?1 AND name = ?2";
            transaction.query_row(id, [store, name], |row| Ok(AssetId(row.get(0)?)))
        })
    }

    /// Takes an asset with all that is known of it; nothing of it is on a disk any more.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn forget_asset(&self, asset: AssetId) -> Result<(), IndexError> {
        self.writing(|transaction| {
            transaction.execute("DELETE FROM asset WHERE id = ?1", [asset.0])?;
            Ok(())
        })
    }

    /// Begins an epoch; one that is there already is the same.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn begin_epoch(
        &self,
        asset: AssetId,
        epoch: &Epoch,
        opened: Timestamp,
    ) -> Result<EpochId, IndexError> {
        let counter = i64::try_from(epoch.counter).unwrap_or(i64::MAX);
        self.writing(|transaction| {
            transaction.execute(
                "INSERT INTO epoch (asset, host, counter, opened) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![asset.0, epoch.host, counter, opened.as_microsecond()],
            )?;
            let id = "SELECT id FROM epoch WHERE asset = ?1 AND host = ?2 AND counter = ?3";
            transaction.query_row(id, params![asset.0, epoch.host, counter], |row| Ok(EpochId(row.get(0)?)))
        })
    }

    /// Keeps the init segment of one of an epoch's tracks.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn set_init(&self, epoch: EpochId, kind: TrackKind, init: &[u8]) -> Result<(), IndexError> {
        let set = match kind {
            TrackKind::Video => "UPDATE epoch SET video = ?2 WHERE id = ?1",
            TrackKind::Audio => "UPDATE epoch SET audio = ?2 WHERE id = ?1",
        };
        self.writing(|transaction| transaction.execute(set, params![epoch.0, init]).map(drop))
    }

    /// Takes in a segment whose file is complete and synced; one that is there already stays as it is.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn seal(&self, new: &NewSegment<'_>) -> Result<SegmentId, IndexError> {
        self.insert(new, SegmentState::Cached, Some(new.folder))
    }

    /// Takes in a segment that its store has and the cache has not, as when the index is made anew.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn adopt_stored(&self, new: &NewSegment<'_>) -> Result<SegmentId, IndexError> {
        self.insert(new, SegmentState::Stored, None)
    }

    /// As [`Index::adopt_stored`], many in one commit.
    ///
    /// # Errors
    /// When the index cannot be written; then none of them is in it.
    pub fn adopt_all_stored(&self, all: &[NewSegment<'_>]) -> Result<(), IndexError> {
        self.writing(|transaction| {
            for new in all {
                insert(transaction, new, SegmentState::Stored, None)?;
            }
            Ok(())
        })
    }

    fn insert(
        &self,
        new: &NewSegment<'_>,
        state: SegmentState,
        folder: Option<&Path>,
    ) -> Result<SegmentId, IndexError> {
        self.writing(|transaction| insert(transaction, new, state, folder))
    }

    /// Says that a store has acknowledged segments, all in one commit. Gives those that were still known; the others were
    /// dropped meanwhile, so what the store has of them must go. Their files in the cache, if there are any, are noted as garbage:
    /// remove them and call [`Index::removed`].
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn stored(&self, ids: &[SegmentId]) -> Result<Vec<Dropped>, IndexError> {
        self.writing(|transaction| {
            let mut known = Vec::with_capacity(ids.len());
            for id in ids {
                let Some(segment) = segment(transaction, *id)? else {
                    continue;
                };
                let file = note_garbage(
                    transaction,
                    segment.folder.as_deref(),
                    &segment.name.file(SEGMENT),
                )?;
                transaction.execute(
                    "UPDATE segment SET state = ?2, folder = NULL WHERE id = ?1",
                    params![id.0, SegmentState::Stored as i64],
                )?;
                listing::mark(transaction, segment.asset, segment.name.start)?;
                known.push(Dropped { segment, file });
            }
            Ok(known)
        })
    }

    /// Drops segments: each becomes a gap, in one commit. Remove their files, then call [`Index::removed`]. What a store has of
    /// them is noted for [`Index::removals`]. What is held stays, unless its file is gone anyway.
    ///
    /// # Errors
    /// When the index cannot be written; then nothing was dropped.
    pub fn drop_segments(
        &self,
        ids: &[SegmentId],
        reason: GapReason,
        now: Timestamp,
    ) -> Result<Vec<Dropped>, IndexError> {
        self.writing(|transaction| {
            let mut dropped = Vec::with_capacity(ids.len());
            for id in ids {
                let Some(segment) = segment(transaction, *id)? else {
                    continue;
                };
                if reason != GapReason::Damaged && holds::is_held(transaction, *id)? {
                    continue;
                }
                let file = note_garbage(
                    transaction,
                    segment.folder.as_deref(),
                    &segment.name.file(SEGMENT),
                )?;
                transaction.execute("DELETE FROM segment WHERE id = ?1", [id.0])?;
                let gap = Gap {
                    start: segment.name.start,
                    end: segment.end,
                    reason,
                    fragments: segment.video_fragments,
                    units: segment.video.samples,
                };
                gaps::note(transaction, segment.asset, &gap, now)?;
                sightings::forget(transaction, segment.asset, gap.start..gap.end)?;
                if segment.state == SegmentState::Stored {
                    listing::mark(transaction, segment.asset, segment.name.start)?;
                    retention::note_removal(transaction, &segment)?;
                }
                dropped.push(Dropped { segment, file });
            }
            Ok(dropped)
        })
    }

    /// Says that files that were garbage are gone from the disk, and that their folders were synced.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn removed(&self, files: &[PathBuf]) -> Result<(), IndexError> {
        self.writing(|transaction| {
            let mut statement = transaction.prepare("DELETE FROM garbage WHERE path = ?1")?;
            for file in files {
                statement.execute([file.to_string_lossy()])?;
            }
            Ok(())
        })
    }
}

fn insert(
    transaction: &Transaction<'_>,
    new: &NewSegment<'_>,
    state: SegmentState,
    folder: Option<&Path>,
) -> rusqlite::Result<SegmentId> {
    let fragments = pack(new.fragments, new.start.ticks());
    let opened: i64 =
        transaction.query_row("SELECT opened FROM epoch WHERE id = ?1", [new.epoch.0], |row| {
            row.get(0)
        })?;
    let added = transaction
        .prepare(
            "INSERT INTO segment (asset, epoch, opened, start, ends, bytes, video, audio, fragments, sha256,
                 state, folder, kept)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            new.asset.0,
            new.epoch.0,
            opened,
            ticks(new.start),
            ticks(new.end),
            i64::try_from(new.bytes).unwrap_or(i64::MAX),
            packed_part(&new.video),
            new.audio.as_ref().map(packed_part),
            fragments,
            new.sha256,
            state as i64,
            folder.map(|folder| folder.to_string_lossy().into_owned()),
            new.fragments
                .iter()
                .filter(|one| one.kind == TrackKind::Video)
                .count() as i64,
        ])?;
    // Media that comes back, as after a crash, ends the gap that stood for it.
    gaps::fill(transaction, new.asset, new.start, new.end)?;
    if added > 0 {
        sightings::note(transaction, new)?;
    }
    if state == SegmentState::Stored {
        listing::mark(transaction, new.asset, new.start)?;
    }
    let id = "SELECT id FROM segment WHERE epoch = ?1 AND start = ?2";
    transaction.query_row(id, params![new.epoch.0, ticks(new.start)], |row| {
        Ok(SegmentId(row.get(0)?))
    })
}

/// Notes that a file of the cache shall go.
fn note_garbage(
    transaction: &Transaction<'_>,
    folder: Option<&Path>,
    name: &str,
) -> rusqlite::Result<Option<PathBuf>> {
    let Some(file) = folder.map(|folder| folder.join(name)) else {
        return Ok(None);
    };
    transaction.execute(
        "INSERT INTO garbage (path) VALUES (?1) ON CONFLICT DO NOTHING",
        [file.to_string_lossy()],
    )?;
    Ok(Some(file))
}

/// The highest epoch of a host in an asset, or 0.
pub(super) fn last_counter(
    connection: &rusqlite::Connection,
    asset: AssetId,
    host: &str,
) -> rusqlite::Result<u64> {
    let highest: Option<i64> = connection
        .query_row(
            "SELECT max(counter) FROM epoch WHERE asset = ?1 AND host = ?2",
            params![asset.0, host],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    Ok(u64::try_from(highest.unwrap_or(0)).unwrap_or(0))
}
