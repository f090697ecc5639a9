//! A store in a container of Azure Blob Storage: an asset is a prefix in it.
//!
//! Invariants:
//! - What goes up is one request (Put Blob) with a condition that the name is free; nothing is ever put in place of media.
//! - No request waits without a bound, and none is repeated in here: the queue in front does both.
//! - Secrets stand in signatures and headers only: no `Debug`, error, log line or event shows them. So errors of the crate are
//!   never shown as they are; they name the URL, which may hold a signature.

mod claim;
mod client;
mod credential;
mod failure;
mod key;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders as _,
    BlobContainerClientListBlobsOptions, BlockBlobClientUploadOptions,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use url::Url;

use self::client::Client;
pub use self::credential::Credential;
use self::failure::Failure;
use super::{AssetStore, Content, MAX_READ, ObjectInfo, Put, StoreError, StoreErrorKind, Writer};
use crate::media::Clock;
use crate::recording::RecordingError;
use crate::text::hex;

/// Azure takes up to so many bytes in one request; more would go up in blocks.
const MAX_SINGLE_PUT: NonZero<u64> = NonZero::new(5000 << 20).unwrap();
/// Parts that are read at one time: one, of all that is asked for.
const ONE: NonZero<usize> = NonZero::new(1).unwrap();
/// Blobs of an asset that are listed; a camera makes a million in a year.
const MAX_LISTED: usize = 8 << 20;
/// Metadata: of all of the blob, in hexadecimal digits.
const SHA256: &str = "sha256";

/// Which container, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureSettings {
    /// `https://ACCOUNT.blob.core.windows.net/CONTAINER`, without a query.
    pub container: Url,
    /// Who we are.
    pub credential: Credential,
    /// Only these authorities are trusted, in PEM form, instead of those of the machine.
    pub ca_file: Option<PathBuf>,
}

/// Keeps recordings in a container.
#[derive(Debug)]
pub struct AzureStore {
    client: Client,
    /// The container is there, as far as we know.
    made: AtomicBool,
}

impl AzureStore {
    /// Nothing is asked until something is put.
    ///
    /// # Errors
    /// When the account's key, an identity or the file of authorities cannot be used.
    pub fn new(settings: &AzureSettings, clock: Arc<dyn Clock>) -> Result<Self, RecordingError> {
        Ok(Self {
            client: Client::new(settings, clock)?,
            made: AtomicBool::new(false),
        })
    }

    async fn put(&self, asset: &str, name: &str, bytes: Bytes, sha256: [u8; 32]) -> Result<Put, StoreError> {
        let options = BlockBlobClientUploadOptions {
            if_none_match: Some(Etag::from("*")),
            metadata: Some(HashMap::from([(SHA256.to_owned(), hex(&sha256))])),
            ..options(name)
        };
        let length = bytes.len() as u64;
        let blob = self.client.blob(asset, name)?.block_blob_client();
        let put = self
            .client
            .within(length, blob.upload(bytes.into(), Some(options)))
            .await;
        match put {
            Ok(_) => Ok(Put::Created),
            Err(failure) if failure.is_there() => self.compare(asset, name, length, sha256).await,
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Whether what has the name is what we would put.
    async fn compare(
        &self,
        asset: &str,
        name: &str,
        length: u64,
        sha256: [u8; 32],
    ) -> Result<Put, StoreError> {
        let blob = self.client.blob(asset, name)?;
        let found = self.client.within(0, blob.get_properties(None)).await;
        let found = found.map_err(|failure| self.failed(failure))?;
        let there = found.content_length().ok().flatten().unwrap_or(0);
        let metadata = found.metadata().unwrap_or_default();
        if there == length && metadata.get(SHA256).is_some_and(|known| *known == hex(&sha256)) {
            return Ok(Put::Already);
        }
        let message = format!(
            "`{}/{asset}/{name}` is there already and holds something else: {there} bytes instead of {length}, or other ones\n\
             hint: look where it comes from; move it away, and the recording goes on",
            self.client.location()
        );
        Err(StoreError::new(StoreErrorKind::Differs, message))
    }

    /// Remembers that the container has to be made anew when it is not there.
    fn failed(&self, failure: Failure) -> StoreError {
        if failure.is_no_container() {
            self.made.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        failure.told(self.client.location())
    }

    async fn list_below(&self, prefix: Option<String>) -> Result<Vec<ObjectInfo>, StoreError> {
        let options = BlobContainerClientListBlobsOptions {
            prefix,
            ..Default::default()
        };
        let container = self.client.container()?;
        let mut pages = container
            .list_blobs(Some(options))
            .map_err(|error| self.failed(Failure::of(&error)))?
            .into_pages();
        let mut objects = Vec::new();
        while let Some(page) = self
            .client
            .within(0, pages.try_next())
            .await
            .map_err(|failure| self.failed(failure))?
        {
            let page = page
                .into_model()
                .map_err(|error| self.failed(Failure::of(&error)))?;
            for blob in page.blob_items {
                let bytes = blob.properties.and_then(|properties| properties.content_length);
                if let Some(name) = blob.name.filter(|_| objects.len() < MAX_LISTED) {
                    objects.push(ObjectInfo {
                        name,
                        bytes: bytes.unwrap_or(0),
                    });
                }
            }
        }
        Ok(objects)
    }
}

fn options(name: &str) -> BlockBlobClientUploadOptions<'static> {
    let (kind, cache) = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("m4s") => ("video/iso.segment", None),
        Some("mp4") => ("video/mp4", None),
        Some("m3u8") => ("application/vnd.apple.mpegurl", Some("no-cache".to_owned())),
        _ => ("application/octet-stream", None),
    };
    BlockBlobClientUploadOptions {
        blob_content_type: Some(kind.to_owned()),
        blob_cache_control: cache,
        partition_size: Some(MAX_SINGLE_PUT),
        ..Default::default()
    }
}

impl AssetStore for AzureStore {
    fn location(&self) -> String {
        self.client.location().to_owned()
    }

