//! A client that says exactly what it is told to, also what no decent client would.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for anything, so that a test ends also when the service does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// An open connection.
pub(crate) struct Client {
    stream: TcpStream,
    host: String,
    waiting: Vec<u8>,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            host: address.to_string(),
            waiting: Vec::new(),
        }
    }

    /// Sends bytes as they are; whether the service still took them.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &[u8]) {
        let host = &self.host;
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
        self.say([head.as_bytes(), body].concat());
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.send(method, path, body);
        let answer = if method == "HEAD" {
            self.head()
        } else {
            self.answer()
        };
        answer.expect("an answer")
    }

    /// The next answer; none when the connection ended before it.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.waiting.len() < length {
            assert!(self.read(), "the answer broke off: {answer:?}");
        }
        answer.body = self.waiting.drain(..length).collect();
        Some(answer)
    }

    pub(crate) fn head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self
                .waiting
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
            {
                break end + 4;
            }
            if !self.read() {
                assert!(
                    self.waiting.is_empty(),
                    "half a head: {:?}",
                    String::from_utf8_lossy(&self.waiting)
                );
                return None;
            }
        };
        let head = String::from_utf8(self.waiting.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer {
            status,
            head,
            body: Vec::new(),
        })
    }

    /// Waits for the end of the connection; what came before it.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read() {}
        std::mem::take(&mut self.waiting)
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 1 << 16];
        match self.stream.read(&mut buffer) {
            Ok(n) => {
                self.waiting.extend_from_slice(&buffer[..n]);
                n != 0
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => false,
            Err(e) => panic!("no answer: {e}"),
        }
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    Client::to(address).ask("GET", path, b"")
}

pub(crate) fn post(address: SocketAddr, path: &str, body: impl AsRef<[u8]>) -> Answer {
    Client::to(address).ask("POST", path, body.as_ref())
}

/// What a whole connection of these bytes gets.
pub(crate) fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Option<Answer> {
    let mut client = Client::to(address);
    client.say(bytes);
    client.answer()
}
