//! A door on the loopback: retina makes its connections itself, so what is to stand between it and a camera, TLS or the
//! watch over logins, stands behind a port of this host.
//!
//! Invariants: one connection goes through a door, and it must come from this process; media that goes through is not
//! looked at. Requests name the door until the camera has told its own address (Content-Base), and a login is valid
//! for what the request names. A door ends when either side does, and never carries anything but its one session.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tracing::Instrument as _;
use url::Url;

use super::connect::Caller;
use super::error::{CAMERA_TIMEOUT, CameraError};
use super::logins::Watch;

/// How long a camera may take to let go of the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// What is read of a camera in one go.
const MEDIA_BYTES: usize = 128 << 10;
/// What is read of requests in one go.
const REQUEST_BYTES: usize = 4 << 10;
/// The packets of a picture come one by one; those of this time go through together, so that they wake two tasks once
/// and not each by itself.
const GATHER: Duration = Duration::from_millis(5);

/// Opens a door to a camera that is connected to; gives the URL behind which it is.
///
/// # Errors
/// When there is no port for it.
pub(super) async fn open(
    camera: impl AsyncRead + AsyncWrite + Send + 'static,
    url: &Url,
    watch: Option<Watch>,
    caller: &Caller,
) -> Result<Url, CameraError> {
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
        .spawn(serve(listener, door, camera, watch).in_current_span());
    Ok(through)
}

async fn serve(
    listener: TcpListener,
    door: SocketAddr,
    camera: impl AsyncRead + AsyncWrite,
    mut watch: Option<Watch>,
) {
    let Ok(Some(inside)) = timeout(CAMERA_TIMEOUT, accept(listener, door)).await else {
        return;
    };
    let (mut from_inside, mut to_inside) = inside.into_split();
    let (mut from_camera, mut to_camera) = split(camera);
    tokio::select! {
        _ = requests(&mut from_inside, &mut to_camera, watch.as_mut()) => {
            // Whoever speaks inside has finished. A camera that is gone need not be told.
            let _ = timeout(CLOSE_TIMEOUT, to_camera.shutdown()).await;
        }
        ended = media(&mut from_camera, &mut to_inside) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "The way to a camera broke");
            }
        }
    }
}

/// What goes to the camera; with a watch, not a byte of a request that must not go.
async fn requests(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut watch: Option<&mut Watch>,
) -> io::Result<()> {
    let mut buffer = vec![0; REQUEST_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        let said = buffer.get(..read).unwrap_or_default();
        if said.is_empty() {
            return Ok(());
        }
        match &mut watch {
            Some(watch) => to.write_all(&watch.admit(said)?).await?,
            None => to.write_all(said).await?,
        }
        to.flush().await?;
    }
}

/// What comes from the camera.
async fn media(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut buffer = vec![0; MEDIA_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        let said = buffer.get(..read).unwrap_or_default();
        if said.is_empty() {
            return Ok(());
        }
        to.write_all(said).await?;
        if read < MEDIA_BYTES {
            tokio::time::sleep(GATHER).await;
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
}
