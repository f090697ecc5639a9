//! Files of lines that are appended to and rotated by size: `x.jsonl` becomes `x.jsonl.1`, that becomes `.2`, and so on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that would become larger is put aside.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// So many of those are kept.
pub const MAX_ROTATED_FILES: u32 = 4;

const OWNER_ONLY_FILE: u32 = 0o600;

/// When a file is put aside, and how many of those are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A file that would become larger is put aside.
    pub bytes: u64,
    /// So many of those are kept; none: it begins anew.
    pub kept: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            bytes: MAX_FILE_BYTES,
            kept: MAX_ROTATED_FILES,
        }
    }
}

/// One file; opened when the first line comes, and again after a failure.
#[derive(Debug, Default)]
pub struct RotatedFile {
    open: Option<(File, u64)>,
}

impl RotatedFile {
    /// Appends a line, whose end it has; puts the file aside before it if need be.
    ///
    /// # Errors
    /// When the operating system refuses. A part of the line may stand in the file; it does not swallow the next.
    pub fn write(&mut self, path: &Path, line: &[u8], rotation: Rotation) -> io::Result<()> {
        let length = line.len() as u64;
        let full = |size: u64| size > 0 && size.saturating_add(length) > rotation.bytes;
        if self.open.as_ref().is_some_and(|(_, size)| full(*size)) {
            self.open = None;
            rotate(path, rotation.kept)?;
        }
        let (mut file, mut size) = match self.open.take() {
            Some(open) => open,
            None => open(path)?,
        };
        if full(size) {
            // It was full already when it was opened.
            rotate(path, rotation.kept)?;
            (file, size) = open(path)?;
        }
        file.write_all(line)?;
        self.open = Some((file, size.saturating_add(length)));
        Ok(())
    }

    /// Makes what was written survive a power cut, with the name of the file.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn sync(&self, path: &Path) -> io::Result<()> {
        if let Some((file, _)) = &self.open {
            file.sync_data()?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// The name of a file that was put aside; 1 is the newest.
#[must_use]
pub fn aside(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Opens a file at its end; a line that a crash has cut off does not swallow the next.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(OWNER_ONLY_FILE);
    let mut file = options.open(path)?;
    let mut size = file.metadata()?.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}

fn rotate(path: &Path, kept: u32) -> io::Result<()> {
    if kept == 0 {
        return fs::remove_file(path);
    }
    for number in (1..kept).rev() {
        match fs::rename(aside(path, number), aside(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, aside(path, 1))
}
