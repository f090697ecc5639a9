//! One writer per asset: a blob beside its media that names the host. It outlives its writer, and is taken away when the writer is
//! done. A lease would end by itself when a host is cut off for a minute, and let a second host in while the first goes on.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientGetPropertiesResultHeaders as _, BlockBlobClientUploadOptions,
};
use bytes::Bytes;

use super::{AzureStore, options};
use crate::recording::store::{StoreError, StoreErrorKind, Writer};

const LOCK: &str = ".lock";
/// Metadata of the lock.
const HOST: &str = "host";

/// Whose an asset is.
struct Holder {
    host: String,
    etag: Option<Etag>,
}

impl AzureStore {
    pub(super) async fn become_writer(&self, asset: &str, writer: &Writer) -> Result<(), StoreError> {
        self.make_container().await?;
        let put = BlockBlobClientUploadOptions {
            if_none_match: Some(Etag::from("*")),
            metadata: Some(HashMap::from([(HOST.to_owned(), writer.host.clone())])),
            ..options(LOCK)
        };
        let blob = self.client.blob(asset, LOCK)?.block_blob_client();
        let text = Bytes::from(format!("{}\n", writer.host));
        match self.client.within(0, blob.upload(text.into(), Some(put))).await {
            Ok(_) => return Ok(()),
            Err(failure) if failure.is_there() => {}
            Err(failure) => return Err(self.failed(failure)),
        }
        match self.holder(asset).await? {
            Some(holder) if holder.host != writer.host => {
                let location = self.client.location();
                let message = format!(
                    "`{location}/{asset}` belongs to the host `{}`\n\
                     hint: if that host is gone for good, remove the blob `{asset}/{LOCK}`; otherwise give this recording another name",
                    holder.host.escape_debug()
                );
                Err(StoreError::new(StoreErrorKind::OtherWriter, message))
            }
            // Ours, or taken away meanwhile: then the next look makes it.
            _ => Ok(()),
        }
    }

    async fn make_container(&self) -> Result<(), StoreError> {
        if self.made.load(Ordering::Relaxed) {
            return Ok(());
        }
        let container = self.client.container()?;
        match self.client.within(0, container.create(None)).await {
            Ok(_) => tracing::info!(container = self.client.location(), "A container is made"),
            Err(failure) if failure.is_container_there() => {}
            // A signature for a container does not allow to make it, nor to ask whether it is there.
            Err(failure) if failure.is_refusal() && self.client.has_signature => {}
            Err(failure) => return Err(self.failed(failure)),
        }
        self.made.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn holder(&self, asset: &str) -> Result<Option<Holder>, StoreError> {
        let blob = self.client.blob(asset, LOCK)?;
        match self.client.within(0, blob.get_properties(None)).await {
            Ok(found) => Ok(Some(Holder {
                host: found
                    .metadata()
                    .unwrap_or_default()
                    .remove(HOST)
                    .unwrap_or_default(),
                etag: found.etag().ok().flatten(),
            })),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    pub(super) async fn let_go(&self, asset: &str, writer: &Writer) -> Result<(), StoreError> {
        let Some(holder) = self.holder(asset).await? else {
            return Ok(());
        };
        if holder.host != writer.host {
            return Ok(());
        }
        let options = BlobClientDeleteOptions {
            if_match: holder.etag,
            ..Default::default()
        };
        let blob = self.client.blob(asset, LOCK)?;
        match self.client.within(0, blob.delete(Some(options))).await {
            Ok(_) => Ok(()),
            // Somebody else has it by now.
            Err(failure) if failure.is_missing() || failure.is_there() => Ok(()),
            Err(failure) => Err(self.failed(failure)),
        }
    }
}
