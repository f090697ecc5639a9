//! How much room a disk has, and how much of it must stay free.

use std::io;
use std::path::Path;

/// The room of a file system, for an ordinary user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that can still be written.
    pub free: u64,
    /// Bytes that there are.
    pub total: u64,
    /// Files that can still be made; none when the file system does not count them.
    pub free_files: Option<u64>,
}

/// Asks the file system of a path. Blocks.
///
/// # Errors
/// When the operating system refuses.
pub fn space(path: &Path) -> io::Result<Space> {
    let of = rustix::fs::statvfs(path)?;
    Ok(Space {
        free: of.f_bavail.saturating_mul(of.f_frsize),
        total: of.f_blocks.saturating_mul(of.f_frsize),
        free_files: (of.f_files > 0).then_some(of.f_favail),
    })
}

/// Which file system something is on. Blocks.
///
/// # Errors
/// When the operating system refuses.
pub fn device(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata(path)?.dev())
}

/// What stays free on a disk: the smaller of the two that are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepFree {
    /// A share of the disk.
    pub percent: Option<u8>,
    /// Bytes.
    pub bytes: Option<u64>,
}

impl KeepFree {
    /// The bytes that stay free of a disk of `total` bytes.
    #[must_use]
    pub fn of(self, total: u64) -> u64 {
        let share = self
            .percent
            .map(|percent| total / 100 * u64::from(percent.min(100)));
        [share, self.bytes].into_iter().flatten().min().unwrap_or(0)
    }
}

/// The smaller of 5 percent and 10 GiB.
impl Default for KeepFree {
    fn default() -> Self {
        Self {
            percent: Some(5),
            bytes: Some(10 << 30),
        }
    }
}
