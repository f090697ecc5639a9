//! Why a host could not be asked, and which flag mends it.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::Url;
use rustls::CertificateError;

use super::super::table::clean_lines;
use super::args::{SERVER_VARIABLE, TOKEN_VARIABLE};
use super::{CONNECT_LIMIT, MAX_REPLY_BYTES};

/// Why there is no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The port is closed.
    #[error(
        "nobody listens at `{server}`\nhint: start the host with `mediagraph serve`, or name another one with `--server` or `{SERVER_VARIABLE}`"
    )]
    NobodyListens {
        /// Its address.
        server: String,
    },
    /// The connection could not be made.
    #[error(
        "cannot connect to `{server}`: {why}\nhint: is the address in `--server` or `{SERVER_VARIABLE}` the right one?"
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// What the operating system says.
        why: String,
    },
    /// No connection within [`CONNECT_LIMIT`].
    #[error("`{server}` did not take up the connection within {} s\nhint: a firewall may be in between; is the address in `--server` or `{SERVER_VARIABLE}` the right one?", CONNECT_LIMIT.as_secs())]
    ConnectTimedOut {
        /// Its address.
        server: String,
    },
    /// No answer in time.
    #[error(
        "`{server}` did not answer within {seconds} s\nhint: `mediagraph health` says how it is; its log may say what it is busy with"
    )]
    TimedOut {
        /// Its address.
        server: String,
        /// The bound.
        seconds: u64,
    },
    /// The certificate's authority is not known.
    #[error(
        "the certificate of `{server}` is not trusted: {why}\nhint: name the file of its authority's certificate with `--ca`"
    )]
    Untrusted {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The certificate is made for another name.
    #[error(
        "the certificate of `{server}` is made for another name: {why}\nhint: use one of its names in `--server`"
    )]
    OtherName {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The certificate is of another time.
    #[error(
        "the certificate of `{server}` is not valid now: {why}\nhint: renew it on the host, and look at the clocks of both machines"
    )]
    OtherTime {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// No TLS came to stand.
    #[error(
        "cannot speak TLS with `{server}`: {why}\nhint: a host without TLS is named with `http://` in `--server`"
    )]
    NoTls {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The connection ended in the middle.
    #[error(
        "`{server}` ended the connection before it had answered: {why}\nhint: a host with TLS is named with `https://` in `--server`"
    )]
    Broken {
        /// Its address.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// 401 without a token.
    #[error(
        "the host wants a token\nhint: name the file that holds it with `--token-file`, or put the token into `{TOKEN_VARIABLE}`"
    )]
    NoToken,
    /// 401 with one.
    #[error(
        "the host does not take the token: it is not known there, or has expired\nhint: give another with `--token-file` or `{TOKEN_VARIABLE}`; tokens are listed in the host's configuration"
    )]
    WrongToken,
    /// 403.
    #[error(
        "the host refuses this: {why}\nhint: a token with a wider role, or one for this instance, is given with `--token-file` or `{TOKEN_VARIABLE}`"
    )]
    Forbidden {
        /// What the host says.
        why: String,
    },
    /// 403, because of the name that it was called by.
    #[error(
        "the host is not known to itself by the name in `--server`: {why}\nhint: use its address in `--server`, or add the name to `allowed_hosts` in its configuration"
    )]
    OtherHost {
        /// What the host says.
        why: String,
    },
    /// A redirect.
    #[error(
        "the host sends us elsewhere, where the token must not go\nhint: name the address that is meant with `--server`"
    )]
    Elsewhere,
    /// More than [`MAX_REPLY_BYTES`].
    #[error("the answer is longer than {MAX_REPLY_BYTES} bytes and was not read to its end")]
    TooLarge,
    /// Not JSON where JSON must be.
    #[error(
        "the answer is not that of mediagraph\nhint: does something else listen at the address in `--server` or `{SERVER_VARIABLE}`?"
    )]
    NotOurs,
}

impl ClientError {
    /// What an error of the HTTP library means for the person who typed the command.
    #[must_use]
    pub fn of(error: &reqwest::Error, base: &Url, limit: Duration) -> Self {
        let server = shown(base);
        if let Some(tls) = find(error) {
            return Self::tls(tls, server);
        }
        if error.is_timeout() {
            return if error.is_connect() {
                Self::ConnectTimedOut { server }
            } else {
                Self::TimedOut {
                    server,
                    seconds: limit.as_secs(),
                }
            };
        }
        let why = clean_lines(&innermost(error));
        let kinds = io_kinds(error);
        if kinds.contains(&io::ErrorKind::ConnectionRefused) {
            return Self::NobodyListens { server };
        }
        if !error.is_connect() {
            return Self::Broken { server, why };
        }
        // A connection that came to stand, and ended before TLS did.
        let ended = kinds.iter().any(|kind| {
            matches!(
                kind,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::InvalidData
            )
        });
        if base.scheme() == "https" && ended {
            Self::NoTls { server, why }
        } else {
            Self::Unreachable { server, why }
        }
    }

    fn tls(error: &rustls::Error, server: String) -> Self {
        let why = clean_lines(&error.to_string());
        match error {
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::OtherName { server, why },
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::OtherTime { server, why },
            rustls::Error::InvalidCertificate(_) => Self::Untrusted { server, why },
            _ => Self::NoTls { server, why },
        }
    }
}

/// As people write it.
#[must_use]
pub fn shown(base: &Url) -> String {
    base.as_str().trim_end_matches('/').to_owned()
}

/// Errors below an error, the nearest first. `io::Error` hides what it holds from `source`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|held| held as &(dyn Error + 'static));
        held.or_else(|| error.source())
    })
}

fn find(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

fn io_kinds(error: &reqwest::Error) -> Vec<io::ErrorKind> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .collect()
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
