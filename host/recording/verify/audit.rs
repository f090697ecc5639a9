//! The index against the files: what each says that the other does not.
//!
//! Changes nothing. For a host that is stopped: what a running one is about to do would look wrong.

mod asset;
mod findings;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;

pub use self::findings::{Audit, Depth, Finding, Kind};
use crate::recording::RecordingError;
use crate::recording::asset::name::{AUDIO_PART, SEGMENT, SegmentName, VIDEO_PART};
use crate::recording::asset::scan;
use crate::recording::index::{Index, SegmentId};
use crate::recording::store::AssetStore;

/// Findings that are kept; more are counted.
pub const MAX_FINDINGS: usize = 10_000;

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
