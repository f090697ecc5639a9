//! Identities that need no secret: a machine's and a service account's, against stand-ins for what Azure asks for tokens.
//!
//! The tokens are what Azurite looks at with `--oauth basic`: who issued them, what for, and for how long; signatures it does not
//! know.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::azurite::Azurite;
use crate::certificates::Authority;
use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::configuration;
use crate::common::graph::{Graph, START, command};

/// Of the clip, in bytes: about two seconds.
const ENOUGH: u64 = 100_000;
const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
const SIGNATURE: &str = "not-looked-at-by-azurite";

/// Hands out tokens to whoever asks, and remembers what was asked.
struct Issuer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    /// Speaks TLS with the certificate and the key of a file, if there is one.
    fn start(pem: Option<&Path>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
        };
        let (asked, tls) = (Arc::clone(&issuer.asked), pem.map(tls));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let _gone = match &tls {
                    None => answer(client, &asked),
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        answer(StreamOwned::new(connection, client), &asked)
                    }
                };
            }
        });
        issuer
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn tls(pem: &Path) -> Arc<ServerConfig> {
    let text = std::fs::read(pem).unwrap();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(&text).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

fn token() -> String {
    let now = jiff::Timestamp::now().as_second();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"typ": "JWT", "alg": "RS256"}));
    let claims = part(json!({
        "aud": "https://storage.azure.com",
        "iss": format!("https://sts.windows.net/{TENANT}/"),
        "iat": now - 60, "nbf": now - 60, "exp": now + 3600,
    }));
    format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(SIGNATURE))
}

fn answer(mut client: impl Read + Write, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                asked.lock().unwrap().push(text);
                break;
            }
        }
        match client.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => request.extend_from_slice(&chunk[..count]),
        }
    }
    let until = (jiff::Timestamp::now().as_second() + 3600).to_string();
    let body = json!({
        "access_token": token(), "token_type": "Bearer", "resource": "https://storage.azure.com",
        "expires_in": 3600, "ext_expires_in": 3600, "expires_on": until,
    })
    .to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes())?;
    client.flush()
}

/// Records to a container as somebody whose identity the environment gives.
fn record(identity: &str, environment: impl Fn(&mut Command, &Path), pem: &Path, ca: &Path, folder: &Path) {
    let azurite = Azurite::with_tls(&folder.join("azurite"), pem);
    let text = format!(
        "[stores.cloud]\nkind = \"azure-blob\"\ncontainer_url = \"{}\"\nca_file = \"{}\"\n{identity}\n[recording]\nstore = \"cloud\"\n\
         [log]\nlevel = \"trace\"\n",
        azurite.container_at(azurite.address),
        ca.display()
    );
    let config = configuration(folder, &text);
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.join("state");
    let mut command = command("topologies/cvr-asset", &[("rtspUrl", &camera.url)], &state);
    command.arg("--config").arg(&config);
    environment(&mut command, folder);
    let graph = Graph::of(&mut command, &state);
    graph.event("RecordingStarted", START);
    graph.recorded(ENOUGH);
    let finished = graph.stop();
    assert_eq!(
        finished.named("RecordingAvailable").len(),
        1,
        "{}",
        finished.ended.stderr
    );
    let said = &finished.ended.stderr;
    for secret in [
        URL_SAFE_NO_PAD.encode(SIGNATURE),
        "machine-secret".to_owned(),
        "assertion.of-the-cluster".to_owned(),
    ] {
        assert!(!said.contains(&secret), "`{secret}` stands in the log");
    }
}

/// What vouches for 127.0.0.1, and a certificate with its key.
fn trusted(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let authority = Authority::new();
    let pem = authority.vouch(&["127.0.0.1"], false, &folder.join("server.pem"));
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    (pem, ca)
}

#[test]
fn a_machine_of_azure_records_with_its_own_identity() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, ca) = trusted(folder.path());
    let issuer = Issuer::start(None);
    let endpoint = format!("http://{}/msi/token", issuer.address);
    let environment = |command: &mut Command, _: &Path| {
        command
            .env("IDENTITY_ENDPOINT", &endpoint)
            .env("IDENTITY_HEADER", "machine-secret");
    };
    let identity = format!("identity = \"managed\"\nclient_id = \"{CLIENT}\"");
    record(&identity, environment, &pem, &ca, folder.path());
    let asked = issuer.asked();
    let first = &asked[0];
    assert!(first.starts_with("GET /msi/token?"), "{first}");
    for part in [
        "storage.azure.com",
        &format!("client_id={CLIENT}"),
        "x-identity-header: machine-secret",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert_eq!(asked.len(), 1, "a token is kept until it expires");
}

#[test]
fn a_service_account_of_kubernetes_records_with_its_own_identity() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, ca) = trusted(folder.path());
    let issuer = Issuer::start(Some(&pem));
    let environment = |command: &mut Command, folder: &Path| {
        let file = folder.join("federated-token");
        std::fs::write(&file, "federated.assertion.of-the-cluster").unwrap();
        command
            .env("AZURE_AUTHORITY_HOST", format!("https://{}/", issuer.address))
            .env("AZURE_TENANT_ID", TENANT)
            .env("AZURE_CLIENT_ID", CLIENT)
            .env("AZURE_FEDERATED_TOKEN_FILE", file);
    };
    record("identity = \"workload\"", environment, &pem, &ca, folder.path());
    let asked = issuer.asked();
    let first = &asked[0];
    assert!(
        first.starts_with(&format!("POST /{TENANT}/oauth2/v2.0/token")),
        "{first}"
    );
    for part in [
        "storage.azure.com",
        CLIENT,
        "client_assertion=federated.assertion.of-the-cluster",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert_eq!(asked.len(), 1, "a token is kept until it expires");
}
