//! Where recordings are kept for good: behind one small trait, a folder or a container in a cloud.
//!
//! An asset is a folder, or a prefix: init segments, immutable segments, and playlists beside them. The name of what is put is a
//! pure function of its content's asset, start and writer, so putting it again after an answer was lost changes nothing.
//!
//! A store never retries and never waits without a bound: the queue in front of it (`upload`) does the waiting, so that "paused"
//! and "hanging" can be told apart.

pub mod azure;
pub mod directory;
mod error;
mod settings;

use std::fmt::Debug;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;

pub use directory::DirectoryStore;
pub use error::{StoreError, StoreErrorKind};
pub use settings::StoreSettings;

/// The name of the store that is a folder below the state directory.
pub const LOCAL: &str = "local";

/// What is put under a name.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file of the cache that will not change; a store on the same file system may link to it.
    File {
        /// Where.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// Of all of it.
        sha256: [u8; 32],
    },
    /// Such a file that has been read already, for a store that wants it so.
    Read {
        /// All of it.
        bytes: Bytes,
        /// Of all of it.
        sha256: [u8; 32],
    },
    /// Something small: init segments.
    Bytes(Bytes),
}

impl Content {
    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Read { bytes, .. } | Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// What became of putting something that must not be there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It stands there now.
    Created,
    /// The same stood there before.
    Already,
}

/// What a store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name within the asset.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
}

/// Who writes an asset: one host at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The host's id.
    pub host: String,
}

/// A place for recordings. Names are those of [`crate::recording::asset::name`], checked before they come here.
pub trait AssetStore: Send + Sync + Debug {
    /// Where it is, for people: without secrets.
    fn location(&self) -> String;

    /// Whether it sends bytes: then the queue reads the next segment while one is sent, and gives [`Content::Read`].
    fn wants_bytes(&self) -> bool {
        false
    }

    /// Makes the container or folder if it is missing, and becomes the one writer of an asset. May be called again: then it
    /// makes sure that it still is.
    ///
    /// # Errors
    /// [`StoreErrorKind::OtherWriter`] when another host writes it.
    fn claim<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Lets another host write an asset.
    ///
    /// # Errors
    /// When the store cannot be reached.
    fn release<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Puts an object that will never change, in one write.
    ///
    /// # Errors
    /// [`StoreErrorKind::Differs`] when something else has its name.
    fn put_if_absent<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        content: &'a Content,
    ) -> BoxFuture<'a, Result<Put, StoreError>>;

    /// Puts a playlist, in place of its predecessor.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    fn put_index<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        text: Bytes,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Makes playlists that were put, and what was taken away, survive a power cut. For stores whose answers do not mean that
    /// already: while a day is recorded its playlists are soon written anew, and nobody waits for a disk to take them.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses; then the playlists must be put again, as what a disk has lost once it does
    /// not report a second time.
    fn settle<'a>(&'a self, _asset: &'a str, _names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        std::future::ready(Ok(())).boxed()
    }

    /// Takes an object away; one that is not there is no error.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    fn remove<'a>(&'a self, asset: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// All objects of an asset.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    fn list<'a>(&'a self, asset: &'a str) -> BoxFuture<'a, Result<Vec<ObjectInfo>, StoreError>>;

    /// The names of all assets.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    fn assets(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>>;

    /// Where an object stands as a file, for stores that are folders: whoever reads much need not wait for the store's turns.
    ///
    /// # Errors
    /// When the names are none.
    fn file(&self, _asset: &str, _name: &str) -> Result<Option<PathBuf>, StoreError> {
        Ok(None)
    }

    /// A part of an object, or all of it; at most [`MAX_READ`] bytes.
    ///
    /// # Errors
    /// [`StoreErrorKind::NotFound`] when it is not there.
    fn get<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>>;
}

/// The least time that a request may take, whatever its size.
const LEAST_TIME: Duration = Duration::from_secs(10);
/// A connection that is slower than so many bytes a second counts as broken.
const LEAST_RATE: u64 = 64_000;

/// How long a store may take over so many bytes.
#[must_use]
pub fn time_limit(bytes: u64) -> Duration {
    Duration::from_secs(bytes / LEAST_RATE).max(LEAST_TIME)
}

/// The most that is read at one time, in bytes.
pub const MAX_READ: u64 = 64 << 20;
