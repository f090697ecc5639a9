//! An error that the host answered with, as people read it: like `mediagraph validate`, with place and hint.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use reqwest::StatusCode;
use serde_json::Value;

use super::super::Failure;
use super::super::failure::Code;
use super::super::json::Look as _;
use super::super::table::clean_lines;
use super::Reply;

/// Details that are shown; the rest is counted.
const MAX_DETAILS: usize = 100;

/// An error as the host tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    code: String,
    message: String,
    details: Vec<Detail>,
    hint: Option<String>,
}

/// One mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Detail {
    code: String,
    /// JSON pointer, else the JSON path that Live Video Analytics would have given.
    at: String,
    message: String,
    hint: Option<String>,
    place: Option<(u64, u64)>,
    warning: bool,
}

/// Where what the host complains about was written.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// In a file that was sent as it is: places count.
    File(&'a str),
    /// On a command line: these JSON pointers are of these flags.
    Flags(&'a BTreeMap<String, String>),
    /// Nowhere that people know of.
    Nowhere,
}

impl Problem {
    /// From a reply that is no success.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        Self::from_body(reply.status.as_u16(), &body)
    }

    /// From a method's status and payload.
    #[must_use]
    pub fn from_body(status: u16, body: &Value) -> Self {
        let error = body.at("error");
        let mut details: Vec<Detail> = Vec::new();
        for detail in error.items("details").iter().map(Detail::read) {
            // Live Video Analytics had two codes for one thing; the host says both, and people need it once.
            let known = |one: &Detail| one.message == detail.message && one.at == detail.at;
            if !details.iter().any(known) {
                details.push(detail);
            }
        }
        Self {
            status,
            code: text(error.at("code")),
            message: text(error.at("message")),
            details,
            hint: None,
        }
    }

    /// What a method did, but wonders about.
    #[must_use]
    pub fn warnings(list: &[Value]) -> Self {
        let details = list.iter().map(|one| Detail {
            warning: true,
            ..Detail::read(one)
        });
        Self {
            details: details.collect(),
            ..Self::default()
        }
    }

    /// The outer code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is about the state that an instance is in.
    #[must_use]
    pub fn mentions_state(&self) -> bool {
        self.details.iter().any(|detail| detail.code.ends_with("State"))
    }

    /// What the host says went wrong, without its details.
    #[must_use]
    pub fn message(&self) -> String {
        match (self.message.as_str(), self.details.first()) {
            ("", None) => {
                let status = StatusCode::from_u16(self.status).ok();
                let name = status
                    .and_then(|status| status.canonical_reason())
                    .unwrap_or("no reason given");
                format!("status {}, {name}", self.status)
            }
            ("", Some(detail)) => detail.message.clone(),
            (message, _) => message.to_owned(),
        }
    }

    /// With what to do next, where the host does not say it.
    #[must_use]
    pub fn or_hint(mut self, hint: &str) -> Self {
        if !self.details.iter().any(|detail| detail.hint.is_some()) {
            self = self.hint(hint);
        }
        self
    }

    /// With what to do next, in words of this program: a command that can be typed says more than the host can.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        for detail in &mut self.details {
            detail.hint = None;
        }
        self.hint = Some(hint.to_owned());
        self
    }

    /// As the end of a command that was to do `what`. Nothing is said twice: a detail without a place is the message.
    #[must_use]
    pub fn failure(&self, what: &str, written: Written<'_>) -> Failure {
        let (mut text, mut message) = (String::new(), format!(": {}", self.message()));
        let mut hint = self.hint.as_deref();
        match self.details.as_slice() {
            [one] if one.at.is_empty() || matches!(written, Written::Nowhere) => {
                hint = hint.or(one.hint.as_deref());
            }
            [one] => {
                one.write(written, &mut text);
                message.clear();
            }
            _ => text = self.render(written),
        }
        let _ = write!(text, "error: cannot {what}{message}");
        let code = match self.details.as_slice() {
            [one] if !one.code.is_empty() => &one.code,
            _ => &self.code,
        };
        if !code.is_empty() {
            let _ = write!(text, " ({} {code})", self.status);
        }
        if let Some(hint) = hint {
            let _ = write!(text, "\nhint: {hint}");
        }
        let wrong = self.status == 400 && !matches!(written, Written::Nowhere);
        Failure {
            code: if wrong { Code::BadTopology } else { Code::Failed },
            message: text,
        }
    }

    /// The details, each as `mediagraph validate` would print it.
    #[must_use]
    pub fn render(&self, written: Written<'_>) -> String {
        let mut text = String::new();
        for detail in self.details.iter().take(MAX_DETAILS) {
            detail.write(written, &mut text);
        }
        if self.details.len() > MAX_DETAILS {
            let _ = writeln!(text, "... and {} more", self.details.len() - MAX_DETAILS);
        }
        text
    }
}

