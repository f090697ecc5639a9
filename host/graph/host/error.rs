//! Why a request was refused: what direct methods put into `{"error": {...}}`.
//!
//! The outer code and the status are those of Live Video Analytics; a detail says one thing that is wrong, where (as
//! the JSONPath that LVA gave, and as a JSON pointer with line and column), and what to do. No secret is in here: see
//! [`super::secrets`].

use serde::Serialize;
use serde_json::{Value, json};

use crate::topology::{Diagnostic, Diagnostics, Severity};

/// The detail code that LVA's module gave for a change that does not fit the state of a graph instance.
pub const NOT_VALID_IN_STATE: &str = "GraphInstanceOperationNotValidInCurrentState";
/// The detail code that LVA's documentation gave for the same.
pub const NOT_ALLOWED_IN_STATE: &str = "OperationNotAllowedInState";
/// The detail code for a topology that graph instances refer to.
pub const TOPOLOGY_IN_USE: &str = "GraphTopologyInUse";
/// The detail code for something on this host that does not suit the graph.
pub const MODULE_VALIDATION: &str = "ModuleValidationError";
/// The detail code for something that is referred to and is not there.
pub const RESOURCE_VALIDATION: &str = "ResourceValidationError";

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong: 400.
    BadRequest,
    /// There is nothing of this name: 404.
    NotFound,
    /// It does not fit what is there, or how it is: 409.
    Conflict,
    /// The host failed: 500.
    Internal,
    /// The host has too much to do: 503.
    Busy,
}

impl Kind {
    /// The status of the reply.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Internal => 500,
            Self::Busy => 503,
        }
    }

    /// The outer code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::Internal => "InternalServerError",
            Self::Busy => "ServerBusy",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// LVA's detail code where it had one, such as `GraphTopologyInUse`.
    pub code: String,
    /// LVA's JSONPath with capital letters: `$.Properties.Sources[0].Endpoint.Url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Lower case, no full stop.
    pub message: String,
    /// JSON pointer into the document that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Line in the document that was sent, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in the document that was sent, counted from 1, in letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Detail {
    /// A detail with no place.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Says where, as LVA's JSONPath.
    #[must_use]
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A mistake in the document that was sent.
    #[must_use]
    pub fn from_diagnostic(one: &Diagnostic) -> Self {
        Self {
            code: one.code.name(),
            target: Some(json_path(&one.pointer)),
            message: one.message.clone(),
            pointer: Some(one.pointer.clone()),
            line: one.line,
            column: one.column,
            hint: one.hint.clone(),
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ControlError {
    /// Decides the status.
    pub kind: Kind,
    /// The outer code.
    pub code: &'static str,
    /// Lower case, no full stop.
    pub message: String,
    /// Everything that is wrong, one by one.
    pub details: Vec<Detail>,
}

impl ControlError {
    /// A refusal without details.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: kind.code(),
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// A refusal with everything that is wrong.
    pub fn with(kind: Kind, message: impl Into<String>, details: Vec<Detail>) -> Self {
        Self {
            details,
            ..Self::new(kind, message)
        }
    }

    /// The request is wrong in one way.
    pub fn bad_request(detail: Detail) -> Self {
        Self::with(Kind::BadRequest, detail.message.clone(), vec![detail])
    }

    /// The host failed.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(Kind::Internal, message.to_string())
    }

    /// A document with mistakes. `what` names it: `the topology`.
    #[must_use]
    pub fn invalid(what: &str, found: &Diagnostics) -> Self {
        let errors = found
            .diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error);
        let details: Vec<Detail> = errors.map(Detail::from_diagnostic).collect();
        Self::with(Kind::BadRequest, mistakes(what, found.errors, &details), details)
    }

    /// The body of the reply.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message, "details": self.details}})
    }
}

/// One sentence that says what is wrong when it is one thing, and how many things otherwise.
pub(super) fn mistakes(what: &str, count: usize, details: &[Detail]) -> String {
    match details {
        [one] => format!("{what} is not valid: {}", one.message),
        _ => format!("{what} is not valid: {count} mistakes"),
    }
}

/// A JSON pointer in LVA's spelling: `/properties/sources/0/name` is `$.Properties.Sources[0].Name`.
#[must_use]
pub fn json_path(pointer: &str) -> String {
    let mut path = String::from("$");
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else if step
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !step.is_empty()
        {
            let (first, rest) = step.split_at(1);
            path.push_str(&format!(".{}{rest}", first.to_ascii_uppercase()));
        } else {
            path.push_str(&format!(
                "['{}']",
                step.replace('\\', "\\\\").replace('\'', "\\'")
            ));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_the_paths_that_lva_gave() {
        assert_eq!(
            json_path("/properties/sources/0/endpoint/url"),
            "$.Properties.Sources[0].Endpoint.Url"
        );
        assert_eq!(json_path(""), "$");
        assert_eq!(json_path("/@apiVersion"), "$['@apiVersion']");
        assert_eq!(json_path("/a~1b/'x"), "$['a/b']['\\'x']");
        assert_eq!(json_path("/ä"), "$['ä']");
    }

    #[test]
    fn the_body_has_the_shape_of_direct_methods() {
        let error = ControlError::bad_request(Detail::new("X", "no good").at("$.Name").hint("do better"));
        let expected = json!({"error": {"code": "BadRequest", "message": "no good", "details": [
            {"code": "X", "target": "$.Name", "message": "no good", "hint": "do better"}]}});
        assert_eq!(error.body(), expected);
        assert_eq!(error.kind.status(), 400);
    }
}
