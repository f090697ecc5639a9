//! Checks a written value against the JSON Schema of a configuration struct, and brings it into that struct's
//! exact form: canonical casing, numbers out of strings, parameters put in. One pass reports every mistake,
//! where serde would stop at the first.
//!
//! The schemas are those that `schemars` derives with all sub-schemas inlined: objects, arrays, scalars,
//! options, enumerations and objects tagged by `@type`. A `null` counts as absent, as it did in LVA.

use serde_json::{Map, Number, Value};

use super::diagnostics::{Code, Diagnostic, Diagnostics, Severity, did_you_mean, one_of, shown};
use super::document::push_step;
use super::limits::MAX_DIAGNOSTICS;
use super::parameters::{Bound, Scope, typed};
use super::values::{Kind, SECRET_MEMBER};

/// The member that tells an object's type.
pub(super) const TYPE_MEMBER: &str = "@type";

/// What LVA and AVA put before the names of types.
const TYPE_PREFIXES: [&str; 2] = ["#microsoft.media.mediagraph", "#microsoft.videoanalyzer."];

/// One pass over one value.
pub(super) struct Shaper<'s, 'a> {
    pub(super) scope: &'s mut Scope<'a>,
    pub(super) out: &'s mut Diagnostics,
    pub(super) pointer: String,
    /// Becomes false when a value is wrong or waits for a parameter.
    pub(super) complete: bool,
}

impl Shaper<'_, '_> {
    /// The value in canonical form; `Null` where it is wrong or incomplete.
    pub(super) fn shape(&mut self, schema: &Value, value: &Value) -> Value {
        let schema = without_null(schema);
        match Kind::of(schema) {
            Kind::Raw => return self.raw(schema, value),
            Kind::InPlace if value.is_array() => return Value::Null,
            Kind::InPlace => {
                return self.wrong(Code::PropertyValueInvalid, wrong_type("an array", value));
            }
            _ => {}
        }
        if let Some(branches) = schema.get("oneOf").and_then(Value::as_array) {
            return match branches.iter().any(|branch| branch.get("const").is_some()) {
                true => self.enumeration(&constants(branches), value),
                false => self.tagged(branches, value),
            };
        }
        if let Some(names) = schema.get("enum").and_then(Value::as_array) {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            return self.enumeration(&names, value);
        }
        match type_of(schema) {
            Some("object") if schema.get("properties").is_some() => self.object(schema, value),
            Some("object") => self.free_object(value),
            Some("array") => self.array(schema, value),
            Some("string") => self.text(schema, value),
            Some("integer" | "number") => self.number(schema, value),
            Some("boolean") => self.boolean(value),
            // A unit: only the tag of an object, which `tagged` has looked at.
            _ => self.free(value),
        }
    }

    fn raw(&mut self, schema: &Value, value: &Value) -> Value {
        match type_of(schema) {
            Some("array") if !value.is_array() => {
                self.wrong(Code::PropertyValueInvalid, wrong_type("an array", value))
            }
            _ => value.clone(),
        }
    }

    fn wrong(&mut self, code: Code, message: impl Into<String>) -> Value {
        self.complete = false;
        self.out
            .push(Diagnostic::error(code, self.pointer.clone(), message));
        Value::Null
    }

    fn within<T>(&mut self, step: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        push_step(&mut self.pointer, step);
        let result = inner(self);
        self.pointer.truncate(length);
        result
    }

    fn object(&mut self, schema: &Value, value: &Value) -> Value {
        match value.as_object() {
            Some(members) => self.members(schema, members, None),
            None => self.wrong(Code::PropertyValueInvalid, wrong_type("an object", value)),
        }
    }

