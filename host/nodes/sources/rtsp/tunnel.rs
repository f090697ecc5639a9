//! RTSP over TLS: retina speaks plain TCP only, so it talks to a door on the loopback, behind which TLS begins.
//!
//! Invariants: the door opens only after the camera was found trustworthy; one connection goes through it, and it must
//! come from this process; what goes through is not looked at. So requests name the door until the camera has told
//! its own address (Content-Base), and a login is valid for what the request names. The tunnel ends when either side
//! does, and never carries media of anything but its one session.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tracing::Instrument as _;
use url::Url;

use super::address;
use super::session::{CAMERA_TIMEOUT, Caller, CameraError};
use super::tls::CameraTls;
use crate::nodes::reach::Reach;

/// The port of RTSP over TLS (IANA `rtsps`).
pub const RTSPS_PORT: u16 = 322;

/// How long a camera may take to let go of the connection.
const CLOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// The host of a URL as a certificate and a resolver know it: an IPv6 address without brackets.
#[must_use]
pub fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// The port that a safe connection goes to.
#[must_use]
pub fn port(url: &Url) -> u16 {
    url.port().unwrap_or(RTSPS_PORT)
}

async fn connect(url: &Url, tls: &CameraTls, reach: &dyn Reach) -> Result<TlsStream<TcpStream>, CameraError> {
    let host = host(url);
    let addresses = address::addresses(url, port(url), reach).await?;
    let stream = address::connect(&addresses, &host, CAMERA_TIMEOUT).await?;
    let shaking = timeout(CAMERA_TIMEOUT, tls.handshake(&host, stream)).await;
    shaking.map_err(|_| CameraError::timed_out("the TLS handshake"))?
}

/// Opens a door to the camera; gives the URL behind which it is.
///
/// # Errors
/// When there is no safe way to the camera.
pub async fn open(url: &Url, tls: &CameraTls, caller: &Caller) -> Result<Url, CameraError> {
    let camera = connect(url, tls, &*caller.reach).await?;
    let no_door = |error: std::io::Error| CameraError::Network(format!("no port on the loopback: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(no_door)?;
    let door = listener.local_addr().map_err(no_door)?;
    let mut through = url.clone();
    let renamed = through
        .set_scheme("rtsp")
        .and_then(|()| through.set_port(Some(door.port())));
    if renamed.is_err() || through.set_host(Some("127.0.0.1")).is_err() {
        return Err(CameraError::Network("the URL has no host".into()));
    }
    caller
        .tunnels
        .spawn(serve(listener, door, camera).in_current_span());
    Ok(through)
}

async fn serve(listener: TcpListener, door: SocketAddr, camera: TlsStream<TcpStream>) {
    let Ok(Some(inside)) = timeout(CAMERA_TIMEOUT, accept(listener, door)).await else {
        return;
    };
    let (mut from_inside, mut to_inside) = inside.into_split();
    let (mut from_camera, mut to_camera) = split(camera);
    tokio::select! {
        _ = copy(&mut from_inside, &mut to_camera) => {
            // Whoever speaks inside has finished. A camera that is gone need not be told.
            let _ = timeout(CLOSE_TIMEOUT, to_camera.shutdown()).await;
        }
        ended = copy(&mut from_camera, &mut to_inside) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "The tunnel to a camera broke");
            }
        }
    }
}

/// The first connection from this process; then nobody else is let in.
async fn accept(listener: TcpListener, door: SocketAddr) -> Option<TcpStream> {
    loop {
        let (stream, peer) = listener.accept().await.ok()?;
        if is_ours(peer, door) {
            return Some(stream);
        }
        tracing::warn!(%peer, "Another process tried to use the way to a camera, and was refused");
    }
}

/// Whether the connection from `peer` to `door` is one of this process's sockets. Where the operating system does not
/// tell, it is taken to be.
fn is_ours(peer: SocketAddr, door: SocketAddr) -> bool {
    let Ok(table) = std::fs::read_to_string("/proc/self/net/tcp") else {
        return true;
    };
    let Some(inode) = inode(&table, peer, door) else {
        return false;
    };
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else {
        return true;
    };
    let socket = format!("socket:[{inode}]");
    let mut links = descriptors
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.any(|link| link.as_os_str() == socket.as_str())
}

/// The inode of the socket from `local` to `remote`, as Linux lists it in `/proc/net/tcp` (proc(5)).
fn inode(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<&str> {
    let written = |address: SocketAddr| match address {
        SocketAddr::V4(v4) => {
            let bytes = u32::from_ne_bytes(v4.ip().octets());
            Some(format!("{bytes:08X}:{:04X}", v4.port()))
        }
        SocketAddr::V6(_) => None,
    };
    let (local, remote) = (written(local)?, written(remote)?);
    let mut lines = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines
        .find(|words| words.get(1) == Some(&local.as_str()) && words.get(2) == Some(&remote.as_str()))?;
    line.get(9).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_of_this_process_is_known_and_another_is_not() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let door = listener.local_addr().unwrap();
        let ours = TcpStream::connect(door).await.unwrap();
        assert!(is_ours(ours.local_addr().unwrap(), door));
        // Closed, so no descriptor of ours leads to it.
        let peer = ours.local_addr().unwrap();
        drop(ours);
        assert!(!is_ours(peer, door));
    }

    #[test]
    fn hosts_and_ports_are_read_from_urls() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(host(&url("rtsps://[::1]/live")), "::1");
        assert_eq!(
            (host(&url("rtsps://cam:8322/x")), port(&url("rtsps://cam:8322/x"))),
            ("cam".into(), 8322)
        );
        assert_eq!(port(&url("rtsps://10.0.0.7/")), RTSPS_PORT);
    }
}
