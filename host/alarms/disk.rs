//! How much room the disk has.

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
