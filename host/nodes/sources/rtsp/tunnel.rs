//! RTSP over TLS: retina speaks plain TCP only, so it talks to a [`door`] on the loopback, behind which TLS begins.
//!
//! Invariant: the door opens only after the camera was found trustworthy.

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use url::Url;

use super::connect::Caller;
use super::error::{CAMERA_TIMEOUT, CameraError};
use super::tls::CameraTls;
use super::{address, door};
use crate::nodes::reach::Reach;

/// The port of RTSP over TLS (IANA `rtsps`).
pub const RTSPS_PORT: u16 = 322;

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
    door::open(camera, url, None, caller).await
}

#[cfg(test)]
mod tests {
    use super::*;

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
