//! What recordings there are.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Playback, PlaybackError};
use crate::media::MediaTime;
use crate::recording::index::{AssetRow, Index};

/// The recordings of a page when nobody says how many.
pub const PAGE: u32 = 200;
/// The most recordings of a page.
pub const MAX_PAGE: u32 = 1000;
/// Longer tokens are not ours, in bytes.
const MAX_TOKEN: usize = 4096;
/// What a token begins with.
const KIND: &str = "1/assets";

/// A recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The store that it belongs to.
    pub store: String,
    /// The graph instance that recorded into it last; empty when the index does not know.
    pub instance: String,
    /// The node that recorded into it last.
    pub node: String,
    /// When it was first recorded into, UTC.
    pub created: String,
    /// Something of it may not be removed.
    pub held: bool,
    /// It is being recorded.
    pub live: bool,
    /// Its first moment, UTC; none when nothing of it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Its newest moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// A page of recordings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// By name and store.
    pub value: Vec<Listed>,
    /// For the next page; none when this is the last.
    #[serde(
        rename = "@continuationToken",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub token: Option<String>,
}

impl Listed {
    /// A recording, and from when until when something of it is there.
    #[must_use]
    pub fn of(asset: &AssetRow, extent: Option<&Range<MediaTime>>, live: bool) -> Self {
        let (instance, node) = asset.owner.split_once('/').unwrap_or((&asset.owner, ""));
        Self {
            name: asset.name.clone(),
            store: asset.store.clone(),
            instance: instance.to_owned(),
            node: node.to_owned(),
            created: format!("{:.3}", asset.created),
            held: asset.held,
            live,
            start: extent.map(|extent| extent.start.iso()),
            end: extent.map(|extent| extent.end.iso()),
        }
    }
}

impl Playback {
    /// A page of the recordings that satisfy `visible`; a page may have fewer than `limit` and not be the last. None: the token is none
    /// of ours.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn list(
        self: &Arc<Self>,
        limit: u32,
        token: Option<&str>,
        visible: impl Fn(&AssetRow) -> bool + Send + 'static,
    ) -> Result<Option<Page>, PlaybackError> {
        let behind = match token {
            None => Some((String::new(), String::new())),
            Some(token) => read_token(token),
        };
        let Some((name, store)) = behind else {
            return Ok(None);
        };
        let playback = Arc::clone(self);
        let limit = limit.clamp(1, MAX_PAGE);
        self.ask(move |index| {
            let rows = index.assets_behind(&name, &store, limit)?;
            let whole = rows.len() >= limit as usize;
            let token = rows.last().filter(|_| whole).map(token_of);
            let seen = rows.iter().filter(|row| visible(row));
            let value = seen
                .map(|row| playback.listed(index, row))
                .collect::<Result<_, _>>()?;
            Ok(Some(Page { value, token }))
        })
        .await
    }

    /// One recording, as a list has it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn one(self: &Arc<Self>, asset: &Arc<AssetRow>) -> Result<Listed, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        self.ask(move |index| playback.listed(index, &asset)).await
    }

    fn listed(&self, index: &Index, asset: &AssetRow) -> Result<Listed, PlaybackError> {
        let extent = self.extent(index, asset)?;
        let extent = extent.as_ref();
        Ok(Listed::of(asset, extent, self.is_live(asset, extent)))
    }
}

/// Names hold neither a line break nor another control character.
fn token_of(asset: &AssetRow) -> String {
    URL_SAFE_NO_PAD.encode(format!("{KIND}\n{}\n{}", asset.name, asset.store))
}

fn read_token(token: &str) -> Option<(String, String)> {
    let bytes = (token.len() <= MAX_TOKEN).then(|| URL_SAFE_NO_PAD.decode(token).ok())??;
    let text = String::from_utf8(bytes).ok()?;
    let mut lines = text.split('\n');
    (lines.next()? == KIND).then_some(())?;
    Some((lines.next()?.to_owned(), lines.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::index::AssetId;

    #[test]
    fn a_recording_is_listed_with_its_owner_and_what_there_is_of_it() {
        let mut asset = AssetRow {
            id: AssetId(1),
            store: "local".into(),
            name: "Lobby".into(),
            owner: "lobby/sink".into(),
            created: "2026-11-20T12:00:00Z".parse().unwrap(),
            held: true,
        };
        let at = |text: &str| MediaTime::from_timestamp(text.parse().unwrap());
        let extent = at("2026-11-20T12:00:01Z")..at("2026-11-20T12:00:31Z");
        let listed = Listed::of(&asset, Some(&extent), true);
        assert_eq!((&*listed.instance, &*listed.node), ("lobby", "sink"));
        assert_eq!(listed.created, "2026-11-20T12:00:00.000Z");
        assert_eq!(listed.start.as_deref(), Some("2026-11-20T12:00:01.000Z"));
        assert_eq!(listed.end.as_deref(), Some("2026-11-20T12:00:31.000Z"));
        assert!(listed.held && listed.live);
        asset.owner.clear();
        let listed = Listed::of(&asset, None, false);
        assert_eq!((&*listed.instance, &*listed.node), ("", ""));
        assert_eq!((listed.start, listed.end, listed.live), (None, None, false));
    }
}
