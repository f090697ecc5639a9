//! What a request says of who sends it: the `Authorization` header, and nothing else. Never the query string, which
//! ends in logs and histories.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::sas::Signature;
use super::{Denied, MAX_AUTHORIZATION_BYTES};

/// What a caller shows.
pub(super) enum Credentials<'a> {
    /// RFC 6750.
    Bearer(&'a str),
    /// What the service SDKs of Azure IoT Hub send.
    Signature(Signature),
}

impl<'a> Credentials<'a> {
    /// None when there are none; an error when they cannot be read, or there are several.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Option<Self>, Denied> {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let Some(first) = all.next() else {
            return Ok(None);
        };
        if all.next().is_some() || first.len() > MAX_AUTHORIZATION_BYTES {
            return Err(Denied::Invalid);
        }
        let text = first.to_str().map_err(|_| Denied::Invalid)?;
        let (scheme, rest) = text.trim().split_once(' ').ok_or(Denied::Invalid)?;
        let rest = rest.trim_start();
        // RFC 9110, 11.1: the scheme's letters may be of either case.
        if scheme.eq_ignore_ascii_case("Bearer") {
            let whole = !rest.is_empty() && !rest.contains(' ');
            whole.then_some(Some(Self::Bearer(rest))).ok_or(Denied::Invalid)
        } else if scheme.eq_ignore_ascii_case("SharedAccessSignature") {
            let signature = Signature::parse(rest).ok_or(Denied::Invalid)?;
            Ok(Some(Self::Signature(signature)))
        } else {
            Err(Denied::Invalid)
        }
    }
}
