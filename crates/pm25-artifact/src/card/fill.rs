//! Text between markers is replaced, text outside is kept to the byte.

/// What goes between one pair of markers: whole lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// Its name in the markers.
    pub name: &'static str,
    /// The lines, each with its end.
    pub text: String,
}

/// Why a text cannot be filled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadMarkers {
    /// The text has no place for this block.
    Missing(&'static str),
    /// Two places have the same name; the line of the second, from 1.
    Twice(String, usize),
    /// Nothing goes by this name; its line.
    Unknown(String, usize),
    /// A place begins in this line and does not end.
    Open(usize),
    /// A place ends in this line that has not begun.
    Stray(usize),
}

impl BadMarkers {
    /// What is wrong, in words.
    pub fn what(&self) -> String {
        match self {
            Self::Missing(name) => format!("there is no `<!-- pm25:begin {name} -->`"),
            Self::Twice(name, line) => {
                format!("line {line}: `<!-- pm25:begin {name} -->` is there twice")
            }
            Self::Unknown(name, line) => format!("line {line}: nothing is called `{name}`"),
            Self::Open(line) => {
                format!("line {line}: a place begins and no `<!-- pm25:end -->` follows")
            }
            Self::Stray(line) => format!("line {line}: a place ends that has not begun"),
        }
    }
}

/// What a line says.
enum Line<'a> {
    Begin(&'a str),
    End,
    Other,
}

/// Markers stand alone in their line; in YAML behind a `#`.
fn read(line: &str) -> Line<'_> {
    let line = line.trim();
    let line = line.strip_prefix("# ").unwrap_or(line);
    let inner = line
        .strip_prefix("<!-- pm25:")
        .and_then(|rest| rest.strip_suffix(" -->"));
    match inner {
        Some("end") => Line::End,
        Some(inner) => match inner.strip_prefix("begin ") {
            Some(name) => Line::Begin(name.trim()),
            None => Line::Other,
        },
        None => Line::Other,
    }
}

/// The text with every block in its place.
///
/// # Errors
/// Unless every block has exactly one place, and every place a block.
pub fn fill(text: &str, blocks: &[Block]) -> Result<String, BadMarkers> {
    let mut filled = String::with_capacity(text.len());
    let mut seen: Vec<&str> = Vec::new();
    let mut begun: Option<usize> = None;
    for (line_idx, line) in text.split_inclusive('\n').enumerate() {
        match (read(line), begun) {
            (Line::Begin(_), Some(at)) => return Err(BadMarkers::Open(at)),
            (Line::Begin(name), None) => {
                let unknown = || BadMarkers::Unknown(name.to_owned(), line_idx + 1);
                let block = blocks.iter().find(|b| b.name == name).ok_or_else(unknown)?;
                if seen.contains(&name) {
                    return Err(BadMarkers::Twice(name.to_owned(), line_idx + 1));
                }
                seen.push(block.name);
                filled += line;
                filled += &block.text;
                begun = Some(line_idx + 1);
            }
            (Line::End, None) => return Err(BadMarkers::Stray(line_idx + 1)),
            (Line::End, Some(_)) => {
                filled += line;
                begun = None;
            }
            (Line::Other, Some(_)) => {}
            (Line::Other, None) => filled += line,
        }
    }
    if let Some(at) = begun {
        return Err(BadMarkers::Open(at));
    }
    match blocks.iter().find(|block| !seen.contains(&block.name)) {
        Some(block) => Err(BadMarkers::Missing(block.name)),
        None => Ok(filled),
    }
}
