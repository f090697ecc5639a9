//! Being let in by a server over HTTP: Basic and Digest (RFC 7617, RFC 7616), or a header that the topology gives.
//!
//! A password goes out only once the server has asked for it, since it may take it hashed; a server that has taken it
//! hashed is not given it in the clear afterwards.

use http_auth::{PasswordClient, PasswordParams};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use url::Url;

use super::super::server::error::ServerError;
use super::super::server::place::Server;

/// A server that refuses without saying what it wants is taken to want this.
const ASSUMED: &str = "Basic realm=\"\"";

/// How requests are let in.
pub(super) struct Login {
    /// As the topology gives it.
    fixed: Option<(HeaderName, HeaderValue)>,
    password: Option<(String, String)>,
    /// What the server asked for.
    asked: Option<PasswordClient>,
    hashed: bool,
}

impl std::fmt::Debug for Login {
    // By hand: all of it is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    /// As a topology says.
    ///
    /// # Errors
    /// When its header cannot be one.
    pub(super) fn new(server: &Server) -> Result<Self, String> {
        let fixed = server.header.as_ref().map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes())
                .map_err(|_| format!("`headerName` cannot be `{}`", header.name))?;
            let mut value = HeaderValue::from_str(&header.value)
                .map_err(|_| "`headerValue` holds what a header cannot hold".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>((name, value))
        });
        let credentials = server.target.credentials.as_ref();
        Ok(Self {
            fixed: fixed.transpose()?,
            password: credentials.map(|given| (given.username.clone(), given.password.clone())),
            asked: None,
            hashed: false,
        })
    }

    /// What lets a request in, as far as it is known what the server wants.
    pub(super) fn header(&mut self, url: &Url, body: &[u8]) -> Option<(HeaderName, HeaderValue)> {
        if let Some(fixed) = &self.fixed {
            return Some(fixed.clone());
        }
        let (username, password) = self.password.as_ref()?;
        let uri = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        let answer = self.asked.as_mut()?.respond(&PasswordParams {
            username,
            password,
            uri: &uri,
            method: "POST",
            body: Some(body),
        });
        let mut value = HeaderValue::from_str(&answer.ok()?).ok()?;
        value.set_sensitive(true);
        Some((AUTHORIZATION, value))
    }

    /// The server wants to know who asks. Gives whether there is an answer to that.
    ///
    /// # Errors
    /// When it wants the password in another way than is good for it.
    pub(super) fn challenged(&mut self, headers: &HeaderMap) -> Result<bool, ServerError> {
        if self.fixed.is_some() || self.password.is_none() {
            return Ok(false);
        }
        let mut builder = PasswordClient::builder();
        let mut asked = false;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            builder = builder.challenges(value.to_str().unwrap_or_default());
            asked = true;
        }
        if !asked {
            builder = builder.challenges(ASSUMED);
        }
        let client = builder.build().map_err(|error| {
            ServerError::Answer(format!("it asks for a login that is not known: {error}"))
        })?;
        let hashed = matches!(client, PasswordClient::Digest(_));
        if self.hashed && !hashed {
            return Err(ServerError::Downgrade);
        }
        (self.hashed, self.asked) = (hashed, Some(client));
        Ok(true)
    }
}
