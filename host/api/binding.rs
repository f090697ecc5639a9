//! Where the host may listen.

use std::net::SocketAddr;

/// Why a host does not start on an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// Others could reach it, and nothing says who they are.
    #[error(
        "`{0}` can be reached from other machines, and no token is configured\n\
         hint: add a `[[tokens]]` section to the configuration, or listen on `127.0.0.1`"
    )]
    NoTokens(SocketAddr),
    /// Tokens would pass in clear.
    #[error(
        "`{0}` can be reached from other machines, and tokens would cross the network in clear\n\
         hint: set `tls` (a certificate and its key), or `behind_proxy = true` if a proxy in front does TLS, \
         or listen on `127.0.0.1`"
    )]
    Clear(SocketAddr),
    /// A proxy lets others in.
    #[error(
        "`behind_proxy` is set, so others reach this host through the proxy, and no token is configured\n\
         hint: add a `[[tokens]]` section to the configuration, or take `behind_proxy` away"
    )]
    Proxied,
    /// Pages of other sites are let in.
    #[error(
        "`allowed_origins` lets pages of other web sites ask this host, and no token is configured\n\
         hint: add a `[[tokens]]` section to the configuration, or take `allowed_origins` away"
    )]
    Foreign,
}

/// Refuses to listen where others could drive the host without being asked who they are. Loopback needs nothing,
/// unless a proxy carries others there.
///
/// # Errors
/// Which protection is missing.
pub fn check_binding(
    address: SocketAddr,
    has_tokens: bool,
    tls: bool,
    behind_proxy: bool,
) -> Result<(), BindingError> {
    if address.ip().to_canonical().is_loopback() {
        return if behind_proxy && !has_tokens {
            Err(BindingError::Proxied)
        } else {
            Ok(())
        };
    }
    if !has_tokens {
        return Err(BindingError::NoTokens(address));
    }
    if !tls && !behind_proxy {
        return Err(BindingError::Clear(address));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_binding_needs_tokens_and_either_tls_or_a_proxy() {
        let check = |address: &str, tokens, tls, proxy| {
            let address = address.parse().unwrap();
            check_binding(address, tokens, tls, proxy).map_err(|error| match error {
                BindingError::NoTokens(_) => "tokens",
                BindingError::Clear(_) => "clear",
                BindingError::Proxied => "proxied",
                BindingError::Foreign => "foreign",
            })
        };
        for loopback in [
            "127.0.0.1:80",
            "127.9.9.9:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert_eq!(check(loopback, false, false, false), Ok(()), "{loopback}");
            assert_eq!(check(loopback, false, false, true), Err("proxied"), "{loopback}");
            assert_eq!(check(loopback, true, false, true), Ok(()), "{loopback}");
        }
        for wide in ["0.0.0.0:80", "[::]:80", "192.168.0.1:80", "[::ffff:10.0.0.1]:80"] {
            assert_eq!(check(wide, false, true, true), Err("tokens"), "{wide}");
            assert_eq!(check(wide, true, false, false), Err("clear"), "{wide}");
            assert_eq!(check(wide, true, true, false), Ok(()), "{wide}");
            assert_eq!(check(wide, true, false, true), Ok(()), "{wide}");
        }
    }
}
