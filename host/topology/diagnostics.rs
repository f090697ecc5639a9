//! Mistakes in a topology, all of them at once: where, what, and what to do next.
//!
//! Invariant: a message never holds the value of a secret; who writes one sees to it (`shape` and `values`
//! are the only places that see values).

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

use super::limits::{MAX_DIAGNOSTICS, MAX_SHOWN_CHARS};
use crate::text::obeyed;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The topology cannot be used.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// What kind of mistake it is. Live Video Analytics' detail codes where it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not JSON.
    JsonInvalid,
    /// The text is not TOML: the host's configuration, whose mistakes are told in the same way.
    TomlInvalid,
    /// A limit of [`super::limits`] is passed.
    LimitExceeded,
    /// LVA: `@apiVersion` is one that this host does not know.
    ApiVersionNotSupported,
    /// LVA: the nodes do not form a graph that can run.
    GraphValidationError,
    /// LVA: the scheme of an RTSP URL is not `rtsp` or `rtsps`.
    RtspEndpointUrlInvalidScheme,
    /// LVA: letters that are not allowed here.
    PropertyValueInvalidPattern,
    /// A member that the object does not have.
    PropertyUnknown,
    /// A member that must be there.
    PropertyMissing,
    /// A member that is there twice.
    PropertyDuplicate,
    /// A value of the wrong type or form.
    PropertyValueInvalid,
    /// A number, length or duration beyond its bounds.
    PropertyValueOutOfRange,
    /// A value that is allowed but surprising.
    PropertyValueUnusual,
    /// `@type` names no type known here.
    TypeUnknown,
    /// A node type or setting that is understood but cannot run yet.
    NotYetAvailable,
    /// `${x}` or a value for `x`, and no parameter `x`.
    ParameterUndeclared,
    /// A parameter that nothing refers to.
    ParameterUnused,
    /// A parameter without a value.
    ParameterMissing,
    /// A parameter whose value, name or use is wrong.
    ParameterInvalid,
}

impl Code {
    /// The name that programs read.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// JSON pointer (RFC 6901) to the culprit; empty for the whole document; `-p name` for a value that was
    /// given from outside.
    pub pointer: String,
    /// Counted from 1; none when the culprit is not in the document (a value given from outside).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Counted from 1, in letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Lower case, no full stop.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a JSON pointer.
    pub fn error(code: Code, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            pointer: pointer.into(),
            line: None,
            column: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning at a JSON pointer.
    pub fn warning(code: Code, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, pointer, message)
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn write(&self, file: Option<&str>, out: &mut String) {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        if let Some(file) = file {
            let _ = write!(out, "{file}:");
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            let _ = write!(out, "{line}:{column}:");
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        let _ = writeln!(out, "{severity}: {}", self.message);
        if !self.pointer.is_empty() {
            let _ = writeln!(out, "  at {} ({})", self.pointer, self.code.name());
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "  hint: {hint}");
        }
    }
}

/// All mistakes of one document, up to [`MAX_DIAGNOSTICS`] errors and as many warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    /// The mistakes.
    pub diagnostics: Vec<Diagnostic>,
    /// How many errors there are, with those that were not kept.
    pub errors: usize,
    /// How many warnings there are, with those that were not kept.
    pub warnings: usize,
}

impl Diagnostics {
    /// Adds one; beyond the cap it is only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether the topology cannot be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors == 0 && self.warnings == 0
    }

    /// For people: `file:line:column: error: message`, then pointer and hint on lines of their own.
    #[must_use]
    pub fn render(&self, file: Option<&str>) -> String {
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            let mut one = String::new();
            diagnostic.write(file, &mut one);
            text.push_str(&one);
        }
        let omitted = self.errors + self.warnings - self.diagnostics.len();
        if omitted > 0 {
            let _ = writeln!(text, "... and {omitted} more");
        }
        text
    }

    /// Reading order: by place, errors before warnings; what has no place comes last.
    pub(crate) fn sort(&mut self) {
        self.diagnostics
            .sort_by_key(|one| (one.line.unwrap_or(usize::MAX), one.column, one.severity));
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(None).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// The nearest known name, if it is near enough to be meant.
#[must_use]
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer than any name cannot be a misspelt one, and would cost quadratic time.
    if written.len() > MAX_SHOWN_CHARS {
        return None;
    }
    let written = written.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&written, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What someone wrote, fit for a message: in backticks, without control characters, and not endless.
#[must_use]
pub fn shown(written: &str) -> String {
    let mut letters = written.chars();
    let mut text: String = letters
        .by_ref()
        .take(MAX_SHOWN_CHARS)
        .map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter })
        .collect();
    if letters.next().is_some() {
        text.push_str("...");
    }
    format!("`{text}`")
}

/// The names as a list for a hint: `` `a`, `b` or `c` ``.
#[must_use]
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_cap_mistakes_are_counted_and_errors_are_not_crowded_out_by_warnings() {
        let mut all = Diagnostics::default();
        for _ in 0..MAX_DIAGNOSTICS + 5 {
            all.push(Diagnostic::warning(Code::ParameterUnused, "/a", "unused"));
        }
        all.push(Diagnostic::error(Code::PropertyMissing, "/b", "missing"));
        assert_eq!(all.diagnostics.len(), MAX_DIAGNOSTICS + 1);
        assert!(all.render(None).ends_with("... and 5 more\n"));
        assert!(all.has_errors());
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["sensitivity", "outputMotionRegion"];
        assert_eq!(did_you_mean("Sensitivty", known), Some("sensitivity"));
        assert_eq!(did_you_mean("colour", known), None);
        assert_eq!(did_you_mean(&"s".repeat(1 << 20), known), None);
    }

    #[test]
    fn what_is_repeated_is_short_and_free_of_control_characters() {
        assert_eq!(shown("a\u{1b}[31m"), "`a\u{fffd}[31m`");
        assert!(shown(&"x".repeat(1000)).len() < 100);
    }

    #[test]
    fn what_somebody_wrote_cannot_turn_a_message_around() {
        assert_eq!(
            shown("a\u{202e}b\u{2066}\u{1b}[0m\n"),
            "`a\u{fffd}b\u{fffd}\u{fffd}[0m\u{fffd}`"
        );
    }

    #[test]
    fn rendering_names_file_place_pointer_and_hint() {
        let mut all = Diagnostics::default();
        all.push(Diagnostic {
            line: Some(3),
            column: Some(7),
            ..Diagnostic::error(Code::PropertyUnknown, "/x", "unknown member `y`").hint("did you mean `z`?")
        });
        assert_eq!(
            all.render(Some("t.json")),
            "t.json:3:7: error: unknown member `y`\n  at /x (PropertyUnknown)\n  hint: did you mean `z`?\n"
        );
    }
}
