//! Query strings. Names that a route does not have are refused: a misspelt `?instance=` must not mean "all".

use axum::http::StatusCode;

use super::problem::Problem;
use super::table::Parameter;
use crate::topology::diagnostics::{did_you_mean, one_of, shown};

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string. `known` are the route's.
    pub(super) fn read(query: Option<&str>, known: &[Parameter]) -> Result<Self, Problem> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.iter().any(|one| one.name == name) {
                return Err(unknown(&name, known));
            }
            if all.iter().any(|(other, _)| *other == name) {
                let message = format!("the query has {} twice", shown(&name));
                return Err(Problem::new(StatusCode::BAD_REQUEST, "QueryInvalid", &message));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    /// The value of one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of one, under either of two names.
    pub(super) fn either(&self, name: &str, other: &str) -> Option<String> {
        self.get(name).or_else(|| self.get(other)).map(str::to_owned)
    }

    /// Whether something is asked for.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(other) => {
                let message = format!("`{name}` must be `true` or `false`, not {}", shown(other));
                Err(Problem::new(StatusCode::BAD_REQUEST, "QueryInvalid", &message))
            }
        }
    }
}

fn unknown(name: &str, known: &[Parameter]) -> Problem {
    let names = || known.iter().map(|one| one.name);
    let message = format!("this request has no parameter {}", shown(name));
    let hint = match did_you_mean(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "it takes none".to_owned(),
        None => format!("it takes {}", one_of(names())),
    };
    Problem::with_hint(StatusCode::BAD_REQUEST, "QueryInvalid", &message, &hint)
}
