//! From the name of a server to the addresses that may be connected to.
//!
//! Invariant: connections are made to addresses that were asked about, never to a name: what a name leads to may be
//! another address a moment later.

use std::io;
use std::net::SocketAddr;

use crate::nodes::reach::Reach;

/// A name may lead to very many addresses; this many are tried.
const MAX_ADDRESSES: usize = 8;

/// No address of a name may be connected to; says which rule that follows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAllowed(pub String);

/// The addresses of a host, a name or an address, that may be connected to.
///
/// # Errors
/// When it has none, or (as [`NotAllowed`]) only some that are refused.
pub async fn allowed(host: &str, port: u16, scheme: &str, reach: &dyn Reach) -> io::Result<Vec<SocketAddr>> {
    let (mut allowed, mut refusal) = (Vec::new(), None);
    for address in tokio::net::lookup_host((host, port)).await?.take(MAX_ADDRESSES) {
        match reach.refusal(address.ip(), scheme) {
            None => allowed.push(address),
            Some(why) => {
                refusal = Some(format!(
                    "the policy of this host refuses connections to `{}`, which is what `{host}` leads to: {why}\n\
                     hint: use another address, or let the owner of the host change the policy",
                    address.ip()
                ));
            }
        }
    }
    match refusal.filter(|_| allowed.is_empty()) {
        Some(why) => Err(io::Error::other(NotAllowed(why))),
        None => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// Refuses what is loopback of IPv4.
    #[derive(Debug)]
    struct NotHere;

    impl Reach for NotHere {
        fn refusal(&self, address: IpAddr, scheme: &str) -> Option<String> {
            assert_eq!(scheme, "tcp");
            (address == IpAddr::from([127, 0, 0, 1])).then(|| "it is here".to_owned())
        }
    }

    #[tokio::test]
    async fn an_address_is_refused_however_it_is_written() {
        for host in ["127.0.0.1", "0x7f000001", "127.1"] {
            let error = allowed(host, 1, "tcp", &NotHere).await.unwrap_err();
            let refused = error.get_ref().unwrap().downcast_ref::<NotAllowed>().unwrap();
            assert!(
                refused.0.contains("`127.0.0.1`") && refused.0.contains("it is here"),
                "{host}: {refused}"
            );
        }
        assert_eq!(
            allowed("127.0.0.2", 7, "tcp", &NotHere).await.unwrap(),
            ["127.0.0.2:7".parse().unwrap()]
        );
    }
}
