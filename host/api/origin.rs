//! Whether a request may come from where it comes: against web pages that let a browser on this machine drive the host
//! (cross-site requests), and against names that were made to point here (DNS rebinding).
//!
//! The address in `Host` must be one that only this host has: an IP address (the browser's idea of "same origin" is
//! then this host itself), a name of loopback, or a configured name. A request that a browser marks as another site's
//! is refused, unless the configuration names the origin of the page.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};

use super::cors::AllowedOrigins;
use super::problem::Problem;
use crate::topology::diagnostics::shown;

/// Who may ask, and by which name.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownHosts {
    /// Names by which this host is known besides its addresses and `localhost`; each may have a port.
    names: Vec<String>,
    /// Other sites whose pages may ask.
    pub(super) origins: AllowedOrigins,
}

impl KnownHosts {
    pub(super) fn new(names: Vec<String>, origins: Vec<String>) -> Self {
        Self {
            names,
            origins: AllowedOrigins::new(origins),
        }
    }

    /// Checks where a request comes from; gives the host that it was sent to.
    pub(super) fn check<'a>(&self, headers: &'a HeaderMap, uri: &Uri) -> Result<&'a str, Problem> {
        let host = one(headers)?;
        let absolute = uri.authority().map(|authority| authority.as_str());
        if absolute.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) || !self.knows(host) {
            return Err(Problem::with_hint(
                StatusCode::FORBIDDEN,
                "HostNotAllowed",
                &format!("{} is not a name of this host", shown(host)),
                "use its address or `localhost`, or add the name to `allowed_hosts` in the configuration",
            ));
        }
        // A browser tells the origin with everything that a page of another site may read the answer of.
        if self.origins.of(headers).is_none() {
            same_origin(headers, host)?;
        }
        Ok(host)
    }

    fn knows(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = address.parse::<IpAddr>() {
            // "This machine" in a browser's eyes, which no address of ours is.
            return !address.to_canonical().is_unspecified();
        }
        let name = name.trim_end_matches('.');
        name.eq_ignore_ascii_case("localhost")
            || self
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
    }
}

/// The one `Host` header.
fn one(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut all = headers.get_all(HOST).iter();
    let first = all.next().and_then(|host| host.to_str().ok());
    match (first, all.next()) {
        (Some(host), None) if !host.is_empty() => Ok(host),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "the request must have one `Host` header",
        )),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An IPv6 address stands in brackets, so a colon behind them, or the only one, ends the name.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// A browser says which site a request comes from, by `Origin` or, where it sends none, by `Sec-Fetch-Site`.
fn same_origin(headers: &HeaderMap, host: &str) -> Result<(), Problem> {
    let foreign = || {
        Problem::new(
            StatusCode::FORBIDDEN,
            "OriginNotAllowed",
            "requests of other web sites are not answered",
        )
    };
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().map_err(|_| foreign())?;
        let authority = (origin.strip_prefix("http://")).or_else(|| origin.strip_prefix("https://"));
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err(foreign());
        }
    }
    for site in headers.get_all("sec-fetch-site") {
        let own = site == "same-origin" || site == "none";
        // A person who follows a link: the page that has it cannot read the answer.
        let followed = headers
            .get("sec-fetch-mode")
            .is_some_and(|mode| mode == "navigate");
        if !own && !followed {
            return Err(foreign());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let names = vec!["box.example".into(), "cam.example:8443".into()];
        let known = KnownHosts::new(names, vec!["https://desk.example".into()]);
        known.check(&headers, &Uri::from_static("/x")).is_ok()
    }

    #[test]
    fn only_own_names_are_answered() {
        for host in [
            "127.0.0.1:8090",
            "[::1]:8090",
            "[::1]",
            "localhost",
            "LocalHost:1",
            "192.168.0.7:8090",
            "BOX.example",
            "box.example:443",
            "cam.example:8443",
        ] {
            assert!(check(&[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8090",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "cam.example:1",
            "0.0.0.0:8090",
            "[::]",
            "",
            "2130706433",
        ] {
            assert!(!check(&[("host", host)]), "{host}");
        }
        assert!(!check(&[]));
        assert!(!check(&[("host", "localhost"), ("host", "localhost")]));
    }

    #[test]
    fn a_target_with_an_address_must_name_the_same_host() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:1".parse().unwrap());
        let known = KnownHosts::default();
        let check = |uri: &'static str| known.check(&headers, &Uri::from_static(uri)).is_ok();
        assert!(check("http://localhost:1/x"));
        assert!(!check("http://evil.example/x"));
    }

    #[test]
    fn pages_of_an_origin_that_is_allowed_may_ask_and_only_under_a_known_name() {
        let page = ("origin", "https://desk.example");
        let cross = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")];
        assert!(check(&[("host", "localhost:8090"), page, cross[0], cross[1]]));
        assert!(!check(&[("host", "evil.example"), page, cross[0], cross[1]]));
        // What a page embeds comes without its origin, so nobody can say whose it is.
        assert!(!check(&[
            ("host", "localhost:8090"),
            cross[0],
            ("sec-fetch-mode", "no-cors")
        ]));
        assert!(!check(&[
            ("host", "localhost:8090"),
            page,
            ("origin", "https://evil.example")
        ]));
    }

    #[test]
    fn requests_of_other_sites_are_refused() {
        let host = ("host", "localhost:8090");
        assert!(check(&[host, ("origin", "http://localhost:8090")]));
        assert!(check(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(check(&[host, ("sec-fetch-site", "none")]));
        let link = [
            host,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert!(check(&link));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3000",
            "http://localhost",
            "file://localhost:8090",
        ] {
            assert!(!check(&[host, ("origin", origin)]), "{origin}");
        }
        let image = [
            host,
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", "no-cors"),
        ];
        assert!(!check(&image));
    }
}
