//! Signed links: what a player shows that cannot send a header. The text of a link is `mgl_` and, in Base64, what it allows (32 bytes) with
//! an HMAC-SHA256 over that and over whoever made it (32 bytes).
//!
//! Invariants: the key is made when the host starts and is nowhere but in its memory, so a restart ends all links; a link says nothing of
//! whose it is, and counts only while that token is there, has not ended, and allows what it allowed then; every comparison looks at all
//! tokens and takes the same time for each.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::sas::SigningKey;
use super::{Caller, Role, SharedAuth, same};
use crate::media::MediaTime;
use crate::recording::index::AssetId;

/// How every link begins, so that people, scanners of leaked secrets and the log know one when they see it.
const PREFIX: &str = "mgl_";
/// What takes the place of a link where it must not stand.
const HIDDEN: &str = "mgl_***";
/// What is signed is a link of this form, and nothing else that the key might be used for.
const FORM: &[u8] = b"mediagraph link 1\n";
/// Bytes of what a link allows.
const BODY: usize = 32;

/// What a link allows: one stretch of one recording, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct Grant {
    /// The recording; its number is of one name and one store.
    pub(in crate::api) asset: AssetId,
    /// The stretch; one that reaches to [`MediaTime::MAX`] grows.
    pub(in crate::api) range: Range<MediaTime>,
    /// The moment from which it is no longer valid, to the second.
    pub(in crate::api) expires: Timestamp,
}

/// What links are signed with.
#[derive(Debug)]
pub(in crate::api) struct LinkKey(SigningKey);

impl LinkKey {
    /// A key of its own: 244 random bits in two version 4 UUIDs, which come from the operating system.
    pub(in crate::api) fn random() -> Self {
        let (one, two) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        Self(SigningKey::new(&[*one.as_bytes(), *two.as_bytes()].concat()))
    }

    /// A link that allows as much for whoever made it.
    pub(in crate::api) fn sign(&self, maker: &Caller, grant: &Grant) -> String {
        let body = grant.to_bytes();
        let text = URL_SAFE_NO_PAD.encode([body, self.tag(maker, &body)].concat());
        format!("{PREFIX}{text}")
    }

    fn tag(&self, maker: &Caller, body: &[u8; BODY]) -> [u8; 32] {
        let token = maker.token.as_deref();
        let mut message = FORM.to_vec();
        for part in [token, Some(maker.role.name()), maker.instances.as_deref()] {
            // The length tells where a part ends; nothing is another thing than an empty text.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            message.extend(length.to_be_bytes());
            message.extend(part.unwrap_or_default().bytes());
        }
        message.extend(maker.sha256);
        message.extend(body);
        self.0.sign(&message)
    }
}

impl Grant {
    fn to_bytes(&self) -> [u8; BODY] {
        let numbers = [
            self.asset.0.to_be_bytes(),
            self.range.start.ticks().to_be_bytes(),
            self.range.end.ticks().to_be_bytes(),
            self.expires.as_second().to_be_bytes(),
        ];
        let mut body = [0; BODY];
        for (to, from) in body.iter_mut().zip(numbers.as_flattened()) {
            *to = *from;
        }
        body
    }

    fn of_bytes(body: &[u8; BODY]) -> Option<Self> {
        let (numbers, _) = body.as_chunks::<8>();
        let [asset, start, end, expires] = numbers else {
            return None;
        };
        let time = |bytes: &[u8; 8]| MediaTime::from_ticks(u64::from_be_bytes(*bytes));
        Some(Self {
            asset: AssetId(i64::from_be_bytes(*asset)),
            range: time(start)..time(end),
            expires: Timestamp::from_second(i64::from_be_bytes(*expires)).ok()?,
        })
    }
}

impl SharedAuth {
    /// What a link allows now, and on whose behalf; none when it was not made here, its time is over, or whoever made it may not do any more
    /// what it could then. Who comes by it may look, whatever else its maker may do.
    pub(in crate::api) fn by_link(
        &self,
        key: &LinkKey,
        link: &str,
        now: Timestamp,
    ) -> Option<(Caller, Grant)> {
        let bytes = URL_SAFE_NO_PAD.decode(link.strip_prefix(PREFIX)?).ok()?;
        let (body, tag) = bytes.split_first_chunk::<BODY>()?;
        let tag = <&[u8; 32]>::try_from(tag).ok()?;
        let tokens = self.tokens();
        let anyone = (!tokens.required).then(Caller::anyone);
        let valid = tokens.tokens.iter().filter(|token| !token.expired(now));
        let mut maker = None;
        // All of them, so that the time does not tell whose it is.
        for caller in valid.map(Caller::of).chain(anyone) {
            if same(&key.tag(&caller, body), tag) {
                maker = Some(caller);
            }
        }
        let (maker, grant) = (maker?, Grant::of_bytes(body)?);
        let looking = Caller {
            role: Role::Read,
            ..maker
        };
        (grant.expires > now).then_some((looking, grant))
    }
}

