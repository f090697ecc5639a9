//! Shared access signatures, as the service SDKs of Azure IoT Hub make them:
//! `SharedAccessSignature sr=HOST&sig=SIGNATURE&se=SECONDS&skn=NAME`. The signature is an HMAC-SHA256 over
//! `sr`, a line feed and `se`; the key is the token's text, of which the SDK is given the Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::same;

/// The block length of SHA-256 (RFC 2104).
const BLOCK: usize = 64;

/// What the signatures of one token are checked with, and links are made with. Holds the two states of RFC 2104, section 4, not the key.
#[derive(Clone)]
pub struct SigningKey {
    inner: Sha256,
    outer: Sha256,
}

impl SigningKey {
    /// Of a token's text.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut key = [0_u8; BLOCK];
        let hashed;
        let short = if secret.len() > BLOCK {
            hashed = Sha256::digest(secret);
            hashed.as_slice()
        } else {
            secret
        };
        for (to, from) in key.iter_mut().zip(short) {
            *to = *from;
        }
        Self {
            inner: Sha256::new_with_prefix(key.map(|byte| byte ^ 0x36)),
            outer: Sha256::new_with_prefix(key.map(|byte| byte ^ 0x5c)),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A signature as it was sent.
pub(super) struct Signature {
    /// The token's name.
    pub(super) key_name: String,
    /// As it was sent, since that is what was signed.
    resource: String,
    expiry: String,
    signature: [u8; 32],
}

impl Signature {
    /// Reads what stands behind the scheme.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut resource, mut signature, mut expiry, mut key_name) = (None, None, None, None);
        for part in text.split('&') {
            let (name, value) = part.split_once('=')?;
            let place = match name {
                "sr" => &mut resource,
                "sig" => &mut signature,
                "se" => &mut expiry,
                "skn" => &mut key_name,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let signature = STANDARD.decode(decoded(signature?)).ok()?;
        Some(Self {
            key_name: decoded(key_name?),
            resource: resource?.to_owned(),
            expiry: expiry?.to_owned(),
            signature: signature.try_into().ok()?,
        })
    }

    /// Whether the key made it, for this host, and it has not ended.
    pub(super) fn verify(&self, key: &SigningKey, host: &str, now: Timestamp) -> bool {
        let alive = self
            .expiry
            .parse()
            .is_ok_and(|seconds: i64| seconds > now.as_second());
        let expected = key.sign(format!("{}\n{}", self.resource, self.expiry).as_bytes());
        // Never short-circuited: the time must not tell which part was wrong.
        same(&expected, &self.signature) & alive & self.is_for(host)
    }

    /// Made for another host, it may be one that somebody else collected.
    fn is_for(&self, host: &str) -> bool {
        let resource = decoded(&self.resource);
        let named = resource.split('/').next().unwrap_or_default();
        let without_port = host.rsplit_once(':').map_or(host, |(name, _)| name);
        named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(without_port)
    }
}

/// Takes the percent encoding away.
fn decoded(text: &str) -> String {
    // A form's value, but for `+`, which stands for itself in a signature.
    let text = format!("v={}", text.replace('+', "%2B"));
    let value = url::form_urlencoded::parse(text.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_hmac_is_that_of_rfc_4231() {
        let sign = |key: &[u8], text: &[u8]| hex(&SigningKey::new(key).sign(text));
        assert_eq!(
            sign(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            sign(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_signature_counts_for_its_host_its_key_and_its_time_alone() {
        let key = SigningKey::new(b"battery");
        let sent = |resource: &str, expiry: &str| {
            let signature = key.sign(format!("{resource}\n{expiry}").as_bytes());
            let signature = STANDARD.encode(signature);
            let signature: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
            Signature::parse(&format!("sr={resource}&sig={signature}&se={expiry}&skn=cloud")).unwrap()
        };
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let good = sent("localhost%3A8443", "1795300000");
        assert!(good.verify(&key, "localhost:8443", now));
        assert!(!good.verify(&key, "elsewhere:8443", now));
        assert!(!good.verify(&SigningKey::new(b"other"), "localhost:8443", now));
        assert!(!sent("localhost%3A8443", "1700000000").verify(&key, "localhost:8443", now));
        assert!(Signature::parse("sr=a&sr=b&sig=x&se=1&skn=n").is_none());
        assert!(Signature::parse("sr=a&sig=AAAA&se=1&skn=n").is_none());
    }
}
