//! Text, numbers, booleans and names out of a list, each with its parameters put in; and the JSON of components, of which
//! only the text is looked at.

use serde_json::{Map, Number, Value};

use super::Shaper;
use super::schema::{type_of, wrong_type};
use crate::topology::diagnostics::{Code, Diagnostic, Severity, one_of, shown};
use crate::topology::parameters::{Bound, typed};
use crate::topology::values::{Kind, SECRET_MEMBER};

impl Shaper<'_, '_> {
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

    pub(super) fn text(&mut self, schema: &Value, value: &Value) -> Value {
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

    pub(super) fn enumeration(&mut self, names: &[&str], value: &Value) -> Value {
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

    pub(super) fn boolean(&mut self, value: &Value) -> Value {
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

    pub(super) fn number(&mut self, schema: &Value, value: &Value) -> Value {
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

    pub(super) fn free_object(&mut self, value: &Value) -> Value {
        match value.is_object() {
            true => self.free(value),
            false => self.wrong(Code::PropertyValueInvalid, wrong_type("an object", value)),
        }
    }

    /// JSON that belongs to a component: only parameters are put in, and `"${p}"` takes the type of `p`.
    pub(super) fn free(&mut self, value: &Value) -> Value {
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
