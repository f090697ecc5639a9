//! Azurite as a process, and asking it without our own code.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mediagraph::recording::store::azure::{AzureSettings, Credential};
use sha2::{Digest as _, Sha256};

use crate::common::process::{Process, until};
use crate::common::repository;

/// What everybody's Azurite has: it stands in its documentation.
pub(crate) const ACCOUNT: &str = "devstoreaccount1";
pub(crate) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub(crate) const CONTAINER: &str = "recordings";
const MAIN: &str = "target/azurite/node_modules/azurite/dist/src/blob/main.js";
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);
const VERSION: &str = "2018-11-09";

/// A running Azurite; ended when dropped.
#[derive(Debug)]
pub(crate) struct Azurite {
    process: Option<Process>,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    tls: Option<PathBuf>,
}

impl Azurite {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with(folder, None)
    }

    /// Speaks TLS with a certificate and key of this file.
    pub(crate) fn with_tls(folder: &Path, pem: &Path) -> Self {
        Self::with(folder, Some(pem.to_owned()))
    }

    fn with(folder: &Path, tls: Option<PathBuf>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut azurite = Self {
            process: None,
            address: free,
            folder: folder.to_owned(),
            tls,
        };
        azurite.run();
        azurite
    }

    /// Starts it, again with what it has kept.
    pub(crate) fn run(&mut self) {
        let main = repository(MAIN);
        assert!(
            main.exists(),
            "Azurite is not installed\nhint: `cargo xtask test --only test` installs it"
        );
        let mut command = Command::new("node");
        command.arg(main).args(["--blobHost", "127.0.0.1", "--blobPort"]);
        command
            .arg(self.address.port().to_string())
            .arg("--location")
            .arg(&self.folder);
        command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
        if let Some(pem) = &self.tls {
            command.arg("--cert").arg(pem).arg("--key").arg(pem);
            // Identities, too: it has no other way than TLS for them.
            command.args(["--oauth", "basic"]);
        }
        self.process = Some(Process::start("Azurite", &mut command));
        until("Azurite listens", START, || TcpStream::connect(self.address).ok());
    }

    /// SIGTERM, so that it keeps what it has.
    pub(crate) fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("TERM");
            drop(process.end(STOP));
        }
    }

    pub(crate) fn freeze(&self) {
        self.process.as_ref().unwrap().signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.process.as_ref().unwrap().signal("CONT");
    }

    /// The URL of the container, at Azurite itself or at a proxy.
    pub(crate) fn container_at(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}/{ACCOUNT}/{CONTAINER}")
    }

    pub(crate) fn settings(&self, address: SocketAddr) -> AzureSettings {
        AzureSettings {
            container: self.container_at(address).parse().unwrap(),
            credential: Credential::AccountKey {
                account: ACCOUNT.to_owned(),
                key: KEY.to_owned(),
            },
            ca_file: None,
        }
    }

    /// Makes the container before anybody else does, and lets the world read it.
    pub(crate) fn make_public(&self) {
        let query = format!("restype=container&{}", sas());
        let answer = self.ask(
            "PUT",
            &format!("/{ACCOUNT}/{CONTAINER}?{query}"),
            &[("x-ms-blob-public-access", "container")],
            b"",
        );
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// What the container holds, by name, sorted; asked without our own code.
    pub(crate) fn names(&self) -> Vec<String> {
        let target = format!("/{ACCOUNT}/{CONTAINER}?restype=container&comp=list&{}", sas());
        let answer = self.ask("GET", &target, &[], b"");
        if answer.contains("ContainerNotFound") {
            return Vec::new();
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(!answer.contains("<NextMarker>"), "more than one page");
        let names = answer
            .split("<Name>")
            .skip(1)
            .map(|rest| rest.split("</Name>").next().unwrap().to_owned());
        names.collect()
    }

    /// A blob as a text.
    pub(crate) fn text(&self, name: &str) -> String {
        let answer = self.ask(
            "GET",
            &format!("/{ACCOUNT}/{CONTAINER}/{name}?{}", sas()),
            &[],
            b"",
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) fn remove(&self, name: &str) {
        let target = format!("/{ACCOUNT}/{CONTAINER}/{name}?{}", sas());
        let answer = self.ask("DELETE", &target, &[], b"");
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    pub(crate) fn put(&self, name: &str, body: &[u8]) {
        let target = format!("/{ACCOUNT}/{CONTAINER}/{name}?{}", sas());
        let answer = self.ask("PUT", &target, &[("x-ms-blob-type", "BlockBlob")], body);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(START)).unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-ms-version: {VERSION}\r\n{headers}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            process.signal("CONT");
        }
        self.stop();
    }
}

/// A signature over the whole account that allows everything, made without our own code.
pub(crate) fn sas() -> String {
    let (permissions, services, types, expiry) = ("rwdlac", "b", "sco", "2100-01-01T00:00:00Z");
    let text =
        format!("{ACCOUNT}\n{permissions}\n{services}\n{types}\n\n{expiry}\n\nhttps,http\n{VERSION}\n");
    let signature = STANDARD.encode(hmac(&STANDARD.decode(KEY).unwrap(), text.as_bytes()));
    let encoded: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    let expiry: String = url::form_urlencoded::byte_serialize(expiry.as_bytes()).collect();
    format!(
        "sv={VERSION}&ss={services}&srt={types}&sp={permissions}&se={expiry}&spr=https,http&sig={encoded}"
    )
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}
