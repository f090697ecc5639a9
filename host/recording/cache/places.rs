//! The folders that sinks cache below, and whether they are still on the disk that they were on.
//!
//! Each carries a small file with an id. A disk that is not mounted leaves an empty folder behind on the disk below, which
//! recordings would fill until the machine stops; a disk of another host has segments that are not ours. Both are noticed before
//! the first byte, and at every segment.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::PoisonError;

use super::Cache;
use crate::recording::RecordingError;
use crate::recording::index::Place;
use crate::recording::storage::replace;

/// Holds the id.
pub(super) const VOLUME_FILE: &str = ".mediagraph-volume";
/// More is not read of it, in bytes.
const MAX_ID: usize = 256;

/// What is found where a place should be.
enum Found {
    /// The file with this id.
    Id(String),
    /// No file.
    Nothing,
}

impl Cache {
    /// Makes sure that the place of a sink is the one it was; makes one that is new.
    pub(super) fn enter_place(&self, sink: &Path) -> Result<(), RecordingError> {
        self.enter_root(root_of(sink))
    }

    pub(super) fn enter_root(&self, root: &Path) -> Result<(), RecordingError> {
        if self.is_entered(root)? {
            return Ok(());
        }
        // Of sinks that start at the same time each would give a new place an id of its own.
        let _places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.index().place(root)?.filter(Place::is_marked);
        match (known, read(root)?) {
            (Some(place), Found::Id(id)) if place.volume == id => Ok(()),
            (Some(place), Found::Id(id)) => Err(wrong(&place, format!("it carries the id `{id}`"))),
            (Some(place), Found::Nothing) => self.enter_emptied(place),
            (None, Found::Id(id)) if self.is_ours(&id) => self.remember(root, id),
            (None, Found::Id(id)) => {
                let place = Place {
                    path: root.to_owned(),
                    volume: self.new_id(),
                    apart: false,
                };
                let what = format!("it is used by another host, with the id `{id}`");
                Err(wrong(&place, what))
            }
            (None, Found::Nothing) => {
                // The index hears of a new place first: whatever a power cut leaves of the file is found at the next start.
                self.index().set_place(&Place::unmarked(root))?;
                self.mark(root, self.new_id())
            }
        }
    }

    /// Waits for nobody: a disk that hangs while it is entered holds up no sink on another one.
    fn is_entered(&self, root: &Path) -> Result<bool, RecordingError> {
        let Some(place) = self.index().place(root)? else {
            return Ok(false);
        };
        Ok(matches!(read(root)?, Found::Id(id) if id == place.volume))
    }

    /// The cheap look before each segment.
    pub(in crate::recording) fn check_place(&self, sink: &Path) -> Result<(), RecordingError> {
        self.enter_place(sink)
    }

    /// A known place without its id.
    fn enter_emptied(&self, place: Place) -> Result<(), RecordingError> {
        let apart = self.is_apart(&place.path)?;
        match (place.apart, apart) {
            (true, false) => Err(wrong(&place, "the disk is not mounted".to_owned())),
            (true, true) => Err(wrong(
                &place,
                format!("it has no `{VOLUME_FILE}`: another disk is mounted there"),
            )),
            // Somebody has emptied the folder, or mounted a disk where there was none: both are meant.
            (false, _) => self.mark(&place.path, place.volume),
        }
    }

    fn mark(&self, root: &Path, id: String) -> Result<(), RecordingError> {
        let path = root.join(VOLUME_FILE);
        self.storage()
            .create_dir_all(root)
            .map_err(RecordingError::io("create", root))?;
        replace(self.storage(), &path, &[id.as_bytes(), b"\n"], true)
            .map_err(RecordingError::io("write", &path))?;
        self.storage()
            .sync_dir(root)
            .map_err(RecordingError::io("sync", root))?;
        self.remember(root, id)
    }

    fn remember(&self, root: &Path, volume: String) -> Result<(), RecordingError> {
        let apart = self.is_apart(root)?;
        self.index().set_place(&Place {
            path: root.to_owned(),
            volume,
            apart,
        })?;
        Ok(())
    }

    fn new_id(&self) -> String {
        format!("{}-{}", self.host(), uuid::Uuid::new_v4().simple())
    }

    fn is_ours(&self, id: &str) -> bool {
        id.rsplit_once('-').is_some_and(|(host, _)| host == self.host())
    }

    /// Whether a folder is on another file system than the default cache, which is in the state directory.
    fn is_apart(&self, folder: &Path) -> Result<bool, RecordingError> {
        Ok(device(folder)? != device(self.root())?)
    }
}

/// The folder that a sink's is below: `ROOT/INSTANCE/NODE`.
fn root_of(sink: &Path) -> &Path {
    sink.ancestors().nth(2).unwrap_or(sink)
}

fn read(root: &Path) -> Result<Found, RecordingError> {
    let path = root.join(VOLUME_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let id = String::from_utf8_lossy(bytes.get(..MAX_ID).unwrap_or(&bytes))
                .trim()
                .to_owned();
            Ok(if id.is_empty() {
                Found::Nothing
            } else {
                Found::Id(id)
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(RecordingError::io("read", &path)(error)),
    }
}

/// Of the nearest folder that is there.
fn device(folder: &Path) -> Result<u64, RecordingError> {
    for existing in folder.ancestors() {
        match std::fs::metadata(existing) {
            Ok(found) => return Ok(found.dev()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(RecordingError::io("inspect", existing)(error)),
        }
    }
    Ok(0)
}

fn wrong(place: &Place, what: String) -> RecordingError {
    RecordingError::Volume {
        path: place.path.clone(),
        what,
        volume: place.volume.clone(),
        file: place.path.join(VOLUME_FILE),
    }
}
