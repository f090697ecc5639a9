//! Proving who one is to an RTSP server: Basic (RFC 7617) and Digest (RFC 2617 and 7616).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::text::hex;

/// How a server wants to know who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic {
        realm: String,
    },
    Digest {
        realm: String,
        nonce: String,
        opaque: Option<String>,
        hash: Hash,
        /// The server knows the protection `auth`.
        qop: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { realm } => write!(f, "Basic, realm `{}`", realm.escape_debug()),
            Self::Digest { realm, hash, .. } => {
                write!(f, "Digest with {}, realm `{}`", hash.name(), realm.escape_debug())
            }
        }
    }
}

impl Challenge {
    /// The strongest that can be answered of the values of `WWW-Authenticate`.
    pub(super) fn strongest<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let rank = |challenge: &Self| match challenge {
            Self::Basic { .. } => 0,
            Self::Digest { hash: Hash::Md5, .. } => 1,
            Self::Digest {
                hash: Hash::Sha256, ..
            } => 2,
        };
        values.filter_map(Self::parse).max_by_key(rank)
    }

    fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        let mut parameters = parameters(rest);
        let realm = parameters.remove("realm").unwrap_or_default();
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic { realm });
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let hash = match parameters.get("algorithm") {
            None => Hash::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Hash::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Hash::Sha256,
            Some(_) => return None,
        };
        let qop = parameters.remove("qop");
        Some(Self::Digest {
            realm,
            nonce: parameters.remove("nonce")?,
            opaque: parameters.remove("opaque"),
            hash,
            qop: qop.is_some_and(|qop| qop.split(',').any(|one| one.trim() == "auth")),
        })
    }

    /// The value of `Authorization`. `cnonce` is any text that was not used before.
    pub(super) fn answer(&self, user: &str, password: &str, method: &str, uri: &str, cnonce: &str) -> String {
        let Self::Digest {
            realm,
            nonce,
            opaque,
            hash,
            qop,
        } = self
        else {
            return format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        };
        let secret = hash.of(&format!("{user}:{realm}:{password}"));
        let request = hash.of(&format!("{method}:{uri}"));
        let (response, protection) = if *qop {
            let response = hash.of(&format!("{secret}:{nonce}:00000001:{cnonce}:auth:{request}"));
            (response, format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""))
        } else {
            (hash.of(&format!("{secret}:{nonce}:{request}")), String::new())
        };
        let (user, realm) = (quoted(user), quoted(realm));
        let opaque = opaque
            .as_ref()
            .map_or_else(String::new, |opaque| format!(", opaque=\"{opaque}\""));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={}{opaque}{protection}",
            hash.name()
        )
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `name="value", name=value`: commas and equal signs within quotes belong to the value.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, tail)) = rest.split_once('=') {
        let (value, tail) = match tail.trim_start().strip_prefix('"') {
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

    #[test]
    fn the_example_of_rfc_2617_is_answered_as_there() {
        let value = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                     nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let challenge = Challenge::strongest(["Basic realm=\"x\"", value].into_iter()).unwrap();
        let answer = challenge.answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b");
        assert!(
            answer.contains("response=\"6629fae49393a05397450978507c4ef1\""),
            "{answer}"
        );
        assert!(
            answer.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""),
            "{answer}"
        );
    }

    #[test]
    fn a_challenge_without_protection_is_answered_the_old_way() {
        let challenge = Challenge::parse("Digest realm=\"a\", nonce=\"b\"").unwrap();
        let answer = challenge.answer("u", "p", "DESCRIBE", "rtsp://h/", "c");
        let expected = Hash::Md5.of(&format!(
            "{}:b:{}",
            Hash::Md5.of("u:a:p"),
            Hash::Md5.of("DESCRIBE:rtsp://h/")
        ));
        assert!(answer.contains(&expected) && !answer.contains("qop"), "{answer}");
    }

    #[test]
    fn what_cannot_be_answered_is_left_out() {
        for value in [
            "Bearer realm=\"a\"",
            "Digest realm=\"a\"",
            "Digest nonce=\"a\", algorithm=SHA-512-256",
            "",
        ] {
            assert_eq!(Challenge::parse(value), None, "{value}");
        }
    }
}
