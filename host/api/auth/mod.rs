//! Who may do what: bearer tokens of three roles, limited to instances by a pattern, expiring, replaced at any time.
//!
//! Invariants: the text of a token is never kept (its SHA-256 is, and what its signatures are checked with); every
//! comparison looks at all tokens and takes the same time for each; what a caller is told does not depend on why its
//! token is refused.

mod credentials;
pub(super) mod link;
mod sas;

use std::sync::Arc;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::events::filter::glob;
use credentials::Credentials;
pub use sas::SigningKey;

/// Longer `Authorization` headers are refused unread.
pub const MAX_AUTHORIZATION_BYTES: usize = 4096;

/// What a token allows. Each role allows what the ones before it allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looking at everything.
    Read,
    /// Activating and deactivating, and sending messages to graphs.
    Operate,
    /// Changing what is stored, and the host itself.
    Admin,
}

impl Role {
    /// As it is written in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// A token that callers may show.
#[derive(Clone)]
pub struct Token {
    /// What people call it; never secret.
    pub name: String,
    /// Of its text.
    pub sha256: [u8; 32],
    /// What it allows.
    pub role: Role,
    /// The instances that it is limited to, as a pattern with `*` and `?`; none: all of them, and the host.
    pub instances: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// What shared access signatures are checked with; none: they are not accepted from this token.
    pub signing: Option<SigningKey>,
}

impl Token {
    /// A token of this text that allows everything that its role does, for ever. The text is not kept.
    #[must_use]
    pub fn new(name: impl Into<String>, secret: &str, role: Role) -> Self {
        Self {
            name: name.into(),
            sha256: Sha256::digest(secret).into(),
            role,
            instances: None,
            expires: None,
            signing: Some(SigningKey::new(secret.as_bytes())),
        }
    }

    fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("instances", &self.instances)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The tokens that are valid now. Clones share them.
#[derive(Clone, Debug)]
pub struct SharedAuth(watch::Sender<Arc<Tokens>>);

#[derive(Debug)]
struct Tokens {
    tokens: Vec<Token>,
    required: bool,
}

/// Tells when tokens are replaced.
pub(super) struct Changes(watch::Receiver<Arc<Tokens>>);

impl Changes {
    /// Returns at the next time. Cancel-safe.
    pub(super) async fn next(&mut self) {
        // It only fails when nobody is left who could replace them.
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Why a caller is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("a token is needed")]
    Missing,
    #[error("the token is not valid")]
    Invalid,
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The token's name; none for somebody who needs none.
    pub(super) token: Option<Arc<str>>,
    /// What the token allows.
    pub(super) role: Role,
    instances: Option<String>,
    sha256: [u8; 32],
}

impl SharedAuth {
    /// With these tokens. A caller without one may do everything, as long as there is none and none is `required`: who configures a
    /// token does not mean everybody else to be let in.
    #[must_use]
    pub fn new(tokens: Vec<Token>, required: bool) -> Self {
        Self(watch::Sender::new(Arc::new(Tokens::of(tokens, required))))
    }

    /// Nobody needs a token: for a host that listens on loopback alone.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Vec::new(), false)
    }

    /// Puts other tokens in place of all. Streams of callers whose token is gone end.
    pub fn replace(&self, tokens: Vec<Token>, required: bool) {
        self.0.send_replace(Arc::new(Tokens::of(tokens, required)));
    }

    /// Tells when the tokens are replaced.
    pub(super) fn watch(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.0.borrow())
    }

    /// Who this is. Shared access signatures count only where `host` says which host they must be made for.
    pub(super) fn identify(
        &self,
        headers: &HeaderMap,
        host: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, Denied> {
        let tokens = self.tokens();
        match Credentials::read(headers)? {
            // A client that always sends its token also reaches a host that has none.
            _ if !tokens.required => Ok(Caller::anyone()),
            None => Err(Denied::Missing),
            Some(Credentials::Bearer(token)) => tokens.find(&Sha256::digest(token).into(), now),
            Some(Credentials::Signature(signature)) => {
                let host = host.ok_or(Denied::Invalid)?;
                let token = tokens.signed(&signature, host, now)?;
                Ok(Caller::of(token))
            }
        }
    }

    /// Whether somebody who was let in would still be.
    pub(super) fn still_valid(&self, caller: &Caller, now: Timestamp) -> bool {
        let tokens = self.tokens();
        match caller.token {
            None => !tokens.required,
            Some(_) => tokens.find(&caller.sha256, now).is_ok_and(|now| {
                now.token == caller.token && now.role == caller.role && now.instances == caller.instances
            }),
        }
    }
}

impl Tokens {
    fn of(tokens: Vec<Token>, required: bool) -> Self {
        Self {
            required: required || !tokens.is_empty(),
            tokens,
        }
    }

    fn find(&self, sha256: &[u8; 32], now: Timestamp) -> Result<Caller, Denied> {
        let mut found = None;
        // All of them, so that the time does not tell which.
        for token in &self.tokens {
            if same(&token.sha256, sha256) {
                found = Some(token);
            }
        }
        let token = found.ok_or(Denied::Invalid)?;
        if token.expired(now) {
            tracing::debug!(token = token.name, "A token was shown after its end");
            return Err(Denied::Invalid);
        }
        Ok(Caller::of(token))
    }

