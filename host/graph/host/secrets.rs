//! What must not be shown again, and taking it out of what is shown.
//!
//! Secret are: passwords, header values and keys of credentials; users and passwords in URLs, also in their queries; the values of parameters
//! that are declared as `SecretString`, and of those that stand in one of the places above, whatever their type: most
//! topologies that were written for Live Video Analytics declare the camera's password as a `String`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::error::ControlError;
use crate::topology::Secret;
use crate::topology::masked::{MASK, masked, named};
use crate::topology::template::references;

/// Members of credentials that are never shown.
const SECRET_MEMBERS: [&str; 3] = ["password", "headerValue", "key"];
/// What stands in the place of a user and a password in a URL.
const REDACTED: &str = MASK;
/// Shorter values are not looked for in messages: they would be found in ordinary words.
const MIN_SCRUBBED_CHARS: usize = 4;

/// Whether a member of an object of credentials is never shown.
pub(super) fn is_secret_member(object: &serde_json::Map<String, Value>, member: &str) -> bool {
    let named = |name: &str| member.eq_ignore_ascii_case(name);
    if named("key") {
        // A word that a component's configuration may use for something else.
        return kind_of(object).is_some_and(|kind| kind.ends_with("credentials"));
    }
    SECRET_MEMBERS.iter().any(|name| named(name))
}

/// The `@type` of an object in small letters.
pub(super) fn kind_of(object: &serde_json::Map<String, Value>) -> Option<String> {
    let (_, kind) = object
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("@type"))?;
    Some(kind.as_str()?.to_ascii_lowercase())
}

/// The user and password of the first URL in a text: where they stand.
fn userinfo(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find("://")? + "://".len();
    let rest = text.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest.get(..end)?.rfind('@')?;
    Some(start..start + at)
}

/// The text without the user and the passwords of a URL in it. A key that came along with a certificate is taken out whole.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    if text.contains("PRIVATE KEY-----") {
        return REDACTED.into();
    }
    match masked(text) {
        Cow::Borrowed(text) => without_user(text),
        Cow::Owned(text) => without_user(&text).into_owned().into(),
    }
}

fn without_user(text: &str) -> Cow<'_, str> {
    match userinfo(text) {
        Some(range) => {
            let (before, after) = (text.get(..range.start), text.get(range.end..));
            format!(
                "{}{REDACTED}{}",
                before.unwrap_or_default(),
                after.unwrap_or_default()
            )
            .into()
        }
        None => text.into(),
    }
}

/// Secrets of one topology or graph instance. Has no `Debug` that shows them.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// Parameters whose values are secrets.
    pub(super) parameters: BTreeSet<String>,
    /// Secrets that are written out.
    literals: BTreeSet<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Those of a topology as written.
    pub(super) fn of_topology(topology: &Value) -> Self {
        let mut secrets = Self::default();
        secrets.walk(topology);
        let properties = member(topology, "properties");
        let declared = properties
            .and_then(|all| member(all, "parameters"))
            .and_then(Value::as_array);
        for one in declared.into_iter().flatten() {
            let text = |name| member(one, name).and_then(Value::as_str);
            let Some(name) = text("name") else { continue };
            if text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("SecretString")) {
                secrets.parameters.insert(name.to_owned());
            }
            if let Some(default) = text("default") {
                secrets.add_value(name, default);
            }
        }
        secrets
    }

    /// Adds the value that a parameter is given.
    pub(super) fn add_value(&mut self, parameter: &str, value: &str) {
        if self.parameters.contains(parameter) {
            self.add_literal(value);
        }
        self.add_url(value);
    }

    /// Adds secrets that stand elsewhere.
    pub(super) fn add_all(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        for secret in secrets {
            self.add_literal(secret.expose());
        }
    }

    fn add_literal(&mut self, text: &str) {
        if text.chars().count() >= MIN_SCRUBBED_CHARS {
            self.literals.insert(text.to_owned());
        }
    }

    fn add_url(&mut self, text: &str) {
        for range in named(text) {
            self.add_secret(text.get(range).unwrap_or_default());
        }
        let Some(userinfo) = userinfo(text).and_then(|range| text.get(range)) else {
            return;
        };
        self.parameters
            .extend(references(userinfo).into_iter().map(str::to_owned));
        self.add_literal(userinfo);
        if let Some((_, password)) = userinfo.split_once(':') {
            self.add_literal(password);
        }
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_url(text),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                for (name, inner) in members {
                    match inner {
                        Value::String(text) if is_secret_member(members, name) => self.add_secret(text),
                        _ => self.walk(inner),
                    }
                }
            }
            _ => {}
        }
    }

    fn add_secret(&mut self, text: &str) {
        let references = references(text);
        if references.is_empty() {
            self.add_literal(text);
        }
        self.parameters.extend(references.into_iter().map(str::to_owned));
    }

    /// Takes every secret out of a refusal: a component, or a message that repeats what was written, may bring one.
    pub(super) fn scrub(&self, mut error: ControlError) -> ControlError {
        self.scrub_text(&mut error.message);
        for detail in &mut error.details {
            self.scrub_text(&mut detail.message);
            if let Some(hint) = &mut detail.hint {
                self.scrub_text(hint);
            }
        }
        error
    }

    fn scrub_text(&self, text: &mut String) {
        for secret in &self.literals {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), REDACTED);
            }
        }
    }
}

/// A member of an object, in any casing.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    let found = members
        .iter()
        .find(|(written, _)| written.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::host::error::Detail;

    #[test]
    fn users_and_passwords_in_urls_are_not_shown() {
        let cases = [
            ("rtsp://user:pw@host/a@b", "rtsp://***@host/a@b"),
            ("rtsp://user:p@w@host", "rtsp://***@host"),
            ("rtsp://host/a@b", "rtsp://host/a@b"),
            ("${url}", "${url}"),
            ("rtsp://${user}:${pw}@host", "rtsp://***@host"),
            ("a@b", "a@b"),
            ("rtsp://u:p@h/?password=a@b&c=1", "rtsp://***@h/?password=***&c=1"),
            ("rtsp://h/?password=${pw}", "rtsp://h/?password=***"),
            ("-----BEGIN EC PRIVATE KEY-----\ncanary", "***"),
        ];
        for (text, expected) in cases {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn parameters_that_end_in_credentials_are_secret_whatever_their_type() {
        let secrets = Secrets::of_topology(&json!({"properties": {
            "parameters": [{"name": "a", "type": "String", "default": "canary-a"}, {"name": "s", "type": "secretstring"},
                {"name": "open", "type": "String", "default": "shown"}],
            "sources": [{"endpoint": {"url": "rtsp://${u}@h/${open}?pwd=${q}", "credentials": {"Password": "x-${a}"}}}],
            "processors": [{"config": {"key": "canary-not"}}]}}));
        let names: Vec<&str> = secrets.parameters.iter().map(String::as_str).collect();
        assert_eq!(names, ["a", "q", "s", "u"]);
        let error =
            ControlError::bad_request(Detail::new("X", "no canary-a, no ${u}").hint("canary-a? canary-not"));
        let error = secrets.scrub(error);
        assert!(!format!("{error:?}").contains("canary-a"), "{error:?}");
        assert!(format!("{error:?}").contains("canary-not"), "{error:?}");
    }
}
