//! What the queue is compared with: whoever has a list of files and the crate would write this.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azure_core::http::Transport;
use azure_storage_blob::models::BlockBlobClientUploadOptions;
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use bytes::Bytes;
use url::Url;

use super::Result;

/// Larger than any file here: one request each.
const ONE_REQUEST: std::num::NonZero<u64> = std::num::NonZero::new(1 << 30).unwrap();

/// Reads and puts one file after the other.
pub(super) async fn put_all(container: &Url, prefix: &str, files: &[PathBuf]) -> Result<Duration> {
    let mut options = BlobContainerClientOptions::default();
    options.client_options.transport = Some(Transport::new(Arc::new(reqwest::Client::new())));
    let container = BlobContainerClient::new(container.clone(), None, Some(options))?;
    let began = Instant::now();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = tokio::fs::read(file).await?;
        let options = BlockBlobClientUploadOptions {
            partition_size: Some(ONE_REQUEST),
            ..Default::default()
        };
        let blob = container.blob_client(&format!("{prefix}-{name}"));
        blob.block_blob_client()
            .upload(Bytes::from(bytes).into(), Some(options))
            .await?;
    }
    Ok(began.elapsed())
}
