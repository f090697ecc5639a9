//! Parameters: what is declared, what is given, and putting one into the other.
//!
//! Substitution is textual, as LVA's was: a value is put in as it stands and is not searched for further
//! parameters. Only in patterns (names of assets and files) may a value bring `${System.DateTime}` along.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diagnostics::{Code, Diagnostic, Diagnostics, did_you_mean, shown};
use super::limits::{
    MAX_DIAGNOSTICS, MAX_EXPANDED_BYTES, MAX_PARAMETER_NAME_CHARS, MAX_PARAMETER_VALUE_BYTES,
};
use super::model::{ParameterDeclaration, ParameterType};
use super::secrets::Secrets;
use super::template::{Pattern, SYSTEM_PREFIX, Segment, System, split};

/// Values given for parameters, in their order, and the host's secrets that they may name; `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Bindings(BTreeMap<String, String>, Secrets);

impl std::fmt::Debug for Bindings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why `name=value` is not one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BindingError {
    /// No `=`.
    #[error("a parameter is given as `name=value`, and this one has no `=`")]
    NoEquals,
    /// Twice the same name.
    #[error("the parameter `{0}` is given twice")]
    Twice(String),
}

impl Bindings {
    /// Reads `name=value` pairs as a command line gives them; the value may hold further `=`.
    ///
    /// # Errors
    /// When one has no `=`, or a name comes twice. The value is not repeated: it may be a password.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<Self, BindingError> {
        let mut bindings = Self::default();
        for pair in pairs {
            let (name, value) = pair.split_once('=').ok_or(BindingError::NoEquals)?;
            if bindings.0.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(BindingError::Twice(name.to_owned()));
            }
        }
        Ok(bindings)
    }

    /// Lets values `${secret:NAME}` of parameters of type `SecretString` stand for these secrets.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self(self.0, secrets)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Gives a parameter a value, instead of one it may have.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }
}

struct Declared {
    kind: ParameterType,
    value: Option<String>,
    index: usize,
}

/// A reference that was looked up.
#[derive(Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    /// From a parameter: patterns look for dates in it.
    Value(String),
    Date(System),
    /// Its parameter has no value.
    Missing,
}

/// A string with its parameters put in.
#[derive(Clone, Default)]
pub(super) struct Bound {
    pub(super) pieces: Vec<Piece>,
    /// A secret went into it.
    pub(super) secret: bool,
    /// Set when the string was exactly `${p}`.
    pub(super) whole: Option<ParameterType>,
}

impl Bound {
    pub(super) fn literal(text: &str) -> Self {
        Self {
            pieces: vec![Piece::Text(text.to_owned())],
            ..Self::default()
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.pieces.contains(&Piece::Missing)
    }

    pub(super) fn has_date(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Date(_)))
    }

    pub(super) fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Value(text) => text.as_str(),
                Piece::Date(_) | Piece::Missing => "",
            })
            .collect()
    }

    /// For names of recordings: dates stay open, also those that a parameter's value brings along.
    pub(super) fn pattern(&self) -> Pattern {
        let mut pattern = Pattern::default();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => pattern.push_text(text),
                Piece::Value(text) => push_value(&mut pattern, text),
                Piece::Date(variable) => pattern.push_date(*variable),
                Piece::Missing => {}
            }
        }
        pattern
    }
}

fn push_value(pattern: &mut Pattern, text: &str) {
    let Ok(segments) = split(text) else {
        return pattern.push_text(text);
    };
    for segment in segments {
        match segment {
            Segment::Literal(text) => pattern.push_text(text),
            Segment::Reference(name) => match System::by_name(name) {
                Some(date @ (System::DateTime | System::PreciseDateTime)) => pattern.push_date(date),
                _ => pattern.push_text(&format!("${{{name}}}")),
            },
        }
    }
}

/// What `${...}` can refer to while one graph is resolved.
pub(super) struct Scope<'a> {
    declared: BTreeMap<String, Declared>,
    topology: &'a str,
    instance: &'a str,
    used: BTreeSet<String>,
    missing: BTreeSet<String>,
    expanded_bytes: usize,
}

