//! A replay needs no camera, so what only says where one is needs no value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::topology::Bindings;
use crate::topology::template::references;

/// Stands for the address of a camera; nothing connects to it (RFC 2606, section 2).
const HOST: &str = "replay.invalid";
const URL: &str = "rtsp://replay.invalid/";
/// Stands for anything else, such as a password.
const OTHER: &str = "replay";

/// Gives a value to each parameter that has none and that only the endpoints of sources use.
pub(super) fn fill(topology: &Value, bindings: &mut Bindings) {
    let given: BTreeSet<String> = bindings.iter().map(|(name, _)| name.to_owned()).collect();
    let mut uses = Uses::default();
    uses.walk(topology, &mut Vec::new());
    for (name, stands_for) in uses.in_endpoints {
        let needed =
            !given.contains(&name) && !uses.elsewhere.contains(&name) && !uses.defaults.contains(&name);
        if needed {
            bindings.set(name, stands_for);
        }
    }
}

/// Where parameters are used.
#[derive(Default)]
struct Uses {
    in_endpoints: BTreeMap<String, &'static str>,
    elsewhere: BTreeSet<String>,
    /// Those that have a default.
    defaults: BTreeSet<String>,
}

impl Uses {
    /// `path` are the names of the members that lead here. Depth is bounded by the reader of topologies.
    fn walk<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                self.note_default(value, path);
                for (name, member) in members {
                    path.push(name);
                    self.walk(member, path);
                    path.pop();
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, path)),
            Value::String(text) => self.note(text, path),
            _ => {}
        }
    }

    fn note_default(&mut self, value: &Value, path: &[&str]) {
        let declares = path
            .last()
            .is_some_and(|last| last.eq_ignore_ascii_case("parameters"));
        let member = |wanted: &str| {
            let mut members = value.as_object()?.iter();
            members
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value)
        };
        if declares
            && member("default").is_some_and(|default| !default.is_null())
            && let Some(name) = member("name").and_then(Value::as_str)
        {
            self.defaults.insert(name.to_owned());
        }
    }

    fn note(&mut self, text: &str, path: &[&str]) {
        let passes = |wanted: &str| path.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        let is_url = path.last().is_some_and(|last| last.eq_ignore_ascii_case("url"));
        for name in references(text) {
            if !(passes("sources") && passes("endpoint")) {
                self.elsewhere.insert(name.to_owned());
                continue;
            }
            let stands_for = match is_url {
                true if text == format!("${{{name}}}") => URL,
                true => HOST,
                false => OTHER,
            };
            self.in_endpoints.entry(name.to_owned()).or_insert(stands_for);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_says_where_a_camera_is_gets_a_value() {
        let topology = json!({"properties": {
            "parameters": [{"name": "url"}, {"name": "user", "default": "me"}, {"name": "password"}, {"name": "place"}],
            "sources": [{"endpoint": {"url": "${url}", "credentials": {"username": "${user}", "password": "${password}"}}},
                        {"Endpoint": {"URL": "rtsp://${host}/${place}"}}],
            "sinks": [{"assetNamePattern": "${place}-${System.DateTime}"}],
        }});
        let mut bindings = Bindings::from_pairs(["password=mine"]).unwrap();
        fill(&topology, &mut bindings);
        let filled: Vec<(&str, &str)> = bindings.iter().collect();
        assert_eq!(filled, [("host", HOST), ("password", "mine"), ("url", URL)]);
    }
}
