//! HTTP itself, said wrongly or by the wrong people.

use super::http::{Answer, Client, raw};
use super::kit::{CLASSIC, Site, classic};

fn ask(site: &Site, head: &str) -> Option<Answer> {
    raw(
        site.listen,
        format!("{}\r\n\r\n", head.replace("HOST", &site.listen.to_string())),
    )
}

fn status(site: &Site, head: &str) -> u16 {
    ask(site, head)
        .unwrap_or_else(|| panic!("no answer: {head}"))
        .status
}

#[test]
fn only_our_own_names_are_answered_to() {
    let site = Site::of(classic());
    let port = site.listen.port();
    for (host, wanted) in [
        (format!("localhost:{port}"), 200),
        (format!("LocalHost:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("pm25.example.org".to_owned(), 200),
        ("pm25.example.org:8443".to_owned(), 200),
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        ("localhost".to_owned(), 421),
        (format!("localhost:{}", port ^ 1), 421),
        (format!("localhost:{port}.evil.example"), 421),
        (String::new(), 421),
    ] {
        assert_eq!(
            status(&site, &format!("GET /healthz HTTP/1.1\r\nHost: {host}")),
            wanted,
            "{host}"
        );
        let admin = raw(
            site.admin,
            format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        )
        .unwrap()
        .status;
        assert_eq!(admin == 200, host.starts_with("pm25.example.org"), "{host}");
    }
    for (head, wanted) in [
        ("GET /healthz HTTP/1.1", 400),
        ("GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: HOST", 400),
        (
            "GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: evil.example",
            400,
        ),
        (
            "GET http://evil.example/healthz HTTP/1.1\r\nHost: HOST",
            421,
        ),
        (
            "GET http://HOST/healthz HTTP/1.1\r\nHost: evil.example",
            421,
        ),
        ("GET http://HOST/healthz HTTP/1.1\r\nHost: HOST", 200),
    ] {
        assert_eq!(status(&site, head), wanted, "{head}");
    }
}

#[test]
fn pages_of_other_sites_are_refused() {
    let site = Site::of(classic());
    for (origin, wanted) in [
        ("http://HOST", 200),
        ("https://pm25.example.org", 200),
        ("http://evil.example", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let answer = ask(
            &site,
            &format!("GET /healthz HTTP/1.1\r\nHost: HOST\r\nOrigin: {origin}"),
        )
        .unwrap();
        assert_eq!(answer.status, wanted, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn compressed_bodies_are_not_taken() {
    let site = Site::of(classic());
    for (encoding, wanted) in [
        ("gzip", 415),
        ("br", 415),
        ("identity, gzip", 415),
        ("identity", 200),
    ] {
        let head = format!(
            "POST /predict HTTP/1.1\r\nHost: HOST\r\nContent-Encoding: {encoding}\r\nContent-Length: {}",
            CLASSIC.len()
        );
        let mut client = Client::to(site.listen);
        client.say(format!(
            "{}\r\n\r\n{CLASSIC}",
            head.replace("HOST", &site.listen.to_string())
        ));
        assert_eq!(client.answer().unwrap().status, wanted, "{encoding}");
    }
}

#[test]
fn other_versions_of_http_are_not_spoken() {
    let site = Site::of(classic());
    assert_eq!(status(&site, "GET /healthz HTTP/1.0\r\nHost: HOST"), 505);
    assert!(ask(&site, "PRI * HTTP/2.0").is_none_or(|answer| answer.status == 400));
    assert!(ask(&site, "PRI * HTTP/2.0\r\n\r\nSM").is_none_or(|answer| answer.status == 400));
    let upgrade = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__";
    assert_eq!(status(&site, upgrade), 200);
    assert_eq!(status(&site, "CONNECT HOST HTTP/1.1\r\nHost: HOST"), 405);
}

/// Whatever the framing says, a second request hidden in a body is never answered.
#[test]
fn smuggled_requests_are_never_answered() {
    let site = Site::of(classic());
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n";
    let chunks = format!("{:x}\r\n{CLASSIC}\r\n0\r\n\r\n", CLASSIC.len());
    for (headers, body) in [
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            format!("0\r\n\r\n{smuggled}"),
        ),
        // Each of the two readings is a sound request.
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            format!("{chunks}{smuggled}"),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            format!("{chunks}{smuggled}"),
        ),
        (
            "Content-Length: 0\r\nContent-Length: 44",
            smuggled.to_owned(),
        ),
        ("Content-Length: 0, 44", smuggled.to_owned()),
        ("Content-Length: +5", smuggled.to_owned()),
        ("Content-Length: -1", smuggled.to_owned()),
        (
            "Transfer-Encoding: chunked, x",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "Transfer-Encoding: x, chunked, identity",
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("Transfer-Encoding: identity", smuggled.to_owned()),
        (
            "Transfer-Encoding : chunked",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "X: y\r\n Transfer-Encoding: chunked",
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("Transfer-Encoding: chunked", format!("x\r\n\r\n{smuggled}")),
        (
            "Transfer-Encoding: chunked",
            format!("ffffffffffffffffff\r\n\r\n{smuggled}"),
        ),
        (
            "Transfer-Encoding: chunked",
            format!("5\r\n{{}}xxxx\r\n0\r\n\r\n{smuggled}"),
        ),
    ] {
        let request = format!("POST /predict HTTP/1.1\r\nHost: HOST\r\n{headers}\r\n\r\n{body}");
        let mut client = Client::to(site.listen);
        client.say(request.replace("HOST", &site.listen.to_string()));
        let said = String::from_utf8(client.rest()).unwrap();
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{headers}: {said}");
        assert!(said.starts_with("HTTP/1.1 400 "), "{headers}: {said}");
        assert!(!said.contains("smuggled"));
    }
}

#[test]
fn requests_in_a_row_are_answered_in_order() {
    let site = Site::of(classic());
    let mut client = Client::to(site.listen);
    let request = |id: usize| {
        let (host, length) = (site.listen, CLASSIC.len());
        format!(
            "POST /predict HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {id}\r\nContent-Length: {length}\r\n\r\n{CLASSIC}"
        )
    };
    client.say((0..20).map(request).collect::<String>());
    for id in 0..20 {
        let answer = client.answer().unwrap();
        assert_eq!(
            (answer.status, answer.header("x-request-id")),
            (200, Some(&*id.to_string()))
        );
    }
}

#[test]
fn a_body_may_come_in_chunks() {
    let site = Site::of(classic());
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        site.listen
    );
    let chunks: String = CLASSIC.chars().map(|c| format!("1\r\n{c}\r\n")).collect();
    assert_eq!(
        raw(site.listen, format!("{head}{chunks}0\r\n\r\n"))
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        raw(
            site.listen,
            format!("{head}{chunks}0\r\nX-Trailer: y\r\n\r\n")
        )
        .unwrap()
        .status,
        200
    );
}
