//! Where nodes may connect to. What a name leads to is known only when it is looked up, so a topology that was
//! allowed is asked about again with each connection.

use std::fmt::Debug;
use std::net::IpAddr;

/// The host's last word over a connection.
pub trait Reach: Send + Sync + Debug {
    /// Why nobody may connect to this address with this scheme of a URL; none when they may.
    fn refusal(&self, address: IpAddr, scheme: &str) -> Option<String>;
}

/// No address is refused: for whoever asks by hand, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anywhere;

impl Reach for Anywhere {
    fn refusal(&self, _: IpAddr, _: &str) -> Option<String> {
        None
    }
}
