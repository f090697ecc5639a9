//! Messages from outside that a replay is given: JSON lines, each with the moment of its receipt.

use std::collections::BTreeMap;
use std::io::BufRead;

use jiff::Timestamp;
use serde::Deserialize;

use crate::media::MediaTime;

/// Messages of one replay.
pub const MAX_MESSAGES: usize = 1_000_000;
/// Bytes of all of them.
pub const MAX_BYTES: u64 = 256 << 20;

/// A message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayMessage {
    /// When it was received.
    #[serde(deserialize_with = "moment")]
    pub time: MediaTime,
    /// The hub input that it came by.
    pub input: String,
    /// What is said about it; gates see nothing else.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// What it says. Nobody looks at it.
    #[serde(default, rename = "body")]
    _body: serde::de::IgnoredAny,
}

fn moment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<MediaTime, D::Error> {
    let written = String::deserialize(deserializer)?;
    let time: Timestamp = written.parse().map_err(|_| {
        serde::de::Error::custom("`time` is no moment: write it in ISO 8601, such as `2026-01-31T12:00:00Z`")
    })?;
    Ok(MediaTime::from_timestamp(time))
}

/// Reads all messages, in the order of their times; those of the same time in the order of the lines.
///
/// # Errors
/// What is wrong, with the number of the line.
pub fn read(from: impl BufRead) -> Result<Vec<ReplayMessage>, String> {
    let mut messages = Vec::new();
    for (index, line) in from.take(MAX_BYTES).lines().enumerate() {
        let number = index + 1;
        let line = line.map_err(|error| format!("line {number}: {error}"))?;
        if line.trim().is_empty() {
            continue;
        }
        if messages.len() >= MAX_MESSAGES {
            return Err(format!("line {number}: more than {MAX_MESSAGES} messages"));
        }
        let message: ReplayMessage =
            serde_json::from_str(&line).map_err(|error| format!("line {number}: {error}"))?;
        messages.push(message);
    }
    messages.sort_by_key(|message| message.time);
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_into_the_order_of_their_times() {
        let lines = "{\"time\": \"2026-01-31T12:00:05Z\", \"input\": \"door\"}\n\n\
                     {\"time\": \"2026-01-31T12:00:01Z\", \"input\": \"door\", \"properties\": {\"a\": \"b\"}, \"body\": {\"x\": 1}}\n";
        let read = read(lines.as_bytes()).unwrap();
        let times: Vec<String> = read.iter().map(|message| message.time.iso()).collect();
        assert_eq!(times, ["2026-01-31T12:00:01.000Z", "2026-01-31T12:00:05.000Z"]);
        assert_eq!(read[0].properties["a"], "b");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (lines, said) in [
            ("{}\n", "line 1: missing field"),
            (
                "\n{\"time\": \"noon\", \"input\": \"door\"}",
                "line 2: `time` is no moment",
            ),
            (
                "{\"time\": \"2026-01-31T12:00:01Z\", \"input\": \"door\", \"propertys\": {}}",
                "line 1: unknown field",
            ),
        ] {
            let error = read(lines.as_bytes()).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
