//! Reading values out of a TOML document so that every mistake is told, each at its place.
//!
//! Invariant: a message repeats what was written only where it cannot be a secret.

mod secret;
mod section;

use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

pub(super) use self::section::Section;
use crate::media::{Ticks, duration};
use crate::topology::diagnostics::{did_you_mean, one_of, shown};
use crate::topology::{Code, Diagnostic, Diagnostics};

/// Elements of one list, and members of a table whose members have names of the user's choice.
const MAX_ELEMENTS: usize = 1000;
/// Letters of one text.
const MAX_TEXT_CHARS: usize = 4096;

/// What is common to the whole document: its text, and what is wrong with it.
pub(super) struct Reader<'t> {
    text: &'t str,
    environment: &'t dyn Fn(&str) -> Option<String>,
    /// Lines on which TOML itself was broken: what is read there means nothing.
    broken: Vec<usize>,
    pub(super) out: Diagnostics,
}

/// One value, and how its place is called.
pub(super) struct Item<'t> {
    pub(super) key: String,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, environment: &'t dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            text,
            environment,
            broken: Vec::new(),
            out: Diagnostics::default(),
        }
    }

    /// Adds what TOML itself is broken by.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let message = format!("this is not TOML: {}", error.message());
        self.at(span.clone(), "", Code::TomlInvalid, message, None);
        self.broken.push(self.place(span.start).0);
    }

    /// Adds a mistake about one value.
    pub(super) fn mistake(
        &mut self,
        item: &Item<'_>,
        code: Code,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.at(
            item.value.span(),
            &item.key,
            code,
            message,
            hint.map(str::to_owned),
        );
    }

    /// Adds something odd about one value.
    pub(super) fn oddity(&mut self, item: &Item<'_>, message: impl Into<String>, hint: &str) {
        let (line, column) = self.place(item.value.span().start);
        self.out.push(Diagnostic {
            line: Some(line),
            column: Some(column),
            ..Diagnostic::warning(Code::PropertyValueUnusual, item.key.clone(), message).hint(hint)
        });
    }

    fn at(
        &mut self,
        span: Range<usize>,
        key: &str,
        code: Code,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let (line, column) = self.place(span.start);
        if self.broken.contains(&line) {
            return;
        }
        self.out.push(Diagnostic {
            line: Some(line),
            column: Some(column),
            hint,
            ..Diagnostic::error(code, key, message)
        });
    }

    /// Line and column of a byte, counted from 1, columns in letters.
    fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    fn expected<T>(&mut self, item: &Item<'_>, what: &str, hint: Option<&str>) -> Option<T> {
        // What stands where a secret might is not repeated.
        let private = ["tokens", "secrets"]
            .iter()
            .any(|section| item.key.starts_with(section));
        let found = match item.value.get_ref() {
            other if private => format!("this {}", other.type_str()),
            // A key, most likely.
            DeValue::String(text) if text.contains("-----BEGIN") => "what stands in a file".to_owned(),
            DeValue::String(text) => shown(text),
            DeValue::Integer(number) => shown(number.as_str()),
            DeValue::Float(number) => shown(number.as_str()),
            DeValue::Boolean(value) => format!("`{value}`"),
            other => format!("a value of type {}", other.type_str()),
        };
        let message = format!("{} must be {what}, not {found}", shown(&item.key));
        self.mistake(item, Code::PropertyValueInvalid, message, hint);
        None
    }

    pub(super) fn section<'i>(&mut self, item: &Item<'i>) -> Option<Section<'i>> {
        let Some(table) = item.value.get_ref().as_table() else {
            return self.expected(item, "a table", None);
        };
        Some(Section {
            key: item.key.clone(),
            table,
            known: Vec::new(),
        })
    }

    pub(super) fn list<'i, T>(
        &mut self,
        item: &Item<'i>,
        mut read: impl FnMut(&mut Self, &Item<'i>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(array) = item.value.get_ref().as_array() else {
            return self.expected(item, "a list in `[` and `]`", None);
        };
        if array.len() > MAX_ELEMENTS {
            let message = format!("{} has more than {MAX_ELEMENTS} elements", shown(&item.key));
            self.mistake(item, Code::LimitExceeded, message, None);
            return None;
        }
        let mut values = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let element = Item {
                key: format!("{}[{index}]", item.key),
                value,
            };
            values.extend(read(self, &element));
        }
        Some(values)
    }

    pub(super) fn boolean(&mut self, item: &Item<'_>) -> Option<bool> {
        match item.value.get_ref().as_bool() {
            Some(value) => Some(value),
            None => self.expected(item, "`true` or `false`", None),
        }
    }

    pub(super) fn number(&mut self, item: &Item<'_>, range: RangeInclusive<u32>) -> Option<u32> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(number) = item.value.get_ref().as_integer() else {
            return self.expected(item, &what, None);
        };
        // TOML allows `1_000`; the parser has taken the lines out.
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.expected(item, &what, None),
        }
    }

    pub(super) fn string<'i>(&mut self, item: &Item<'i>) -> Option<&'i str> {
        let Some(text) = item.value.get_ref().as_str() else {
            return self.expected(item, "a text in quotes", None);
        };
        if text.is_empty() || text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
            let what =
                format!("a text of 1 to {MAX_TEXT_CHARS} letters on one line, without control characters");
            return self.expected(item, &what, None);
        }
        Some(text)
    }

    /// A text that can be read as something else.
    pub(super) fn parsed<T: FromStr>(&mut self, item: &Item<'_>, what: &str) -> Option<T> {
        match self.string(item)?.parse() {
            Ok(value) => Some(value),
            Err(_) => self.expected(item, what, None),
        }
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&mut self, item: &Item<'_>, words: &[(&str, T)]) -> Option<T> {
        let written = self.string(item)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written) {
            return Some(*value);
        }
        let known = words.iter().map(|(word, _)| *word);
        let hint = did_you_mean(written, known.clone()).map(|meant| format!("did you mean `{meant}`?"));
        self.expected(item, &one_of(known), hint.as_deref())
    }

    /// An absolute path that does not climb.
    pub(super) fn path(&mut self, item: &Item<'_>) -> Option<PathBuf> {
        let path = Path::new(self.string(item)?);
        if !is_plain(path) {
            return self.expected(item, "an absolute path without `..`", None);
        }
        Some(path.components().collect())
    }

    pub(super) fn duration(&mut self, item: &Item<'_>, range: RangeInclusive<Duration>) -> Option<Duration> {
        let [least, most] =
            [range.start(), range.end()].map(|end| duration::format(Ticks::from_duration(*end)));
        let what = format!("a duration from `{least}` to `{most}`");
        let text = self.string(item)?;
        let parsed = duration::parse(text).ok().filter(|ticks| ticks.0 >= 0);
        match parsed
            .map(|ticks| ticks.to_duration())
            .filter(|value| range.contains(value))
        {
            Some(value) => Some(value),
            None => self.expected(
                item,
                &what,
                Some("write it in ISO 8601, such as `PT30S` or `PT5M`"),
            ),
        }
    }
}

/// Absolute, and without `..`.
pub(super) fn is_plain(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
}
