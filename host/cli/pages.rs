//! Lists that a host hands out page by page.

use serde_json::{Value, json};

use super::client::{Client, Request};
use super::failure::Failure;
use super::json::Look as _;

/// The member, and the part of a query, that leads to the next page.
const CONTINUATION: &str = "@continuationToken";
/// Pages of one list; a host that never ends is not asked for ever.
const MAX_PAGES: usize = 10_000;

/// All pages of a list.
#[derive(Debug)]
pub struct Pages {
    only: Option<Value>,
    items: Vec<Value>,
}

impl Pages {
    /// Every item.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// As the host answered; several pages as if they had been one.
    #[must_use]
    pub fn json(&self) -> Value {
        self.only
            .clone()
            .unwrap_or_else(|| json!({ "value": self.items }))
    }
}

/// Reads a list to its end.
///
/// # Errors
/// When the host cannot be asked, or answers with an error.
pub async fn all(client: &Client, what: &str, path: &[&str]) -> Result<Pages, Failure> {
    let mut pages = Pages {
        only: None,
        items: Vec::new(),
    };
    let mut token: Option<String> = None;
    for page in 0..MAX_PAGES {
        let request = Request::get(path).query(CONTINUATION, token.as_deref());
        let mut body = client.expect(what, request).await?.json()?;
        token = body.at(CONTINUATION).as_str().map(str::to_owned);
        pages.only = (page == 0).then(|| body.clone());
        if let Some(Value::Array(items)) = body.get_mut("value").map(Value::take) {
            pages.items.extend(items);
        }
        if token.is_none() {
            break;
        }
    }
    Ok(pages)
}

/// A moment as tables show it: to the second, in UTC, and saying so.
#[must_use]
pub fn moment(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    // `2026-11-21T09:00:00.123Z`: what stands behind the seconds is cut.
    match text.split_once('.') {
        Some((seconds, rest)) if rest.ends_with('Z') => format!("{seconds}Z"),
        _ => text.to_owned(),
    }
}
