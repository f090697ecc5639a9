//! Passwords in the query or the path of a URL, where many cameras take them: `?user=me&password=...`, or
//! `/user=me_password=...` on cheap ones. They are known by the names that stand before them.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in the place of what is not shown.
pub const MASK: &str = "***";
/// What is secret in a URL; also behind a `_` or `-`, as in `access_token`.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "pwd",
    "pass",
    "psw",
    "token",
    "secret",
    "key",
    "apikey",
    "auth",
    "credential",
    "sig",
    "signature",
];
/// What ends a value.
const ENDS: [char; 8] = ['&', ';', '/', '?', '#', '"', '\'', '<'];

/// Where the secrets stand in a text that holds a URL, in order.
#[must_use]
pub fn named(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(mut from) = text.find("://") else {
        return found;
    };
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('=')) {
        let (name, value) = (text.get(..from + at).unwrap_or_default(), from + at + 1);
        let rest = text.get(value..).unwrap_or_default();
        let length = rest
            .find(|letter: char| ENDS.contains(&letter) || letter.is_whitespace())
            .unwrap_or(rest.len());
        from = value;
        if length > 0 && is_secret(name) {
            found.push(value..value + length);
            from = value + length;
        }
    }
    found
}

/// Whether a text ends in the name of a secret.
fn is_secret(text: &str) -> bool {
    let word = text
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// The text without the secrets of a URL in it.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for range in named(text).into_iter().rev() {
        shown.to_mut().replace_range(range, MASK);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_known_by_their_names_and_the_rest_of_a_url_stays() {
        for (text, expected) in [
            (
                "rtsp://h/x?user=me&password=a_b&channel=1",
                "rtsp://h/x?user=me&password=***&channel=1",
            ),
            (
                "rtsp://h/user=me_password=tlJw_channel=1/0",
                "rtsp://h/user=me_password=***/0",
            ),
            ("rtsp://h/x?Access-TOKEN=${t}#f", "rtsp://h/x?Access-TOKEN=***#f"),
            (
                "see rtsp://h/?pwd=a=b and key=c",
                "see rtsp://h/?pwd=*** and key=***",
            ),
            (
                "rtsp://h/?compass=north&password=&monkey=1",
                "rtsp://h/?compass=north&password=&monkey=1",
            ),
            (
                "rtsp://h/?ключkey=1&k\u{e9}y=2",
                "rtsp://h/?ключkey=***&k\u{e9}y=2",
            ),
            ("password=of no URL", "password=of no URL"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
