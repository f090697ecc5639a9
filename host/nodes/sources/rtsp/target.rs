//! Where a camera is, and what of that may be shown.

use retina::client::Credentials;
use url::Url;

use super::tls::CameraTls;
use crate::topology::masked::{MASK, masked, named};

/// Shorter secrets are not looked for in texts: they would be found in ordinary words.
const MIN_HIDDEN_CHARS: usize = 4;

/// Where a camera is and who asks.
#[derive(Clone)]
pub struct Target {
    /// Without credentials.
    pub url: Url,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// How to connect safely; None speaks in the clear.
    pub tls: Option<CameraTls>,
    /// A secret went into the URL, nobody knows where.
    pub secret: bool,
}

impl Target {
    /// The URL as it may be shown: the values of its query are left out, since many cameras take a password there.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.secret {
            return format!("{}://{MASK}", self.url.scheme());
        }
        let mut url = self.url.clone();
        // As in `prepare`: what cannot have credentials has none.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        if !names.is_empty() {
            let hidden = names.iter().map(|name| (name, "***"));
            url.query_pairs_mut().clear().extend_pairs(hidden);
        }
        masked(url.as_str()).into_owned()
    }

    /// A text that the camera or a library made, without what is not shown: both repeat URLs.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let url = self.url.as_str();
        let mut secrets: Vec<&str> = self
            .url
            .query()
            .filter(|query| query.contains('='))
            .into_iter()
            .collect();
        secrets.extend(named(url).into_iter().filter_map(|range| url.get(range)));
        if self.secret {
            secrets.extend(self.url.query());
            secrets.extend(self.url.host_str());
            secrets.extend(self.url.path().split('/'));
        }
        secrets.extend(self.credentials.as_ref().map(|login| login.password.as_str()));
        secrets.retain(|secret| secret.chars().count() >= MIN_HIDDEN_CHARS);
        // One may hold another.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let without = |text: String, secret: &&str| text.replace(secret, MASK);
        secrets.iter().fold(text.to_owned(), without)
    }
}

impl std::fmt::Debug for Target {
    // Written by hand because retina's `Credentials` would show the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.credentials.as_ref().map(|credentials| &credentials.username);
        f.debug_struct("Target")
            .field("url", &self.shown())
            .field("user", &user)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::sources::rtsp::error::CameraError;

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let target = Target {
            url: Url::parse("rtsp://me:pw@10.0.0.7:554/live?user=admin&password=hunter2&channel=1#x")
                .unwrap(),
            credentials: None,
            tls: None,
            secret: false,
        };
        assert_eq!(
            target.shown(),
            "rtsp://10.0.0.7:554/live?user=***&password=***&channel=***#x"
        );
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn what_a_camera_repeats_is_told_without_secrets() {
        let mut target = Target {
            url: Url::parse("rtsp://camera.example/user=me_password=hunter2/live?token=abcd1234").unwrap(),
            credentials: Some(Credentials {
                username: "admin".to_owned(),
                password: "battery".to_owned(),
            }),
            tls: None,
            secret: false,
        };
        assert_eq!(
            target.shown(),
            "rtsp://camera.example/user=me_password=***/live?token=***"
        );
        let said = "a=control:rtsp://10.0.0.7/user=me_password=hunter2/live?token=abcd1234&x (battery)";
        assert_eq!(
            target.hide(said),
            "a=control:rtsp://10.0.0.7/user=me_password=***/live?***&x (***)"
        );
        target.secret = true;
        assert_eq!(target.shown(), "rtsp://***");
        let error = CameraError::Network("cannot connect to camera.example:554 for /live".to_owned());
        let error = error.retold(|text| target.hide(text));
        assert_eq!(error.to_string(), "cannot connect to ***:554 for /***");
    }
}
