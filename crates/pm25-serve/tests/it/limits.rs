//! Too much, too long, too slow: each gets its limit's answer, and whoever behaves is served meanwhile.

use std::thread::sleep;
use std::time::{Duration, Instant};

use pm25_serve::Limits;
use serde_json::{Value, json};

use super::http::{Client, get, post, raw};
use super::kit::{CLASSIC, HURRY, Site, classic, hurried};

const MIB: usize = 1 << 20;

fn is_healthy(site: &Site) {
    let begun = Instant::now();
    assert_eq!(post(site.listen, "/predict", CLASSIC).status, 200);
    assert!(begun.elapsed() < HURRY, "{:?}", begun.elapsed());
}

fn head(site: &Site, more: &str) -> String {
    format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\n{more}\r\n\r\n",
        site.listen
    )
}

fn row() -> Value {
    json!({"pm10_ug_m3": 8, "o3_ug_m3": 3, "co_mg_m3": 1, "hour": 4, "dayofweek": 2, "month": 1})
}

#[test]
fn a_long_body_that_says_so_is_refused_unread() {
    let site = Site::of(classic());
    let answer = raw(
        site.listen,
        head(&site, &format!("Content-Length: {}", MIB + 1)),
    )
    .unwrap();
    assert_eq!(answer.status, 413);
    // Also to a client that sends all of it before it listens.
    let mut client = Client::to(site.listen);
    client.say(head(&site, &format!("Content-Length: {}", 8 * MIB)));
    assert!(
        client.say(vec![b' '; 8 * MIB]),
        "it was cut while it was sending"
    );
    assert_eq!(client.answer().unwrap().status, 413);
    // And to one that asks first.
    let expect = format!("Expect: 100-continue\r\nContent-Length: {}", MIB + 1);
    assert_eq!(raw(site.listen, head(&site, &expect)).unwrap().status, 413);
    for length in ["18446744073709551615", "99999999999999999999999"] {
        let answer = raw(
            site.listen,
            head(&site, &format!("Content-Length: {length}")),
        );
        assert!(
            answer.is_none_or(|answer| [400, 413, 431].contains(&answer.status)),
            "{length}"
        );
    }
    is_healthy(&site);
}

#[test]
fn a_long_body_in_chunks_is_refused_when_it_is_too_long() {
    let site = Site::of(classic());
    let mut client = Client::to(site.listen);
    client.say(head(&site, "Transfer-Encoding: chunked"));
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
    for _ in 0..17 {
        client.say(&chunk);
    }
    assert_eq!(client.answer().unwrap().status, 413);
    is_healthy(&site);
}

#[test]
fn a_body_of_just_the_limit_is_read() {
    let site = Site::of(classic());
    let body = format!("{CLASSIC}{}", " ".repeat(MIB - CLASSIC.len()));
    assert_eq!(post(site.listen, "/predict", &body).status, 200);
    let body = format!("{CLASSIC}{}x", " ".repeat(MIB - CLASSIC.len() - 1));
    assert_eq!(post(site.listen, "/predict", &body).status, 400);
}

#[test]
fn ten_thousand_rows_are_taken_and_one_more_is_not() {
    let site = Site::with(
        classic(),
        Limits {
            body_bytes_max: 4 * MIB,
            ..Limits::USUAL
        },
    );
    let ask = |n: usize| {
        post(
            site.listen,
            "/v1/predict",
            json!({"rows": vec![row(); n]}).to_string(),
        )
    };
    let answer = ask(10_000);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["predictions"].as_array().unwrap().len(),
        10_000
    );
    assert_eq!(ask(10_001).status, 413);
    let hours = vec![json!({"time": "2024-11-06T05:00:00Z"}); 10_001];
    let request = json!({"station": "x", "utc_offset_min": 0, "observations": hours}).to_string();
    assert_eq!(post(site.listen, "/v1/predict", request).status, 413);
}

#[test]
fn heads_have_their_limits() {
    let site = Site::of(classic());
    let ask = |line: &str, more: &str| {
        raw(
            site.listen,
            format!("GET {line} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", site.listen),
        )
        .map(|answer| answer.status)
    };
    let headers = |n: usize| (0..n).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    assert_eq!(ask("/healthz", &headers(63)), Some(200));
    assert_eq!(ask("/healthz", &headers(64)), Some(431));
    assert_eq!(ask("/healthz", &headers(200)), Some(431));
    assert_eq!(
        ask("/healthz", &format!("X: {}\r\n", "y".repeat(15_000))),
        Some(200)
    );
    assert_eq!(
        ask("/healthz", &format!("X: {}\r\n", "y".repeat(17_000))),
        Some(431)
    );
    assert_eq!(
        ask("/healthz", &format!("X: {}\r\n", "y".repeat(1 << 18))),
        Some(431)
    );
    assert_eq!(ask(&format!("/{}", "y".repeat(4_000)), ""), Some(404));
    assert_eq!(ask(&format!("/{}", "y".repeat(4_096)), ""), Some(414));
    assert_eq!(
        ask(&format!("/healthz?{}", "y".repeat(5_000)), ""),
        Some(414)
    );
    assert!(matches!(
        ask(&format!("/{}", "y".repeat(1 << 16)), ""),
        Some(414 | 431)
    ));
    is_healthy(&site);
}

