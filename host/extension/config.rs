//! Checking a configuration against the JSON Schema that an extension brings along.
//!
//! The schema is untrusted. It may not refer to anything outside of itself, may not recurse (a schema that
//! refers to itself without consuming input would overflow the stack), may not unfold into more than
//! [`MAX_UNFOLDED`] values, and its patterns run on an engine without backtracking.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use super::limits::{MAX_CONFIG_BYTES, MAX_ERROR_BYTES, MAX_SCHEMA_BYTES, shorten};

/// JSON values in a schema once each reference is replaced by what it refers to.
const MAX_UNFOLDED: usize = 20_000;
/// Bytes of a compiled pattern.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Problems of one configuration that are told.
const MAX_PROBLEMS: usize = 50;
/// Keywords that reach out of the schema, or recurse by design.
const REFUSED_KEYWORDS: [&str; 7] = [
    "$id",
    "id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
];

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// JSON pointer (RFC 6901) into the configuration; empty: all of it.
    pub pointer: String,
    /// What was expected.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.pointer, self.message)
    }
}

/// What the configuration of an extension looks like.
pub struct ConfigSchema {
    json: Value,
    validator: Option<Validator>,
}

impl fmt::Debug for ConfigSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfigSchema").field(&self.json).finish()
    }
}

impl ConfigSchema {
    /// Reads a schema; an empty one means: takes no configuration.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self {
                json: Value::Null,
                validator: None,
            });
        }
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(format!(
                "has {} bytes, at most {MAX_SCHEMA_BYTES} are accepted",
                text.len()
            ));
        }
        let json: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        Unfolding::new(&json).check()?;
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN_BYTES))
            .build(&json)
            .map_err(|error| shorten(format!("is not a JSON Schema: {error}"), MAX_ERROR_BYTES))?;
        Ok(Self {
            json,
            validator: Some(validator),
        })
    }

    /// The schema itself; null: takes no configuration.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Checks a configuration; `null` counts as an empty object.
    ///
    /// # Errors
    /// All problems at once, up to a bound.
    pub fn check(&self, config: &Value) -> Result<(), Vec<ConfigProblem>> {
        let empty = Value::Object(Map::new());
        let config = if config.is_null() { &empty } else { config };
        let whole = |message: String| {
            Err(vec![ConfigProblem {
                pointer: String::new(),
                message,
            }])
        };
        if config.to_string().len() > MAX_CONFIG_BYTES {
            return whole(format!("has more than {MAX_CONFIG_BYTES} bytes"));
        }
        let Some(validator) = &self.validator else {
            return if *config == empty {
                Ok(())
            } else {
                whole("this extension takes no configuration".into())
            };
        };
        let problems: Vec<_> = validator
            .iter_errors(config)
            .take(MAX_PROBLEMS)
            .map(|error| ConfigProblem {
                pointer: error.instance_path().to_string(),
                message: shorten(error.to_string(), MAX_ERROR_BYTES),
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

/// Follows the references of a schema, to find out how big it really is.
struct Unfolding<'a> {
    root: &'a Value,
    /// Unfolded sizes of what is referred to; `None` while it is being counted.
    sizes: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Unfolding<'a> {
    fn new(root: &'a Value) -> Self {
        Self {
            root,
            sizes: BTreeMap::new(),
        }
    }

    fn check(mut self) -> Result<(), String> {
        self.size(self.root).map(|_| ())
    }

    // Recursion is bounded: by the depth that the JSON parser accepts times the references on one path.
    fn size(&mut self, value: &'a Value) -> Result<usize, String> {
        let mut size = 1_usize;
        match value {
            Value::Array(list) => {
                for item in list {
                    size = size.saturating_add(self.size(item)?);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if REFUSED_KEYWORDS.contains(&name.as_str()) && member.is_string() {
                        return Err(format!(
                            "uses `{name}`; only `$ref` within the schema is accepted"
                        ));
                    }
                    size = size.saturating_add(self.size(member)?);
                }
                if let Some(Value::String(reference)) = members.get("$ref") {
                    size = size.saturating_add(self.referred(reference)?);
                }
            }
            _ => {}
        }
        if size > MAX_UNFOLDED {
            return Err(format!("unfolds into more than {MAX_UNFOLDED} values"));
        }
        Ok(size)
    }

    fn referred(&mut self, reference: &'a str) -> Result<usize, String> {
        match self.sizes.get(reference) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(format!("`$ref` `{reference}` refers to itself")),
            None if self.sizes.len() >= MAX_REFERENCES => {
                return Err(format!("refers to more than {MAX_REFERENCES} places"));
            }
            None => {}
        }
        let target = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.starts_with('/') && !pointer.contains('%'))
            .and_then(|pointer| self.root.pointer(pointer))
            .ok_or_else(|| {
                format!("`$ref` `{reference}` does not point into the schema; expected `#/$defs/...`")
            })?;
        self.sizes.insert(reference, None);
        let size = self.size(target)?;
        self.sizes.insert(reference, Some(size));
        Ok(size)
    }
}