/// A text for a log or a refusal, without the links that somebody may have put into it.
pub(in crate::api) fn hidden(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(PREFIX);
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut told = first.to_owned();
    for part in parts {
        told.push_str(HIDDEN);
        told.push_str(part.trim_start_matches(|letter: char| {
            letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
        }));
    }
    Cow::Owned(told)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::Token;
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn grant() -> Grant {
        let at = |text: &str| MediaTime::from_timestamp(text.parse().unwrap());
        Grant {
            asset: AssetId(7),
            range: at("2026-11-22T10:00:00Z")..at("2026-11-22T10:05:00Z"),
            expires: now() + SignedDuration::from_mins(10),
        }
    }

    fn token() -> Token {
        let mut token = Token::new("desk", "battery", Role::Admin);
        token.instances = Some("site-a-*".into());
        token
    }

    #[test]
    fn a_link_allows_what_was_signed_until_it_ends_and_only_to_look() {
        let (key, auth) = (LinkKey::random(), SharedAuth::new(vec![token()], true));
        let link = key.sign(&Caller::of(&token()), &grant());
        let (caller, read) = auth.by_link(&key, &link, now()).unwrap();
        assert_eq!(read, grant());
        assert_eq!((caller.token.as_deref(), caller.role), (Some("desk"), Role::Read));
        assert!(caller.sees("site-a-door") && !caller.sees("site-b-door"));
        let last = grant().expires - SignedDuration::from_millis(1);
        assert!(auth.by_link(&key, &link, last).is_some());
        assert!(auth.by_link(&key, &link, grant().expires).is_none());
        assert!(auth.by_link(&LinkKey::random(), &link, now()).is_none());
    }

    #[test]
    fn a_link_that_was_changed_anywhere_is_none() {
        let (key, auth) = (LinkKey::random(), SharedAuth::new(vec![token()], true));
        let link = key.sign(&Caller::of(&token()), &grant());
        let bytes = URL_SAFE_NO_PAD.decode(&link[PREFIX.len()..]).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(changed));
            assert!(auth.by_link(&key, &changed, now()).is_none(), "{place}");
        }
        let longer = format!("{link}AA");
        let padded = format!("{link}==");
        for wrong in [
            "",
            PREFIX,
            "mgl_AAAA",
            &link[1..],
            &link[..link.len() - 1],
            &longer,
            &padded,
        ] {
            assert!(auth.by_link(&key, wrong, now()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_link_ends_with_the_token_that_made_it_and_when_that_is_narrowed() {
        let (key, auth) = (LinkKey::random(), SharedAuth::new(vec![token()], true));
        let link = key.sign(&Caller::of(&token()), &grant());
        let counts = |tokens: Vec<Token>, required| {
            auth.replace(tokens, required);
            auth.by_link(&key, &link, now()).is_some()
        };
        let changed = |change: &dyn Fn(&mut Token)| {
            let mut token = token();
            change(&mut token);
            vec![Token::new("other", "horse", Role::Admin), token]
        };
        assert!(counts(changed(&|_| ()), true));
        assert!(!counts(Vec::new(), true));
        assert!(!counts(Vec::new(), false), "not on behalf of anyone");
        assert!(!counts(
            changed(&|token| token.instances = Some("site-b-*".into())),
            true
        ));
        assert!(!counts(changed(&|token| token.role = Role::Read), true));
        assert!(!counts(changed(&|token| token.sha256 = [1; 32]), true));
        assert!(!counts(changed(&|token| token.expires = Some(now())), true));
        assert!(counts(changed(&|_| ()), true), "it is the same again");
    }

    #[test]
    fn a_link_of_a_host_without_tokens_ends_when_tokens_are_needed() {
        let (key, auth) = (LinkKey::random(), SharedAuth::open());
        let link = key.sign(&Caller::anyone(), &grant());
        assert!(auth.by_link(&key, &link, now()).is_some());
        auth.replace(vec![token()], true);
        assert!(auth.by_link(&key, &link, now()).is_none());
    }

    #[test]
    fn no_link_is_told() {
        let link = LinkKey::random().sign(&Caller::anyone(), &grant());
        let text = format!("GET /signed/{link}/assets/x and {link}");
        assert_eq!(hidden(&text), "GET /signed/mgl_***/assets/x and mgl_***");
        assert_eq!(hidden("/assets/lobby"), "/assets/lobby");
        assert!(!format!("{:?}", LinkKey::random()).contains('['));
    }
}