    fn wants_bytes(&self) -> bool {
        true
    }

    fn claim<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>> {
        self.become_writer(asset, writer).boxed()
    }

    fn release<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>> {
        self.let_go(asset, writer).boxed()
    }

    fn put_if_absent<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        content: &'a Content,
    ) -> BoxFuture<'a, Result<Put, StoreError>> {
        async move {
            let (bytes, sha256) = match content {
                Content::Read { bytes, sha256 } => (bytes.clone(), *sha256),
                Content::Bytes(bytes) => (bytes.clone(), Sha256::digest(bytes).into()),
                Content::File { path, sha256, .. } => {
                    let read = tokio::fs::read(path).await.map_err(|error| {
                        let message = format!("cannot read `{}` of the cache: {error}", path.display());
                        StoreError::new(StoreErrorKind::Source, message)
                    })?;
                    (read.into(), *sha256)
                }
            };
            self.put(asset, name, bytes, sha256).await
        }
        .boxed()
    }

    fn put_index<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        text: Bytes,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let blob = self.client.blob(asset, name)?.block_blob_client();
            let length = text.len() as u64;
            let put = self
                .client
                .within(length, blob.upload(text.into(), Some(options(name))))
                .await;
            put.map(drop).map_err(|failure| self.failed(failure))
        }
        .boxed()
    }

    fn remove<'a>(&'a self, asset: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let blob = self.client.blob(asset, name)?;
            match self.client.within(0, blob.delete(None)).await {
                Ok(_) => Ok(()),
                Err(failure) if failure.is_missing() => Ok(()),
                Err(failure) => Err(self.failed(failure)),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, asset: &'a str) -> BoxFuture<'a, Result<Vec<ObjectInfo>, StoreError>> {
        async move {
            let prefix = format!("{asset}/");
            let found = self.list_below(Some(prefix.clone())).await?;
            let within = found.into_iter().filter_map(|object| {
                let name = object.name.strip_prefix(&prefix)?;
                // What begins with a dot is the store's own.
                (!name.starts_with('.')).then(|| ObjectInfo {
                    name: name.to_owned(),
                    bytes: object.bytes,
                })
            });
            Ok(within.collect())
        }
        .boxed()
    }

    fn assets(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        async move {
            let found = self.list_below(None).await?;
            let assets: BTreeSet<&str> = found
                .iter()
                .filter_map(|object| Some(object.name.split_once('/')?.0))
                .collect();
            Ok(assets.into_iter().map(str::to_owned).collect())
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        async move {
            let blob = self.client.blob(asset, name)?;
            let most = MAX_READ;
            let length = range
                .as_ref()
                .map_or(most, |range| range.end.saturating_sub(range.start).min(most));
            if length == 0 {
                return Ok(Bytes::new());
            }
            let start = range.map_or(0, |range| range.start);
            let options = BlobClientDownloadOptions {
                range: Some((start..start.saturating_add(length)).into()),
                parallel: Some(ONE),
                partition_size: NonZero::new(usize::try_from(most).unwrap_or(usize::MAX)),
                ..Default::default()
            };
            let reading = async { blob.download(Some(options)).await?.body.collect().await };
            let read = self.client.within(length, reading).await;
            read.map_err(|failure| self.failed(failure))
        }
        .boxed()
    }
}
