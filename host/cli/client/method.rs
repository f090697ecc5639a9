//! Direct methods: how everything that changes something is asked for, because their reply carries warnings, too.

use reqwest::Method;
use serde_json::Value;

use super::{Client, Request, TRANSITION_LIMIT};
use crate::cli::Failure;
use crate::cli::json::Look as _;

/// The version of the interface that this program speaks.
pub const API_VERSION: &str = "2.0";
/// The member that says it.
pub const VERSION_MEMBER: &str = "@apiVersion";

/// What a method replied.
#[derive(Clone, Debug)]
pub struct MethodReply {
    /// The method's, not that of HTTP.
    pub status: u16,
    /// The resource, the error, or null.
    pub payload: Value,
    /// What is odd although it was done.
    pub warnings: Vec<Value>,
}

impl MethodReply {
    /// Whether it was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What became of a resource that was set and had been changed last at `before`: LVA's status is the same for a
    /// change and for a repetition.
    #[must_use]
    pub fn became(&self, before: Option<&str>) -> &'static str {
        match (self.status, before) {
            (201, _) => "created",
            (_, Some(before)) if modified_at(&self.payload) == Some(before) => "unchanged",
            _ => "updated",
        }
    }
}

fn modified_at(resource: &Value) -> Option<&str> {
    resource.at("systemData").at("lastModifiedAt").as_str()
}

impl Client {
    /// When a resource was changed last; nothing when it is not there, or cannot be seen.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn modified_at(&self, path: &[&str]) -> Result<Option<String>, Failure> {
        let reply = self.ask(Request::get(path)).await?;
        if !reply.status.is_success() {
            return Ok(None);
        }
        Ok(modified_at(&reply.json()?).map(str::to_owned))
    }

    /// Calls a direct method. An error that the method replies with is a reply.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn method(&self, name: &str, payload: Vec<u8>) -> Result<MethodReply, Failure> {
        let request = Request::new(Method::POST, &["api", "methods", name])
            .json(payload)
            .within(TRANSITION_LIMIT);
        let reply = self.ask(request).await?;
        let mut body = reply.json()?;
        let status = body
            .at("status")
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        Ok(match status {
            Some(status) => MethodReply {
                status,
                payload: taken(&mut body, "payload"),
                warnings: match taken(&mut body, "warnings") {
                    Value::Array(warnings) => warnings,
                    _ => Vec::new(),
                },
            },
            // The method was not reached.
            None => MethodReply {
                status: reply.status.as_u16(),
                payload: body,
                warnings: Vec::new(),
            },
        })
    }
}

fn taken(body: &mut Value, name: &str) -> Value {
    body.get_mut(name).map(Value::take).unwrap_or_default()
}

/// A document with the version of the interface, if it has none: put in behind the first brace, so that no line
/// changes its number and the host can tell places of the file that people have.
#[must_use]
pub fn with_version(document: &[u8], value: &Value, version: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(document);
    let Some((before, behind)) = text.split_once('{') else {
        return document.to_vec();
    };
    if value.get(VERSION_MEMBER).is_some() {
        return document.to_vec();
    }
    let comma = if behind.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let version = Value::from(version);
    format!("{before}{{\"{VERSION_MEMBER}\":{version}{comma}{behind}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_added_without_moving_a_line_and_only_where_there_is_none() {
        let with = |text: &str| {
            let value = serde_json::from_str(text).unwrap();
            String::from_utf8(with_version(text.as_bytes(), &value, "2.0")).unwrap()
        };
        assert_eq!(
            with("{\n \"name\": 1}"),
            "{\"@apiVersion\":\"2.0\",\n \"name\": 1}"
        );
        assert_eq!(with("{ }"), "{\"@apiVersion\":\"2.0\" }");
        assert_eq!(with("{\"@apiVersion\": \"1.0\"}"), "{\"@apiVersion\": \"1.0\"}");
    }
}
