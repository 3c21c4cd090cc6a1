//! Lines added to a file that only grows: side records such as what ran when.
//!
//! Not for anything that is sealed or believed: it is neither published nor made durable.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Adds a line with one write, so that lines of two writers do not mix; the folder is made if it is not there. A torn
/// last line, as a crash leaves it, stays alone on its line and spoils nothing but itself.
///
/// # Errors
/// What the operating system says.
pub fn append_line(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)?;
    let mut last = [b'\n'];
    if 0 < file.metadata()?.len() {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let start = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{start}{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_does_not_spoil_the_next() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("artifacts/runs.jsonl");
        append_line(&path, "{\"a\":1}").unwrap();
        append_line(&path, "{\"a\":2}").unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"a\":").unwrap();
        append_line(&path, "{\"a\":3}").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"a\":2}\n{\"a\":\n{\"a\":3}\n");
    }
}
