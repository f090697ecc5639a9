//! Secrets that the host keeps and graphs may use by name.
//!
//! A value `${secret:NAME}` of a parameter of type `SecretString` stands for the host's secret of that name, so that
//! neither a topology nor an instance holds it. Only the whole value, and only for that type: whatever else has a
//! parameter's value in it may be shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::diagnostics::{Code, Diagnostic, did_you_mean, shown};
use super::model::{ParameterDeclaration, ParameterType};
use super::values::Secret;

/// The host's secrets by name. Clones are the same, so that all see what a reload brings. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Arc<BTreeMap<String, Secret>>>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all().keys()).finish()
    }
}

impl Secrets {
    /// These secrets.
    #[must_use]
    pub fn new(secrets: BTreeMap<String, Secret>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(secrets))))
    }

    /// Takes others instead; what was resolved before keeps what it has.
    pub fn replace(&self, secrets: BTreeMap<String, Secret>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }

    fn all(&self) -> Arc<BTreeMap<String, Secret>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of them, so that they can be kept out of what is shown.
    #[must_use]
    pub fn values(&self) -> Vec<Secret> {
        self.all().values().cloned().collect()
    }

    /// The value that is meant: the secret, when the value names one, else the value itself.
    pub(super) fn look_up(
        &self,
        declaration: &ParameterDeclaration,
        value: &str,
    ) -> Result<String, Diagnostic> {
        let Some(name) = value
            .strip_prefix("${secret:")
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            return Ok(value.to_owned());
        };
        let wrong = |message| {
            Diagnostic::error(
                Code::ParameterInvalid,
                format!("-p {}", declaration.name),
                message,
            )
        };
        let parameter = shown(&declaration.name);
        if declaration.kind != ParameterType::SecretString {
            let message =
                format!("the parameter {parameter} cannot be given a secret: its value may be shown");
            return Err(wrong(message).hint("declare it with the type `SecretString`"));
        }
        let all = self.all();
        if let Some(secret) = all.get(name) {
            return Ok(secret.expose().to_owned());
        }
        let message = format!(
            "the parameter {parameter} is given the secret {}, which this host does not have",
            shown(name)
        );
        Err(
            wrong(message).hint(match did_you_mean(name, all.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `${{secret:{meant}}}`?"),
                None => "name it under `[secrets]` in the configuration of the host".to_owned(),
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declaration(kind: &str) -> ParameterDeclaration {
        serde_json::from_value(json!({"name": "password", "type": kind})).unwrap()
    }

    fn secrets() -> Secrets {
        Secrets::new(BTreeMap::from([("camera".to_owned(), Secret::new("canary"))]))
    }

    #[test]
    fn a_secret_is_put_in_for_its_name_and_nothing_else_is() {
        let (secrets, parameter) = (secrets(), declaration("SecretString"));
        let value = |text| secrets.look_up(&parameter, text).unwrap();
        assert_eq!(value("${secret:camera}"), "canary");
        for other in [
            "camera",
            "x${secret:camera}",
            "${secret:camera}x",
            "${camera}",
            "",
        ] {
            assert_eq!(value(other), other);
        }
        secrets.replace(BTreeMap::from([("camera".to_owned(), Secret::new("other"))]));
        assert_eq!(value_of(&secrets.clone(), &parameter), "other");
    }

    fn value_of(secrets: &Secrets, parameter: &ParameterDeclaration) -> String {
        secrets.look_up(parameter, "${secret:camera}").unwrap()
    }

    #[test]
    fn what_may_be_shown_is_given_no_secret_and_what_is_not_there_is_said() {
        let refused = secrets()
            .look_up(&declaration("String"), "${secret:camera}")
            .unwrap_err();
        assert!(refused.hint.unwrap().contains("`SecretString`"));
        let missing = secrets()
            .look_up(&declaration("SecretString"), "${secret:camra}")
            .unwrap_err();
        assert_eq!(missing.hint.as_deref(), Some("did you mean `${secret:camera}`?"));
        assert!(!format!("{:?}", secrets()).contains("canary"));
    }
}
