//! Whether the control plane may be opened to the world as it is configured.

use super::model::ServerConfig;

/// Why a server must not start: what is wrong, and what to do. None when it may.
///
/// On the loopback, with nothing in front, nobody but this machine can reach it. Anything wider needs to know who is
/// there (`tokens`, the number of them) and must not carry their tokens in the clear.
#[must_use]
pub fn refusal(server: &ServerConfig, tokens: usize) -> Option<(String, &'static str)> {
    let listen = server.listen;
    if tokens == 0 && needs_tokens(server) {
        let why = if listen.ip().is_loopback() {
            "a proxy lets others in".to_owned()
        } else {
            format!("others can reach `{listen}`")
        };
        return Some((
            format!("{why}, and there are no tokens"),
            "`mediagraph config token` makes a token and the lines for it, or listen on `127.0.0.1`",
        ));
    }
    if !listen.ip().is_loopback() && server.tls.is_none() && !server.behind_proxy {
        return Some((
            format!("others can reach `{listen}`, and tokens would cross the network in the clear"),
            "name certificate and key under `[server.tls]`, or set `behind_proxy = true` if something in front speaks TLS",
        ));
    }
    None
}

/// Whether callers must show a token.
#[must_use]
pub fn needs_tokens(server: &ServerConfig) -> bool {
    !server.listen.ip().is_loopback() || server.behind_proxy
}
