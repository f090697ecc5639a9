//! What this process has seen in the cache with its own eyes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::boxes::{Fragment, fragments};
use crate::measure::azurite::Azurite;
use crate::measure::recordings::{self, Key};

/// What segments are called.
const SEGMENT: &str = ".m4s";

/// A sealed segment.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
    /// Of video.
    pub(super) fragments: Vec<Fragment>,
    /// It stands in the container.
    pub(super) kept: bool,
}

impl Segment {
    fn read(file: &[u8]) -> Result<Self> {
        Ok(Self {
            bytes: file.len() as u64,
            sha256: Sha256::digest(file).into(),
            fragments: fragments(file)?,
            kept: false,
        })
    }
}

/// Every segment that was ever there.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) segments: BTreeMap<Key, Segment>,
    /// Segments in the container that are not what was seen before.
    pub(super) changed: u64,
}

impl Ledger {
    /// Notes what is new in the cache.
    ///
    /// # Errors
    /// When a sealed segment is none.
    pub(super) fn look(&mut self, state: &Path) -> Result<()> {
        for (key, path) in recordings::sealed(state)? {
            if self.segments.contains_key(&key) {
                continue;
            }
            // One that has gone meanwhile has reached the container: nothing is dropped so soon.
            if let Ok(file) = std::fs::read(&path) {
                let segment = Segment::read(&file).with_context(|| path.display().to_string())?;
                self.segments.insert(key, segment);
            }
        }
        Ok(())
    }

    /// Bytes of the sealed segments of a camera so far.
    pub(super) fn bytes_of(&self, camera: &str) -> u64 {
        self.of(camera).map(|(_, segment)| segment.bytes).sum()
    }

    /// The segments of a camera.
    pub(super) fn of<'a>(&'a self, camera: &'a str) -> impl Iterator<Item = (&'a Key, &'a Segment)> {
        self.segments.iter().filter(move |(key, _)| {
            let rest = key.asset.strip_prefix(camera);
            rest.is_some_and(|rest| rest.starts_with('-'))
        })
    }

    /// Compares with what the container holds, byte by byte, and adds what went up before it was seen.
    ///
    /// # Errors
    /// When the container cannot be read, or holds what is no segment.
    pub(super) fn compare(&mut self, container: &Azurite) -> Result<()> {
        for name in container.list()?.into_keys() {
            let Some((asset, file)) = name.split_once('/').filter(|_| name.ends_with(SEGMENT)) else {
                continue;
            };
            let key = Key {
                asset: asset.to_owned(),
                file: file.to_owned(),
            };
            let there = Segment::read(&container.get(&name)?).with_context(|| name.clone())?;
            let seen = self.segments.entry(key).or_insert_with(|| there.clone());
            if seen.sha256 != there.sha256 {
                self.changed += 1;
            }
            seen.kept = true;
        }
        Ok(())
    }
}
