//! HTTPS: certificates, another one at run time, and clients that do not go on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mediagraph::api::{ServeLimits, TlsReload};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::server::{Options, READ, Server, tokens};
use super::wire::{Request, connect, read_response};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Writes a certificate that signs itself, and its key.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// A client that trusts one certificate.
fn client(address: SocketAddr, trusted: &CertificateDer<'static>) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, connect(address))
}

fn ask(stream: &mut Stream, address: SocketAddr) -> std::io::Result<u16> {
    stream.write_all(&Request::get("/api/GraphTopology").token(READ).bytes(address))?;
    Ok(read_response(stream, false)?.status)
}

fn start(folder: &Path) -> (Server, Arc<TlsReload>, CertificateDer<'static>) {
    let trusted = certificate(folder);
    let tls = TlsReload::open(folder.join("certificate.pem"), folder.join("key.pem"));
    let tls = Arc::new(tls.unwrap());
    let server = Server::start(Options {
        tokens: Some(tokens()),
        tls: Some(Arc::clone(&tls)),
        limits: ServeLimits {
            handshake: Duration::from_millis(500),
            ..ServeLimits::default()
        },
        ..Options::default()
    });
    (server, tls, trusted)
}

#[test]
fn a_new_certificate_is_for_new_connections_and_old_ones_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (server, tls, first) = start(folder.path());
    let mut old = client(server.address, &first);
    assert_eq!(ask(&mut old, server.address).unwrap(), 200);

    let second = certificate(folder.path());
    tls.reload().unwrap();
    assert_eq!(ask(&mut old, server.address).unwrap(), 200);
    assert_eq!(
        ask(&mut client(server.address, &second), server.address).unwrap(),
        200
    );
    assert!(ask(&mut client(server.address, &first), server.address).is_err());
}

#[test]
fn a_certificate_that_cannot_be_used_replaces_nothing_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (server, tls, first) = start(folder.path());
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    let spoil = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let other_key = std::fs::read(other.path().join("key.pem")).unwrap();

    spoil("key.pem", &other_key);
    let error = tls.reload().unwrap_err().to_string();
    assert!(
        error.contains("cannot be used") && error.contains("key.pem"),
        "{error}"
    );
    spoil("key.pem", b"");
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("a private key"), "{error}");
    spoil("certificate.pem", b"no certificate");
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("0 certificates"), "{error}");
    std::fs::remove_file(folder.path().join("certificate.pem")).unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("certificate.pem"), "{error}");

    assert_eq!(
        ask(&mut client(server.address, &first), server.address).unwrap(),
        200
    );
}

#[test]
fn a_client_that_is_silent_in_its_handshake_keeps_nobody_waiting_and_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _, trusted) = start(folder.path());
    let mut silent: Vec<TcpStream> = (0..50).map(|_| connect(server.address)).collect();
    assert_eq!(
        ask(&mut client(server.address, &trusted), server.address).unwrap(),
        200
    );
    for stream in &mut silent {
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).unwrap(), 0);
    }
}

#[test]
fn plain_http_to_the_port_of_https_gets_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _, _) = start(folder.path());
    let answer = Request::get("/livez").try_send(server.address);
    assert!(answer.is_err(), "{answer:?}");
}
