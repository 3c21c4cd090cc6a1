//! The scales of five authorities for PM2.5: bands, index, rounding, and how many hours a day's mean needs.
//!
//! Not an overall index: those take the worst of several pollutants; these are the sub-indices of PM2.5. A band of a
//! 24-hour scale is no band of an hour, so the types keep them apart.
//!
//! | scale | rule | rounding | hours |
//! |---|---|---|---|
//! | US 2024 | 40 CFR 58 App. G, EPA-454/B-24-002, in force since 2024-05-06 | cut to 0.1; index to the nearest | 18 of 24 |
//! | India 2014 | CPCB National Air Quality Index; above 250 the band is open, 500 is taken to lie at 380 | whole numbers | 16 of 24 |
//! | China 2012 | HJ 633-2012, in force to 2026-02-28 | whole, halves to even (GB/T 8170); index up | 20 of 24 |
//! | Europe 2024 | European Air Quality Index, bands of the revision ETC HE 2024/17; hourly, no number | whole | the hour |
//! | WHO 2021 | guideline (15) and interim targets (25, 37.5, 50, 75) of the 24-hour mean | none | 18 of 24 |

use super::Level;

/// One of the scales.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// US EPA, 2024.
    Us,
    /// India CPCB, 2014.
    India,
    /// China HJ 633-2012.
    China,
    /// European Air Quality Index, 2024.
    Europe,
    /// WHO guideline and interim targets, 2021.
    Who,
}

/// What a scale judges.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Averaging {
    /// The mean of 24 hours, of which so many must be there.
    Day {
        /// The fewest.
        hours_least: usize,
    },
    /// A single hour.
    Hour,
}

/// One class of a scale.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Band {
    /// The authority's name for it, in English.
    pub name: &'static str,
    /// The concentration, as the scale rounds it, at which it begins, µg/m³.
    pub from_ug_m3: f64,
    /// The authority's colour, `#rrggbb`; none where it gave none.
    pub colour: Option<&'static str>,
}

/// A concentration on a scale.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which band, from 0 for the cleanest.
    pub band_idx: usize,
    /// The band.
    pub band: Band,
    /// The index number; none where the scale has only bands.
    pub index: Option<u32>,
}

const fn band(name: &'static str, from_ug_m3: f64, colour: &'static str) -> Band {
    Band {
        name,
        from_ug_m3,
        colour: Some(colour),
    }
}

const US: [Band; 6] = [
    band("Good", 0.0, "#00e400"),
    band("Moderate", 9.1, "#ffff00"),
    band("Unhealthy for Sensitive Groups", 35.5, "#ff7e00"),
    band("Unhealthy", 55.5, "#ff0000"),
    band("Very Unhealthy", 125.5, "#8f3f97"),
    band("Hazardous", 225.5, "#7e0023"),
];

const INDIA: [Band; 6] = [
    band("Good", 0.0, "#00b050"),
    band("Satisfactory", 31.0, "#92d051"),
    band("Moderate", 61.0, "#ffff00"),
    band("Poor", 91.0, "#ff6500"),
    band("Very Poor", 121.0, "#ff0000"),
    band("Severe", 251.0, "#c00000"),
];

const CHINA: [Band; 6] = [
    band("Excellent", 0.0, "#00e400"),
    band("Good", 36.0, "#ffff00"),
    band("Lightly Polluted", 76.0, "#ff7e00"),
    band("Moderately Polluted", 116.0, "#ff0000"),
    band("Heavily Polluted", 151.0, "#99004c"),
    band("Severely Polluted", 251.0, "#7e0023"),
];

const EUROPE: [Band; 6] = [
    band("Good", 0.0, "#50f0e6"),
    band("Fair", 6.0, "#50ccaa"),
    band("Moderate", 16.0, "#f0e641"),
    band("Poor", 51.0, "#ff5050"),
    band("Very poor", 91.0, "#960032"),
    band("Extremely poor", 141.0, "#7d2181"),
];

const fn who(name: &'static str, from_ug_m3: f64) -> Band {
    Band {
        name,
        from_ug_m3,
        colour: None,
    }
}

