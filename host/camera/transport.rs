//! How the packets of one track reach the client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use rtsp_types::headers::{RtpLowerTransport, RtpProfile, RtpTransport, Transport, TransportMode};
use tokio::net::UdpSocket;

use super::outbox::Outbox;

/// How often a pair of ports is tried for.
const PORT_PAIR_ATTEMPTS: usize = 64;

/// What a client asked for and we can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Within the RTSP connection, on these channels if any were named.
    Interleaved(Option<(u8, u8)>),
    /// To these ports of the client: RTP and RTCP.
    Udp(u16, u16),
}

impl Wish {
    /// The first of the offered transports that we can do; clients list them by preference.
    pub(super) fn first(offers: &[Transport]) -> Option<Self> {
        offers.iter().find_map(|offer| match offer {
            Transport::Rtp(rtp) => Self::of(rtp),
            Transport::Other(_) => None,
        })
    }

    fn of(offer: &RtpTransport) -> Option<Self> {
        let parameters = &offer.params;
        let plays = parameters.mode.is_empty() || parameters.mode.contains(&TransportMode::Play);
        if offer.profile != RtpProfile::Avp || parameters.multicast || !plays {
            return None;
        }
        match &offer.lower_transport {
            Some(RtpLowerTransport::Tcp) => match parameters.interleaved {
                None => Some(Self::Interleaved(None)),
                Some((rtp, rtcp)) => Some(Self::Interleaved(Some((rtp, rtcp.or(rtp.checked_add(1))?)))),
            },
            None | Some(RtpLowerTransport::Udp) => {
                let (rtp, rtcp) = parameters.client_port?;
                let rtcp = rtcp.or(rtp.checked_add(1))?;
                (rtp != 0 && rtcp != 0).then_some(Self::Udp(rtp, rtcp))
            }
            Some(RtpLowerTransport::Other(_)) => None,
        }
    }
}

/// Where packets go.
#[derive(Clone, Debug)]
pub(super) enum Path {
    /// Within the RTSP connection.
    Interleaved {
        /// All that is written to the client.
        outbox: Outbox,
        /// The channel of RTP.
        rtp: u8,
        /// The channel of RTCP.
        rtcp: u8,
    },
    /// Two sockets, each connected to the client's.
    Udp {
        /// For RTP, on an even port.
        rtp: Arc<UdpSocket>,
        /// For RTCP, on the port after it.
        rtcp: Arc<UdpSocket>,
    },
}

impl Path {
    /// Binds a pair of ports on `local` and connects it to the client. It is the client's own address that counts: a
    /// camera that sent wherever `destination` says could be turned on anybody (RFC 2326, section 16).
    pub(super) async fn udp(local: IpAddr, client: IpAddr, ports: (u16, u16)) -> std::io::Result<Self> {
        let (rtp, rtcp) = port_pair(local).await?;
        rtp.connect(SocketAddr::new(client, ports.0)).await?;
        rtcp.connect(SocketAddr::new(client, ports.1)).await?;
        Ok(Self::Udp {
            rtp: Arc::new(rtp),
            rtcp: Arc::new(rtcp),
        })
    }

    /// Our own ports; `None` within the connection.
    pub(super) fn server_ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Interleaved { .. } => None,
            Self::Udp { rtp, rtcp } => Some((rtp.local_addr().ok()?.port(), rtcp.local_addr().ok()?.port())),
        }
    }

    /// Sends RTP packets that belong together. A datagram that the system refuses is lost, as on any network.
    pub(super) async fn send_rtp(&self, packets: &[Vec<u8>]) {
        match self {
            Self::Interleaved { outbox, rtp, .. } => outbox.push(framed(*rtp, packets)),
            Self::Udp { rtp, .. } => {
                for packet in packets {
                    if let Err(error) = rtp.send(packet).await {
                        tracing::debug!(%error, "datagram not sent");
                    }
                }
            }
        }
    }

    /// Sends one compound RTCP packet.
    pub(super) async fn send_rtcp(&self, packet: Vec<u8>) {
        match self {
            Self::Interleaved { outbox, rtcp, .. } => outbox.push(framed(*rtcp, &[packet])),
            Self::Udp { rtcp, .. } => {
                if let Err(error) = rtcp.send(&packet).await {
                    tracing::debug!(%error, "report not sent");
                }
            }
        }
    }
}

/// RFC 2326, section 10.12.
fn framed(channel: u8, packets: &[Vec<u8>]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(packets.iter().map(|packet| packet.len() + 4).sum());
    for packet in packets {
        bytes.put_u8(b'$');
        bytes.put_u8(channel);
        // Packets are far shorter than 64 KiB.
        bytes.put_u16(u16::try_from(packet.len()).unwrap_or(u16::MAX));
        bytes.put_slice(packet);
    }
    bytes.freeze()
}

/// An even port and the one after it (RFC 3550, section 11): strict clients accept nothing else.
async fn port_pair(local: IpAddr) -> std::io::Result<(UdpSocket, UdpSocket)> {
    let mut last = std::io::Error::other("no pair of neighbouring ports is free");
    for _ in 0..PORT_PAIR_ATTEMPTS {
        let rtp = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
        let port = rtp.local_addr()?.port();
        if port % 2 != 0 {
            continue;
        }
        match UdpSocket::bind(SocketAddr::new(local, port + 1)).await {
            Ok(rtcp) => return Ok((rtp, rtcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}
