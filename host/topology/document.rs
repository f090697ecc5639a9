//! A topology (or graph instance) as it was written: its text, its JSON value, and where each part of it stands.
//!
//! `serde_json` alone decides what is JSON. `jsonc-parser`, in its strict mode, only tells positions and
//! members that are written twice; a topology is never refused because of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, ast, parse_to_ast};
use serde_json::Value;

use super::diagnostics::{Code, Diagnostic, Diagnostics, shown};
use super::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};

/// A topology as written. `Debug` does not show it: a password may be written in it.
#[derive(Clone)]
pub struct TopologyDoc {
    text: String,
    value: Value,
}

impl std::fmt::Debug for TopologyDoc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopologyDoc")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl TopologyDoc {
    /// Reads UTF-8 JSON, with or without a byte order mark.
    ///
    /// # Errors
    /// When it is too large, not UTF-8, not JSON, nested too deeply, or has a member twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Diagnostics> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(refused(
                Code::LimitExceeded,
                format!(
                    "the document has {} bytes; at most {MAX_DOCUMENT_BYTES} are allowed",
                    bytes.len()
                ),
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            refused(
                Code::JsonInvalid,
                format!("the document is not UTF-8 text: {error}"),
            )
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text).map_err(|error| syntax_error(&error))?;
        if depth(&value) > MAX_DEPTH {
            return Err(refused(
                Code::LimitExceeded,
                format!("the document is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        let doc = Self {
            text: text.to_owned(),
            value,
        };
        let duplicates = doc.duplicates();
        if duplicates.has_errors() {
            return Err(duplicates);
        }
        Ok(doc)
    }

    /// The whole document.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column, counted from 1, of what a JSON pointer names; of the nearest part that exists when it
    /// does not exist.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Option<(usize, usize)> {
        let root = syntax_tree(&self.text)?;
        Some(line_and_column(&self.text, locate(&root, pointer)))
    }

    /// The bytes of the text that hold the value that a JSON pointer names.
    #[must_use]
    pub fn span(&self, pointer: &str) -> Option<Range<usize>> {
        self.value.pointer(pointer)?;
        let root = syntax_tree(&self.text)?;
        let value = value_at(&root, pointer)?;
        Some(value.start()..value.end())
    }

    /// Puts line and column on each diagnostic that points into the document, and sorts them.
    pub(super) fn place(&self, diagnostics: &mut Diagnostics) {
        if diagnostics.diagnostics.is_empty() {
            return;
        }
        if let Some(root) = syntax_tree(&self.text) {
            for one in &mut diagnostics.diagnostics {
                if one.line.is_none() && !one.pointer.starts_with('-') {
                    let (line, column) = line_and_column(&self.text, locate(&root, &one.pointer));
                    (one.line, one.column) = (Some(line), Some(column));
                }
            }
        }
        diagnostics.sort();
    }

    fn duplicates(&self) -> Diagnostics {
        let mut found = Diagnostics::default();
        if let Some(root) = syntax_tree(&self.text) {
            find_duplicates(&root, &mut String::new(), &self.text, &mut found);
        }
        found
    }
}

fn refused(code: Code, message: String) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(Diagnostic::error(code, "", message));
    diagnostics
}

fn syntax_error(error: &serde_json::Error) -> Diagnostics {
    let whole = error.to_string();
    // The position is in the fields already.
    let what = whole.split(" at line ").next().unwrap_or(&whole);
    let mut diagnostic = Diagnostic::error(Code::JsonInvalid, "", format!("not valid JSON: {what}"));
    diagnostic.line = Some(error.line().max(1));
    diagnostic.column = Some(error.column().max(1));
    if what.contains("trailing comma") {
        diagnostic = diagnostic.hint("remove the comma before the closing bracket");
    }
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(diagnostic);
    diagnostics
}

// serde_json has limited the depth to 128 before this recursion sees it.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn syntax_tree(text: &str) -> Option<ast::Value<'_>> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_ast(text, &CollectOptions::default(), &strict)
        .ok()?
        .value
}

fn locate(root: &ast::Value<'_>, pointer: &str) -> usize {
    let mut at = root;
    let mut start = root.start();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match at {
            ast::Value::Object(object) => object.get(&step).map(|member| (&member.value, member.start())),
            ast::Value::Array(array) => step
                .parse::<usize>()
                .ok()
                .and_then(|index| array.elements.get(index))
                .map(|element| (element, element.start())),
            _ => None,
        };
        let Some((value, begins)) = next else { break };
        (at, start) = (value, begins);
    }
    start
}