/// A level is kept up to and including its value; each band begins just above one.
const WHO: [Band; 6] = [
    who("Guideline kept", 0.0),
    who("Interim target 4 kept", 15.0),
    who("Interim target 3 kept", 25.0),
    who("Interim target 2 kept", 37.5),
    who("Interim target 1 kept", 50.0),
    who("No target kept", 75.0),
];

/// A straight piece of a scale: concentrations (in the scale's own whole steps) to index numbers.
type Piece = ((i64, i64), (i64, i64));

/// In tenths of µg/m³. The last line goes on beyond 500: the cap was given up in 2024.
const US_PIECES: [Piece; 6] = [
    ((0, 90), (0, 50)),
    ((91, 354), (51, 100)),
    ((355, 554), (101, 150)),
    ((555, 1_254), (151, 200)),
    ((1_255, 2_254), (201, 300)),
    ((2_255, 3_254), (301, 500)),
];

/// In µg/m³, with the published gaps between whole numbers.
const INDIA_PIECES: [Piece; 6] = [
    ((0, 30), (0, 50)),
    ((31, 60), (51, 100)),
    ((61, 90), (101, 200)),
    ((91, 120), (201, 300)),
    ((121, 250), (301, 400)),
    ((250, 380), (400, 500)),
];

/// In µg/m³; the nodes are shared by neighbours.
const CHINA_PIECES: [Piece; 7] = [
    ((0, 35), (0, 50)),
    ((35, 75), (50, 100)),
    ((75, 115), (100, 150)),
    ((115, 150), (150, 200)),
    ((150, 250), (200, 300)),
    ((250, 350), (300, 400)),
    ((350, 500), (400, 500)),
];

/// The end of the Indian and the Chinese index.
const INDEX_MAX: i64 = 500;

impl Scale {
    /// Every scale.
    pub const ALL: [Self; 5] = [Self::Us, Self::India, Self::China, Self::Europe, Self::Who];

    /// The name in the feature language and in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::India => "india",
            Self::China => "china",
            Self::Europe => "europe",
            Self::Who => "who",
        }
    }

    /// Whose scale and which year's.
    pub const fn edition(self) -> &'static str {
        match self {
            Self::Us => "US EPA 2024",
            Self::India => "India CPCB 2014",
            Self::China => "China HJ 633-2012",
            Self::Europe => "European Air Quality Index 2024",
            Self::Who => "WHO 2021",
        }
    }

    /// What it judges. The US and the WHO ask for 75 % of the hours.
    pub const fn averaging(self) -> Averaging {
        match self {
            Self::Us | Self::Who => Averaging::Day { hours_least: 18 },
            Self::India => Averaging::Day { hours_least: 16 },
            Self::China => Averaging::Day { hours_least: 20 },
            Self::Europe => Averaging::Hour,
        }
    }

    /// Its classes, the cleanest first.
    pub const fn bands(self) -> &'static [Band; 6] {
        match self {
            Self::Us => &US,
            Self::India => &INDIA,
            Self::China => &CHINA,
            Self::Europe => &EUROPE,
            Self::Who => &WHO,
        }
    }

    /// A 24-hour mean on a 24-hour scale, and the NowCast on the US one; nothing on a scale of hours.
    pub fn of_day(self, mean: Level) -> Option<Reading> {
        matches!(self.averaging(), Averaging::Day { .. }).then(|| self.read(mean))
    }

    /// The 24 hours on a 24-hour scale, if enough of them are there (NaN = missing).
    pub fn of_hours(self, hours_ug_m3: &[f32; 24]) -> Option<Reading> {
        match self.averaging() {
            Averaging::Day { hours_least } => {
                Level::mean(hours_ug_m3, hours_least).map(|mean| self.read(mean))
            }
            Averaging::Hour => None,
        }
    }

    /// A single hour on a scale of hours; nothing on a 24-hour scale.
    pub fn of_hour(self, hour: Level) -> Option<Reading> {
        (self.averaging() == Averaging::Hour).then(|| self.read(hour))
    }

    fn read(self, level: Level) -> Reading {
        let bands = self.bands();
        let begun = |band: &&Band| self.has_begun(band, level);
        let band_idx = bands[1..].iter().take_while(begun).count();
        Reading {
            band_idx,
            band: bands[band_idx],
            index: self.index(level),
        }
    }

    fn has_begun(self, band: &Band, level: Level) -> bool {
        let tenths = (10.0 * band.from_ug_m3).round() as i64;
        match self {
            Self::Us => tenths <= level.tenths_cut(),
            Self::India | Self::Europe => tenths <= 10 * level.whole_half_up(),
            Self::China => tenths <= 10 * level.whole_half_even(),
            Self::Who => level.is_above_tenths(tenths),
        }
    }

    fn index(self, level: Level) -> Option<u32> {
        let index = match self {
            Self::Us => nearest(on(&US_PIECES, level.tenths_cut())),
            Self::India => nearest(on(&INDIA_PIECES, level.whole_half_up())).min(INDEX_MAX),
            Self::China => up(on(&CHINA_PIECES, level.whole_half_even())).min(INDEX_MAX),
            Self::Europe | Self::Who => return None,
        };
        u32::try_from(index).ok()
    }
}

