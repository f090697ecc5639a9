//! Azurite as a process, and asking it without the host's code.
//!
//! It is ended with SIGTERM, and killed only when it does not listen: killed, it loses what it has acknowledged.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::serve::{free_address, until};
use crate::process::Guard;
use crate::test::azurite;

/// What everybody's Azurite has: it stands in its documentation.
pub(super) const ACCOUNT: &str = "devstoreaccount1";
pub(super) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A signature with that key over the whole account, until 2100, that allows everything.
const SIGNATURE: &str = "sv=2018-11-09&ss=b&srt=sco&sp=rwdlac&se=2100-01-01T00%3A00%3A00Z&spr=https,http&\
    sig=GC%2BChk%2Ffr2kGYxbx3ScPyFgz5bjf1gcFtmNtRsA6N6U%3D";
const VERSION: &str = "2018-11-09";
const CONTAINER: &str = "recordings";
const MAIN: &str = "node_modules/azurite/dist/src/blob/main.js";
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);
const REPLY: Duration = Duration::from_secs(60);
/// Bytes of a reply.
const MAX_REPLY: u64 = 512 << 20;

/// A running Azurite.
#[derive(Debug)]
pub(super) struct Azurite {
    process: Guard,
    pub(super) address: SocketAddr,
}

impl Azurite {
    /// Starts it with an empty container, and keeps everything in a folder.
    ///
    /// # Errors
    /// When it cannot be installed or does not listen.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        azurite::ensure()?;
        let address = free_address()?;
        let mut command = Command::new("node");
        command.arg(azurite::folder().join(MAIN));
        command.args([
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            &address.port().to_string(),
        ]);
        command.arg("--location").arg(folder);
        command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
        command.stdout(Stdio::null());
        let azurite = Self {
            process: Guard::spawn("Azurite", &mut command)?,
            address,
        };
        until("Azurite", START, || Ok(TcpStream::connect(address).ok()))?;
        let made = azurite.ask("PUT", &format!("?restype=container&{SIGNATURE}"))?;
        if made.status != 201 {
            bail!("Azurite made no container: status {}", made.status);
        }
        Ok(azurite)
    }

    /// The URL of the container, with a signature.
    pub(super) fn signed(&self) -> String {
        format!("{}?{SIGNATURE}", container_at(self.address))
    }

    /// What the container holds: names with their sizes.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) fn list(&self) -> Result<BTreeMap<String, u64>> {
        let mut found = BTreeMap::new();
        let mut marker = String::new();
        loop {
            let query = format!("?restype=container&comp=list&marker={marker}&{SIGNATURE}");
            let listed = self.ask("GET", &query)?;
            let text = String::from_utf8_lossy(&listed.body);
            if listed.status != 200 {
                bail!(
                    "Azurite does not list its blobs: status {}: {text}",
                    listed.status
                );
            }
            for blob in text.split("<Blob>").skip(1) {
                let size = between(blob, "<Content-Length>", "</").and_then(|size| size.parse().ok());
                let name = between(blob, "<Name>", "</").context("a blob without a name")?;
                found.insert(name.to_owned(), size.context("a blob without a size")?);
            }
            match between(&text, "<NextMarker>", "</") {
                Some(next) if !next.is_empty() => next.clone_into(&mut marker),
                _ => return Ok(found),
            }
        }
    }

    /// A blob.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) fn get(&self, name: &str) -> Result<Vec<u8>> {
        let answer = self.ask("GET", &format!("/{name}?{SIGNATURE}"))?;
        if answer.status != 200 {
            bail!("Azurite does not give {name}: status {}", answer.status);
        }
        Ok(answer.body)
    }

    /// HTTP 1.0, so that nothing comes in chunks.
    fn ask(&self, method: &str, target: &str) -> Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(REPLY))?;
        let head = format!(
            "{method} /{ACCOUNT}/{CONTAINER}{target} HTTP/1.0\r\nHost: {}\r\nx-ms-version: {VERSION}\r\nContent-Length: 0\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(MAX_REPLY).read_to_end(&mut answer)?;
        Answer::read(answer).context("Azurite gave no reply of HTTP")
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        // Its guard ends it when it does not listen.
        let _ended = self.process.signal("TERM").and_then(|()| self.process.wait(STOP));
    }
}

/// The URL of the container, as if Azurite listened at an address.
pub(super) fn container_at(address: SocketAddr) -> String {
    format!("http://{address}/{ACCOUNT}/{CONTAINER}")
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let body = bytes.split_off(end + 4);
        let status = String::from_utf8_lossy(&bytes)
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        Some(Self { status, body })
    }
}

/// What stands behind one text, up to the next of another.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_bytes() {
        let answer = Answer::read(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n\x00\r\n\r\n".to_vec()).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"\0\r\n\r\n"[..]));
        assert_eq!(Answer::read(b"nothing".to_vec()), None);
    }

    #[test]
    fn what_stands_between_two_texts_is_found() {
        assert_eq!(between("<Name>a/b</Name>", "<Name>", "</"), Some("a/b"));
        assert_eq!(between("<NextMarker/>", "<NextMarker>", "</"), None);
    }
}