impl Detail {
    fn read(value: &Value) -> Self {
        let place = value.at("line").as_u64().zip(value.at("column").as_u64());
        let pointer = text(value.at("pointer"));
        Self {
            code: text(value.at("code")),
            at: if pointer.is_empty() {
                text(value.at("target"))
            } else {
                pointer
            },
            message: text(value.at("message")),
            hint: value.at("hint").is_string().then(|| text(value.at("hint"))),
            place,
            warning: false,
        }
    }

    fn write(&self, written: Written<'_>, out: &mut String) {
        let mut at = self.at.clone();
        match (written, self.place) {
            (Written::File(file), Some((line, column))) => {
                let _ = write!(out, "{file}:{line}:{column}: ");
            }
            (Written::File(file), None) => {
                let _ = write!(out, "{file}: ");
            }
            (Written::Flags(flags), _) => {
                at = flags.get(&at).cloned().unwrap_or(at);
            }
            (Written::Nowhere, _) => {}
        }
        let severity = if self.warning { "warning" } else { "error" };
        let _ = writeln!(out, "{severity}: {}", self.message);
        match (at.as_str(), self.code.as_str()) {
            ("", "") => {}
            ("", code) => {
                let _ = writeln!(out, "  ({code})");
            }
            (at, code) => {
                let _ = writeln!(out, "  at {at} ({code})");
            }
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "  hint: {hint}");
        }
    }
}

fn text(value: &Value) -> String {
    clean_lines(value.as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem() -> Problem {
        Problem::from_body(
            400,
            &json!({"error": {"code": "BadRequest", "message": "the topology has 1 error", "details": [{
                "code": "RtspEndpointUrlInvalidScheme", "target": "$.Properties.Sources[0].Endpoint.Url",
                "pointer": "/properties/sources/0/endpoint/url", "line": 7, "column": 3,
                "message": "the scheme is `\u{1b}[31mftp`", "hint": "use rtsp://"}]}}),
        )
    }

    #[test]
    fn what_was_sent_as_a_file_is_told_with_file_and_place_and_is_exit_code_78() {
        let failure = problem().failure("store the topology", Written::File("t.json"));
        assert_eq!(
            failure.message,
            "t.json:7:3: error: the scheme is `\u{fffd}[31mftp`\n  at /properties/sources/0/endpoint/url \
             (RtspEndpointUrlInvalidScheme)\n  hint: use rtsp://\nerror: cannot store the topology \
             (400 RtspEndpointUrlInvalidScheme)"
        );
        assert_eq!(failure.code, Code::BadTopology);
    }

    #[test]
    fn a_body_that_says_nothing_still_makes_a_message() {
        let failure = Problem::from_body(503, &Value::Null).failure("list instances", Written::Nowhere);
        assert_eq!(
            failure.message,
            "error: cannot list instances: status 503, Service Unavailable"
        );
        assert_eq!(failure.code, Code::Failed);
    }

    #[test]
    fn what_came_from_flags_is_told_by_flag_and_details_are_bounded() {
        let flags = BTreeMap::from([("/a".to_owned(), "-p rtspUrl".to_owned())]);
        let one = json!({"code": "X", "pointer": "/a", "line": 1, "column": 2, "message": "no"});
        let details: Vec<Value> = (0..MAX_DETAILS + 2)
            .map(|number| {
                let mut detail = one.clone();
                if number > 0 {
                    detail["message"] = json!(format!("no {number}"));
                }
                detail
            })
            .collect();
        let body = json!({"error": { "details": details }});
        let text = Problem::from_body(400, &body).render(Written::Flags(&flags));
        assert!(text.starts_with("error: no\n  at -p rtspUrl (X)\n"), "{text}");
        assert!(text.ends_with("... and 2 more\n"), "{text}");
    }

    #[test]
    fn one_thing_that_has_two_codes_is_told_once_with_the_hint_that_can_be_typed() {
        let one =
            |code: &str| json!({"code": code, "message": "it is Active", "hint": "deactivate it first"});
        let error = json!({"code": "Conflict", "message": "it is Active", "details": [one("A"), one("B")]});
        let problem = Problem::from_body(409, &json!({ "error": error }));
        let failure = problem
            .clone()
            .hint("type this")
            .failure("delete it", Written::Nowhere);
        assert_eq!(
            failure.message,
            "error: cannot delete it: it is Active (409 A)\nhint: type this"
        );
        let failure = problem
            .or_hint("type this")
            .failure("delete it", Written::Nowhere);
        assert!(
            failure.message.ends_with("hint: deactivate it first"),
            "{failure}"
        );
    }
}
