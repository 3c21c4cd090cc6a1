//! JSON documents: a header in the field `pm25`, then the body, sealed as a whole.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, Serialize};

use crate::{Fault, Header, Input, InputRef, Output, Place, Result, Sha256};
use crate::{check_seal, fill_seal};

/// A JSON document of ours. The struct's first field is `pm25: Header`, and it denies unknown fields.
pub trait Document: Serialize + DeserializeOwned {
    /// For example `pm25-model`.
    const FORMAT: &'static str;
    /// The newest version that this build reads, and the one it writes.
    const VERSION: u32;
    /// Whether a person is meant to read the file as it is.
    const PRETTY: bool = true;

    /// The header.
    fn header(&self) -> &Header;
    /// The header, to be filled in.
    fn header_mut(&mut self) -> &mut Header;
}

/// Only the header, whatever the body.
#[derive(serde::Deserialize)]
struct Envelope {
    pm25: Header,
}

/// Reads a document; a file that is missing, damaged, of another kind or newer is a bad artifact.
pub fn read_document<D: Document>(input: &Input) -> Result<(D, InputRef)> {
    let bytes = input.bytes()?;
    let document = decode_document(&input.to_string(), &bytes)?;
    Ok((document, input.reference(&bytes)))
}

/// The format that the bytes of a document claim in their header; nothing for other bytes. Only a claim: whoever
/// decodes them checks the seal.
pub fn claimed_format(bytes: &[u8]) -> Option<String> {
    let mut claim = None;
    // What comes after the header is not looked at, so this ends in an error that means nothing.
    let _ = serde_json::Deserializer::from_slice(bytes).deserialize_map(HeaderSeeker(&mut claim));
    claim
}

/// Reads a document up to its header, which is the first field of all that we write.
struct HeaderSeeker<'a>(&'a mut Option<String>);

#[derive(serde::Deserialize)]
struct Claim {
    format: String,
}

impl<'de> Visitor<'de> for HeaderSeeker<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "pm25" {
                *self.0 = Some(map.next_value::<Claim>()?.format);
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Checks the seal over `bytes` first, then decodes them.
pub fn decode_document<D: Document>(name: &str, bytes: &[u8]) -> Result<D> {
    check_seal(bytes, Place::First).map_err(|e| {
        Fault::bad_artifact(format!("{name} is damaged or is not a document of ours"))
            .because(e)
            .hint(format!(
                "make it again with the program that writes a `{}`",
                D::FORMAT
            ))
    })?;
    let unreadable = |e: serde_json::Error| {
        Fault::bad_artifact(format!("{name} cannot be read as a `{}`", D::FORMAT)).because(e)
    };
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(unreadable)?;
    envelope.pm25.expect(name, D::FORMAT, D::VERSION)?;
    serde_json::from_slice(bytes).map_err(unreadable)
}

/// The document's bytes, with format, version and seal filled in.
pub fn encode_document<D: Document>(document: &mut D) -> Result<Vec<u8>> {
    let header = document.header_mut();
    header.format = D::FORMAT.to_owned();
    header.version = D::VERSION;
    header.seal = crate::Seal::OPEN;
    let encoded = if D::PRETTY {
        serde_json::to_vec_pretty(document)
    } else {
        serde_json::to_vec(document)
    };
    let unwritable = |e: Box<dyn std::error::Error + Send + Sync>| {
        Fault::unforeseen(format!("cannot encode a `{}`", D::FORMAT)).because(e)
    };
    let mut bytes = encoded.map_err(|e| unwritable(e.into()))?;
    bytes.push(b'\n');
    fill_seal(&mut bytes, Place::First).map_err(|e| unwritable(e.into()))?;
    Ok(bytes)
}

/// Publishes the document and returns the hash of the file.
pub fn write_document<D: Document>(output: &Output, document: &mut D) -> Result<Sha256> {
    let bytes = encode_document(document)?;
    output.write(&bytes)?;
    Ok(Sha256::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, program};

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        pm25: Header,
        x: f64,
    }

    impl Document for Note {
        const FORMAT: &'static str = "pm25-note";
        const VERSION: u32 = 2;
        fn header(&self) -> &Header {
            &self.pm25
        }
        fn header_mut(&mut self) -> &mut Header {
            &mut self.pm25
        }
    }

    fn note(x: f64) -> Vec<u8> {
        let pm25 = Header::new(&program!()).param("why", "\"pm25-seal:not this one");
        encode_document(&mut Note { pm25, x }).unwrap()
    }

    #[test]
    fn a_format_is_told_from_the_header_alone() {
        let bytes = note(1.5);
        assert_eq!(claimed_format(&bytes).as_deref(), Some("pm25-note"));
        let head = &bytes[..bytes.len() - 4];
        assert_eq!(claimed_format(head).as_deref(), Some("pm25-note"));
        for other in [&b"{\"x\":1}"[..], b"[1]", b"PAR1", b"", b"{\"pm25\":{}}"] {
            assert_eq!(claimed_format(other), None);
        }
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        for x in [0.1 + 0.2, 1e-300, -0.0, 19.693] {
            let back: Note = decode_document("n", &note(x)).unwrap();
            assert_eq!(back.x.to_bits(), x.to_bits());
        }
    }

    #[test]
    fn every_single_flipped_bit_is_refused() {
        let good = note(1.5);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let fault = decode_document::<Note>("n.json", &bad).unwrap_err();
            assert_eq!(fault.kind(), Kind::BadArtifact);
            assert!(fault.to_string().contains("n.json"));
        }
    }

    #[test]
    fn a_newer_or_foreign_document_is_refused_by_name() {
        let reseal = |from: &str, to: &str| {
            let text = String::from_utf8(note(1.0)).unwrap().replace(from, to);
            let seal = text.find("pm25-seal:").unwrap() + 10;
            let zeros = "0".repeat(64);
            let mut bytes = text.into_bytes();
            bytes[seal..seal + 64].copy_from_slice(zeros.as_bytes());
            fill_seal(&mut bytes, Place::First).unwrap();
            decode_document::<Note>("n.json", &bytes)
                .unwrap_err()
                .to_string()
        };
        assert!(reseal("\"version\": 2", "\"version\": 3").contains("up to 2"));
        assert!(reseal("pm25-note", "pm25-list").contains("is a `pm25-list`"));
    }
}
