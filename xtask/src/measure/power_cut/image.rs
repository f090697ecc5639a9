//! What a power cut leaves on the disk: a tree of files that can be written into a folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::disk::{Change, Disk, Node, ROOT};
use crate::measure::chance::Chance;

/// What a disk writes at once.
const PAGE: u64 = 4096;
/// As the host makes them.
const OWNER_ONLY_DIRECTORY: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;

/// What of that which was not synced has reached the disk all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survival {
    /// Nothing.
    Synced,
    /// Changes of directories up to some moment after the last sync of anything, as a journal keeps them; any pages of files.
    Journal,
    /// Any changes of directories, any pages of files.
    Any,
}

impl Survival {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Synced => "only what was synced",
            Self::Journal => "what was synced, directories up to some moment, some pages",
            Self::Any => "what was synced, some changes of directories, some pages",
        }
    }
}

/// Files with their content, and directories, by path below the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image(pub(super) BTreeMap<PathBuf, Option<Vec<u8>>>);

/// Cuts the power.
///
/// # Errors
/// When the model is at odds with itself.
pub(super) fn cut(disk: &Disk, survival: Survival, chance: &mut Chance) -> Result<Image> {
    let chosen = Chosen {
        survival,
        up_to: match survival {
            Survival::Journal => {
                disk.committed() + chance.below(disk.changes().saturating_sub(disk.committed()) + 1)
            }
            _ => 0,
        },
        salt: chance.next(),
        // Sometimes nearly all has been written, sometimes nearly nothing.
        pages: chance.part(),
    };
    let mut image = Image::default();
    let mut waiting = vec![(ROOT, PathBuf::new())];
    while let Some((id, path)) = waiting.pop() {
        match disk.nodes.get(id).context("an entry leads nowhere")? {
            Node::Directory { synced, pending, .. } => {
                let mut entries: BTreeMap<OsString, usize> = synced.clone();
                for (number, entry) in pending {
                    if chosen.entry(*number) {
                        entry.apply(&mut entries);
                    }
                }
                waiting.extend(entries.into_iter().map(|(name, id)| (id, path.join(name))));
                image.0.insert(path, None);
            }
            Node::File { synced, pending, .. } => {
                let mut content = synced.clone();
                for (_, change) in pending {
                    chosen.change(change, &mut content, chance)?;
                }
                image.0.insert(path, Some(content));
            }
        }
    }
    Ok(image)
}

struct Chosen {
    survival: Survival,
    up_to: u64,
    salt: u64,
    pages: f64,
}

impl Chosen {
    /// Decided by the number, so that both halves of a rename fare the same.
    fn entry(&self, number: u64) -> bool {
        match self.survival {
            Survival::Synced => false,
            Survival::Journal => number <= self.up_to,
            Survival::Any => Chance::new(self.salt ^ number).part() < 0.5,
        }
    }

    fn change(&self, change: &Change, content: &mut Vec<u8>, chance: &mut Chance) -> Result<()> {
        if self.survival == Survival::Synced {
            return Ok(());
        }
        let Change::Write { at, data } = change else {
            if chance.part() < self.pages {
                change.apply(content)?;
            }
            return Ok(());
        };
        let mut begin = 0;
        while begin < data.len() {
            let place = at + begin as u64;
            let room = usize::try_from(PAGE - place % PAGE)?;
            let end = data.len().min(begin + room);
            if chance.part() < self.pages {
                let page = Change::Write {
                    at: place,
                    data: data.get(begin..end).unwrap_or_default().to_vec(),
                };
                page.apply(content)?;
            }
            begin = end;
        }
        Ok(())
    }
}

impl Image {
    /// Everything that a program saw: as if the disk had been unmounted in good order.
    ///
    /// # Errors
    /// When the model is at odds with itself.
    pub(super) fn seen(disk: &Disk) -> Result<Self> {
        let mut image = Self::default();
        let mut waiting = vec![(ROOT, PathBuf::new())];
        while let Some((id, path)) = waiting.pop() {
            match disk.nodes.get(id).context("an entry leads nowhere")? {
                Node::Directory { seen, .. } => {
                    waiting.extend(seen.iter().map(|(name, id)| (*id, path.join(name))));
                    image.0.insert(path, None);
                }
                Node::File { .. } => {
                    let content = disk.content(id)?;
                    image.0.insert(path, Some(content));
                }
            }
        }
        Ok(image)
    }

    /// Reads a real folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut image = Self::default();
        let mut waiting = vec![PathBuf::new()];
        while let Some(path) = waiting.pop() {
            let real = folder.join(&path);
            if real.is_dir() {
                for entry in fs::read_dir(&real)? {
                    waiting.push(path.join(entry?.file_name()));
                }
                image.0.insert(path, None);
            } else {
                let content = fs::read(&real).with_context(|| format!("cannot read {}", real.display()))?;
                image.0.insert(path, Some(content));
            }
        }
        Ok(image)
    }

    /// Writes it into a folder, which is emptied before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        // Parents stand before what is in them.
        for (path, content) in &self.0 {
            let real = folder.join(path);
            let written = match content {
                None => fs::DirBuilder::new()
                    .mode(OWNER_ONLY_DIRECTORY)
                    .recursive(true)
                    .create(&real),
                Some(content) => write_file(&real, content),
            };
            written.with_context(|| format!("cannot write {}", real.display()))?;
        }
        Ok(())
    }
}

fn write_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY_FILE)
        .open(path)?;
    std::io::Write::write_all(&mut file, content)
}
