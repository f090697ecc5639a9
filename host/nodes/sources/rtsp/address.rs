//! From the host of a camera's URL to the addresses that may be connected to.
//!
//! Invariant: connections are made to addresses that were asked about, never to a name: what a name leads to may be
//! another address a moment later.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::error::{CAMERA_TIMEOUT, CameraError};
use super::tunnel;
use crate::nodes::reach::Reach;

/// The port of RTSP (RFC 2326, section 3.2).
pub(super) const RTSP_PORT: u16 = 554;
/// A name may lead to very many addresses; this many are tried.
const MAX_ADDRESSES: usize = 8;

/// The addresses of a camera that may be connected to, at least one, in the order of the resolver.
///
/// # Errors
/// When the name leads nowhere, or only to addresses that are refused.
pub(super) async fn addresses(
    url: &Url,
    port: u16,
    reach: &dyn Reach,
) -> Result<Vec<SocketAddr>, CameraError> {
    let host = tunnel::host(url);
    let found = timeout(CAMERA_TIMEOUT, lookup_host((host.as_str(), port))).await;
    let found = found
        .map_err(|_| CameraError::timed_out("the question for the camera's address"))?
        .map_err(|error| CameraError::Network(format!("`{host}` has no address: {error}")))?;
    let (mut allowed, mut refused) = (Vec::new(), None);
    for address in found.take(MAX_ADDRESSES) {
        match reach.refusal(address.ip(), url.scheme()) {
            None => allowed.push(address),
            Some(why) => refused = Some((address.ip(), why)),
        }
    }
    match (allowed.is_empty(), refused) {
        (false, _) => Ok(allowed),
        (true, Some((address, why))) => Err(CameraError::Refused(format!(
            "the policy of this host refuses connections to `{address}`, which is what `{host}` leads to: {why}\n\
             hint: use another address, or let the owner of the host change the policy"
        ))),
        (true, None) => Err(CameraError::Network(format!("`{host}` has no address"))),
    }
}

/// The URL with an address for its host.
#[must_use]
pub(super) fn at(url: &Url, address: SocketAddr) -> Option<Url> {
    let mut url = url.clone();
    url.set_ip_host(address.ip()).ok()?;
    Some(url)
}

/// Connects to the first of these that answers.
///
/// # Errors
/// When none does in time.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    host: &str,
    within: Duration,
) -> Result<TcpStream, CameraError> {
    let connecting = timeout(within, TcpStream::connect(addresses)).await;
    let port = addresses.first().map_or(0, SocketAddr::port);
    connecting
        .map_err(|_| CameraError::timed_out("the connection"))?
        .map_err(|error| CameraError::Network(format!("cannot connect to {host}:{port}: {error}")))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::nodes::reach::Anywhere;

    /// Refuses what is loopback of IPv4.
    #[derive(Debug)]
    struct NotHere;

    impl Reach for NotHere {
        fn refusal(&self, address: IpAddr, scheme: &str) -> Option<String> {
            assert_eq!(scheme, "rtsp");
            (address == IpAddr::from([127, 0, 0, 1])).then(|| "it is here".to_owned())
        }
    }

    #[tokio::test]
    async fn a_name_is_refused_for_what_it_leads_to_however_it_is_written() {
        for host in ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"] {
            let url = Url::parse(&format!("rtsp://{host}/live")).unwrap();
            let found = addresses(&url, RTSP_PORT, &Anywhere).await.unwrap();
            assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], RTSP_PORT))], "{host}");
            let error = addresses(&url, RTSP_PORT, &NotHere).await.unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("`127.0.0.1`") && text.contains("it is here"),
                "{text}"
            );
            assert_eq!(error.code(), "addressRefused");
        }
    }

    #[test]
    fn an_address_takes_the_place_of_the_name_only() {
        let url = Url::parse("rtsp://camera.example:8554/live?channel=1").unwrap();
        let four = at(&url, "10.0.0.7:8554".parse().unwrap()).unwrap();
        assert_eq!(four.as_str(), "rtsp://10.0.0.7:8554/live?channel=1");
        let six = at(&url, "[fe80::1]:8554".parse().unwrap()).unwrap();
        assert_eq!(six.as_str(), "rtsp://[fe80::1]:8554/live?channel=1");
    }
}
