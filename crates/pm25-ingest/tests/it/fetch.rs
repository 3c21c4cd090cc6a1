//! Fetching, from a server of our own that breaks off, is busy, and has changed its mind.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::bench::{Bench, text};

/// What a server does with a request for a path and, perhaps, the first byte wanted.
type Answer = dyn Fn(&str, Option<usize>, usize) -> Vec<u8> + Send + Sync;

/// A server on this machine; keeps the requests.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

fn serve(answer: Arc<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            respond(stream.unwrap(), &kept, answer.as_ref());
        }
    });
    Server { address, requests }
}

fn respond(mut stream: TcpStream, requests: &Mutex<Vec<String>>, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut from) = (String::new(), None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split_whitespace().next().unwrap().to_owned();
        }
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().ok();
        }
    }
    if path.is_empty() {
        return;
    }
    let n_before = requests.lock().unwrap().len();
    requests.lock().unwrap().push(format!("{path} {from:?}"));
    stream.write_all(&answer(&path, from, n_before)).unwrap();
}

fn whole(status: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const BODY: &[u8] = b"PK\x03\x04 not really, but 32 bytes long";

fn fetch(bench: &Bench, server: &Server, what: &str) -> std::process::Output {
    bench.run(&format!(
        "fetch {what} --out raw --base-url {} --retry-wait 0",
        server.address
    ))
}

#[test]
fn what_breaks_off_is_resumed_where_it_broke() {
    let server = serve(Arc::new(|_, from, _| match from {
        None => {
            let answer = whole("200 OK", "ETag: \"one\"\r\n", BODY);
            answer[..answer.len() - 10].to_vec()
        }
        Some(from) => {
            let range = format!(
                "ETag: \"one\"\r\nContent-Range: bytes {from}-{}/{}\r\n",
                BODY.len() - 1,
                BODY.len()
            );
            whole("206 Partial Content", &range, &BODY[from..])
        }
    }));
    let bench = Bench::new();
    let output = fetch(&bench, &server, "aqs --year 2020");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        std::fs::read(bench.path("raw/aqs/hourly_88101_2020.zip")).unwrap(),
        BODY
    );
    let n_first = BODY.len() - 10;
    assert_eq!(
        *server.requests.lock().unwrap(),
        [
            "/aqsweb/airdata/hourly_88101_2020.zip None".to_owned(),
            format!("/aqsweb/airdata/hourly_88101_2020.zip Some({n_first})")
        ]
    );
    assert!(!bench.path("raw/aqs/hourly_88101_2020.zip.part").exists());
    // What is there is not fetched again.
    let again = fetch(&bench, &server, "aqs --year 2020");
    assert!(text(&again.stdout).contains("there     1 already"));
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[test]
fn another_edition_is_not_joined_to_the_first_half() {
    let server = serve(Arc::new(|_, from, _| match from {
        None => {
            let answer = whole(
                "200 OK",
                "ETag: \"one\"\r\n",
                b"the first edition of the file",
            );
            answer[..answer.len() - 5].to_vec()
        }
        // If-Range does not hold: the whole of the new one comes.
        Some(_) => whole("200 OK", "ETag: \"two\"\r\n", BODY),
    }));
    let bench = Bench::new();
    let output = fetch(&bench, &server, "aqs --year 2020");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        std::fs::read(bench.path("raw/aqs/hourly_88101_2020.zip")).unwrap(),
        BODY
    );
}

#[test]
fn a_busy_provider_is_asked_again_and_a_refusal_is_not() {
    let server = serve(Arc::new(|_, _, n_before| match n_before {
        0 | 1 => whole("503 Service Unavailable", "", b""),
        _ => whole("200 OK", "", BODY),
    }));
    let bench = Bench::new();
    let output = fetch(&bench, &server, "aqs --year 2020");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(server.requests.lock().unwrap().len(), 3);
    let closed = serve(Arc::new(|_, _, _| whole("403 Forbidden", "", b"")));
    let refused = fetch(&Bench::new(), &closed, "aqs --year 2020");
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(closed.requests.lock().unwrap().len(), 1);
}

#[test]
fn days_that_the_provider_does_not_have_are_counted() {
    let server = serve(Arc::new(|path, _, _| {
        if path.ends_with("2024040803.dat") {
            whole("404 Not Found", "", b"")
        } else {
            whole("200 OK", "", b"row\n")
        }
    }));
    let bench = Bench::new();
    let output = fetch(&bench, &server, "airnow --from 2024-04-08");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("fetched   23 files") && stdout.contains("absent    1"),
        "{stdout}"
    );
    assert!(
        bench
            .path("raw/airnow/2024/20240408/HourlyData_2024040823.dat")
            .exists()
    );
    let nothing = serve(Arc::new(|_, _, _| whole("404 Not Found", "", b"")));
    let none = fetch(&Bench::new(), &nothing, "airnow --from 2024-04-08");
    assert_eq!(none.status.code(), Some(3));
}

#[test]
fn keys_of_openaqs_archive_and_what_each_network_needs() {
    let server = serve(Arc::new(|_, _, _| whole("200 OK", "", b"x")));
    let bench = Bench::new();
    let output = fetch(&bench, &server, "openaq --location 2178 --year 2022");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 365);
    let first_of_may =
        "/records/csv.gz/locationid=2178/year=2022/month=05/location-2178-20220501.csv.gz None";
    assert!(requests.iter().any(|request| request == first_of_may));
    for (what, word) in [
        ("aqs", "--year"),
        ("openaq --year 2022", "--location"),
        ("airnow", "--from"),
    ] {
        let output = fetch(&bench, &server, what);
        assert_eq!(output.status.code(), Some(2), "{what}");
        assert!(text(&output.stderr).contains(word));
    }
}