#[test]
fn slow_and_silent_clients_are_let_go_and_others_are_served() {
    let site = Site::with(classic(), hurried());
    let connect = |n: usize| -> Vec<Client> { (0..n).map(|_| Client::to(site.listen)).collect() };
    let begun = Instant::now();
    let (mut silent, mut slow_heads, mut slow_bodies) = (connect(100), connect(100), connect(100));
    for client in &mut slow_bodies {
        client.say(head(&site, "Content-Length: 100"));
    }
    let mut idle: Vec<Client> = Vec::new();
    for _ in 0..100 {
        let mut client = Client::to(site.listen);
        assert_eq!(client.ask("GET", "/healthz", b"").status, 200);
        idle.push(client);
    }
    let drip = head(&site, "Content-Length: 100");
    for byte in drip.as_bytes().iter().take(12) {
        for client in &mut slow_heads {
            client.say([*byte]);
        }
        for client in &mut slow_bodies {
            client.say(" ");
        }
        is_healthy(&site);
        sleep(HURRY / 6);
    }
    for client in &mut slow_bodies {
        assert_eq!(client.answer().unwrap().status, 408);
    }
    for client in silent.iter_mut().chain(&mut slow_heads).chain(&mut idle) {
        assert_eq!(client.rest(), b"");
    }
    assert!(begun.elapsed() < 8 * HURRY, "{:?}", begun.elapsed());
    is_healthy(&site);
}

#[test]
fn a_client_that_takes_no_answer_is_let_go() {
    let site = Site::with(classic(), hurried());
    let mut deaf = Client::to(site.listen);
    let request = format!(
        "GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n",
        site.listen
    );
    // Until neither side's buffers take any more, and then the service has no more patience.
    let begun = Instant::now();
    while deaf.say(request.repeat(1_000)) {}
    assert!(begun.elapsed() < 7 * HURRY, "{:?}", begun.elapsed());
    is_healthy(&site);
    drop(deaf);
}

#[test]
fn more_connections_than_places_are_refused_at_once() {
    let site = Site::with(
        classic(),
        Limits {
            connections_max: 8,
            ..hurried()
        },
    );
    let mut kept: Vec<Client> = (0..8).map(|_| Client::to(site.listen)).collect();
    for client in &mut kept {
        assert_eq!(client.ask("GET", "/healthz", b"").status, 200);
    }
    let begun = Instant::now();
    let refused = Client::to(site.listen).answer();
    assert!(begun.elapsed() < HURRY / 2);
    let refused = refused.unwrap();
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    assert!(0.0 < site.counted("pm25_serve_connections_refused_total"));
    drop(kept);
    sleep(HURRY);
    is_healthy(&site);
}

#[test]
fn too_many_predictions_are_refused_and_say_when_to_come_again() {
    let site = Site::with(
        classic(),
        Limits {
            predictions_max: 0,
            ..Limits::USUAL
        },
    );
    let begun = Instant::now();
    let answer = post(site.listen, "/predict", CLASSIC);
    assert!(
        begun.elapsed() < Duration::from_millis(50),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(site.counted("pm25_serve_predictions_shed_total"), 1.0);
    assert_eq!(get(site.listen, "/healthz").status, 200);
}

#[test]
fn long_predictions_leave_places_for_short_ones() {
    let site = Site::with(
        classic(),
        Limits {
            long_predictions_max: 0,
            ..Limits::USUAL
        },
    );
    let long = json!({"rows": vec![row(); 1_000]}).to_string();
    let answer = post(site.listen, "/v1/predict", long);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(site.counted("pm25_serve_predictions_shed_total"), 1.0);
    is_healthy(&site);
}

#[test]
fn long_bodies_share_their_memory() {
    let site = Site::with(
        classic(),
        Limits {
            bodies_bytes_max: 100_000,
            ..Limits::USUAL
        },
    );
    let long = format!("{CLASSIC}{}", " ".repeat(99_000));
    assert_eq!(post(site.listen, "/predict", &long).status, 200);
    let mut holds = Client::to(site.listen);
    holds.say(head(&site, "Content-Length: 60000"));
    holds.say(vec![b' '; 59_000]);
    sleep(Duration::from_millis(200));
    let answer = post(site.listen, "/predict", &long);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    is_healthy(&site);
    drop(holds);
    sleep(Duration::from_millis(200));
    assert_eq!(post(site.listen, "/predict", &long).status, 200);
}

#[test]
fn a_prediction_that_takes_too_long_is_given_up() {
    let site = Site::with(
        classic(),
        Limits {
            handler: Duration::ZERO,
            inline_bytes_max: 0,
            ..Limits::USUAL
        },
    );
    let answer = post(
        site.listen,
        "/v1/predict",
        json!({"rows": vec![row(); 5_000]}).to_string(),
    );
    assert_eq!(answer.status, 504);
}
