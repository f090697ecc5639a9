//! Looking into JSON that a host answered, in which anything may be missing.

use serde_json::Value;

static NOTHING: Value = Value::Null;

/// Members that may be missing.
pub trait Look {
    /// The member of this name; null when there is none.
    fn at(&self, name: &str) -> &Value;

    /// The text of a member; empty when there is none.
    fn text(&self, name: &str) -> &str;

    /// The items of a member that is a list; none when it is no list.
    fn items(&self, name: &str) -> &[Value];
}

impl Look for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NOTHING)
    }

    fn text(&self, name: &str) -> &str {
        self.at(name).as_str().unwrap_or_default()
    }

    fn items(&self, name: &str) -> &[Value] {
        self.at(name).as_array().map(Vec::as_slice).unwrap_or_default()
    }
}
