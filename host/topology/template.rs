//! Strings with `${...}` in them, and patterns that are finished when a recording opens.
//!
//! `$${` stands for a literal `${`: Live Video Analytics left no way to write one.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A variable that the host fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// When the recording opens, to the second: `20200512T233309Z`.
    DateTime,
    /// When the recording opens, to the millisecond: `20200512T233309.381Z`.
    PreciseDateTime,
    /// The topology's name.
    TopologyName,
    /// The graph instance's name.
    InstanceName,
}

/// LVA's spellings, then AVA's.
const SYSTEM_VARIABLES: [(&str, System); 8] = [
    ("System.DateTime", System::DateTime),
    ("System.PreciseDateTime", System::PreciseDateTime),
    ("System.GraphTopologyName", System::TopologyName),
    ("System.GraphInstanceName", System::InstanceName),
    ("System.Runtime.DateTime", System::DateTime),
    ("System.Runtime.PreciseDateTime", System::PreciseDateTime),
    ("System.TopologyName", System::TopologyName),
    ("System.PipelineName", System::InstanceName),
];

/// What starts the names that belong to the host.
pub(super) const SYSTEM_PREFIX: &str = "System.";

impl System {
    /// Looks one up by what stands between the braces.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        SYSTEM_VARIABLES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, variable)| *variable)
    }

    /// All spellings.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SYSTEM_VARIABLES.iter().map(|(name, _)| *name)
    }
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// As it stands.
    Literal(&'a str),
    /// What stands between `${` and `}`.
    Reference(&'a str),
}

/// A `${` without its `}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed;

/// Splits a string at its references, in linear time.
pub(super) fn split(text: &str) -> Result<Vec<Segment<'_>>, Unclosed> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            push_literal(&mut segments, before);
            push_literal(&mut segments, "${");
            rest = after;
            continue;
        }
        push_literal(&mut segments, before);
        let (name, after) = after.split_once('}').ok_or(Unclosed)?;
        segments.push(Segment::Reference(name));
        rest = after;
    }
    push_literal(&mut segments, rest);
    Ok(segments)
}

/// The names of the parameters that a string refers to; none when a `${` is not closed.
#[must_use]
pub fn references(text: &str) -> Vec<&str> {
    let segments = split(text).unwrap_or_default().into_iter();
    segments
        .filter_map(|segment| match segment {
            Segment::Reference(name) => Some(name),
            Segment::Literal(_) => None,
        })
        .collect()
}

fn push_literal<'a>(segments: &mut Vec<Segment<'a>>, text: &'a str) {
    if !text.is_empty() {
        segments.push(Segment::Literal(text));
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    At(System),
}

/// A name or path whose date is filled in when a recording opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

impl Pattern {
    /// A pattern that is always the same text.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        let mut pattern = Self::default();
        pattern.push_text(&text.into());
        pattern
    }

    /// Appends text as it stands.
    pub(super) fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.0.push(Piece::Literal(text.to_owned())),
        }
    }

    /// Appends a date.
    pub(super) fn push_date(&mut self, variable: System) {
        self.0.push(Piece::At(variable));
    }

    /// The text for a recording that opens at `at`.
    #[must_use]
    pub fn render(&self, at: Timestamp) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::At(variable) => date(*variable, at),
            })
            .collect()
    }

    /// Whether each moment gives the same text, so that a second recording meets the first one's name.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::At(_)))
    }

    /// The same, with a date behind it if it has none.
    #[must_use]
    pub fn dated(&self) -> Self {
        let mut dated = self.clone();
        if self.is_constant() {
            dated.push_text("-");
            dated.push_date(System::DateTime);
        }
        dated
    }

    /// Cuts at the last `/`: what stands before it, if that is constant, and what follows.
    #[must_use]
    pub fn split_directory(&self) -> Option<(String, Self)> {
        let mut pieces = self.0.clone();
        let Some(Piece::Literal(first)) = pieces.first_mut() else {
            return None;
        };
        let at = first.rfind('/')?;
        let directory = first.get(..at.max(1))?.to_owned();
        let mut name = Self::default();
        name.push_text(first.get(at + 1..)?);
        name.0.extend(pieces.into_iter().skip(1));
        let slash = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains('/'));
        (!name.0.iter().any(slash)).then_some((directory, name))
    }
}

fn date(variable: System, at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC).datetime();
    let second = format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    match variable {
        System::PreciseDateTime => format!("{second}.{:03}Z", at.millisecond()),
        _ => format!("{second}Z"),
    }
}

impl fmt::Display for Pattern {
    /// The way it is written in a topology; reading it again gives the same pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => f.write_str(&text.replace("${", "$${"))?,
                Piece::At(System::PreciseDateTime) => f.write_str("${System.PreciseDateTime}")?,
                Piece::At(_) => f.write_str("${System.DateTime}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let mut pattern = Self::default();
        for segment in split(&text).map_err(|_| D::Error::custom("a `${` has no `}`"))? {
            match segment {
                Segment::Literal(text) => pattern.push_text(text),
                Segment::Reference(name) => match System::by_name(name) {
                    Some(variable @ (System::DateTime | System::PreciseDateTime)) => {
                        pattern.push_date(variable);
                    }
                    _ => return Err(D::Error::custom("only dates can be left open in a pattern")),
                },
            }
        }
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_split_at_their_references() {
        use Segment::{Literal, Reference};
        assert_eq!(
            split("a-${b}${c}-d"),
            Ok(vec![Literal("a-"), Reference("b"), Reference("c"), Literal("-d")])
        );
        assert_eq!(split("$${a}$"), Ok(vec![Literal("${"), Literal("a}$")]));
        assert_eq!(split("$a {b}"), Ok(vec![Literal("$a {b}")]));
        assert_eq!(split("a${b"), Err(Unclosed));
    }

    #[test]
    fn dates_are_filled_in_when_the_recording_opens() {
        let pattern: Pattern =
            serde_json::from_str("\"a-${System.DateTime}-${System.PreciseDateTime}\"").unwrap();
        let at: Timestamp = "2020-05-12T23:33:09.381Z".parse().unwrap();
        assert_eq!(pattern.render(at), "a-20200512T233309Z-20200512T233309.381Z");
        assert!(!pattern.is_constant());
    }

    #[test]
    fn a_pattern_is_written_the_way_it_is_read() {
        let mut pattern = Pattern::literal("x${y}-");
        pattern.push_date(System::DateTime);
        let text = serde_json::to_string(&pattern).unwrap();
        assert_eq!(serde_json::from_str::<Pattern>(&text).unwrap(), pattern);
    }

    #[test]
    fn only_the_file_name_of_a_path_may_vary() {
        let pattern = |text: &str| serde_json::from_value::<Pattern>(text.into()).unwrap();
        let (directory, name) = pattern("/var/media/a-${System.DateTime}")
            .split_directory()
            .unwrap();
        assert_eq!(
            (directory.as_str(), name.to_string().as_str()),
            ("/var/media", "a-${System.DateTime}")
        );
        assert_eq!(pattern("/a").split_directory().unwrap().0, "/");
        assert!(pattern("/var/${System.DateTime}/a").split_directory().is_none());
        assert!(pattern("a").split_directory().is_none());
    }
}
