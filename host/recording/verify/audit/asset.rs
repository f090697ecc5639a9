//! One asset: its rows against what its store and the cache have of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufReader;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{Depth, Kind, Work};
use crate::media::TrackKind;
use crate::media::mp4::read::Sample;
use crate::recording::RecordingError;
use crate::recording::asset::name::{SEGMENT, SegmentName};
use crate::recording::asset::segment::hash_file;
use crate::recording::asset::{playlist::INDEX, scan};
use crate::recording::index::{AssetRow, SegmentId, SegmentRow, SegmentState};
use crate::recording::store::{LOCAL, MAX_READ};
use crate::recording::verify::{Checks, Report, playlist};

/// Rows that are read at a time.
const PAGE: u32 = 500;
/// What is unknown of a segment that an earlier version recorded.
const NO_HASH: [u8; 32] = [0; 32];

/// An asset that is being looked at.
struct Looked<'a> {
    row: &'a AssetRow,
    /// What its store has of it and nobody has asked for yet: sizes by name.
    left: HashMap<String, u64>,
    /// The store could be asked.
    reachable: bool,
    /// Playlists that should be there.
    playlists: BTreeMap<String, SegmentId>,
    /// What the media shows, for comparing it with playlists.
    parts: BTreeMap<String, playlist::Parts>,
}

