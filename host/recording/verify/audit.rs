//! The index against the files: what each says that the other does not.
//!
//! Changes nothing. For a host that is stopped: what a running one is about to do would look wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use super::{Checks, Report, playlist};
use crate::media::TrackKind;
use crate::media::mp4::read::Sample;
use crate::recording::RecordingError;
use crate::recording::asset::name::{AUDIO_PART, SEGMENT, SegmentName, VIDEO_PART};
use crate::recording::asset::segment::hash_file;
use crate::recording::asset::{playlist::INDEX, scan};
use crate::recording::index::{AssetRow, Index, SegmentId, SegmentRow, SegmentState};
use crate::recording::store::{AssetStore, LOCAL, MAX_READ};

/// Rows that are read at a time.
const PAGE: u32 = 500;
/// Findings that are kept; more are counted.
pub const MAX_FINDINGS: usize = 10_000;
/// What is unknown of a segment that an earlier version recorded.
const NO_HASH: [u8; 32] = [0; 32];

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Whether they are there, and nothing else is.
    Presence,
    /// Their sizes, too.
    #[default]
    Size,
    /// All of their bytes: SHA-256 and every sample.
    Content,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The index has a segment of which there is no file.
    Missing,
    /// The file has another size.
    Size,
    /// The file has other bytes than were recorded, or cannot be read as media.
    Damaged,
    /// A segment that the index does not have.
    Unknown,
    /// A segment that was open when the host was cut off.
    Unfinished,
    /// An init segment is missing, without which segments cannot be played.
    Init,
    /// A file that nothing refers to any more.
    Garbage,
    /// A playlist is missing, or names what is not so.
    Playlist,
}

impl Kind {
    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "the file is missing",
            Self::Size => "the file has another size",
            Self::Damaged => "the file is damaged",
            Self::Unknown => "the index does not know it",
            Self::Unfinished => "it was cut off",
            Self::Init => "the init segment is missing",
            Self::Garbage => "it is needed no more",
            Self::Playlist => "the playlist is wrong",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The store that it belongs to.
    pub store: String,
    /// The asset; a folder of the cache when it is not known.
    pub asset: String,
    /// The file's name.
    pub file: String,
    /// What is wrong.
    pub problem: Kind,
    /// More about it.
    pub detail: String,
    /// It was put right.
    pub repaired: bool,
    /// The row that it is about.
    #[serde(skip)]
    pub segment: Option<SegmentId>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Assets.
    pub assets: u64,
    /// Segments in the index.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What is wrong, by asset and file.
    pub findings: Vec<Finding>,
    /// What is wrong and not listed.
    pub more: u64,
    /// Stores that could not be looked at, and why.
    pub unreachable: BTreeMap<String, String>,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Is told how far it is: segments that were looked at. False stops it.
pub type Progress<'a> = dyn FnMut(u64) -> bool + 'a;

/// What is looked at.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The index.
    pub index: &'a Index,
    /// The folder of the local store.
    pub local: &'a Path,
    /// The folders that sinks cache below.
    pub caches: Vec<PathBuf>,
    /// The stores by name.
    pub stores: &'a BTreeMap<String, Arc<dyn AssetStore>>,
    /// Where their work is done. This thread must be one that may block.
    pub runtime: Handle,
}

/// Looks at everything.
///
/// # Errors
/// When the index cannot be read. A store that cannot be reached is told in the result.
pub fn audit(
    subject: &Subject<'_>,
    depth: Depth,
    progress: &mut Progress<'_>,
) -> Result<Audit, RecordingError> {
    let mut work = Work {
        subject,
        depth,
        progress,
        out: Audit::default(),
    };
    for asset in subject.index.assets()? {
        if !work.out.interrupted {
            work.asset(&asset)?;
        }
    }
    if !work.out.interrupted {
        work.strangers()?;
        work.caches()?;
        work.garbage()?;
    }
    let mut out = work.out;
    out.findings.sort_by(|one, other| {
        (&one.store, &one.asset, &one.file).cmp(&(&other.store, &other.asset, &other.file))
    });
    Ok(out)
}

