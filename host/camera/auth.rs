//! Who may watch: Basic (RFC 7617) and Digest (RFC 2617, without `qop`, as cameras speak it).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use uuid::Uuid;

use crate::text::hex;

const REALM: &str = "mediagraph camera";

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// The password in base64: for the eyes of everyone on the way.
    Basic,
    /// A hash over password, nonce and request.
    #[default]
    Digest,
}

/// The users that may watch. Nobody named means that everybody may.
#[derive(Clone, Default)]
pub struct Users {
    passwords: BTreeMap<String, String>,
}

// Passwords stay out of logs.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.passwords.keys()).finish()
    }
}

impl Users {
    /// Adds a user from `name:password`; `false` without a colon or with an empty name. The name ends at the first
    /// colon, the password may have more.
    pub fn add(&mut self, text: &str) -> bool {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() => {
                self.passwords.insert(name.to_owned(), password.to_owned());
                true
            }
            _ => false,
        }
    }

    /// Everybody may watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.passwords.is_empty()
    }
}

/// The door of one connection: a nonce holds as long as its connection.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    users: &'a Users,
    scheme: Scheme,
    nonce: String,
}

impl<'a> Guard<'a> {
    pub(super) fn new(users: &'a Users, scheme: Scheme) -> Self {
        Self {
            users,
            scheme,
            nonce: Uuid::new_v4().simple().to_string(),
        }
    }

    /// The value of `WWW-Authenticate`.
    pub(super) fn challenge(&self) -> String {
        match self.scheme {
            Scheme::Basic => format!("Basic realm=\"{REALM}\""),
            Scheme::Digest => format!(
                "Digest realm=\"{REALM}\", nonce=\"{}\", algorithm=MD5",
                self.nonce
            ),
        }
    }

    /// Whether a request with this `Authorization` may pass.
    pub(super) fn admits(&self, method: &str, authorization: Option<&str>) -> bool {
        if self.users.is_empty() {
            return true;
        }
        let Some((scheme, rest)) = authorization.and_then(|value| value.trim().split_once(' ')) else {
            return false;
        };
        match self.scheme {
            Scheme::Basic => scheme.eq_ignore_ascii_case("basic") && self.basic(rest.trim()).is_some(),
            Scheme::Digest => scheme.eq_ignore_ascii_case("digest") && self.digest(method, rest).is_some(),
        }
    }

    fn basic(&self, credentials: &str) -> Option<()> {
        let plain = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        let (name, password) = plain.split_once(':')?;
        same(self.users.passwords.get(name)?, password).then_some(())
    }

    /// RFC 2617, section 3.2.2.1. The URI is the one the client hashed: clients disagree about which of the stream's
    /// URLs that is, so it is not compared with the request's.
    fn digest(&self, method: &str, parameters: &str) -> Option<()> {
        let parameters = split(parameters);
        let get = |name: &str| parameters.get(name).map(String::as_str);
        let name = get("username")?;
        if get("realm")? != REALM || get("nonce")? != self.nonce {
            return None;
        }
        let secret = hash(&format!("{name}:{REALM}:{}", self.users.passwords.get(name)?));
        let request = hash(&format!("{method}:{}", get("uri")?));
        let expected = hash(&format!("{secret}:{}:{request}", self.nonce));
        same(&expected, &get("response")?.to_ascii_lowercase()).then_some(())
    }
}

fn hash(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// Compares in a time that tells nothing of where the difference is.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b))
            == 0
}

/// `name="value", name=value`: commas and equal signs within quotes belong to the value.
fn split(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, tail)) = rest.split_once('=') {
        let (value, tail) = match tail.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => tail.split_once(',').unwrap_or((tail, "")),
        };
        let name = name.trim_matches([',', ' ', '\t']);
        found.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        rest = tail;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let mut users = Users::default();
        assert!(users.add("admin:pass:word"));
        assert!(!users.add("nobody"));
        assert!(!users.add(":x"));
        users
    }

    #[test]
    fn basic_wants_the_right_password() {
        let users = users();
        let guard = Guard::new(&users, Scheme::Basic);
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(guard.admits("PLAY", Some(&header("admin:pass:word"))));
        for wrong in ["admin:pass", "admin", "other:pass:word", ""] {
            assert!(!guard.admits("PLAY", Some(&header(wrong))), "{wrong}");
        }
        assert!(!guard.admits("PLAY", None));
        assert!(!guard.admits("PLAY", Some("Basic %%%")));
    }

    #[test]
    fn digest_wants_the_hash_of_this_request() {
        let users = users();
        let guard = Guard::new(&users, Scheme::Digest);
        let answer = |password: &str, method: &str, nonce: &str| {
            let uri = "rtsp://h/a,b=c";
            let (one, two) = (
                hash(&format!("admin:{REALM}:{password}")),
                hash(&format!("{method}:{uri}")),
            );
            let response = hash(&format!("{one}:{nonce}:{two}"));
            format!(
                "Digest username=\"admin\", realm=\"{REALM}\",nonce=\"{nonce}\", uri=\"{uri}\", response={response}"
            )
        };
        assert!(guard.admits("PLAY", Some(&answer("pass:word", "PLAY", &guard.nonce))));
        assert!(!guard.admits("PLAY", Some(&answer("pass:word", "SETUP", &guard.nonce))));
        assert!(!guard.admits("PLAY", Some(&answer("wrong", "PLAY", &guard.nonce))));
        assert!(!guard.admits("PLAY", Some(&answer("pass:word", "PLAY", "stale"))));
        assert!(!guard.admits("PLAY", Some("Digest username=\"admin")));
    }
}
