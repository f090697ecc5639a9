//! What a store is made from: what the configuration says of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::azure::{AzureSettings, AzureStore};
use super::{AssetStore, DirectoryStore};
use crate::media::{Clock, SystemClock};
use crate::recording::RecordingError;
use crate::recording::storage::Disk;

/// How a store is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// A folder, possibly of another machine.
    Directory {
        /// Where.
        path: PathBuf,
    },
    /// A container of Azure Blob Storage.
    AzureBlob(AzureSettings),
}

impl StoreSettings {
    /// What it is called in the configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "directory",
            Self::AzureBlob(_) => "azure-blob",
        }
    }

    /// Whether a store can be made of it.
    ///
    /// # Errors
    /// As [`StoreSettings::open`].
    pub fn check(&self) -> Result<(), RecordingError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        self.open(&clock).map(drop)
    }

    /// Makes the store; nothing is looked at until something is put.
    ///
    /// # Errors
    /// When a file that it names cannot be used.
    pub fn open(&self, clock: &Arc<dyn Clock>) -> Result<Arc<dyn AssetStore>, RecordingError> {
        match self {
            Self::Directory { path } => Ok(Arc::new(DirectoryStore::new(path.clone(), Arc::new(Disk)))),
            Self::AzureBlob(settings) => Ok(Arc::new(AzureStore::new(settings, Arc::clone(clock))?)),
        }
    }
}