struct Work<'a, 'p> {
    subject: &'a Subject<'a>,
    depth: Depth,
    progress: &'a mut Progress<'p>,
    out: Audit,
}

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
    fn found(
        &mut self,
        asset: (&str, &str),
        file: &str,
        problem: Kind,
        detail: String,
        segment: Option<SegmentId>,
    ) {
        if self.out.findings.len() >= MAX_FINDINGS {
            self.out.more += 1;
            return;
        }
        self.out.findings.push(Finding {
            store: asset.0.to_owned(),
            asset: asset.1.to_owned(),
            file: file.to_owned(),
            problem,
            detail,
            repaired: false,
            segment,
        });
    }

    fn asset(&mut self, row: &AssetRow) -> Result<(), RecordingError> {
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

    /// What a store has of an asset; none when it cannot be asked.
    fn list(&mut self, store: &str, asset: &str) -> Option<HashMap<String, u64>> {
        if self.out.unreachable.contains_key(store) {
            return None;
        }
        let listed = match self.subject.stores.get(store) {
            None => Err("the configuration has no such store".to_owned()),
            Some(objects) => {
                let listed = self.subject.runtime.block_on(objects.list(asset));
                listed.map_err(|error| error.to_string())
            }
        };
        match listed {
            Ok(objects) => Some(objects.into_iter().map(|one| (one.name, one.bytes)).collect()),
            Err(error) => {
                self.out.unreachable.insert(store.to_owned(), error);
                None
            }
        }
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

    /// Assets of stores that the index does not have at all.
    fn strangers(&mut self) -> Result<(), RecordingError> {
        for (store, objects) in self.subject.stores {
            if self.out.unreachable.contains_key(store) {
                continue;
            }
            let names = match self.subject.runtime.block_on(objects.assets()) {
                Ok(names) => names,
                Err(error) => {
                    self.out.unreachable.insert(store.clone(), error.to_string());
                    continue;
                }
            };
            for name in names {
                if self.subject.index.find_asset(store, &name)?.is_some() {
                    continue;
                }
                let files = self.list(store, &name).unwrap_or_default();
                for file in files.keys() {
                    let removal = self.subject.index.is_removal(store, &name, file)?;
                    let segment = file.strip_suffix(SEGMENT).and_then(SegmentName::parse).is_some();
                    if removal {
                        self.found(
                            (store, &name),
                            file,
                            Kind::Garbage,
                            "its removal was not finished".to_owned(),
                            None,
                        );
                    } else if segment {
                        self.found((store, &name), file, Kind::Unknown, String::new(), None);
                    }
                }
            }
        }
        Ok(())
    }

    /// What stands in the cache without a row.
    fn caches(&mut self) -> Result<(), RecordingError> {
        for folder in self.subject.caches.iter().flat_map(|place| asset_folders(place)) {
            let known: BTreeSet<String> = self
                .subject
                .index
                .in_folder(&folder)?
                .iter()
                .map(|row| row.name.file(SEGMENT))
                .collect();
            let shown = folder.display().to_string();
            for name in scan::list(&folder)? {
                let open = [VIDEO_PART, AUDIO_PART].iter().any(|end| name.ends_with(end));
                if open {
                    self.found(("cache", &shown), &name, Kind::Unfinished, String::new(), None);
                } else if name.ends_with(SEGMENT) && !known.contains(&name) {
                    self.found(("cache", &shown), &name, Kind::Unknown, String::new(), None);
                }
            }
        }
        Ok(())
    }

    fn garbage(&mut self) -> Result<(), RecordingError> {
        for path in self.subject.index.garbage()? {
            let folder = path.parent().unwrap_or(&path).display().to_string();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // Found before as something without a row.
            self.out
                .findings
                .retain(|one| one.asset != folder || one.file != name);
            if path.exists() {
                self.found(
                    ("cache", &folder),
                    &name,
                    Kind::Garbage,
                    "its removal was not finished".to_owned(),
                    None,
                );
            }
        }
        Ok(())
    }
}

/// `INSTANCE/NODE/ASSET` below a place, in order. Not through links: what they lead to is not ours.
pub(super) fn asset_folders(place: &Path) -> Vec<PathBuf> {
    let mut folders = vec![place.to_owned()];
    for _ in 0..3 {
        folders = folders.iter().flat_map(|folder| folders_in(folder)).collect();
    }
    folders
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let folders = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
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
