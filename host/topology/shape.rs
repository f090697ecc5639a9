//! Checks a written value against the JSON Schema of a configuration struct, and brings it into that struct's
//! exact form: canonical casing, numbers out of strings, parameters put in. One pass reports every mistake,
//! where serde would stop at the first.
//!
//! The schemas are those that `schemars` derives with all sub-schemas inlined: objects, arrays, scalars,
//! options, enumerations and objects tagged by `@type`. A `null` counts as absent, as it did in LVA.

mod scalars;
mod schema;

use serde_json::{Map, Value};

pub(super) use self::schema::{TYPE_MEMBER, same_type, type_of};
use self::schema::{constants, tag_of, without_null, wrong_type};
use super::diagnostics::{Code, Diagnostic, Diagnostics, did_you_mean, one_of, shown};
use super::document::push_step;
use super::limits::MAX_DIAGNOSTICS;
use super::parameters::Scope;
use super::values::Kind;

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
}