impl Work<'_, '_> {
    pub(super) fn asset(&mut self, row: &AssetRow) -> Result<(), RecordingError> {
        self.out.assets += 1;
        let listed = self.list(&row.store, &row.name);
        let mut looked = Looked {
            row,
            reachable: listed.is_some(),
            left: listed.unwrap_or_default(),
            playlists: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        let mut after = None;
        loop {
            let page = self.subject.index.page(row.id, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some((last.name.start, last.id));
            for segment in &page {
                self.out.segments += 1;
                self.out.bytes = self.out.bytes.saturating_add(segment.bytes);
                if !(self.progress)(self.out.segments) {
                    self.out.interrupted = true;
                    return Ok(());
                }
                self.segment(&mut looked, segment)?;
            }
        }
        self.inits(&mut looked)?;
        self.playlists(&mut looked)?;
        self.left_over(&looked)
    }

    fn segment(&mut self, looked: &mut Looked<'_>, segment: &SegmentRow) -> Result<(), RecordingError> {
        let file = segment.name.file(SEGMENT);
        let at = (looked.row.store.as_str(), looked.row.name.as_str());
        let stored = segment.state == SegmentState::Stored;
        let folder = match (&segment.folder, stored) {
            (Some(folder), false) => Some(folder.clone()),
            _ if looked.row.store == LOCAL => Some(self.subject.local.join(&looked.row.name)),
            _ => None,
        };
        let bytes = if stored {
            if !looked.reachable {
                return Ok(());
            }
            looked
                .playlists
                .entry(format!("{}.m3u8", segment.name.day()))
                .or_insert(segment.id);
            looked.left.remove(&file)
        } else {
            // A put may have succeeded without its answer: then the store has it as well, and that is right.
            looked.left.remove(&file);
            let found = folder
                .as_deref()
                .map(|folder| std::fs::metadata(folder.join(&file)));
            found.and_then(Result::ok).map(|found| found.len())
        };
        let Some(bytes) = bytes else {
            self.found(at, &file, Kind::Missing, String::new(), Some(segment.id));
            return Ok(());
        };
        if self.depth >= Depth::Size && bytes != segment.bytes {
            let detail = format!("{bytes} bytes, not {}", segment.bytes);
            self.found(at, &file, Kind::Size, detail, Some(segment.id));
            return Ok(());
        }
        if stored {
            let parts = (true, segment.video, segment.audio);
            looked.parts.insert(file.clone(), parts);
        }
        if self.depth == Depth::Content
            && let Err(what) = self.content(looked.row, segment, folder.as_deref())
        {
            self.found(at, &file, Kind::Damaged, what, Some(segment.id));
        }
        Ok(())
    }

    fn content(&self, asset: &AssetRow, segment: &SegmentRow, folder: Option<&Path>) -> Result<(), String> {
        let hash = match folder {
            Some(folder) => {
                samples(folder, segment)?;
                let mut hash = Sha256::new();
                let path = folder.join(segment.name.file(SEGMENT));
                hash_file(&path, u64::MAX, &mut hash).map_err(|error| error.to_string())?;
                hash
            }
            None => self.hash_of_object(asset, segment)?,
        };
        if segment.sha256 != NO_HASH && <[u8; 32]>::from(hash.finalize()) != segment.sha256 {
            return Err("its SHA-256 is not that of what was recorded".to_owned());
        }
        Ok(())
    }

    fn hash_of_object(&self, asset: &AssetRow, segment: &SegmentRow) -> Result<Sha256, String> {
        let store = self
            .subject
            .stores
            .get(&asset.store)
            .ok_or("there is no such store")?;
        let (name, mut hash, mut at) = (segment.name.file(SEGMENT), Sha256::new(), 0);
        while at < segment.bytes {
            let range = at..segment.bytes.min(at + MAX_READ);
            let got = self
                .subject
                .runtime
                .block_on(store.get(&asset.name, &name, Some(range)));
            let got = got.map_err(|error| error.to_string())?;
            if got.is_empty() {
                return Err(format!("it ends after {at} bytes"));
            }
            hash.update(&got);
            at += got.len() as u64;
        }
        Ok(hash)
    }

    /// Each epoch that has a segment in the store needs its init segments there.
    fn inits(&mut self, looked: &mut Looked<'_>) -> Result<(), RecordingError> {
        let used: BTreeSet<_> = looked
            .parts
            .keys()
            .filter_map(|file| SegmentName::parse(file.strip_suffix(SEGMENT)?))
            .map(|name| name.epoch)
            .collect();
        for epoch in self.subject.index.epochs(looked.row.id)? {
            for (kind, known) in [(TrackKind::Video, &epoch.video), (TrackKind::Audio, &epoch.audio)] {
                let name = epoch.epoch.init(kind);
                let there = looked.left.remove(&name).is_some();
                if known.is_some() && !there && looked.reachable && used.contains(&epoch.epoch) {
                    let at = (looked.row.store.as_str(), looked.row.name.as_str());
                    self.found(at, &name, Kind::Init, String::new(), None);
                }
            }
        }
        Ok(())
    }

    fn playlists(&mut self, looked: &mut Looked<'_>) -> Result<(), RecordingError> {
        if !looked.reachable {
            return Ok(());
        }
        let at = (looked.row.store.as_str(), looked.row.name.as_str());
        let mut sound = true;
        for (name, id) in &looked.playlists {
            let Some(segment) = self.subject.index.segment(*id)? else {
                continue;
            };
            let again = self.subject.index.is_listed_again(&segment)?;
            sound &= !again;
            if !looked.left.contains_key(name) && !again {
                self.found(at, name, Kind::Playlist, "it is missing".to_owned(), Some(*id));
                sound = false;
            }
        }
        let any = looked.playlists.values().next().copied();
        if sound && any.is_some() && !looked.left.contains_key(INDEX) {
            self.found(at, INDEX, Kind::Playlist, "it is missing".to_owned(), any);
            sound = false;
        }
        if sound && any.is_some() && self.depth == Depth::Content && looked.row.store == LOCAL {
            let mut report = Report::default();
            playlist::verify(
                &self.subject.local.join(&looked.row.name),
                &looked.parts,
                &mut report,
            )?;
            for problem in report.problems {
                self.found(at, INDEX, Kind::Playlist, problem, any);
            }
        }
        Ok(())
    }

    /// What the store has and nobody asked for.
    fn left_over(&mut self, looked: &Looked<'_>) -> Result<(), RecordingError> {
        let at = (looked.row.store.as_str(), looked.row.name.as_str());
        for name in looked.left.keys() {
            if self.subject.index.is_removal(at.0, at.1, name)? {
                self.found(
                    at,
                    name,
                    Kind::Garbage,
                    "its removal was not finished".to_owned(),
                    None,
                );
            } else if name.strip_suffix(SEGMENT).and_then(SegmentName::parse).is_some() {
                self.found(at, name, Kind::Unknown, String::new(), None);
            }
        }
        Ok(())
    }
}

/// Every sample of a segment, and whether they are where the index says.
fn samples(folder: &Path, segment: &SegmentRow) -> Result<(), String> {
    let path = folder.join(segment.name.file(SEGMENT));
    let text = |error: RecordingError| error.to_string();
    let tracks = scan::tracks(folder, &segment.name.epoch).map_err(text)?;
    let (file, _) = scan::open(&path).map_err(text)?;
    let mut input = BufReader::new(file);
    let mut report = Report::default();
    let mut checks: BTreeMap<u32, Checks> = BTreeMap::new();
    let read = scan::segment(folder, &segment.name, &tracks, |samples: &[Sample]| {
        for sample in samples {
            if let Some(track) = tracks.iter().find(|track| track.id == sample.track) {
                let checks = checks.entry(track.id).or_default();
                checks.sample(track, sample, &mut report);
                checks.content(&mut input, track, sample, &mut report);
            }
        }
    });
    if read.map_err(text)? != (segment.video, segment.audio) {
        return Err("it holds other media than the index says".to_owned());
    }
    match report.problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}