    fn signed(&self, signature: &sas::Signature, host: &str, now: Timestamp) -> Result<&Token, Denied> {
        let named = self.tokens.iter().find(|token| token.name == signature.key_name);
        let token = named.filter(|token| !token.expired(now)).ok_or(Denied::Invalid)?;
        let key = token.signing.as_ref().ok_or(Denied::Invalid)?;
        if signature.verify(key, host, now) {
            Ok(token)
        } else {
            Err(Denied::Invalid)
        }
    }
}

impl Caller {
    fn anyone() -> Self {
        Self {
            token: None,
            role: Role::Admin,
            instances: None,
            sha256: [0; 32],
        }
    }

    /// Somebody who may see nothing but what everybody may.
    pub(super) fn nobody() -> Self {
        Self {
            role: Role::Read,
            instances: Some(String::new()),
            ..Self::anyone()
        }
    }

    fn of(token: &Token) -> Self {
        Self {
            token: Some(token.name.as_str().into()),
            role: token.role,
            instances: token.instances.clone(),
            sha256: token.sha256,
        }
    }

    /// Whether only some instances may be seen.
    pub(super) fn is_limited(&self) -> bool {
        self.instances.is_some()
    }

    /// The pattern of the instances that may be seen; none: all of them, and the host.
    pub(super) fn pattern(&self) -> Option<&str> {
        self.instances.as_deref()
    }

    /// Whether this instance may be seen.
    pub(super) fn sees(&self, instance: &str) -> bool {
        let pattern = self.instances.as_ref();
        pattern.is_none_or(|pattern| glob(pattern, instance))
    }

    /// Whether this may be done to an instance, or to the host when it concerns no single one: what changes the
    /// host is not for a token that is limited to some of its instances.
    pub(super) fn may(&self, role: Role, instance: Option<&str>) -> bool {
        self.role >= role
            && match instance {
                Some(instance) => self.sees(instance),
                None => role == Role::Read || !self.is_limited(),
            }
    }
}

/// Compares in a time that does not depend on where they differ.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a
        .iter()
        .zip(b)
        .fold(0_u8, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    difference == 0
}

#[cfg(test)]
mod tests {
    use axum::http::header::AUTHORIZATION;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_token_is_known_by_its_text_until_it_ends_or_is_replaced() {
        let mut token = Token::new("night", "correct horse", Role::Operate);
        token.expires = Some("2026-11-21T12:00:01Z".parse().unwrap());
        let auth = SharedAuth::new(vec![token.clone()], true);
        let caller = auth.identify(&headers("Bearer correct horse"), None, now());
        assert_eq!(caller.unwrap_err(), Denied::Invalid, "blanks end a token");

        token.sha256 = Sha256::digest("battery").into();
        auth.replace(vec![token], true);
        let caller = auth.identify(&headers("bearer battery"), None, now()).unwrap();
        assert_eq!(caller.role, Role::Operate);
        let later = now() + jiff::SignedDuration::from_secs(1);
        assert!(auth.still_valid(&caller, now()));
        assert!(!auth.still_valid(&caller, later));
        assert!(auth.identify(&headers("Bearer battery"), None, later).is_err());

        auth.replace(Vec::new(), true);
        assert!(!auth.still_valid(&caller, now()));
    }

    #[test]
    fn nobody_needs_a_token_on_an_open_host_and_a_superfluous_one_does_no_harm() {
        let auth = SharedAuth::open();
        for headers in [HeaderMap::new(), headers("Bearer whatever")] {
            assert_eq!(auth.identify(&headers, None, now()).unwrap().role, Role::Admin);
        }
    }

    #[test]
    fn one_token_is_enough_that_everybody_needs_one() {
        let auth = SharedAuth::open();
        let caller = auth.identify(&HeaderMap::new(), None, now()).unwrap();
        auth.replace(vec![Token::new("desk", "battery", Role::Read)], false);
        let denied = auth.identify(&HeaderMap::new(), None, now()).unwrap_err();
        assert_eq!(denied, Denied::Missing);
        assert!(!auth.still_valid(&caller, now()), "who came before it goes");
        assert!(auth.identify(&headers("Bearer battery"), None, now()).is_ok());
    }

    #[test]
    fn a_limited_token_changes_nothing_of_the_host() {
        let mut token = Token::new("site-a", "x", Role::Admin);
        token.instances = Some("site-a-*".into());
        let caller = Caller::of(&token);
        assert!(caller.may(Role::Admin, Some("site-a-door")));
        assert!(!caller.may(Role::Read, Some("site-b-door")));
        assert!(caller.may(Role::Read, None));
        assert!(!caller.may(Role::Operate, None));
    }

    #[test]
    fn what_is_printed_of_a_token_does_not_hold_its_text_or_its_hash() {
        let text = format!("{:?}", Token::new("n", "battery", Role::Read));
        assert!(!text.contains("battery") && !text.contains("sha"), "{text}");
    }
}
