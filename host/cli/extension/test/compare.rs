//! Where two goldens differ. Numbers may be a little off: another processor rounds another way.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::golden::Golden;

/// Characters of a value that are told to people.
const MAX_SHOWN: usize = 300;

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    /// The frame, where there are frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    /// When; none for what is true of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// JSON pointer (RFC 6901) into what was said then; empty for all of it.
    pointer: String,
    /// Null: nothing.
    expected: Value,
    /// Null: nothing.
    got: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.frame, self.seconds) {
            (Some(frame), Some(seconds)) => write!(f, "  frame {frame} at {seconds:.3} s")?,
            (None, Some(seconds)) => write!(f, "  at {seconds:.3} s")?,
            _ => f.write_str("  the whole clip")?,
        }
        if !self.pointer.is_empty() {
            write!(f, ", {}", self.pointer)?;
        }
        write!(
            f,
            ": expected {}, got {}",
            shown(&self.expected),
            shown(&self.got)
        )
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// All differences, in the order of time.
pub(super) fn compare(expected: &Golden, got: &Golden, tolerance: f64) -> Vec<Difference> {
    let mut found = Vec::new();
    let whole = |pointer: &str, expected: Value, got: Value| Difference {
        frame: None,
        seconds: None,
        pointer: pointer.to_owned(),
        expected,
        got,
    };
    if expected.world != got.world {
        found.push(whole(
            "/world",
            expected.world.clone().into(),
            got.world.clone().into(),
        ));
    }
    if expected.shown != got.shown {
        found.push(whole("/shown", expected.shown.into(), got.shown.into()));
    }
    let (mut left, mut right) = (expected.said.iter().peekable(), got.said.iter().peekable());
    loop {
        let (one, other) = match (left.peek(), right.peek()) {
            (None, None) => return found,
            (one, other) => {
                let (a, b) = (
                    one.map_or(i64::MAX, |m| moment(m)),
                    other.map_or(i64::MAX, |m| moment(m)),
                );
                (
                    if a <= b { left.next() } else { None },
                    if b <= a { right.next() } else { None },
                )
            }
        };
        let of = one.or(other).unwrap_or(&Value::Null);
        let mut differ = |pointer: &str, expected: &Value, got: &Value| {
            found.push(Difference {
                frame: of.get("frame").and_then(Value::as_u64),
                seconds: of.get("seconds").and_then(Value::as_f64),
                pointer: pointer.to_owned(),
                expected: expected.clone(),
                got: got.clone(),
            });
        };
        match (one, other) {
            (Some(one), Some(other)) => values(one, other, tolerance, "", &mut differ),
            (one, other) => differ(
                "",
                one.map_or(&Value::Null, what),
                other.map_or(&Value::Null, what),
            ),
        }
    }
}

/// The millisecond of which something was said.
fn moment(said: &Value) -> i64 {
    let seconds = said.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    (seconds * 1e3).round() as i64
}

/// What was said, without when.
fn what(said: &Value) -> &Value {
    ["inferences", "actions", "observations", "refused"]
        .iter()
        .find_map(|name| said.get(name))
        .unwrap_or(said)
}

/// Compares two values, and tells the innermost ones that differ.
fn values(
    expected: &Value,
    got: &Value,
    tolerance: f64,
    pointer: &str,
    differ: &mut dyn FnMut(&str, &Value, &Value),
) {
    match (expected, got) {
        (Value::Object(one), Value::Object(other)) => {
            let missing = other.iter().filter(|(name, _)| !one.contains_key(*name));
            for (name, value) in one {
                let pointer = format!("{pointer}/{name}");
                values(
                    value,
                    other.get(name).unwrap_or(&Value::Null),
                    tolerance,
                    &pointer,
                    differ,
                );
            }
            for (name, value) in missing {
                differ(&format!("{pointer}/{name}"), &Value::Null, value);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for n in 0..one.len().max(other.len()) {
                let nothing = &Value::Null;
                let (one, other) = (one.get(n).unwrap_or(nothing), other.get(n).unwrap_or(nothing));
                values(one, other, tolerance, &format!("{pointer}/{n}"), differ);
            }
        }
        (Value::Number(one), Value::Number(other)) => {
            let (a, b) = (
                one.as_f64().unwrap_or(f64::NAN),
                other.as_f64().unwrap_or(f64::NAN),
            );
            if one != other && (a - b).abs() > tolerance {
                differ(pointer, expected, got);
            }
        }
        _ if expected == got => {}
        _ => differ(pointer, expected, got),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::extension::World;

    fn golden(said: Value) -> Golden {
        let mut golden = Golden::new(World::Detector);
        golden.said = said.as_array().unwrap().clone();
        golden.shown = 5;
        golden
    }

    fn told(expected: Value, got: Value) -> Vec<String> {
        let found = compare(&golden(expected), &golden(got), 0.01);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn small_differences_of_numbers_are_none() {
        let one = json!([{"frame": 2, "seconds": 0.2, "inferences": [{"l": 0.5}]}]);
        let near = json!([{"frame": 2, "seconds": 0.2, "inferences": [{"l": 0.509}]}]);
        let far = json!([{"frame": 2, "seconds": 0.2, "inferences": [{"l": 0.52}]}]);
        assert!(told(one.clone(), one.clone()).is_empty());
        assert!(told(one.clone(), near).is_empty());
        assert_eq!(
            told(one, far),
            ["  frame 2 at 0.200 s, /inferences/0/l: expected 0.5, got 0.52"]
        );
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told_with_its_frame() {
        let one = json!([{"frame": 2, "seconds": 0.2, "inferences": [1]}, {"frame": 4, "seconds": 0.4, "inferences": [2]}]);
        let other = json!([{"frame": 3, "seconds": 0.3, "inferences": [3]}, {"frame": 4, "seconds": 0.4, "inferences": [2, 5]}]);
        assert_eq!(
            told(one, other),
            [
                "  frame 2 at 0.200 s: expected [1], got nothing",
                "  frame 3 at 0.300 s: expected nothing, got [3]",
                "  frame 4 at 0.400 s, /inferences/1: expected nothing, got 5",
            ]
        );
    }

    #[test]
    fn another_number_of_frames_is_a_difference() {
        let (one, mut other) = (golden(json!([])), golden(json!([])));
        other.shown = 6;
        let found = compare(&one, &other, 0.01);
        assert_eq!(
            found[0].to_string(),
            "  the whole clip, /shown: expected 5, got 6"
        );
    }

    #[test]
    fn members_that_only_one_side_has_are_told() {
        let one = json!([{"frame": 1, "seconds": 0.0, "inferences": [{"a": "x"}]}]);
        let other = json!([{"frame": 1, "seconds": 0.0, "inferences": [{"b": "y"}]}]);
        assert_eq!(told(one, other).len(), 2);
    }
}
