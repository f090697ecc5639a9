//! Signs requests with the account's key ("Authorize with Shared Key", Azure Storage REST API).

use std::fmt;
use std::sync::Arc;

use azure_core::http::headers::Headers;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::media::Clock;

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// What is signed of the headers that are no `x-ms-` ones, in this order.
const STANDARD_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// A key, and whose it is.
pub(super) struct SharedKey {
    account: String,
    key: Vec<u8>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl SharedKey {
    pub(super) fn new(account: &str, key: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let key = STANDARD.decode(key.trim()).ok().filter(|key| !key.is_empty());
        let hint =
            "the account's key is no base64\nhint: copy it as it is shown at the account's access keys";
        Ok(Self {
            account: account.to_owned(),
            key: key.ok_or(hint)?,
            clock,
        })
    }

    fn authorization(&self, method: &str, url: &Url, headers: &Headers) -> String {
        let text = format!("{method}\n{}{}", signed_headers(headers), self.resource(url));
        format!(
            "SharedKey {}:{}",
            self.account,
            STANDARD.encode(hmac(&self.key, text.as_bytes()))
        )
    }

    /// The path as it is sent, and the query as it is meant, sorted.
    fn resource(&self, url: &Url) -> String {
        let mut pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
            .collect();
        pairs.sort();
        let query: String = pairs
            .iter()
            .map(|(name, value)| format!("\n{name}:{value}"))
            .collect();
        format!("/{}{}{query}", self.account, url.path())
    }
}

fn signed_headers(headers: &Headers) -> String {
    let mut all: Vec<(String, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str()))
        .collect();
    all.sort();
    let mut out = String::new();
    for name in STANDARD_HEADERS {
        let value = all
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| *value);
        // An empty body has no length here (since version 2015-02-21).
        if !(name == "content-length" && value == "0") {
            out.push_str(value);
        }
        out.push('\n');
    }
    for (name, value) in all.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        out.push_str(&format!("{name}:{}\n", value.trim()));
    }
    out
}

/// RFC 2104 with SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut padded = [0_u8; BLOCK];
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key);
        hashed.as_slice()
    } else {
        key
    };
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    let with = |mask: u8| padded.map(|byte| byte ^ mask);
    let inner = Sha256::new()
        .chain_update(with(0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(with(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

impl Policy for SharedKey {
    fn send<'s, 'c, 'r, 'n, 'f>(
        &'s self,
        context: &'c Context<'_>,
        request: &'r mut Request,
        next: &'n [Arc<dyn Policy>],
    ) -> BoxFuture<'f, PolicyResult>
    where
        's: 'f,
        'c: 'f,
        'r: 'f,
        'n: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let date = self
                .clock
                .wall()
                .strftime("%a, %d %b %Y %H:%M:%S GMT")
                .to_string();
            request.insert_header("x-ms-date", date);
            let authorization =
                self.authorization(request.method().as_str(), request.url(), request.headers());
            request.insert_header("authorization", authorization);
            match next.split_first() {
                Some((first, rest)) => first.send(context, request, rest).await,
                None => Err(azure_core::Error::with_message(
                    azure_core::error::ErrorKind::Other,
                    "there is nothing to send requests with",
                )),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SystemClock;

    #[test]
    fn the_hmac_is_that_of_rfc_4231() {
        let signed = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signed[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        let long = hmac(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(long[..4], [0x60, 0xe4, 0x31, 0x59]);
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = SharedKey::new("camera", "c2VjcmV0", Arc::new(SystemClock::new())).unwrap();
        let shown = format!("{key:?}");
        assert!(
            shown.contains("camera") && !shown.contains("115") && !shown.contains("c2Vj"),
            "{shown}"
        );
        assert!(SharedKey::new("camera", "no base64!", Arc::new(SystemClock::new())).is_err());
    }
}
