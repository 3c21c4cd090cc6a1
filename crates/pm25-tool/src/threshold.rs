//! Thresholds that a user types: concentrations above which an hour counts.

use pm25_file::{Fault, Result};

/// µg/m³; above every instrument's range.
const MAX_UG_M3: f64 = 10_000.0;

/// A threshold, µg/m³, above 0 and at most 10,000; for clap.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn threshold(text: &str) -> std::result::Result<f64, String> {
    let value: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if 0.0 < value && value <= MAX_UG_M3 {
        Ok(value)
    } else {
        Err(format!("{text} µg/m³ is outside 0 to 10000"))
    }
}

/// Refuses a threshold that is there twice: each has columns of its own.
///
/// # Errors
/// Usage: which one.
pub fn expect_each_once(flag: &str, thresholds: &[f64]) -> Result<()> {
    for (at, value) in thresholds.iter().enumerate() {
        if thresholds[..at].contains(value) {
            let what = format!("{flag}: {value} is there twice");
            return Err(Fault::usage(what).hint("name each threshold once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_concentrations_and_each_is_named_once() {
        assert_eq!(threshold(" 35.4"), Ok(35.4));
        for wrong in ["0", "-1", "10001", "NaN", "inf", "a"] {
            assert!(threshold(wrong).is_err(), "{wrong}");
        }
        assert!(expect_each_once("--exceed", &[75.0, 150.0]).is_ok());
        let twice = expect_each_once("--exceed", &[75.0, 150.0, 75.0]).unwrap_err();
        assert_eq!(twice.kind(), pm25_file::Kind::Usage);
    }
}