impl<'a> Scope<'a> {
    /// Joins declarations (with their index in the document) and given values.
    pub(super) fn new(
        declarations: &[(usize, ParameterDeclaration)],
        bindings: &Bindings,
        (topology, instance): (&'a str, &'a str),
        out: &mut Diagnostics,
    ) -> Self {
        let mut declared = BTreeMap::new();
        for (index, declaration) in declarations {
            check_declaration(*index, declaration, out);
            let given = bindings.0.get(&declaration.name);
            let value = given.map(|value| bindings.1.look_up(declaration, value));
            let value = value.transpose().unwrap_or_else(|wrong| {
                out.push(wrong);
                None
            });
            if let Some(value) = &value {
                check_value(declaration, value, &format!("-p {}", declaration.name), out);
            }
            let entry = Declared {
                kind: declaration.kind,
                // One that is wrong has been told, and is not missing besides.
                value: value.or_else(|| given.or(declaration.default.as_ref()).cloned()),
                index: *index,
            };
            if declared.insert(declaration.name.clone(), entry).is_some() {
                let message = format!("the parameter {} is declared twice", shown(&declaration.name));
                out.push(Diagnostic::error(
                    Code::PropertyDuplicate,
                    format!("/properties/parameters/{index}/name"),
                    message,
                ));
            }
        }
        let scope = Self {
            declared,
            topology,
            instance,
            used: BTreeSet::new(),
            missing: BTreeSet::new(),
            expanded_bytes: 0,
        };
        for name in bindings
            .0
            .keys()
            .filter(|name| !scope.declared.contains_key(*name))
        {
            let message = format!(
                "a value is given for {}, which the topology does not declare",
                shown(name)
            );
            out.push(scope.suggest(
                name,
                Diagnostic::error(Code::ParameterUndeclared, format!("-p {name}"), message),
            ));
        }
        scope
    }

