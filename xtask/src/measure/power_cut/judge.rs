//! What a host makes of a disk after a power cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::image::Image;
use super::recorder::STATE;
use super::rows::{self, Rows};
use crate::measure::chance::Chance;
use crate::measure::recordings::{self, Content, Key};
use crate::measure::serve::Host;

/// What is wrong, and how much there was to go wrong.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Acknowledged segments that are gone or have changed.
    pub(super) lost: usize,
    pub(super) acknowledged: usize,
    /// Segments that had a row.
    pub(super) rows: usize,
    pub(super) rows_without_segment: usize,
    /// Hosts that did not start, or did not end in good order.
    pub(super) refused: usize,
    pub(super) broken: usize,
    pub(super) left_over: usize,
    pub(super) played: usize,
    /// In words.
    pub(super) findings: Vec<String>,
}

impl Verdict {
    pub(super) fn add(&mut self, what: &str, other: Self) {
        self.lost += other.lost;
        self.acknowledged += other.acknowledged;
        self.rows += other.rows;
        self.rows_without_segment += other.rows_without_segment;
        self.refused += other.refused;
        self.broken += other.broken;
        self.left_over += other.left_over;
        self.played += other.played;
        self.findings
            .extend(other.findings.iter().map(|finding| format!("{what}: {finding}")));
    }
}

/// Rebuilds disks in one place: the one that the index names.
#[derive(Debug)]
pub(super) struct Judge {
    binary: PathBuf,
    state: PathBuf,
    scratch: PathBuf,
    /// Where the first disk is kept on which something was wrong.
    kept: PathBuf,
}

impl Judge {
    pub(super) fn new(binary: &Path, folder: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            state: folder.join(STATE),
            scratch: folder.join("scratch"),
            kept: folder.join("finding"),
        }
    }

    /// Starts a host on a disk, ends it, and compares.
    ///
    /// # Errors
    /// When the disk cannot be rebuilt or read; whatever the host does wrong is in the verdict.
    pub(super) fn judge(&mut self, image: &Image, chance: &mut Chance) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        image.write(&self.state)?;
        let mut acknowledged = BTreeMap::new();
        for (key, path) in recordings::sealed(&self.state)? {
            acknowledged.insert(key, recordings::content(&path)?);
        }
        self.judge_rows(&mut acknowledged, &mut verdict)?;
        verdict.acknowledged = acknowledged.len();
        if let Err(error) = self.live() {
            verdict.refused += 1;
            verdict.findings.push(format!("{error:#}"));
        }
        self.judge_segments(&acknowledged, &mut verdict)?;
        for problem in recordings::unsound(&self.binary, &self.state)? {
            verdict.broken += 1;
            verdict.findings.push(problem);
        }
        self.play_one(chance, &mut verdict)?;
        if !verdict.findings.is_empty() && !self.kept.exists() {
            image.write(&self.kept)?;
            verdict.findings.push(format!(
                "this disk, before a host saw it: {}",
                self.kept.display()
            ));
        }
        Ok(verdict)
    }

    /// A row implies its whole file, before any host has looked at the disk.
    fn judge_rows(&self, acknowledged: &mut BTreeMap<Key, Content>, verdict: &mut Verdict) -> Result<()> {
        let rows = self.rows()?;
        if let Some(complaint) = rows.unsound {
            verdict.rows_without_segment += 1;
            verdict.findings.push(format!("the index: {complaint}"));
        }
        verdict.rows = rows.segments.len();
        for (key, content) in rows.segments {
            if acknowledged.get(&key) != Some(&content) {
                verdict.rows_without_segment += 1;
                verdict.findings.push(format!(
                    "{}/{} has a row, and is not there as the row says",
                    key.asset, key.file
                ));
            }
            acknowledged.entry(key).or_insert(content);
        }
        Ok(())
    }

    fn rows(&self) -> Result<Rows> {
        if !self.state.join(rows::FILE).exists() {
            return Ok(Rows::default());
        }
        if self.scratch.exists() {
            std::fs::remove_dir_all(&self.scratch)?;
        }
        std::fs::create_dir_all(&self.scratch)?;
        for ending in rows::WITH {
            let name = format!("{}{ending}", rows::FILE);
            let from = self.state.join(&name);
            if from.exists() {
                std::fs::copy(&from, self.scratch.join(&name)).context("cannot copy the index")?;
            }
        }
        rows::read(&self.scratch.join(rows::FILE))
    }

    /// A host puts the disk in order and carries everything to the store; its cameras are away.
    fn live(&self) -> Result<()> {
        let mut host = Host::start(&self.binary, &self.state)?;
        host.stop()
    }

    fn judge_segments(&self, acknowledged: &BTreeMap<Key, Content>, verdict: &mut Verdict) -> Result<()> {
        let found = recordings::sealed(&self.state)?;
        for (key, wanted) in acknowledged {
            let now = found.get(key).map(|path| recordings::content(path)).transpose()?;
            if now != Some(*wanted) {
                verdict.lost += 1;
                let what = if now.is_some() { "has changed" } else { "is gone" };
                verdict
                    .findings
                    .push(format!("{}/{} {what}", key.asset, key.file));
            }
        }
        for path in recordings::unfinished(&self.state)? {
            verdict.left_over += 1;
            verdict.findings.push(format!("left over: {}", path.display()));
        }
        Ok(())
    }

    fn play_one(&self, chance: &mut Chance, verdict: &mut Verdict) -> Result<()> {
        let playlists = recordings::playlists(&self.state)?;
        let chosen = chance.below(playlists.len() as u64);
        let Some(playlist) = playlists.get(usize::try_from(chosen)?) else {
            return Ok(());
        };
        verdict.played += 1;
        if let Some(problem) = recordings::unplayable(playlist)? {
            verdict.broken += 1;
            verdict.findings.push(problem);
        }
        Ok(())
    }
}
