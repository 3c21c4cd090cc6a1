//! The seal: SHA-256 of the whole file, kept inside the file.
//!
//! The 64 digits are read as zeros while hashing, so the seal can stand in the header that it covers:
//!
//! ```text
//! document   {"pm25":{"seal":"pm25-seal:4f1c…", "format":…}, …}      first mark in the file
//! table      PAR1 … column chunks … footer{ pm25 = {"seal":"pm25-seal:4f1c…",…} } PAR1   last mark
//! ```
//!
//! It finds accidents (a flipped bit, a torn file, an edit by hand), not forgery: whoever can rewrite the
//! file can rewrite the seal. The registry's hash chain is there for that.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Hasher, Sha256};

/// What stands before the 64 digits.
const MARK: &[u8] = b"\"pm25-seal:";
const PREFIX: &str = "pm25-seal:";
const N_DIGITS: usize = 64;

/// The value of the header's `seal` field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seal(pub Sha256);

impl Seal {
    /// The seal before it is filled in.
    pub const OPEN: Self = Self(Sha256::ZERO);
}

/// Where in a file the seal stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The first mark: JSON documents begin with their header.
    First,
    /// The last mark: Parquet ends with its footer.
    Last,
}

/// Why a seal does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BrokenSeal {
    /// There is no mark, or no 64 digits after it.
    #[error("it carries no readable seal")]
    Absent,
    /// The file is not the one that was sealed.
    #[error("its contents are not those that were sealed ({sealed} sealed, {found} found)")]
    Mismatch {
        /// What the seal says.
        sealed: Sha256,
        /// What the bytes say.
        found: Sha256,
    },
}

/// Fills the open seal of a finished file.
pub fn fill_seal(bytes: &mut [u8], place: Place) -> Result<(), BrokenSeal> {
    let at = digits_at(bytes, place).ok_or(BrokenSeal::Absent)?;
    let seal = hash_around(bytes, at);
    bytes[at..at + N_DIGITS].copy_from_slice(seal.to_string().as_bytes());
    Ok(())
}

/// Fills the open seal of a finished file of which only the end is at hand, `before` having hashed all that precedes
/// it; returns the hash of the sealed file.
pub fn fill_last_seal(before: &Hasher, end: &mut [u8]) -> Result<Sha256, BrokenSeal> {
    let at = digits_at(end, Place::Last).ok_or(BrokenSeal::Absent)?;
    let mut whole = before.clone();
    whole.update(end);
    end[at..at + N_DIGITS].copy_from_slice(whole.hash().to_string().as_bytes());
    let mut sealed = before.clone();
    sealed.update(end);
    Ok(sealed.hash())
}

/// Checks the seal over these very bytes.
pub fn check_seal(bytes: &[u8], place: Place) -> Result<(), BrokenSeal> {
    let at = digits_at(bytes, place).ok_or(BrokenSeal::Absent)?;
    let digits = &bytes[at..at + N_DIGITS];
    let sealed = std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BrokenSeal::Absent)?;
    let found = hash_around(bytes, at);
    if sealed == found {
        Ok(())
    } else {
        Err(BrokenSeal::Mismatch { sealed, found })
    }
}

/// Whether any trace of our header is in the bytes. A file of ours whose mark was damaged must not pass
/// for somebody else's, so more than one trace counts: a single fault cannot remove all of them.
pub fn bears_our_mark(bytes: &[u8]) -> bool {
    [MARK, b"\"program_version\":", b"\"format\":\"pm25-"]
        .iter()
        .any(|trace| find(bytes, trace).is_some())
}

fn digits_at(bytes: &[u8], place: Place) -> Option<usize> {
    let mark = match place {
        Place::First => find(bytes, MARK),
        Place::Last => rfind(bytes, MARK),
    }?;
    let at = mark + MARK.len();
    (at + N_DIGITS <= bytes.len()).then_some(at)
}

fn hash_around(bytes: &[u8], at: usize) -> Sha256 {
    Sha256::of_parts([&bytes[..at], &[b'0'; N_DIGITS], &bytes[at + N_DIGITS..]])
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(step) = bytes[from..].iter().position(|&b| b == first) {
        let at = from + step;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn rfind(bytes: &[u8], what: &[u8]) -> Option<usize> {
    (0..=bytes.len().checked_sub(what.len())?)
        .rev()
        .find(|&at| bytes[at..].starts_with(what))
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl Serialize for Seal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_prefix(PREFIX)
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a seal is `pm25-seal:` and 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let mut bytes = format!("{{\"seal\":\"{}\",\"x\":1}}", Seal::OPEN).into_bytes();
        fill_seal(&mut bytes, Place::First).unwrap();
        bytes
    }

    #[test]
    fn a_file_sealed_at_its_end_alone_is_the_file_sealed_whole() {
        let open = format!("data{{\"seal\":\"{}\"}}", Seal::OPEN).into_bytes();
        let mut whole = open.clone();
        fill_seal(&mut whole, Place::Last).unwrap();
        let mut end = open[4..].to_vec();
        let mut before = Hasher::default();
        before.update(&open[..4]);
        let hash = fill_last_seal(&before, &mut end).unwrap();
        assert_eq!([&open[..4], &end].concat(), whole);
        assert_eq!(hash, Sha256::of(&whole));
        assert_eq!(check_seal(&whole, Place::Last), Ok(()));
        assert!(fill_last_seal(&before, &mut b"no mark".to_vec()).is_err());
    }

    #[test]
    fn a_fresh_seal_holds_from_both_ends() {
        assert_eq!(check_seal(&sealed(), Place::First), Ok(()));
        assert_eq!(check_seal(&sealed(), Place::Last), Ok(()));
    }

    #[test]
    fn every_single_flipped_bit_is_found() {
        let good = sealed();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(check_seal(&bad, Place::First).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_cut_file_has_no_seal() {
        let good = sealed();
        for len in 0..good.len() {
            assert!(check_seal(&good[..len], Place::First).is_err());
        }
    }
}
