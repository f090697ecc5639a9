//! Lists, page by page.
//!
//! A token says after which name to go on, and in which order; the host remembers nothing of it, so it is good for ever,
//! also after a restart and after the name has gone.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::{ControlError, Detail};

/// Items of one page.
pub const PAGE_SIZE: usize = 200;
/// A page ends early when its items come to this many bytes; one item is always given.
pub const MAX_PAGE_BYTES: usize = 4 << 20;
/// Longer tokens are not ours.
const MAX_TOKEN_BYTES: usize = 256;

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The `@continuationToken` of the page before; the first page without.
    pub token: Option<String>,
    /// `@query`: `$orderby=name asc` or `$orderby=name desc`.
    pub query: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// A page that was asked for, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    order: Order,
    after: Option<String>,
}

impl Page {
    /// Reads a request for a page of the list `kind`.
    pub(super) fn read(request: &PageRequest, kind: &str) -> Result<Self, ControlError> {
        let asked = request.query.as_deref().map(order).transpose()?;
        let Some(token) = request.token.as_deref().filter(|token| !token.is_empty()) else {
            return Ok(Self {
                order: asked.unwrap_or(Order::Ascending),
                after: None,
            });
        };
        let page = decode(token, kind).ok_or_else(|| {
            ControlError::bad_request(
                Detail::new(
                    "ContinuationTokenInvalid",
                    "the `@continuationToken` is none of this list",
                )
                .at("$['@continuationToken']")
                .hint("hand back what the page before gave, or leave it out to begin at the start"),
            )
        })?;
        if asked.is_some_and(|asked| asked != page.order) {
            return Err(query_error("the `@query` is not that of the page before"));
        }
        Ok(page)
    }

    /// The page of `items`, each shown by `show`.
    pub(super) fn take<T>(
        &self,
        kind: &str,
        items: &BTreeMap<String, T>,
        show: impl Fn(&T) -> Value,
    ) -> Value {
        let bound = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (mut up, mut down);
        let ordered: &mut dyn Iterator<Item = (&String, &T)> = match self.order {
            Order::Ascending => {
                up = items.range::<str, _>((bound, Bound::Unbounded));
                &mut up
            }
            Order::Descending => {
                down = items.range::<str, _>((Bound::Unbounded, bound)).rev();
                &mut down
            }
        };
        let (mut value, mut bytes, mut last, mut more) = (Vec::new(), 0_usize, None, false);
        for (name, item) in ordered {
            if value.len() >= PAGE_SIZE || bytes >= MAX_PAGE_BYTES {
                more = true;
                break;
            }
            let shown = show(item);
            bytes = bytes.saturating_add(weight(&shown));
            value.push(shown);
            last = Some(name);
        }
        let mut page = json!({ "value": value });
        if let (true, Some(last), Some(page)) = (more, last, page.as_object_mut()) {
            page.insert("@continuationToken".into(), encode(kind, self.order, last).into());
        }
        page
    }
}

/// About how many bytes a value is on the wire.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| name.len() + weight(member) + 4)
            .sum::<usize>()
            .saturating_add(2),
        _ => 5,
    }
}

fn query_error(message: &str) -> ControlError {
    ControlError::bad_request(
        Detail::new("QueryInvalid", message)
            .at("$['@query']")
            .hint("lists can be ordered by name: `$orderby=name asc` or `$orderby=name desc`"),
    )
}

fn order(query: &str) -> Result<Order, ControlError> {
    let words: Vec<String> = query
        .trim()
        .split_once('=')
        .map(|(option, by)| {
            let by = by.split_whitespace().map(str::to_ascii_lowercase);
            std::iter::once(option.trim().to_ascii_lowercase())
                .chain(by)
                .collect()
        })
        .unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["$orderby", "name"] | ["$orderby", "name", "asc"] => Ok(Order::Ascending),
        ["$orderby", "name", "desc"] => Ok(Order::Descending),
        [] if query.trim().is_empty() => Ok(Order::Ascending),
        _ => Err(query_error("the `@query` is not understood")),
    }
}

fn encode(kind: &str, order: Order, last: &str) -> String {
    let order = if order == Order::Ascending { "asc" } else { "desc" };
    URL_SAFE_NO_PAD.encode(format!("1/{kind}/{order}/{last}"))
}

fn decode(token: &str, kind: &str) -> Option<Page> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.splitn(4, '/');
    if (parts.next()?, parts.next()?) != ("1", kind) {
        return None;
    }
    let order = match parts.next()? {
        "asc" => Order::Ascending,
        "desc" => Order::Descending,
        _ => return None,
    };
    Some(Page {
        order,
        after: Some(parts.next()?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> BTreeMap<String, Value> {
        (0..count)
            .map(|n| (format!("n{n:04}"), json!(format!("n{n:04}"))))
            .collect()
    }

    fn all(items: &BTreeMap<String, Value>, query: Option<&str>) -> (Vec<String>, usize) {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut request = PageRequest {
            token: None,
            query: query.map(str::to_owned),
        };
        loop {
            let page = Page::read(&request, "x").unwrap().take("x", items, Value::clone);
            pages += 1;
            found.extend(
                page["value"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one.as_str().unwrap().to_owned()),
            );
            match page.get("@continuationToken") {
                Some(token) => request.token = Some(token.as_str().unwrap().to_owned()),
                None => return (found, pages),
            }
        }
    }

    #[test]
    fn pages_give_every_item_once_in_either_order() {
        let items = names(2 * PAGE_SIZE + 1);
        let mut expected: Vec<String> = items.keys().cloned().collect();
        assert_eq!(all(&items, None), (expected.clone(), 3));
        expected.reverse();
        assert_eq!(all(&items, Some(" $orderBy = Name DESC")), (expected, 3));
        assert_eq!(all(&names(PAGE_SIZE), None).1, 1, "no empty page at the end");
        assert_eq!(all(&names(0), None), (Vec::new(), 1));
    }

    #[test]
    fn a_page_of_large_items_is_cut_early() {
        let items: BTreeMap<String, Value> = (0..3)
            .map(|n| (n.to_string(), json!("x".repeat(MAX_PAGE_BYTES))))
            .collect();
        assert_eq!(all(&items, None).1, 3);
    }

    #[test]
    fn foreign_tokens_and_queries_are_refused() {
        let read = |token: Option<&str>, query: Option<&str>| {
            let request = PageRequest {
                token: token.map(str::to_owned),
                query: query.map(str::to_owned),
            };
            Page::read(&request, "x").map_err(|error| error.details[0].code.clone())
        };
        let other = encode("y", Order::Ascending, "a");
        let mine = encode("x", Order::Ascending, "a");
        for token in ["?", "AAAA", &other, &"A".repeat(1000)] {
            assert_eq!(
                read(Some(token), None),
                Err("ContinuationTokenInvalid".into()),
                "{token}"
            );
        }
        assert!(read(Some(&mine), Some("$orderby=name asc")).is_ok());
        for query in ["$top=5", "$orderby=createdAt", "$orderby=name up", "x"] {
            assert_eq!(read(None, Some(query)), Err("QueryInvalid".into()), "{query}");
        }
        assert_eq!(
            read(Some(&mine), Some("$orderby=name desc")),
            Err("QueryInvalid".into())
        );
    }
}