/// Different references in one schema.
const MAX_REFERENCES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(json: Value) -> Result<ConfigSchema, String> {
        ConfigSchema::parse(&json.to_string())
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let schema = schema(json!({
            "type": "object",
            "properties": {"a": {"type": "number", "maximum": 1}, "b": {"$ref": "#/$defs/word"}},
            "additionalProperties": false,
            "$defs": {"word": {"type": "string", "pattern": "^[a-z]+$"}},
        }))
        .unwrap();
        assert_eq!(schema.check(&json!({"a": 1, "b": "x"})), Ok(()));
        assert_eq!(schema.check(&Value::Null), Ok(()));
        let problems = schema.check(&json!({"a": 2, "b": "X", "c": 0})).unwrap_err();
        let mut pointers: Vec<_> = problems.iter().map(|p| p.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["", "/a", "/b"]);
    }

    #[test]
    fn without_a_schema_there_is_no_configuration() {
        let schema = ConfigSchema::parse("").unwrap();
        assert_eq!(schema.check(&json!({})), Ok(()));
        assert!(schema.check(&json!({"a": 1})).is_err());
    }

    #[test]
    fn schemas_that_could_harm_the_host_are_refused() {
        let doubling: Map<String, Value> = (0..30)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                (format!("d{n}"), json!({"allOf": [next.clone(), next]}))
            })
            .chain([("d30".to_owned(), json!({}))])
            .collect();
        for (harmful, says) in [
            (json!({"$ref": "#"}), "does not point into"),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}),
                "refers to itself",
            ),
            (
                json!({"$ref": "https://example.org/schema"}),
                "does not point into",
            ),
            (json!({"$ref": "file:///etc/passwd"}), "does not point into"),
            (json!({"$id": "https://example.org/schema"}), "uses `$id`"),
            (json!({"$dynamicRef": "#x"}), "uses `$dynamicRef`"),
            (json!({"$ref": "#/$defs/d0", "$defs": doubling}), "unfolds into"),
            (json!({"pattern": "(a{1000}){1000}"}), "is not a JSON Schema"),
            (json!({"pattern": "("}), "is not a JSON Schema"),
            (json!({"type": "nonsense"}), "is not a JSON Schema"),
            (
                json!({"$schema": "https://example.org/meta"}),
                "is not a JSON Schema",
            ),
            (json!(7), "is not a JSON Schema"),
        ] {
            let problem = schema(harmful.clone()).unwrap_err();
            assert!(problem.contains(says), "{harmful}: {problem}");
        }
    }

    #[test]
    fn a_pattern_that_makes_others_backtrack_is_answered() {
        let schema = schema(json!({"type": "string", "pattern": "^(a+)+$"})).unwrap();
        assert!(schema.check(&Value::String("a".repeat(100_000) + "b")).is_err());
    }

    #[test]
    fn schemas_are_bounded_and_must_be_json() {
        assert!(ConfigSchema::parse("{").unwrap_err().contains("is not JSON"));
        let long = json!({"title": "x".repeat(MAX_SCHEMA_BYTES)});
        assert!(schema(long).unwrap_err().contains("at most"));
    }
}