fn value_at<'a>(root: &'a ast::Value<'a>, pointer: &str) -> Option<&'a ast::Value<'a>> {
    pointer.split('/').skip(1).try_fold(root, |at, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        match at {
            ast::Value::Object(object) => object.get(&step).map(|member| &member.value),
            ast::Value::Array(array) => array.elements.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
    (line, column)
}

fn find_duplicates(value: &ast::Value<'_>, pointer: &mut String, text: &str, found: &mut Diagnostics) {
    let length = pointer.len();
    match value {
        ast::Value::Array(array) => {
            for (index, element) in array.elements.iter().enumerate() {
                push_step(pointer, &index.to_string());
                find_duplicates(element, pointer, text, found);
                pointer.truncate(length);
            }
        }
        ast::Value::Object(object) => {
            let mut seen = HashSet::new();
            for member in &object.properties {
                let name = member.name.as_str();
                push_step(pointer, name);
                if !seen.insert(name) {
                    found.push(duplicate(pointer, name, line_and_column(text, member.start())));
                }
                find_duplicates(&member.value, pointer, text, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

fn duplicate(pointer: &str, name: &str, (line, column): (usize, usize)) -> Diagnostic {
    Diagnostic {
        line: Some(line),
        column: Some(column),
        ..Diagnostic::error(
            Code::PropertyDuplicate,
            pointer,
            format!("the member {} is written twice in the same object", shown(name)),
        )
    }
    .hint("keep one of them")
}

/// Appends one escaped step (RFC 6901, section 3) to a JSON pointer.
pub(super) fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    let escaped: Cow<'_, str> = if step.contains(['~', '/']) {
        step.replace('~', "~0").replace('/', "~1").into()
    } else {
        step.into()
    };
    pointer.push_str(&escaped);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_lines_and_letters_counted_from_one() {
        let doc = TopologyDoc::parse("\u{feff}{\n  \"ä\": 1, \"a/b\": [1,\n 2]}".as_bytes()).unwrap();
        assert_eq!(doc.position(""), Some((1, 1)));
        assert_eq!(doc.position("/ä"), Some((2, 3)));
        assert_eq!(doc.position("/a~1b"), Some((2, 11)));
        assert_eq!(doc.position("/a~1b/1"), Some((3, 2)));
        assert_eq!(
            doc.position("/a~1b/7"),
            Some((2, 11)),
            "the nearest part that exists"
        );
    }

    #[test]
    fn a_value_has_its_place_in_the_text() {
        let doc = TopologyDoc::parse(br#"{"a/b": [1, {"c": "x"}]}"#).unwrap();
        let text = |pointer| doc.text().get(doc.span(pointer)?);
        assert_eq!(text("/a~1b/1"), Some(r#"{"c": "x"}"#));
        assert_eq!(text("/a~1b/1/c"), Some("\"x\""));
        assert_eq!((text("/a~1b/2"), text("/c")), (None, None));
    }

    #[test]
    fn a_member_written_twice_is_an_error_at_the_second_place() {
        let errors = TopologyDoc::parse(b"{\"a\": {\"b\": 1,\n\"b\": 2}}").unwrap_err();
        let one = &errors.diagnostics[0];
        assert_eq!(
            (one.code, one.pointer.as_str()),
            (Code::PropertyDuplicate, "/a/b")
        );
        assert_eq!((one.line, one.column), (Some(2), Some(1)));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, line) in [
            ("", 1),
            ("{\n\"a\": 1,\n}", 3),
            ("{} {}", 1),
            ("// comment\n{}", 1),
        ] {
            let errors = TopologyDoc::parse(text.as_bytes()).unwrap_err();
            assert_eq!(errors.diagnostics[0].code, Code::JsonInvalid, "{text}");
            assert_eq!(errors.diagnostics[0].line, Some(line), "{text}");
        }
        assert!(TopologyDoc::parse(&[0xff, 0xfe]).is_err());
    }

    #[test]
    fn size_and_depth_have_limits() {
        let large = format!("\"{}\"", "x".repeat(MAX_DOCUMENT_BYTES));
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        for text in [large, deep] {
            let errors = TopologyDoc::parse(text.as_bytes()).unwrap_err();
            assert_eq!(errors.diagnostics[0].code, Code::LimitExceeded);
        }
        let endless = "[".repeat(100_000);
        assert!(TopologyDoc::parse(endless.as_bytes()).is_err());
    }

    #[test]
    fn debug_output_does_not_show_the_text() {
        let doc = TopologyDoc::parse(b"{\"password\": \"hunter2\"}").unwrap();
        assert!(!format!("{doc:?}").contains("hunter2"));
    }
}
