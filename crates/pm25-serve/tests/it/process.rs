//! The program as it is started and stopped.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pm25_file::Output;
use pm25_serve::Ended;
use serde_json::Value;

use super::http::{Client, get, post};
use super::kit::{CLASSIC, Site, classic};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pm25-serve");

struct Process {
    child: Child,
    listen: SocketAddr,
    admin: SocketAddr,
    _dir: tempfile::TempDir,
}

/// A test that fails leaves nothing running.
impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(before: &str, flags: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        classic()
            .write(&Output::Path(dir.path().join("model.json")))
            .unwrap();
        let command = format!(
            "{before} exec {PROGRAM} --model model.json --listen 127.0.0.1:0 --admin 127.0.0.1:0 --format json {flags}"
        );
        let mut child = Command::new("sh")
            .args(["-c", &command])
            .current_dir(&dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let address = |field: &str| said[field].as_str().unwrap().parse().unwrap();
        Self {
            listen: address("listen"),
            admin: address("admin"),
            child,
            _dir: dir,
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the status and what was said on standard error.
    fn end(mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if Duration::from_secs(30) < begun.elapsed() {
                self.child.kill().unwrap();
                panic!("it does not end");
            }
            thread::sleep(Duration::from_millis(10));
        }
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (self.child.wait().unwrap(), said)
    }
}

#[test]
fn a_signal_ends_an_idle_service_at_once() {
    for signal in ["-TERM", "-INT"] {
        let process = Process::start("", "");
        let mut idle = Client::to(process.listen);
        assert_eq!(idle.ask("POST", "/predict", CLASSIC.as_bytes()).status, 200);
        let begun = Instant::now();
        process.signal(signal);
        let (status, said) = process.end();
        assert!(status.success(), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(idle.rest(), b"");
    }
}

#[test]
fn a_hang_up_or_a_broken_pipe_does_not_end_it() {
    let process = Process::start("", "");
    process.signal("-HUP");
    process.signal("-PIPE");
    thread::sleep(Duration::from_millis(100));
    assert_eq!(get(process.listen, "/healthz").status, 200);
    process.signal("-TERM");
    let (status, said) = process.end();
    assert!(status.success());
    assert!(said.contains("no registry to look at"), "{said}");
}

#[test]
fn what_was_begun_is_answered_and_nothing_new_is_taken() {
    let process = Process::start("", "");
    let mut begun = Client::to(process.listen);
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
        process.listen,
        CLASSIC.len()
    );
    begun.say(head);
    thread::sleep(Duration::from_millis(200));
    process.signal("-TERM");
    thread::sleep(Duration::from_millis(200));
    assert!(std::net::TcpStream::connect(process.listen).is_err());
    begun.say(CLASSIC);
    let answer = begun.answer().unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    let (status, said) = process.end();
    assert!(status.success(), "{said}");
}

#[test]
fn a_second_signal_does_not_wait() {
    let process = Process::start("", "");
    let mut slow = Client::to(process.listen);
    slow.say(format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n",
        process.listen
    ));
    thread::sleep(Duration::from_millis(200));
    process.signal("-TERM");
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    process.signal("-TERM");
    let (status, said) = process.end();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("1 connections were cut"), "{said}");
}

#[test]
fn time_for_the_end_is_limited() {
    let limits = pm25_serve::Limits {
        drain: Duration::from_millis(300),
        ..pm25_serve::Limits::USUAL
    };
    let site = Site::with(classic(), limits);
    let mut slow = Client::to(site.listen);
    slow.say(format!(
        "POST /predict HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n",
        site.listen
    ));
    thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(site.end(), Ended::TimeOver(1));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(Site::of(classic()).end(), Ended::Drained);
}

#[test]
fn it_survives_having_no_files_left() {
    let process = Process::start("ulimit -n 40;", "");
    let mut clients: Vec<Client> = (0..60).map(|_| Client::to(process.listen)).collect();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(clients[0].ask("GET", "/healthz", b"").status, 200);
    clients.clear();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(post(process.listen, "/predict", CLASSIC).status, 200);
    let metrics = get(process.admin, "/metrics").text();
    assert!(
        !metrics.contains("pm25_serve_accept_failures_total 0\n"),
        "no failure was seen"
    );
    process.signal("-TERM");
    let (status, said) = process.end();
    assert!(status.success());
    assert_eq!(
        said.matches("cannot accept connections").count(),
        1,
        "{said}"
    );
}

#[test]
fn each_request_is_one_line_without_its_contents() {
    let process = Process::start("", "-v");
    let mut client = Client::to(process.listen);
    let host = process.listen;
    client.say(format!("GET /secret?key=hunter2 HTTP/1.1\r\nHost: {host}\r\nAuthorization: hunter2\r\nX-Request-Id: abc\r\n\r\n"));
    client.answer().unwrap();
    let answer = client.ask("POST", "/predict", CLASSIC.as_bytes()).json();
    process.signal("-TERM");
    let (_, said) = process.end();
    assert!(
        !said.contains("hunter2") && !said.contains("secret") && !said.contains("31.5"),
        "{said}"
    );
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (
            &lines[0]["route"],
            &lines[0]["status"],
            &lines[0]["request_id"]
        ),
        (&"other".into(), &404.into(), &"abc".into())
    );
    let line = &lines[1];
    assert_eq!(
        (&line["method"], &line["route"], &line["rows"]),
        (&"POST".into(), &"/predict".into(), &1.into())
    );
    assert!(
        answer["model_sha256"]
            .as_str()
            .unwrap()
            .starts_with(line["model"].as_str().unwrap())
    );
}

fn status(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM)
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.stdout.is_empty());
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn each_reason_not_to_start_has_its_status_and_its_hint() {
    let dir = tempfile::tempdir().unwrap();
    classic()
        .write(&Output::Path(dir.path().join("model.json")))
        .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (args, wanted) in [
        (vec![], 2),
        (vec!["--model", "m", "--registry", "r"], 2),
        (
            vec![
                "--registry",
                "r",
                "--name",
                "../x",
                "--listen",
                free,
                "--admin",
                free,
            ],
            2,
        ),
        (
            vec!["--registry", "r", "--listen", free, "--admin", free],
            4,
        ),
        (
            vec!["--model", "nothing.json", "--listen", free, "--admin", free],
            4,
        ),
        (
            vec!["--model", "model.json", "--listen", &taken, "--admin", free],
            1,
        ),
    ] {
        let (found, said) = status(dir.path(), &args);
        assert_eq!(found, Some(wanted), "{args:?}: {said}");
        assert!(said.starts_with("error: "), "{said}");
    }
}
