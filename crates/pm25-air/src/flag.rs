//! Quality flags: one bit each, one `u16` mask beside every value.
//!
//! Not the rules that set them. Values stay raw; a flag says what is doubtful, and the two masks at the end say
//! what a doubt may do.

/// The provider wrote a code for "no value"; the value is missing.
pub const SENTINEL: u16 = 1;
/// Outside [`Quantity::possible`](crate::Quantity::possible).
pub const IMPOSSIBLE: u16 = 2;
/// The provider's own flag declares the value invalid.
pub const PROVIDER_INVALID: u16 = 4;
/// Outside the range of the network's profile.
pub const RANGE: u16 = 8;
/// A single hour far above both neighbours.
pub const SPIKE: u16 = 16;
/// Three hours far above what surrounds them.
pub const CLUSTER: u16 = 32;
/// Above a wide empty gap in the station's histogram.
pub const HISTOGRAM_GAP: u16 = 64;
/// The same value for longer than chance allows at this station.
pub const FLATLINE: u16 = 128;
/// At the detection limit: censored, not doubtful.
pub const BELOW_DL: u16 = 256;
/// PM2.5 well above PM10.
pub const PM_RATIO: u16 = 512;
/// Sources contradict each other about this hour.
pub const CONFLICT: u16 = 1024;
/// A negative value, such as noise around zero.
pub const NEGATIVE: u16 = 2048;
/// Far from what the neighbouring stations measured.
pub const NEIGHBOUR: u16 = 4096;
/// The two channels of one instrument disagree.
pub const CHANNELS: u16 = 8192;
/// The scale of the values suggests another unit than declared.
pub const UNIT: u16 = 16384;
/// One of a pile of readings at an instrument's full scale.
pub const CEILING: u16 = 32768;

/// Every flag with its name, lowest bit first.
pub const ALL: [(u16, &str); 16] = [
    (SENTINEL, "sentinel"),
    (IMPOSSIBLE, "impossible"),
    (PROVIDER_INVALID, "provider_invalid"),
    (RANGE, "range"),
    (SPIKE, "spike"),
    (CLUSTER, "cluster"),
    (HISTOGRAM_GAP, "histogram_gap"),
    (FLATLINE, "flatline"),
    (BELOW_DL, "detection_limit"),
    (PM_RATIO, "pm_ratio"),
    (CONFLICT, "conflict"),
    (NEGATIVE, "negative"),
    (NEIGHBOUR, "neighbour"),
    (CHANNELS, "channels"),
    (UNIT, "unit"),
    (CEILING, "ceiling"),
];

/// The only flags that may remove a target or a persistence: nobody may make the exam easier by a suspicion.
pub const REMOVES_TARGET: u16 = SENTINEL | IMPOSSIBLE | PROVIDER_INVALID;

/// The flags that make a value count as missing in a feature: those that an hour earns by its own readings.
///
/// A rule that looks at a record (how often this station repeats a value, where its scale ends, in which unit it is) sets
/// its flag on hours that were in order for all that could be known then. To hide them would tell a row what comes later:
/// that the value goes on unchanged for a day, for one. So flat lines, ceilings and unit slips are flags for people.
/// Nor is anything hidden that is censored, noise around zero, PM2.5 above PM10 (nobody knows which of the two is wrong), or
/// merely unusual: spikes, clusters, gaps and disagreement with the neighbours are also how fireworks, dust and smoke look.
/// Hiding nothing of all these is the best for a nowcast of the nine UCI Beijing stations, too: an error of 23.0 µg/m³, of
/// 23.1 without flat lines, of 23.3 without the unusual.
pub const HIDES_FEATURE: u16 = REMOVES_TARGET | RANGE | CONFLICT | CHANNELS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_one_bit_of_its_own() {
        for (position, (bit, _)) in ALL.into_iter().enumerate() {
            assert_eq!(bit, 1 << position);
        }
    }

    #[test]
    fn what_is_censored_unusual_or_learned_of_a_record_stays_visible() {
        let censored = BELOW_DL | NEGATIVE | PM_RATIO;
        let unusual = SPIKE | CLUSTER | HISTOGRAM_GAP | NEIGHBOUR;
        let of_a_record = FLATLINE | CEILING | UNIT;
        assert_eq!(HIDES_FEATURE & (censored | unusual | of_a_record), 0);
    }
}
