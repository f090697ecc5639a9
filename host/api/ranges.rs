//! Parts of what is sent (RFC 9110, 14) and what a client has already (RFC 9110, 13).

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// A part.
    Part(Range<u64>),
    /// A part that is not there.
    Beyond,
}

/// What a request wants of `length` bytes. Several ranges at once are not served: the whole is an answer to every range.
pub(super) fn wanted(headers: &HeaderMap, length: u64, tag: Option<&str>) -> Wanted {
    let Some(asked) = text(headers, &header::RANGE) else {
        return Wanted::Whole;
    };
    // What has changed since is sent whole.
    if let Some(condition) = text(headers, &header::IF_RANGE)
        && tag.is_none_or(|tag| condition != quoted(tag))
    {
        return Wanted::Whole;
    }
    match range(asked, length) {
        None => Wanted::Whole,
        Some(range) if range.is_empty() => Wanted::Beyond,
        Some(range) => Wanted::Part(range),
    }
}

/// None: not a range that we understand. An empty one: it lies behind the end.
fn range(text: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(length.saturating_sub(suffix)..length);
    }
    let first = number(first)?;
    let end = match last {
        "" => length,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            last.saturating_add(1).min(length)
        }
    };
    Some(first.min(end)..end)
}

/// Whether a client says that it has what this tag names.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH);
    let mut tags = known.iter().filter_map(|value| value.to_str().ok());
    tags.any(|tags| {
        tags.split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == "*" || one == quoted(tag))
    })
}

/// As it stands in a header.
pub(super) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&'static str, &str)]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        wanted(&headers, 100, Some("tag"))
    }

    #[test]
    fn one_range_is_served_and_what_is_none_is_the_whole() {
        let range = |text| ask(&[("range", text)]);
        assert_eq!(ask(&[]), Wanted::Whole);
        assert_eq!(range("bytes=0-9"), Wanted::Part(0..10));
        assert_eq!(range("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(range("bytes=-10"), Wanted::Part(90..100));
        assert_eq!(range("bytes=-1000"), Wanted::Part(0..100));
        assert_eq!(range("bytes=0-1000"), Wanted::Part(0..100));
        for beyond in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(range(beyond), Wanted::Beyond, "{beyond}");
        }
        for none in [
            "bytes=9-0",
            "bytes=0-1,3-4",
            "bytes=",
            "bytes=-",
            "lines=0-1",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(range(none), Wanted::Whole, "{none}");
        }
    }

    #[test]
    fn a_part_of_what_has_changed_is_the_whole() {
        let part = ("range", "bytes=0-9");
        assert_eq!(ask(&[part, ("if-range", "\"tag\"")]), Wanted::Part(0..10));
        assert_eq!(ask(&[part, ("if-range", "\"other\"")]), Wanted::Whole);
        assert_eq!(ask(&[part, ("if-range", "W/\"tag\"")]), Wanted::Whole);
    }

    #[test]
    fn what_a_client_has_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        assert!(!has(&headers, "tag"));
        headers.insert("if-none-match", "\"a\", W/\"tag\"".parse().unwrap());
        assert!(has(&headers, "tag"));
        assert!(!has(&headers, "ta"));
    }
}
