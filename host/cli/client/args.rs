//! Which server to ask, with which token: flags first, then the environment, then what is usual.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::super::{Failure, print};
use super::Client;
use super::tls::{self, Trust};

/// The server when neither flag nor environment names one: where `mediagraph serve` listens by itself.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8090";
/// Environment variable: the server's address, as `--server`.
pub const SERVER_VARIABLE: &str = "MEDIAGRAPH_SERVER";
/// Environment variable: the token itself.
pub const TOKEN_VARIABLE: &str = "MEDIAGRAPH_TOKEN";
/// Environment variable: a file of certificates, as `--ca`.
pub const CA_VARIABLE: &str = "MEDIAGRAPH_CA";
/// Bytes of a token.
const MAX_TOKEN_BYTES: u64 = 4096;
/// Above these flags in the help of a command.
const HEADING: &str = "Server";

/// Which server to ask, for every command that asks one.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServerArgs {
    /// The host to ask: the address on which `mediagraph serve` listens. Without it, the environment variable
    /// `MEDIAGRAPH_SERVER`, else `http://127.0.0.1:8090`
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING)]
    pub server: Option<String>,
    /// File with the token that the host wants. Without it, the token is what `MEDIAGRAPH_TOKEN` holds, if anything
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub token_file: Option<PathBuf>,
    /// File with the certificates to trust (PEM) instead of those of this machine, for a host with a certificate of
    /// its own making. Without it, the environment variable `MEDIAGRAPH_CA`
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub ca: Option<PathBuf>,
}

impl ServerArgs {
    /// A client of that server.
    ///
    /// # Errors
    /// When the address makes no sense, or a file cannot be read.
    pub fn client(&self) -> Result<Client, Failure> {
        let base = self.base()?;
        let token = self.token()?;
        let ca = self
            .ca
            .clone()
            .or_else(|| variable(CA_VARIABLE).map(PathBuf::from));
        let trust = match (&ca, base.scheme()) {
            (Some(file), _) => Trust::File(file),
            (None, "https") => Trust::System,
            (None, _) => Trust::Nobody,
        };
        if token.is_some() && base.scheme() == "http" && !is_loopback(&base) {
            print::stderr(&format!(
                "warning: the token goes to {base} unencrypted, for everyone on the way to read\nhint: use https://\n"
            ));
        }
        Client::new(base, token, tls::config(trust)?)
    }

    fn base(&self) -> Result<Url, Failure> {
        let (text, from) = match &self.server {
            Some(text) => (text.clone(), "`--server`"),
            None => match variable(SERVER_VARIABLE) {
                Some(text) => (text, "`MEDIAGRAPH_SERVER`"),
                None => (DEFAULT_SERVER.to_owned(), "the default"),
            },
        };
        base(&text).map_err(|why| {
            // The text is not repeated: somebody may have written a password into it.
            Failure::usage(format!(
                "the address of the host in {from} {why}\nhint: it looks like `{DEFAULT_SERVER}`"
            ))
        })
    }

    fn token(&self) -> Result<Option<HeaderValue>, Failure> {
        let (text, from) = match &self.token_file {
            Some(path) => (read_token(path)?, format!("`{}`", path.display())),
            None => match variable(TOKEN_VARIABLE) {
                Some(text) => (text, format!("`{TOKEN_VARIABLE}`")),
                None => return Ok(None),
            },
        };
        let token = text.trim();
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        match header {
            Ok(mut header) if !token.is_empty() && !token.contains(char::is_whitespace) => {
                header.set_sensitive(true);
                Ok(Some(header))
            }
            // Never repeated, not even a bit of it.
            _ => Err(Failure::failed(format!(
                "what stands in {from} is no token\nhint: it should be one word, and nothing else"
            ))),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_string(&mut text))
        .map_err(|error| {
            Failure::failed(format!(
                "cannot read the token file `{}`: {error}",
                path.display()
            ))
        })?;
    Ok(text)
}

fn base(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("begins neither with `http://` nor with `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "holds a user or a password, which the host does not know; it wants a token: `--token-file`",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("goes on behind the path");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_or_https_without_a_password() {
        for good in [
            DEFAULT_SERVER,
            "https://box.example/mediagraph/",
            "http://[::1]:8090",
        ] {
            assert!(base(good).is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:8090",
            "ftp://x",
            "http://a:b@x",
            "http://x/?y",
            "",
            "box",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_never_shows_and_must_be_one_word() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = ServerArgs {
            token_file: Some(file.path().to_owned()),
            ..ServerArgs::default()
        };
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let token = args.token().unwrap().unwrap();
        assert_eq!(token.to_str().unwrap(), "Bearer hunter2");
        assert!(!format!("{token:?}").contains("hunter2"));
        for bad in ["", "two words", "a\u{7}b"] {
            std::fs::write(file.path(), bad).unwrap();
            let failure = args.token().unwrap_err();
            assert!(!failure.message.contains("words"), "{failure}");
        }
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (url, wanted) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://192.0.2.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), wanted, "{url}");
        }
    }
}