    /// The members in canonical casing; unknown and missing ones are reported. Where one of them is the `tag`, it has been
    /// looked at, and the schema's own is not known a second time.
    fn members(&mut self, schema: &Value, members: &Map<String, Value>, tag: Option<&str>) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let all = properties.into_iter().flatten();
        let known = all.filter(|(name, _)| tag.is_none() || *name != TYPE_MEMBER);
        let mut shaped = Map::new();
        for (written, member) in members
            .iter()
            .filter(|(written, _)| Some(written.as_str()) != tag)
        {
            let exact = properties.and_then(|all| all.get_key_value(written));
            let found = exact
                .filter(|(name, _)| tag.is_none() || *name != TYPE_MEMBER)
                .or_else(|| known.clone().find(|(name, _)| name.eq_ignore_ascii_case(written)));
            match found {
                None => self.unknown(written, known.clone().map(|(name, _)| name.as_str())),
                Some((name, _)) if shaped.contains_key(name) => self.within(written, |this| {
                    this.wrong(
                        Code::PropertyDuplicate,
                        format!("{} stands for `{name}`, which is there already", shown(written)),
                    );
                }),
                Some(_) if member.is_null() => {}
                Some((name, schema)) => {
                    let value = self.within(written, |this| this.shape(schema, member));
                    shaped.insert(name.clone(), value);
                }
            }
        }
        self.require(schema, &shaped, tag.is_some());
        Value::Object(shaped)
    }

    fn unknown<'n>(&mut self, written: &str, known: impl Iterator<Item = &'n str> + Clone) {
        // Beyond the cap nobody reads it, and looking for names takes time.
        let kept = self.out.errors < MAX_DIAGNOSTICS;
        let meant = if kept {
            did_you_mean(written, known.clone())
        } else {
            None
        };
        let hint = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known here: {}", one_of(known)),
        };
        self.complete = false;
        let length = self.pointer.len();
        push_step(&mut self.pointer, written);
        let message = format!("unknown member {}", shown(written));
        self.out
            .push(Diagnostic::error(Code::PropertyUnknown, self.pointer.clone(), message).hint(hint));
        self.pointer.truncate(length);
    }

    fn require(&mut self, schema: &Value, shaped: &Map<String, Value>, tagged: bool) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let seen = tagged && name == TYPE_MEMBER;
            if !seen && !shaped.contains_key(name) {
                self.wrong(Code::PropertyMissing, format!("the member `{name}` is missing"));
            }
        }
    }

    /// An object whose `@type` decides what else it holds.
    fn tagged(&mut self, branches: &[Value], value: &Value) -> Value {
        let Some(members) = value.as_object() else {
            return self.wrong(
                Code::PropertyValueInvalid,
                wrong_type("an object with an `@type`", value),
            );
        };
        let tags: Vec<&str> = branches.iter().filter_map(tag_of).collect();
        let written = members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(TYPE_MEMBER));
        let Some((member, written)) = written.and_then(|(name, tag)| Some((name, tag.as_str()?))) else {
            let message = "the member `@type` is missing";
            self.wrong(Code::PropertyMissing, message);
            return Value::Null;
        };
        let Some((tag, branch)) = tags.iter().zip(branches).find(|(tag, _)| same_type(tag, written)) else {
            let hint = match did_you_mean(written, tags.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", one_of(tags.iter().copied())),
            };
            self.complete = false;
            let mut pointer = self.pointer.clone();
            push_step(&mut pointer, member);
            let message = format!("unknown type {}", shown(written));
            self.out
                .push(Diagnostic::error(Code::TypeUnknown, pointer, message).hint(hint));
            return Value::Null;
        };
        let mut shaped = self.members(branch, members, Some(member));
        if let Some(shaped) = shaped.as_object_mut() {
            shaped.insert(TYPE_MEMBER.to_owned(), (*tag).into());
        }
        shaped
    }

    fn array(&mut self, schema: &Value, value: &Value) -> Value {
        let Some(items) = value.as_array() else {
            return self.wrong(Code::PropertyValueInvalid, wrong_type("an array", value));
        };
        let schema = schema.get("items").unwrap_or(&Value::Null);
        let shaped = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.within(&index.to_string(), |this| this.shape(schema, item)));
        Value::Array(shaped.collect())
    }

    /// A scalar as bound text; bare numbers and booleans are taken for strings that hold them.
    fn bind(&mut self, value: &Value) -> Option<Bound> {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => return Some(Bound::literal(&number.to_string())),
            Value::Bool(flag) => return Some(Bound::literal(&flag.to_string())),
            _ => {
                self.wrong(Code::PropertyValueInvalid, wrong_type("a string", value));
                return None;
            }
        };
        let bound = self.scope.bind(text, &self.pointer, self.out);
        self.complete &= bound.as_ref().is_some_and(|bound| !bound.is_missing());
        bound
    }

    /// Bound text that has all its values and holds neither dates nor secrets.
    fn scalar(&mut self, value: &Value) -> Option<String> {
        let bound = self.bind(value)?;
        self.refuse_date_and_secret(&bound, Kind::Plain)?;
        (!bound.is_missing()).then(|| bound.text())
    }

    fn refuse_date_and_secret(&mut self, bound: &Bound, kind: Kind) -> Option<()> {
        if bound.has_date() && !kind.is_pattern() {
            self.wrong(
                Code::ParameterInvalid,
                "dates can stand only in the names of assets and files",
            );
            return None;
        }
        if bound.secret && !kind.may_be_secret() {
            self.wrong(
                Code::ParameterInvalid,
                "a SecretString can stand only in `credentials`, `url` and `config`: elsewhere it would be shown",
            );
            return None;
        }
        Some(())
    }

    fn text(&mut self, schema: &Value, value: &Value) -> Value {
        let kind = Kind::of(schema);
        if kind == Kind::Literal {
            return match value {
                Value::String(_) => value.clone(),
                Value::Number(number) => number.to_string().into(),
                Value::Bool(flag) => flag.to_string().into(),
                _ => self.wrong(Code::PropertyValueInvalid, wrong_type("a string", value)),
            };
        }
        let Some(bound) = self.bind(value) else {
            return Value::Null;
        };
        if self.refuse_date_and_secret(&bound, kind).is_none() || bound.is_missing() {
            return Value::Null;
        }
        if let Some(problem) = kind.check(&bound, schema) {
            self.complete &= problem.severity == Severity::Warning;
            let mut diagnostic = Diagnostic::error(problem.code, self.pointer.clone(), problem.message);
            diagnostic.severity = problem.severity;
            diagnostic.hint = problem.hint.map(str::to_owned);
            self.out.push(diagnostic);
        }
        self.check_length(schema, &bound);
        match kind {
            Kind::AssetName | Kind::FileName | Kind::FilePath => bound.pattern().to_string().into(),
            Kind::Address | Kind::RtspAddress if bound.secret => {
                Value::Object(Map::from_iter([(SECRET_MEMBER.to_owned(), bound.text().into())]))
            }
            _ => bound.text().into(),
        }
    }

    fn check_length(&mut self, schema: &Value, bound: &Bound) {
        let length = bound.text().chars().count() as u64;
        let limit = |name| schema.get(name).and_then(Value::as_u64);
        let (least, most) = (
            limit("minLength").unwrap_or(0),
            limit("maxLength").unwrap_or(u64::MAX),
        );
        if length < least || length > most {
            let most = if most == u64::MAX {
                "any number of".to_owned()
            } else {
                most.to_string()
            };
            self.wrong(
                Code::PropertyValueOutOfRange,
                format!("must have between {least} and {most} letters, and has {length}"),
            );
        }
    }

    fn enumeration(&mut self, names: &[&str], value: &Value) -> Value {
        let Some(text) = self.scalar(value) else {
            return Value::Null;
        };
        if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(&text)) {
            return (*name).into();
        }
        self.wrong(
            Code::PropertyValueInvalid,
            format!("{} is not one of {}", shown(&text), one_of(names.iter().copied())),
        )
    }

    fn boolean(&mut self, value: &Value) -> Value {
        let Some(text) = self.scalar(value) else {
            return Value::Null;
        };
        match text.to_ascii_lowercase().parse::<bool>() {
            Ok(flag) => flag.into(),
            Err(_) => self.wrong(
                Code::PropertyValueInvalid,
                format!("expected `true` or `false`, not {}", shown(&text)),
            ),
        }
    }

    fn number(&mut self, schema: &Value, value: &Value) -> Value {
        let Some(text) = self.scalar(value) else {
            return Value::Null;
        };
        let whole = type_of(schema) == Some("integer");
        let parsed = match whole {
            true => text
                .trim()
                .parse::<i64>()
                .ok()
                .map(|number| (number as f64, Number::from(number))),
            false => text
                .trim()
                .parse::<f64>()
                .ok()
                .and_then(|number| Some((number, Number::from_f64(number)?))),
        };
        let Some((size, number)) = parsed else {
            let expected = if whole { "a whole number" } else { "a number" };
            return self.wrong(
                Code::PropertyValueInvalid,
                format!("expected {expected}, not {}", shown(&text)),
            );
        };
        let limit = |name| schema.get(name).and_then(Value::as_f64);
        let widest = if whole { f64::from(u32::MAX) } else { f64::MAX };
        let (least, most) = (
            limit("minimum").unwrap_or(f64::MIN),
            limit("maximum").unwrap_or(widest),
        );
        if size < least || size > most {
            let message = match (limit("minimum"), limit("maximum")) {
                (Some(least), None) if size < least => {
                    format!("{} is too small: at least {least}", shown(&text))
                }
                (Some(least), Some(most)) => {
                    format!("{} is out of range: from {least} to {most}", shown(&text))
                }
                _ => format!("{} is too large", shown(&text)),
            };
            return self.wrong(Code::PropertyValueOutOfRange, message);
        }
        Value::Number(number)
    }

    fn free_object(&mut self, value: &Value) -> Value {
        match value.is_object() {
            true => self.free(value),
            false => self.wrong(Code::PropertyValueInvalid, wrong_type("an object", value)),
        }
    }

    /// JSON that belongs to a component: only parameters are put in, and `"${p}"` takes the type of `p`.
    fn free(&mut self, value: &Value) -> Value {
        match value {
            Value::String(_) => self.free_text(value),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Value::Array(
                    items
                        .map(|(at, item)| self.within(&at.to_string(), |this| this.free(item)))
                        .collect(),
                )
            }
            Value::Object(members) => {
                let members = members.iter();
                Value::Object(
                    members
                        .map(|(name, member)| (name.clone(), self.within(name, |this| this.free(member))))
                        .collect(),
                )
            }
            _ => value.clone(),
        }
    }

    fn free_text(&mut self, value: &Value) -> Value {
        let Some(bound) = self.bind(value) else {
            return Value::Null;
        };
        if bound.has_date() {
            return self.wrong(
                Code::ParameterInvalid,
                "dates can stand only in the names of assets and files",
            );
        }
        if bound.is_missing() {
            return Value::Null;
        }
        let text = bound.text();
        bound
            .whole
            .and_then(|kind| typed(kind, &text))
            .unwrap_or_else(|| text.into())
    }
}

/// Whether two type names mean the same: LVA's and AVA's prefixes are alike, and so is casing.
pub(super) fn same_type(known: &str, written: &str) -> bool {
    // Most of those that are compared end in different letters.
    let end = |name: &str| name.as_bytes().last().map(u8::to_ascii_lowercase);
    end(known) == end(written) && short_type(known).eq_ignore_ascii_case(short_type(written))
}

fn short_type(name: &str) -> &str {
    let without = |prefix: &&str| {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    };
    TYPE_PREFIXES.iter().find_map(without).unwrap_or(name)
}

fn without_null(schema: &Value) -> &Value {
    let branches = schema.get("anyOf").and_then(Value::as_array);
    let real = branches.and_then(|all| all.iter().find(|one| type_of(one) != Some("null")));
    real.unwrap_or(schema)
}

pub(super) fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

fn constants(branches: &[Value]) -> Vec<&str> {
    branches
        .iter()
        .filter_map(|branch| branch.get("const")?.as_str())
        .collect()
}

fn tag_of(branch: &Value) -> Option<&str> {
    branch.get("properties")?.get(TYPE_MEMBER)?.get("const")?.as_str()
}

fn wrong_type(expected: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("expected {expected}, found {found}")
}
