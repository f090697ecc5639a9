//! A model of a disk: what a program sees, what a power cut leaves, and what it may leave.
//!
//! The contract is that of POSIX, which is less than most file systems keep: the content of a file is safe when the file was
//! synced, an entry of a directory (also that of a new directory in its parent) when the directory was synced.
//! Everything else may have reached the disk or not, page by page; only a rename is never seen half done.

mod node;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::strace::{Call, Place};
pub(super) use node::{Change, Node};
use node::{Entry, Id, take};

/// An open file: descriptors that were duplicated share one.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: Id,
    position: u64,
    append: bool,
}

/// The disk, as far as it lies below one directory.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    pub(super) nodes: Vec<Node>,
    descriptors: HashMap<i32, usize>,
    open: Vec<Open>,
    /// By thread: what will be synced, and up to which change.
    syncing: HashMap<u32, (Id, u64)>,
    changes: u64,
    committed: u64,
}

/// The directory that the disk begins with.
pub(super) const ROOT: Id = 0;

impl Disk {
    /// An empty one; `root` itself is there for good.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            nodes: vec![Node::directory()],
            descriptors: HashMap::new(),
            open: Vec::new(),
            syncing: HashMap::new(),
            changes: 0,
            committed: 0,
        }
    }

    /// How many changes there have been.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Up to which change a journal has been written: whatever is synced, it takes along what was done to directories before.
    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    /// Does what a call has done.
    ///
    /// # Errors
    /// When the call cannot have been: then the model is wrong, or calls are missing in the log.
    pub(super) fn apply(&mut self, call: &Call) -> Result<()> {
        self.changes += 1;
        match call {
            Call::Open {
                place,
                create,
                truncate,
                append,
                fd,
            } => self.open(place, *create, *truncate, *append, *fd),
            Call::Close { first, last } => {
                self.descriptors.retain(|fd, _| fd < first || fd > last);
                Ok(())
            }
            Call::Duplicate { from, to } => {
                match self.descriptors.get(from).copied() {
                    Some(open) => self.descriptors.insert(*to, open),
                    None => self.descriptors.remove(to),
                };
                Ok(())
            }
            Call::Seek { fd, position } => {
                if let Some(open) = self.opened(*fd) {
                    open.position = *position;
                }
                Ok(())
            }
            Call::Write { fd, at, data } => self.write(*fd, *at, data),
            Call::Truncate { fd, length } => self.length(*fd, |_| *length),
            Call::Extend { fd, length } => self.length(*fd, |now| now.max(*length)),
            Call::Copy { from, to, length } => self.copy(*from, *to, *length),
            Call::Rename { from, to } => self.rename(from, to),
            Call::Link { from, to } => {
                let Some(from) = self.below_root(from) else {
                    return Ok(());
                };
                let node = self
                    .find(&from)
                    .with_context(|| format!("{} is not there", from.display()))?;
                self.set(to, Some(node))
            }
            Call::Remove { place } => self.set(place, None),
            Call::MakeDirectory { place } => {
                self.nodes.push(Node::directory());
                let node = self.nodes.len() - 1;
                self.set(place, Some(node))
            }
            Call::SyncBegin { thread, fd } => {
                if let Some(open) = self.opened(*fd).copied() {
                    self.syncing.insert(*thread, (open.node, self.changes));
                }
                Ok(())
            }
            Call::SyncEnd { thread } => self.synced(*thread),
        }
    }

    fn opened(&mut self, fd: i32) -> Option<&mut Open> {
        let index = *self.descriptors.get(&fd)?;
        self.open.get_mut(index)
    }

    fn open(&mut self, place: &Place, create: bool, truncate: bool, append: bool, fd: i32) -> Result<()> {
        self.descriptors.remove(&fd);
        let Some(path) = self.below_root(place) else {
            return Ok(());
        };
        let node = match self.find(&path) {
            Some(node) => node,
            None if create => {
                self.nodes.push(Node::file());
                let node = self.nodes.len() - 1;
                self.set(place, Some(node))?;
                node
            }
            None => bail!("{} is opened and was never made", path.display()),
        };
        self.open.push(Open {
            node,
            position: 0,
            append,
        });
        self.descriptors.insert(fd, self.open.len() - 1);
        if truncate {
            self.length(fd, |_| 0)?;
        }
        Ok(())
    }

    fn write(&mut self, fd: i32, at: Option<u64>, data: &[u8]) -> Result<()> {
        let Some(open) = self.opened(fd).copied() else {
            return Ok(());
        };
        let end = self.file_length(open.node)?;
        let begin = if open.append {
            end
        } else {
            at.unwrap_or(open.position)
        };
        let after = begin + data.len() as u64;
        if at.is_none()
            && let Some(open) = self.opened(fd)
        {
            open.position = after;
        }
        let change = Change::Write {
            at: begin,
            data: data.to_vec(),
        };
        self.change(open.node, end.max(after), change)
    }

    fn length(&mut self, fd: i32, wanted: impl Fn(u64) -> u64) -> Result<()> {
        let Some(open) = self.opened(fd).copied() else {
            return Ok(());
        };
        let now = self.file_length(open.node)?;
        let wanted = wanted(now);
        if wanted == now {
            return Ok(());
        }
        self.change(open.node, wanted, Change::Length(wanted))
    }

    fn copy(&mut self, from: i32, to: i32, length: u64) -> Result<()> {
        let Some(source) = self.opened(from).copied() else {
            if self.opened(to).is_some() {
                bail!("a file of the disk is filled from one outside of it");
            }
            return Ok(());
        };
        let content = self.content(source.node)?;
        let begin = usize::try_from(source.position)?;
        let end = begin + usize::try_from(length)?;
        let data = content
            .get(begin..end)
            .context("more is copied than the file holds")?
            .to_vec();
        if let Some(open) = self.opened(from) {
            open.position += length;
        }
        self.write(to, None, &data)
    }

    fn change(&mut self, node: Id, new_length: u64, change: Change) -> Result<()> {
        let number = self.changes;
        match self.nodes.get_mut(node) {
            Some(Node::File { length, pending, .. }) => {
                *length = new_length;
                pending.push((number, change));
                Ok(())
            }
            _ => bail!("a directory is written to"),
        }
    }

    fn file_length(&self, node: Id) -> Result<u64> {
        match self.nodes.get(node) {
            Some(Node::File { length, .. }) => Ok(*length),
            _ => bail!("a directory is written to"),
        }
    }

    fn rename(&mut self, from: &Place, to: &Place) -> Result<()> {
        let Some(path) = self.below_root(from) else {
            return Ok(());
        };
        let node = self
            .find(&path)
            .with_context(|| format!("{} is not there", path.display()))?;
        self.set(to, Some(node))?;
        self.set(from, None)
    }

    /// Gives a path to something, or takes it away.
    fn set(&mut self, place: &Place, node: Option<Id>) -> Result<()> {
        let Some(path) = self.below_root(place) else {
            return Ok(());
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("the root itself is changed");
        };
        let parent_node = self
            .find(parent)
            .with_context(|| format!("{} is not there", parent.display()))?;
        let number = self.changes;
        let Some(Node::Directory { seen, pending, .. }) = self.nodes.get_mut(parent_node) else {
            bail!("{} is no directory", parent.display());
        };
        let entry = match node {
            Some(node) => Entry::Is(name.to_owned(), node),
            None => Entry::Gone(name.to_owned()),
        };
        entry.apply(seen);
        pending.push((number, entry));
        Ok(())
    }

    fn synced(&mut self, thread: u32) -> Result<()> {
        let Some((node, up_to)) = self.syncing.remove(&thread) else {
            return Ok(());
        };
        self.committed = self.committed.max(up_to);
        match self.nodes.get_mut(node).context("nothing is synced")? {
            Node::File { synced, pending, .. } => {
                for change in take(pending, up_to) {
                    change.apply(synced)?;
                }
            }
            Node::Directory { synced, pending, .. } => {
                take(pending, up_to).iter().for_each(|entry| entry.apply(synced));
            }
        }
        Ok(())
    }

    /// What a program reads now.
    ///
    /// # Errors
    /// When it is no file.
    pub(super) fn content(&self, node: Id) -> Result<Vec<u8>> {
        let Some(Node::File { synced, pending, .. }) = self.nodes.get(node) else {
            bail!("a directory is read");
        };
        let mut content = synced.clone();
        for (_, change) in pending {
            change.apply(&mut content)?;
        }
        Ok(content)
    }

    /// Relative to the root; none outside of it.
    fn below_root(&self, place: &Place) -> Option<PathBuf> {
        let path = match place.from {
            Some(fd) if place.path.is_relative() => {
                let node = self.open.get(*self.descriptors.get(&fd)?)?.node;
                self.path_of(node)?.join(&place.path)
            }
            _ => place.path.strip_prefix(&self.root).ok()?.to_owned(),
        };
        Some(path)
    }

    /// Where a directory is seen.
    fn path_of(&self, wanted: Id) -> Option<PathBuf> {
        let mut waiting = vec![(ROOT, PathBuf::new())];
        while let Some((id, path)) = waiting.pop() {
            if id == wanted {
                return Some(path);
            }
            if let Some(Node::Directory { seen, .. }) = self.nodes.get(id) {
                waiting.extend(seen.iter().map(|(name, id)| (*id, path.join(name))));
            }
        }
        None
    }

    /// What a program finds at a path below the root.
    pub(super) fn find(&self, path: &Path) -> Option<Id> {
        let mut id = ROOT;
        for component in path.components() {
            let name: &OsStr = match component {
                Component::Normal(name) => name,
                Component::CurDir => continue,
                _ => return None,
            };
            let Some(Node::Directory { seen, .. }) = self.nodes.get(id) else {
                return None;
            };
            id = *seen.get(name)?;
        }
        Some(id)
    }
}

#[cfg(test)]
mod tests;
