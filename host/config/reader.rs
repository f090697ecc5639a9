//! Reading values out of a TOML document so that every mistake is told, each at its place.
//!
//! Invariant: a message repeats what was written only where it cannot be a secret.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::media::{Ticks, duration};
use crate::topology::diagnostics::{did_you_mean, one_of, shown};
use crate::topology::{Code, Diagnostic, Diagnostics, Secret};

/// Elements of one list, and members of a table whose members have names of the user's choice.
const MAX_ELEMENTS: usize = 1000;
/// Letters of one text.
const MAX_TEXT_CHARS: usize = 4096;
/// Bytes of a file with a secret in it.
const MAX_SECRET_BYTES: u64 = 64 << 10;

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

/// One table, and which of its members are known.
pub(super) struct Section<'t> {
    key: String,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t DeTable<'t>) -> Self {
        Self {
            key: String::new(),
            table,
            known: Vec::new(),
        }
    }

    /// The member of this name, if it is there.
    pub(super) fn item(&mut self, name: &'static str) -> Option<Item<'t>> {
        self.known.push(name);
        let value = self.table.get(name)?;
        Some(Item {
            key: self.key_of(name),
            value,
        })
    }

    /// Reads a member into its place; what is not there, or wrong, leaves the place as it was.
    pub(super) fn set<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        into: &mut T,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) {
        if let Some(value) = self.item(name).and_then(|item| read(reader, &item)) {
            *into = value;
        }
    }

    /// Like [`Self::set`], for what may be absent.
    pub(super) fn set_some<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        into: &mut Option<T>,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) {
        self.set(reader, name, into, |reader, item| read(reader, item).map(Some));
    }

    /// Reads a member that is a table.
    pub(super) fn table(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        read: impl FnOnce(&mut Reader<'t>, Section<'t>),
    ) {
        if let Some(item) = self.item(name)
            && let Some(section) = reader.section(&item)
        {
            read(reader, section);
        }
    }

    /// Reads a member that must be there.
    pub(super) fn required<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        at: &Item<'_>,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) -> Option<T> {
        match self.item(name) {
            Some(item) => read(reader, &item),
            None => {
                let message = format!("{} has no `{name}`", shown(&at.key));
                reader.mistake(at, Code::PropertyMissing, message, None);
                None
            }
        }
    }

    /// Whether a member is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Reports the members that nobody asked for.
    pub(super) fn finish(self, reader: &mut Reader<'t>) {
        for (name, _) in self.table.iter() {
            let written = name.get_ref().as_ref();
            if self.known.contains(&written) {
                continue;
            }
            let place = match self.key.as_str() {
                "" => "the configuration".to_owned(),
                key => shown(key),
            };
            let message = format!("{place} has no setting {}", shown(written));
            let hint = match did_you_mean(written, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("expected {}", one_of(self.known.iter().copied())),
            };
            reader.at(
                name.span(),
                &self.key_of(written),
                Code::PropertyUnknown,
                message,
                Some(hint),
            );
        }
    }

    /// All members of a table whose members have names of the user's choice.
    pub(super) fn members<T>(
        self,
        reader: &mut Reader<'t>,
        mut read: impl FnMut(&mut Reader<'t>, &str, &Item<'t>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let members = self.table.iter().take(MAX_ELEMENTS);
        members
            .filter_map(|(name, value)| {
                let written = name.get_ref().as_ref();
                let item = Item {
                    key: self.key_of(written),
                    value,
                };
                Some((written.to_owned(), read(reader, written, &item)?))
            })
            .collect()
    }

    fn key_of(&self, name: &str) -> String {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let name = if name.chars().all(plain) {
            name.to_owned()
        } else {
            format!("{name:?}")
        };
        match self.key.as_str() {
            "" => name,
            key => format!("{key}.{name}"),
        }
    }
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

    /// What a reference to a secret names. A secret that stands in the file itself is refused and not repeated.
    pub(super) fn secret(&mut self, item: &Item<'_>) -> Option<Secret> {
        let refer = "write `\"${file:/run/secrets/NAME}\"` or `\"${env:NAME}\"`, and keep the secret there";
        let reference = item.value.get_ref().as_str().and_then(reference);
        let Some((kind, name)) = reference else {
            let message = format!("{} must not hold the secret itself", shown(&item.key));
            self.mistake(item, Code::PropertyValueInvalid, message, Some(refer));
            return None;
        };
        let found = match kind {
            "file" => from_file(Path::new(name)),
            _ => (self.environment)(name).ok_or_else(|| format!("the environment has no {}", shown(name))),
        };
        let found = found.and_then(|text| match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{} is empty", shown(name))),
            text if text.chars().any(char::is_control) => Err(format!(
                "{} holds more than one line, or control characters",
                shown(name)
            )),
            text => Ok(Secret::new(text)),
        });
        match found {
            Ok(secret) => Some(secret),
            Err(why) => {
                let message = format!("the secret of {} is not there: {why}", shown(&item.key));
                let hint = "the user that runs mediagraph must be able to read it";
                self.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
                None
            }
        }
    }
}

/// Absolute, and without `..`.
pub(super) fn is_plain(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
}

/// `${file:PATH}` or `${env:NAME}`.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (kind, name) = text.strip_prefix("${")?.strip_suffix('}')?.split_once(':')?;
    let sound = match kind {
        "file" => is_plain(Path::new(name)),
        "env" => {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        }
        _ => false,
    };
    sound.then_some((kind, name))
}

fn from_file(path: &Path) -> Result<String, String> {
    let failed =
        |error: std::io::Error| format!("{} cannot be read: {error}", shown(&path.display().to_string()));
    // Asked before opening: a named pipe would be waited for.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{} is not a file", shown(&path.display().to_string())));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!(
            "{} has more than {MAX_SECRET_BYTES} bytes",
            shown(&path.display().to_string())
        ));
    }
    Ok(text)
}
