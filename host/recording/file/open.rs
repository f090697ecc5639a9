//! The file that is being written, and how it is finished.

use std::fs::File;
use std::io::{BufReader, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::media::mp4::read::{Fragments, movie};
use crate::media::mp4::tables::TrackTables;
use crate::media::mp4::write::{
    complete_moov, covering_mdat, file_type, fragment_header, fragmented_moov, placeholder, track_id,
};
use crate::media::mp4::{Mp4Error, VIDEO_TRACK};
use crate::media::{StreamFormat, Ticks, TrackKind};
use crate::recording::fragmenter::Fragment;
use crate::recording::storage::{Storage, StorageFile, identity, is_still};
use crate::recording::{RecordingError, Totals};

#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    file: Box<dyn StorageFile>,
    /// Which file it is.
    identity: Option<(u64, u64)>,
    units: u64,
    formats: Vec<Arc<StreamFormat>>,
    // Written with the first fragment, in one go.
    head: Vec<u8>,
    placeholder: u64,
    length: u64,
    origin: u64,
    end: u64,
    sequence: u32,
}

impl OpenFile {
    pub(super) fn begin(
        path: PathBuf,
        file: Box<dyn StorageFile>,
        origin: u64,
        formats: Vec<Arc<StreamFormat>>,
    ) -> Result<Self, RecordingError> {
        let mut head = file_type().map_err(RecordingError::media(&path))?;
        let place = head.len() as u64;
        head.extend_from_slice(&placeholder());
        let all: Vec<&StreamFormat> = formats.iter().map(Arc::as_ref).collect();
        fragmented_moov(&all, &mut head).map_err(RecordingError::media(&path))?;
        Ok(Self {
            identity: identity(&path),
            units: 0,
            path,
            file,
            formats,
            head,
            placeholder: place,
            length: 0,
            origin,
            end: origin,
            sequence: 1,
        })
    }

    /// Whether it still has its name: people remove files, and disks are pulled out.
    pub(super) fn is_current(&self) -> bool {
        is_still(&self.path, self.identity)
    }

    /// How many access units were written to it.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn output(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The first decode time.
    pub(super) fn origin(&self) -> u64 {
        self.origin
    }

    /// How its sound is encoded.
    pub(super) fn sound(&self) -> Option<Arc<StreamFormat>> {
        let sound = self.formats.iter().find(|format| format.kind == TrackKind::Audio);
        sound.cloned()
    }

    /// One file has one codec per track, and its time does not step back.
    pub(super) fn continues(&self, fragment: &Fragment) -> bool {
        self.declares(fragment) && fragment.start >= self.end
    }

    fn declares(&self, fragment: &Fragment) -> bool {
        self.formats.contains(&fragment.format)
    }

    /// False for sound that the file's head does not declare, or that comes before its first picture.
    pub(super) fn append(&mut self, fragment: &Fragment) -> Result<bool, RecordingError> {
        if !self.declares(fragment) || fragment.start < self.origin {
            return Ok(false);
        }
        let start = fragment.start - self.origin;
        let header = fragment_header(fragment.kind(), self.sequence, start, &fragment.samples)
            .map_err(RecordingError::media(&self.path))?;
        let mut parts = Vec::with_capacity(fragment.data.len() + 2);
        if self.length == 0 {
            parts.push(IoSlice::new(&self.head));
        }
        parts.push(IoSlice::new(&header));
        parts.extend(fragment.data.iter().map(|data| IoSlice::new(data)));
        let bytes: u64 = parts.iter().map(|part| part.len() as u64).sum();
        self.file
            .write(self.length, &mut parts)
            .map_err(RecordingError::io("write", &self.path))?;
        self.length = self.length.saturating_add(bytes);
        self.sequence = self.sequence.wrapping_add(1);
        self.units = self.units.saturating_add(fragment.samples.len() as u64);
        if fragment.kind() == TrackKind::Video {
            self.end = fragment.end;
        }
        Ok(true)
    }

    /// Makes an ordinary file of it; may be repeated after a failure.
    pub(super) fn finish(&mut self, storage: &dyn Storage) -> Result<Totals, RecordingError> {
        let (moov, mut totals) = self.index().map_err(RecordingError::media(&self.path))?;
        let refused = |action| RecordingError::io(action, &self.path);
        self.file.truncate(self.length).map_err(refused("cut"))?;
        self.file
            .write(self.length, &mut [IoSlice::new(&moov)])
            .map_err(refused("write"))?;
        self.file.sync().map_err(refused("sync"))?;
        // From here on the second `moov` counts: the first is inside of `mdat`.
        let head = covering_mdat(self.length - self.placeholder);
        self.file
            .write(self.placeholder, &mut [IoSlice::new(&head)])
            .map_err(refused("write"))?;
        self.file.sync().map_err(refused("sync"))?;
        if let Some(parent) = self.path.parent() {
            storage
                .sync_dir(parent)
                .map_err(RecordingError::io("sync", parent))?;
        }
        totals.bytes = self.length.saturating_add(moov.len() as u64);
        Ok(totals)
    }

    /// Reads the fragments back rather than remembering each sample for hours.
    fn index(&self) -> Result<(Vec<u8>, Totals), Mp4Error> {
        let io = |source| Mp4Error::Io { offset: 0, source };
        let mut tables: Vec<TrackTables> = vec![TrackTables::default(); self.formats.len()];
        let declared = movie(&mut std::io::Cursor::new(&self.head), self.head.len() as u64)?;
        let input = BufReader::new(File::open(&self.path).map_err(io)?);
        let first = self.head.len() as u64;
        let mut totals = Totals::default();
        for fragment in Fragments::new(input, &declared.tracks, first..self.length) {
            for sample in fragment?.samples {
                let place = self
                    .formats
                    .iter()
                    .position(|format| track_id(format.kind) == sample.track);
                if let Some(table) = place.and_then(|place| tables.get_mut(place)) {
                    table.add(&sample);
                    totals.units = totals.units.saturating_add(1);
                }
                if sample.track == VIDEO_TRACK {
                    let end = sample.decode.saturating_add(u64::from(sample.duration));
                    totals.duration = Ticks(i64::try_from(end).unwrap_or(i64::MAX));
                }
            }
        }
        tables.iter_mut().for_each(TrackTables::finish);
        let tracks = self.formats.iter().map(Arc::as_ref).zip(&tables);
        // Sound that was expected and never came.
        let tracks: Vec<(&StreamFormat, &TrackTables)> =
            tracks.filter(|(_, table)| !table.is_empty()).collect();
        let mut moov = Vec::new();
        complete_moov(&tracks, &mut moov)?;
        Ok((moov, totals))
    }
}
