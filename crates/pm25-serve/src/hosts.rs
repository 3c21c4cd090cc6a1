//! Which names this service answers to.
//!
//! A page of a stranger can make a visitor's browser send requests to `127.0.0.1` under the stranger's own name
//! (DNS rebinding). So a request must name a host that we are; and if it says which page it comes from, that
//! must be one of ours as well.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use crate::problem::{Problem, Result, shown};

/// Names of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// With port, lower case.
    exact: Vec<String>,
    /// With any port or none, lower case.
    any_port: Vec<String>,
}

impl Hosts {
    /// The names of whoever is on the same machine, the listener's own address, and those allowed on request: a name
    /// with a port as it is, a name without one at any port.
    pub(crate) fn new(listen: SocketAddr, allowed: &[String]) -> Self {
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "[::1]".to_owned(),
        ];
        if !listen.ip().is_unspecified() {
            names.push(literal(listen));
        }
        let port = listen.port();
        let mut exact: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        // A client leaves the usual port out.
        if port == 80 {
            exact.extend(names);
        }
        let mut any_port = Vec::new();
        for host in allowed.iter().map(|host| host.to_lowercase()) {
            let has_port = name_of(&host) != host;
            if has_port {
                exact.push(host)
            } else {
                any_port.push(host)
            }
        }
        Self { exact, any_port }
    }

    /// Refuses a request that is not meant for us.
    ///
    /// # Errors
    /// 400 without exactly one Host, 421 for another host, 403 for another site's page.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<()> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Problem::malformed("a request has exactly one Host header"));
        };
        let named = host.to_str().unwrap_or_default();
        let target = uri
            .authority()
            .map_or(named, |authority| authority.as_str());
        if !self.holds(named) || !self.holds(target) {
            return Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this service does not answer to the host `{}`",
                    shown(target)
                ),
            )
            .hint("start it with --allow-host HOST if that is its name"));
        }
        match headers.get(header::ORIGIN) {
            Some(origin) => self.check_origin(origin),
            None => Ok(()),
        }
    }

    fn check_origin(&self, origin: &HeaderValue) -> Result<()> {
        let origin = origin.to_str().unwrap_or_default();
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        if self.holds(host) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("pages of `{}` may not ask this service", shown(origin)),
        ))
    }

    fn holds(&self, host: &str) -> bool {
        let is = |known: &String| known.eq_ignore_ascii_case(host);
        let named = |known: &String| known.eq_ignore_ascii_case(name_of(host));
        self.exact.iter().any(is) || self.any_port.iter().any(named)
    }
}

/// Whether a text can be the host of a request: a name or an address, and no URL or pattern.
pub(crate) fn is_host(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

fn literal(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, allowed: &[&str]) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|&host| host.to_owned()).collect();
        Hosts::new(listen.parse().unwrap(), &allowed)
    }

    #[test]
    fn the_same_machine_is_known_with_its_port() {
        let hosts = hosts("127.0.0.1:8000", &[]);
        for host in [
            "localhost:8000",
            "LOCALHOST:8000",
            "127.0.0.1:8000",
            "[::1]:8000",
        ] {
            assert!(hosts.holds(host), "{host}");
        }
        for host in [
            "",
            "localhost",
            "localhost:8001",
            "evil.example",
            "evil.example:8000",
            "localhost.:8000",
            "localhost:8000.evil.example",
            "evil.example@localhost:8000",
            "127.0.0.1:8000:8000",
            "[::1]",
            "0.0.0.0:8000",
        ] {
            assert!(!hosts.holds(host), "{host}");
        }
    }

    #[test]
    fn an_allowed_name_may_leave_its_port_open() {
        let hosts = hosts("0.0.0.0:8000", &["pm25.Example.org", "api.example.org:443"]);
        for host in [
            "pm25.example.org",
            "pm25.example.org:8000",
            "pm25.example.ORG:1",
            "api.example.org:443",
        ] {
            assert!(hosts.holds(host), "{host}");
        }
        for host in [
            "api.example.org",
            "0.0.0.0:8000",
            "x.pm25.example.org",
            "pm25.example.org:",
        ] {
            assert!(!hosts.holds(host), "{host}");
        }
    }

    #[test]
    fn a_url_or_a_pattern_is_no_host() {
        for host in ["a.example", "A-b_c.example:80", "[::1]:8000", "192.0.2.7"] {
            assert!(is_host(host), "{host}");
        }
        for text in [
            "",
            "*",
            "*.example",
            "http://a.example",
            "a.example/",
            "a b",
            "é.example",
        ] {
            assert!(!is_host(text), "{text}");
        }
    }

    #[test]
    fn the_address_that_it_listens_on_and_the_usual_port_are_known() {
        assert!(hosts("192.0.2.7:80", &[]).holds("192.0.2.7"));
        assert!(hosts("[2001:db8::1]:8000", &[]).holds("[2001:db8::1]:8000"));
    }
}