/// Where a concentration lies on the pieces, as a fraction; beyond the last one on its line.
fn on(pieces: &[Piece], c: i64) -> (i64, i64) {
    let inside = |piece: &&Piece| c <= piece.0.1;
    let last = pieces.len() - 1;
    let ((c_low, c_high), (low, high)) = *pieces.iter().find(inside).unwrap_or(&pieces[last]);
    let width = c_high - c_low;
    (low * width + (high - low) * (c - c_low), width)
}

/// To the nearest, halves up.
fn nearest((numerator, denominator): (i64, i64)) -> i64 {
    (2 * numerator + denominator) / (2 * denominator)
}

fn up((numerator, denominator): (i64, i64)) -> i64 {
    (numerator + denominator - 1) / denominator
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(scale: Scale, ug_m3: f64) -> u32 {
        let reading = scale.of_day(Level::of_number(ug_m3).unwrap()).unwrap();
        reading.index.unwrap()
    }

    fn name(scale: Scale, ug_m3: f64) -> &'static str {
        scale.read(Level::of_number(ug_m3).unwrap()).band.name
    }

    #[test]
    fn the_us_table_of_2024() {
        for (ug_m3, expected) in [
            (0.0, 0),
            (4.5, 25),
            (9.0, 50),
            (9.05, 50),
            (9.1, 51),
            (12.0, 56),
            (35.4, 100),
            (35.49, 100),
            (35.5, 101),
            (55.4, 150),
            (125.4, 200),
            (125.5, 201),
            (225.5, 301),
            (325.4, 500),
            (400.0, 649),
            (-3.0, 0),
        ] {
            assert_eq!(index(Scale::Us, ug_m3), expected, "{ug_m3}");
        }
        assert_eq!(name(Scale::Us, 9.09), "Good");
        assert_eq!(name(Scale::Us, 35.5), "Unhealthy for Sensitive Groups");
        assert_eq!(name(Scale::Us, 999.0), "Hazardous");
    }

    #[test]
    fn the_indian_table() {
        for (ug_m3, expected) in [(30.0, 50), (31.0, 51), (45.0, 75), (60.0, 100)] {
            assert_eq!(index(Scale::India, ug_m3), expected, "{ug_m3}");
        }
        for (ug_m3, expected) in [(30.4, 50), (30.5, 51), (90.0, 200), (120.0, 300)] {
            assert_eq!(index(Scale::India, ug_m3), expected, "{ug_m3}");
        }
        for (ug_m3, expected) in [(250.0, 400), (315.0, 450), (380.0, 500), (900.0, 500)] {
            assert_eq!(index(Scale::India, ug_m3), expected, "{ug_m3}");
        }
        assert_eq!(name(Scale::India, 250.4), "Very Poor");
        assert_eq!(name(Scale::India, 250.5), "Severe");
    }

    #[test]
    fn the_chinese_table_of_2012() {
        for (ug_m3, expected) in [(35.0, 50), (35.5, 52), (75.0, 100), (34.5, 49)] {
            assert_eq!(index(Scale::China, ug_m3), expected, "{ug_m3}");
        }
        for (ug_m3, expected) in [(115.0, 150), (150.0, 200), (250.0, 300), (350.0, 400)] {
            assert_eq!(index(Scale::China, ug_m3), expected, "{ug_m3}");
        }
        assert_eq!([500.0, 999.0].map(|c| index(Scale::China, c)), [500, 500]);
        assert_eq!(name(Scale::China, 75.4), "Good");
        assert_eq!(name(Scale::China, 75.5), "Lightly Polluted");
    }

    #[test]
    fn the_european_bands_are_of_hours() {
        for (ug_m3, expected) in [
            (5.4, "Good"),
            (5.5, "Fair"),
            (15.5, "Moderate"),
            (50.5, "Poor"),
            (90.5, "Very poor"),
            (140.4, "Very poor"),
            (140.5, "Extremely poor"),
        ] {
            assert_eq!(name(Scale::Europe, ug_m3), expected, "{ug_m3}");
        }
        let hour = Level::of_hour(20.0).unwrap();
        assert_eq!(Scale::Europe.of_hour(hour).unwrap().index, None);
        assert_eq!(Scale::Europe.of_day(hour), None);
        assert_eq!(Scale::Europe.of_hours(&[20.0; 24]), None);
    }

    #[test]
    fn an_hour_has_no_band_of_a_day() {
        let hour = Level::of_hour(20.0).unwrap();
        for scale in [Scale::Us, Scale::India, Scale::China, Scale::Who] {
            assert_eq!(scale.of_hour(hour), None);
            assert!(scale.of_day(hour).is_some());
        }
    }

    #[test]
    fn the_targets_of_the_who() {
        assert_eq!(name(Scale::Who, 15.0), "Guideline kept");
        assert_eq!(name(Scale::Who, 15.000_001), "Interim target 4 kept");
        assert_eq!(name(Scale::Who, 37.5), "Interim target 3 kept");
        assert_eq!(name(Scale::Who, 50.0), "Interim target 2 kept");
        assert_eq!(name(Scale::Who, 75.1), "No target kept");
    }

    #[test]
    fn each_scale_asks_for_its_hours() {
        for (scale, hours_least) in [(Scale::Us, 18), (Scale::India, 16), (Scale::China, 20)] {
            let mut day = [50.0_f32; 24];
            day[hours_least..].fill(f32::NAN);
            assert!(scale.of_hours(&day).is_some());
            day[0] = f32::NAN;
            assert_eq!(scale.of_hours(&day), None);
        }
        assert_eq!(Scale::Us.of_hours(&[9.1; 24]).unwrap().index, Some(51));
    }

    proptest! {
        /// Dirtier air never has a lower index or a cleaner band, and the band is that of the index.
        #[test]
        fn scales_rise(a in 0.0..700.0_f64, b in 0.0..700.0_f64) {
            let (low, high) = (a.min(b), a.max(b));
            for scale in Scale::ALL {
                let [low, high] = [low, high].map(|c| scale.read(Level::of_number(c).unwrap()));
                prop_assert!(low.band_idx <= high.band_idx && low.index <= high.index);
            }
        }

        #[test]
        fn the_index_lies_in_its_band(ug_m3 in 0.0..700.0_f64) {
            let ends = |scale| match scale {
                Scale::Us => [50, 100, 150, 200, 300],
                Scale::India => [50, 100, 200, 300, 400],
                _ => [50, 100, 150, 200, 300],
            };
            for scale in [Scale::Us, Scale::India, Scale::China] {
                let reading = scale.read(Level::of_number(ug_m3).unwrap());
                let index = reading.index.unwrap();
                let expected = ends(scale).iter().filter(|&&end| end < index).count();
                prop_assert_eq!(reading.band_idx, expected, "{} {}", scale.name(), index);
            }
        }
    }
}