    /// Parameters without a value that something refers to, or that must be set in any case.
    pub(super) fn missing(&self) -> Vec<String> {
        let unset = self
            .declared
            .iter()
            .filter(|(_, declared)| declared.value.is_none());
        unset
            .map(|(name, _)| name.clone())
            .chain(self.missing.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    pub(super) fn warn_of_unused(&self, out: &mut Diagnostics) {
        for (name, declared) in &self.declared {
            if !self.used.contains(name) {
                out.push(Diagnostic::warning(
                    Code::ParameterUnused,
                    format!("/properties/parameters/{}", declared.index),
                    format!("the parameter {} is declared but never used", shown(name)),
                ));
            }
        }
    }

    /// Puts the parameters into a string.
    pub(super) fn bind(&mut self, text: &str, pointer: &str, out: &mut Diagnostics) -> Option<Bound> {
        let Ok(segments) = split(text) else {
            let message = "a `${` has no closing `}`";
            out.push(
                Diagnostic::error(Code::ParameterInvalid, pointer, message)
                    .hint("close it, or write `$${` for a literal `${`"),
            );
            return None;
        };
        let mut bound = Bound::default();
        let whole = segments.len() == 1;
        for segment in &segments {
            match segment {
                Segment::Literal(text) => bound.pieces.push(Piece::Text((*text).to_owned())),
                Segment::Reference(name) => self.look_up(name, whole, &mut bound, pointer, out)?,
            }
        }
        Some(bound)
    }

    fn look_up(
        &mut self,
        name: &str,
        whole: bool,
        bound: &mut Bound,
        pointer: &str,
        out: &mut Diagnostics,
    ) -> Option<()> {
        if let Some(variable) = System::by_name(name) {
            bound.pieces.push(match variable {
                System::TopologyName => Piece::Text(self.topology.to_owned()),
                System::InstanceName => Piece::Text(self.instance.to_owned()),
                date => Piece::Date(date),
            });
            return Some(());
        }
        let Some(declared) = self.declared.get(name) else {
            let message = format!("there is no parameter {}", shown(name));
            let error = Diagnostic::error(Code::ParameterUndeclared, pointer, message);
            // Beyond the cap nobody reads it, and looking for names takes time.
            let kept = out.errors < MAX_DIAGNOSTICS;
            out.push(if kept { self.suggest(name, error) } else { error });
            return None;
        };
        let size = declared.value.as_ref().map_or(0, String::len);
        self.charge(size, pointer, out)?;
        let declared = self.declared.get(name)?;
        self.used.insert(name.to_owned());
        bound.secret |= declared.kind == ParameterType::SecretString;
        bound.whole = whole.then_some(declared.kind);
        bound.pieces.push(match &declared.value {
            Some(value) => Piece::Value(value.clone()),
            None => {
                self.missing.insert(name.to_owned());
                Piece::Missing
            }
        });
        Some(())
    }

    /// Counts what a value adds before it is copied: a short string of many references is a bomb.
    fn charge(&mut self, bytes: usize, pointer: &str, out: &mut Diagnostics) -> Option<()> {
        self.expanded_bytes = self.expanded_bytes.saturating_add(bytes);
        if self.expanded_bytes <= MAX_EXPANDED_BYTES {
            return Some(());
        }
        let message =
            format!("with its parameters put in, the topology has more than {MAX_EXPANDED_BYTES} bytes");
        out.push(Diagnostic::error(Code::LimitExceeded, pointer, message));
        None
    }

    fn suggest(&self, name: &str, diagnostic: Diagnostic) -> Diagnostic {
        let mut known: Vec<&str> = self.declared.keys().map(String::as_str).collect();
        for name in System::names() {
            known.push(name);
        }
        match did_you_mean(name, known) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None if name.starts_with(SYSTEM_PREFIX) => diagnostic.hint("`System.` names belong to the host"),
            None => diagnostic.hint("declare it under `properties.parameters`, or correct its name"),
        }
    }
}

fn check_declaration(index: usize, declaration: &ParameterDeclaration, out: &mut Diagnostics) {
    let name = &declaration.name;
    let problem = if name.is_empty() || name.contains(['{', '}', '$', '=']) || name.trim() != name {
        Some("must not be empty, start or end with a blank, or hold `{`, `}`, `$` or `=`".to_owned())
    } else if name.chars().count() > MAX_PARAMETER_NAME_CHARS {
        Some(format!("may have at most {MAX_PARAMETER_NAME_CHARS} letters"))
    } else if name.starts_with(SYSTEM_PREFIX) {
        Some("must not start with `System.`, which belongs to the host".to_owned())
    } else {
        None
    };
    let pointer = format!("/properties/parameters/{index}");
    if let Some(problem) = problem {
        let message = format!("the parameter name {} {problem}", shown(name));
        out.push(Diagnostic::error(
            Code::ParameterInvalid,
            format!("{pointer}/name"),
            message,
        ));
    }
    if let Some(default) = &declaration.default {
        check_value(declaration, default, &format!("{pointer}/default"), out);
    }
}

fn check_value(declaration: &ParameterDeclaration, value: &str, pointer: &str, out: &mut Diagnostics) {
    let name = shown(&declaration.name);
    if value.len() > MAX_PARAMETER_VALUE_BYTES {
        let message = format!("the value of {name} has more than {MAX_PARAMETER_VALUE_BYTES} bytes");
        out.push(Diagnostic::error(Code::LimitExceeded, pointer, message));
    } else if typed(declaration.kind, value).is_none() {
        let expected = match declaration.kind {
            ParameterType::Int => "a whole number between -2147483648 and 2147483647",
            ParameterType::Double => "a finite number",
            _ => "`true` or `false`",
        };
        let message = format!("the parameter {name} must be {expected}, not {}", shown(value));
        out.push(Diagnostic::error(Code::ParameterInvalid, pointer, message));
    }
}

/// The value as its declared type; none when it is not of that type.
pub(super) fn typed(kind: ParameterType, value: &str) -> Option<Value> {
    match kind {
        ParameterType::String | ParameterType::SecretString => Some(value.into()),
        ParameterType::Int => value.trim().parse::<i32>().ok().map(Value::from),
        ParameterType::Double => {
            let number: f64 = value.trim().parse().ok()?;
            number.is_finite().then(|| Value::from(number))
        }
        ParameterType::Bool => value
            .trim()
            .to_ascii_lowercase()
            .parse::<bool>()
            .ok()
            .map(Value::from),
    }
}
