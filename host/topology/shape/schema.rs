//! What a schema says of a value: its type, the names it may be, the `@type` of an object.

use serde_json::Value;

/// The member that tells an object's type.
pub(in crate::topology) const TYPE_MEMBER: &str = "@type";

/// What LVA and AVA put before the names of types.
const TYPE_PREFIXES: [&str; 2] = ["#microsoft.media.mediagraph", "#microsoft.videoanalyzer."];

/// Whether two type names mean the same: LVA's and AVA's prefixes are alike, and so is casing.
pub(in crate::topology) fn same_type(known: &str, written: &str) -> bool {
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

pub(super) fn without_null(schema: &Value) -> &Value {
    let branches = schema.get("anyOf").and_then(Value::as_array);
    let real = branches.and_then(|all| all.iter().find(|one| type_of(one) != Some("null")));
    real.unwrap_or(schema)
}

pub(in crate::topology) fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

pub(super) fn constants(branches: &[Value]) -> Vec<&str> {
    branches
        .iter()
        .filter_map(|branch| branch.get("const")?.as_str())
        .collect()
}

pub(super) fn tag_of(branch: &Value) -> Option<&str> {
    branch.get("properties")?.get(TYPE_MEMBER)?.get("const")?.as_str()
}

pub(super) fn wrong_type(expected: &str, found: &Value) -> String {
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
