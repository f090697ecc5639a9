//! What is kept how long, and how much of it.

use std::fmt;
use std::time::Duration;

/// Which assets a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// The asset of this name.
    Name(String),
    /// All assets whose names begin with this.
    Prefix(String),
}

impl Pattern {
    /// From `NAME`, or `PREFIX*`; `*` means all.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Name(text.to_owned()),
        }
    }

    /// How well it fits a name: none when it does not.
    fn fits(&self, name: &str) -> Option<usize> {
        match self {
            Self::Name(own) => (own == name).then_some(usize::MAX),
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()).then_some(prefix.len()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// How long something is kept, and how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// What ended longer ago goes.
    pub keep: Option<Duration>,
    /// All assets of the rule together hold at most so many bytes.
    pub max_bytes: Option<u64>,
}

/// Rules by what they are for. An asset follows one: that of its own name, else that of the longest prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<(Pattern, Limits)>);

impl Rules {
    /// Rules, each with its limits.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = (Pattern, Limits)>) -> Self {
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(rules)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(Pattern, Limits)> {
        self.0.iter()
    }

    /// The rule that an asset follows.
    #[must_use]
    pub fn of(&self, asset: &str) -> Option<&(Pattern, Limits)> {
        let fitting = self.0.iter().filter_map(|rule| Some((rule.0.fits(asset)?, rule)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_name_counts_before_the_longest_prefix() {
        let days = |days: u64| Limits {
            keep: Some(Duration::from_secs(days * 86_400)),
            max_bytes: None,
        };
        let rules = Rules::new([
            (Pattern::parse("*"), days(1)),
            (Pattern::parse("gate-*"), days(2)),
            (Pattern::parse("gate-north-*"), days(3)),
            (Pattern::parse("gate-north-"), days(4)),
        ]);
        let kept = |name: &str| rules.of(name).map(|(_, limits)| *limits);
        assert_eq!(kept("lobby"), Some(days(1)));
        assert_eq!(kept("gate-1"), Some(days(2)));
        assert_eq!(kept("gate-north-1"), Some(days(3)));
        assert_eq!(kept("gate-north-"), Some(days(4)));
        assert_eq!(Rules::default().of("lobby"), None);
    }
}
