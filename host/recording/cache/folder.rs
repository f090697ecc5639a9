//! Where in the cache an asset is: `ROOT/INSTANCE/NODE/ASSET`, and what such a path means.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::recording::store::LOCAL;

/// The folder of a sink. Names of instances and nodes are written so that each is one part of a path.
#[must_use]
pub fn sink_folder(root: &Path, instance: &str, node: &str) -> PathBuf {
    root.join(encoded(instance)).join(encoded(node))
}

/// The folder of an asset within that of its sink: `ASSET`, or `ASSET.STORE` for another store than the local one. The name
/// of an asset has no `.`.
#[must_use]
pub fn asset_folder(sink: &Path, store: &str, asset: &str) -> PathBuf {
    if store == LOCAL {
        sink.join(asset)
    } else {
        sink.join(format!("{asset}.{store}"))
    }
}

/// The store and the name of the asset that a folder is for.
pub(in crate::recording) fn asset_of(folder: &Path) -> Option<(String, String)> {
    let name = folder.file_name()?.to_str()?;
    let (asset, store) = name.split_once('.').unwrap_or((name, LOCAL));
    crate::recording::asset::name::check_asset(asset).ok()?;
    (!store.is_empty()).then(|| (store.to_owned(), asset.to_owned()))
}

/// `INSTANCE/NODE` of a sink's folder.
pub(in crate::recording) fn owner_of(sink: &Path) -> Option<String> {
    let node = decoded(sink.file_name()?.to_str()?);
    let instance = decoded(sink.parent()?.file_name()?.to_str()?);
    Some(format!("{instance}/{node}"))
}

/// Letters, digits, `-` and `_` as they are, all else as `%HH` of its bytes.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_whose_it_is_and_no_name_leaves_the_root() {
        let root = Path::new("/cache");
        for node in ["assetSink", "asset sink/2", "..", "ä%2F"] {
            let sink = sink_folder(root, "lobby-1", node);
            assert_eq!(sink.parent(), Some(Path::new("/cache/lobby-1")), "{node}");
            assert_eq!(sink.components().count(), 4, "{node}");
            assert_eq!(owner_of(&sink).unwrap(), format!("lobby-1/{node}"));
            for store in [LOCAL, "azure"] {
                let folder = asset_folder(&sink, store, "Lobby 1");
                let found = asset_of(&folder).unwrap();
                assert_eq!(found, (store.to_owned(), "Lobby 1".to_owned()));
            }
        }
    }
}
