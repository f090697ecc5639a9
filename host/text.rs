//! Letters: bytes in digits, and those from outside that are not only shown and must not steer a terminal or a page.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as hexadecimal digits in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Whether a terminal or a browser obeys a letter instead of showing it: control characters, and those that turn the
/// direction of what follows.
#[must_use]
pub fn obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name from outside, on one line: what would be obeyed is shown as `\u{fffd}`, and what is beyond `most` bytes is cut off.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let shown = text
        .chars()
        .map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter });
    let mut all = String::new();
    for letter in shown {
        if all.len() + letter.len_utf8() > most {
            all.push('…');
            break;
        }
        all.push(letter);
    }
    all
}

/// JSON, with what a terminal would obey in its strings written as JSON escapes: it must be told apart only up to U+001F.
/// Line feeds stay, and escape characters, which JSON has none of and colours are made with.
#[must_use]
pub fn spelled(json: &str) -> Cow<'_, str> {
    let meant = |letter: char| obeyed(letter) && !matches!(letter, '\n' | '\r' | '\t' | '\u{1b}');
    if !json.contains(meant) {
        return Cow::Borrowed(json);
    }
    let mut spelled = String::with_capacity(json.len());
    for letter in json.chars() {
        if meant(letter) {
            // All of them are of the basic plane. Writing to a string does not fail.
            let _ = write!(spelled, "\\u{:04x}", u32::from(letter));
        } else {
            spelled.push(letter);
        }
    }
    Cow::Owned(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_steer_nothing_and_are_not_long() {
        assert_eq!(plain("Conv\u{1b}[31m\n", 64), "Conv\u{fffd}[31m\u{fffd}");
        assert_eq!(plain("äöü", 4), "äö…");
        assert_eq!(plain("", 4), "");
    }

    #[test]
    fn json_for_a_terminal_means_the_same() {
        let value = serde_json::json!({"message": "a\u{9b}31m\u{202e}\u{7f}\u{1b}ä"});
        let text = format!("{value:#}\n");
        let told = spelled(&text);
        assert!(
            told.contains(r"a\u009b31m\u202e\u007f\u001bä") && told.ends_with("}\n"),
            "{told}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap(), value);
        assert!(matches!(spelled("{}\n"), Cow::Borrowed(_)));
    }
}
