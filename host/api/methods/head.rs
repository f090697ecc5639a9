//! What every payload of a method may say, whatever the method: its version, the name of what is meant, a page of a list.
//!
//! Invariant: a member is there once, in whatever letters; see [`super`] for why.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::graph::host::error::json_path;
use crate::graph::host::{ControlError, Detail, PageRequest};
use crate::topology::diagnostics::{one_of, shown};
use crate::topology::model::API_VERSIONS;

/// What every payload may say; the rest is for the host.
#[derive(Debug, Default)]
pub(in crate::api) struct Head {
    pub(in crate::api) api_version: Option<Value>,
    pub(in crate::api) name: Option<Value>,
    token: Option<Value>,
    query: Option<Value>,
    /// Whether it has any member at all.
    pub(in crate::api) empty: bool,
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head {
            empty: true,
            ..Head::default()
        };
        while let Some(key) = map.next_key::<String>()? {
            head.empty = false;
            let place = match key.to_ascii_lowercase().as_str() {
                "@apiversion" => &mut head.api_version,
                "name" => &mut head.name,
                "@continuationtoken" => &mut head.token,
                "@query" => &mut head.query,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if place.replace(map.next_value()?).is_some() {
                return Err(serde::de::Error::custom(format!(
                    "{} is there twice",
                    shown(&key)
                )));
            }
        }
        Ok(head)
    }
}

impl Head {
    /// Of a request for a page of a list.
    pub(in crate::api) fn page_of(token: Option<String>, query: Option<String>) -> Self {
        Self {
            token: token.map(Value::String),
            query: query.map(Value::String),
            ..Self::default()
        }
    }

    /// Of a request that names one resource.
    pub(in crate::api) fn naming(name: &str) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    pub(in crate::api) fn read(payload: &[u8]) -> Result<Self, ControlError> {
        serde_json::from_slice(payload).map_err(|error| {
            let text = error.to_string();
            let message = text
                .rsplit_once(" at line ")
                .map_or(text.as_str(), |(text, _)| text);
            let mut detail = Detail::new("JsonInvalid", format!("the payload cannot be read: {message}"));
            detail.line = (error.line() > 0).then(|| error.line());
            detail.column = (error.line() > 0).then(|| error.column());
            ControlError::bad_request(detail.hint("send one JSON object"))
        })
    }

    /// The version, when it is one of those that are known.
    pub(in crate::api) fn check_version(&self) -> Result<(), ControlError> {
        match self.api_version.as_ref() {
            Some(Value::String(version)) if API_VERSIONS.contains(&version.as_str()) => Ok(()),
            other => Err(version_error(other)),
        }
    }

    /// The name of the resource that is meant.
    pub(super) fn name(&self) -> Result<&str, ControlError> {
        match self.name.as_ref() {
            Some(Value::String(name)) => Ok(name),
            _ => {
                let message = "`name` must be a string: the name of what is meant";
                Err(ControlError::bad_request(
                    Detail::new("PropertyMissing", message).at(json_path("/name")),
                ))
            }
        }
    }

    pub(super) fn page(&self) -> Result<PageRequest, ControlError> {
        Ok(PageRequest {
            token: text(self.token.as_ref(), "@continuationToken")?,
            query: text(self.query.as_ref(), "@query")?,
        })
    }
}

fn text(value: Option<&Value>, name: &str) -> Result<Option<String>, ControlError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ControlError::bad_request(
            Detail::new("PropertyValueInvalid", format!("`{name}` must be a string"))
                .at(json_path(&format!("/{name}"))),
        )),
    }
}

pub(in crate::api) fn version_error(found: Option<&Value>) -> ControlError {
    let known = one_of(API_VERSIONS).replace(" or ", " and ");
    let message = match found {
        None => "the request has no `@apiVersion`".to_owned(),
        Some(Value::String(version)) => format!("the version {} is not supported", shown(version)),
        Some(_) => "`@apiVersion` must be a string".to_owned(),
    };
    ControlError::bad_request(
        Detail::new(
            "ApiVersionNotSupported",
            format!("{message}; supported are {known}"),
        )
        .at(json_path("/@apiVersion")),
    )
}
