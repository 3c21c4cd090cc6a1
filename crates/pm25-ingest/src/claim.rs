//! A header's unit is a claim: the numbers decide whether it is believed, and the report says what was decided.
//!
//! Not a conversion; see [`crate::units`].

use std::ops::RangeInclusive;

use pm25_air::Quantity;

use crate::count::shown;
use crate::units::{Conversion, Unit};

/// This share of a column's numbers must be plausible in a unit for the unit to be believed. Three in four: a
/// stretch in a wrong unit must not relabel the whole column.
const BELIEVED_SHARE: f64 = 0.75;

/// What a file says about the unit of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Claim {
    /// It says nothing.
    None,
    /// In the header, as written.
    Header(String),
    /// In the documentation of the source.
    Documented(Unit),
    /// In the user's map, which is believed without looking.
    Map(Unit),
}

impl Claim {
    /// For the report; nothing if the file says nothing.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Header(text) => Some(shown(text.as_bytes())),
            Self::Documented(unit) | Self::Map(unit) => Some(unit.text().to_owned()),
        }
    }
}

/// The unit that a column is converted from, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) unit: Unit,
    pub(crate) conversion: Conversion,
    pub(crate) because: String,
    /// Whether the file's own claim was overruled.
    pub(crate) overruled: bool,
}

/// Decides the unit of a column from what the file claims and what the numbers allow.
///
/// The claim is believed if three numbers in four would be plausible; else the first other unit for which that
/// holds; else the claim after all. Particles are never relabelled: a wrong guess would move the target.
pub(crate) fn decide(quantity: Quantity, claim: &Claim, values: &[f32]) -> Decision {
    decide_by(quantity, claim, |unit| {
        share(plausible_of(quantity, unit, values)?)
    })
}

/// The same from the share of the numbers that would be plausible in a unit; nothing where none tells anything.
pub(crate) fn decide_by(
    quantity: Quantity,
    claim: &Claim,
    share: impl Fn(Unit) -> Option<f64>,
) -> Decision {
    let (first, claimed) = first_unit(quantity, claim);
    let stated = said(claim, first);
    if matches!(claim, Claim::Map(_)) || plausible(quantity).is_none() {
        return decision(quantity, first, stated);
    }
    let Some(believed) = share(first) else {
        let because = format!("{stated}; there is no number to check it by");
        return decision(quantity, first, because);
    };
    if BELIEVED_SHARE <= believed {
        return decision(quantity, first, format!("{stated}, and the numbers fit"));
    }
    let fits = |unit| share(unit).is_some_and(|share| BELIEVED_SHARE <= share);
    match alternatives(quantity)
        .iter()
        .copied()
        .find(|&unit| fits(unit))
    {
        Some(unit) => Decision {
            overruled: claimed.is_some(),
            ..decision(
                quantity,
                unit,
                format!("{stated}, but the numbers fit {}", unit.text()),
            )
        },
        None => decision(
            quantity,
            first,
            format!("{stated}; the numbers fit no unit well"),
        ),
    }
}

/// The unit that is looked at first, and the one that the file claims.
fn first_unit(quantity: Quantity, claim: &Claim) -> (Unit, Option<Unit>) {
    let claimed = match claim {
        Claim::None => None,
        Claim::Header(text) => Unit::parse(text).filter(|unit| unit.conversion(quantity).is_some()),
        Claim::Documented(unit) | Claim::Map(unit) => Some(*unit),
    };
    (claimed.unwrap_or(Unit::own(quantity)), claimed)
}

/// How many numbers tell something of the scale, and how many of those are plausible.
type Plausible = (u64, u64);

fn share((n, n_plausible): Plausible) -> Option<f64> {
    (0 < n).then(|| n_plausible as f64 / n as f64)
}

/// For each unit that may be decided for: what the numbers of a column that comes in pieces say of it.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    quantity: Quantity,
    units: Vec<(Unit, Plausible)>,
}

impl Shares {
    /// Of a column without numbers.
    pub(crate) fn of(quantity: Quantity, claim: &Claim) -> Self {
        let (first, _) = first_unit(quantity, claim);
        let mut units = vec![(first, (0, 0))];
        let others = alternatives(quantity).iter().filter(|unit| **unit != first);
        units.extend(others.map(|&unit| (unit, (0, 0))));
        Self { quantity, units }
    }

    /// Further numbers.
    pub(crate) fn push(&mut self, values: &[f32]) {
        for (unit, seen) in &mut self.units {
            if let Some((n, n_plausible)) = plausible_of(self.quantity, *unit, values) {
                *seen = (seen.0 + n, seen.1 + n_plausible);
            }
        }
    }

    /// The share that would be plausible in a unit.
    pub(crate) fn share(&self, unit: Unit) -> Option<f64> {
        let known = self.units.iter().find(|(known, _)| *known == unit);
        known.and_then(|(_, seen)| share(*seen))
    }
}

fn decision(quantity: Quantity, unit: Unit, because: String) -> Decision {
    // Every candidate converts; the fallback only keeps this function total.
    let conversion = unit.conversion(quantity).unwrap_or(Conversion::NONE);
    Decision {
        unit,
        conversion,
        because,
        overruled: false,
    }
}

fn said(claim: &Claim, first: Unit) -> String {
    match claim {
        Claim::None => format!("no unit is stated: {} assumed", first.text()),
        Claim::Header(text) if Unit::parse(text) == Some(first) => {
            format!("the header says {}", first.text())
        }
        Claim::Header(text) if text.is_empty() => {
            format!("the header's unit is empty: {} assumed", first.text())
        }
        Claim::Header(text) => {
            let said = shown(text.as_bytes());
            format!("the header says `{said}`, read as {}", first.text())
        }
        Claim::Documented(unit) => format!("the documentation says {}", unit.text()),
        Claim::Map(unit) => format!("the map says {}", unit.text()),
    }
}

/// Units to try when the claim does not fit, the likeliest first. Seen in station files: CO and gases labelled
/// with the other prefix, hPa labelled mmHg, Fahrenheit labelled Celsius.
fn alternatives(quantity: Quantity) -> &'static [Unit] {
    match quantity {
        Quantity::No2 | Quantity::So2 | Quantity::O3 | Quantity::Co => &[Unit::UgM3, Unit::MgM3],
        Quantity::Temp | Quantity::Dewpoint => &[Unit::Celsius, Unit::Fahrenheit, Unit::Kelvin],
        Quantity::Rh => &[Unit::Percent, Unit::Fraction],
        Quantity::Pres => &[Unit::HPa, Unit::MmHg, Unit::KPa, Unit::Pa, Unit::InHg],
        _ => &[],
    }
}

/// Where most hourly numbers of a station lie, in our units. Narrower than what is possible at all, so that a
/// factor of a thousand, or of 1.33 for pressure, cannot hide in it; the bounds are ours.
///
/// Background CO is about 0.1 mg/m³ and the worst streets reach 30; the highest permanent town (5100 m) has
/// about 550 hPa; 1084 hPa is the record.
fn plausible(quantity: Quantity) -> Option<RangeInclusive<f32>> {
    Some(match quantity {
        Quantity::No2 | Quantity::So2 | Quantity::O3 => 0.01..=1_500.0,
        Quantity::Co => 0.02..=40.0,
        Quantity::Temp => -60.0..=52.0,
        Quantity::Dewpoint => -70.0..=35.0,
        Quantity::Rh => 1.5..=105.0,
        Quantity::Pres => 540.0..=1_085.0,
        _ => return None,
    })
}

/// How many numbers would be plausible in a unit; nothing where that cannot be judged. Zeros and negatives say nothing
/// about the scale of a concentration, so only temperatures count them.
fn plausible_of(quantity: Quantity, unit: Unit, values: &[f32]) -> Option<Plausible> {
    let conversion = unit.conversion(quantity)?;
    let range = plausible(quantity)?;
    let signed = matches!(quantity, Quantity::Temp | Quantity::Dewpoint);
    // Most are in our own unit already; then nothing is computed, and several numbers are looked at at once.
    Some(if conversion == Conversion::NONE {
        counted(values, signed, |value| {
            (*range.start() <= value) & (value <= *range.end())
        })
    } else {
        let ours = |value: f32| conversion.exact(f64::from(value)) as f32;
        counted(values, signed, |value| range.contains(&ours(value)))
    })
}

fn counted(values: &[f32], signed: bool, is_plausible: impl Fn(f32) -> bool) -> Plausible {
    let (mut all, mut all_plausible) = (0, 0);
    // Small counts, so that the machine looks at several numbers at once.
    for some in values.chunks(1 << 12) {
        let (mut n, mut n_plausible) = (0_u32, 0_u32);
        for &value in some {
            let is_telling = (value.abs() < f32::INFINITY) & (signed | (0.0 < value));
            n += u32::from(is_telling);
            n_plausible += u32::from(is_telling & is_plausible(value));
        }
        all += u64::from(n);
        all_plausible += u64::from(n_plausible);
    }
    (all, all_plausible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(quantity: Quantity, unit: &str, values: &[f32]) -> &'static str {
        decide(quantity, &Claim::Header(unit.to_owned()), values)
            .unit
            .text()
    }

    #[test]
    fn a_claim_that_fits_is_believed() {
        let co = [0.65, 0.62, 1.1, 0.0, 2.0];
        assert_eq!(taken(Quantity::Co, "mg/m3", &co), "mg/m³");
        assert_eq!(
            taken(Quantity::Pres, "mmHg", &[740.0, 742.5, 739.0]),
            "mmHg"
        );
        assert_eq!(taken(Quantity::Temp, "degree C", &[-12.0, 4.0, 31.0]), "°C");
    }

    #[test]
    fn a_claim_that_cannot_be_true_gives_way_to_what_fits() {
        let co = decide(
            Quantity::Co,
            &Claim::Header("ug/m3".into()),
            &[0.0, 0.81, 7.28, 1.4, f32::NAN],
        );
        assert_eq!((co.unit, co.overruled), (Unit::MgM3, true));
        assert_eq!(
            co.because,
            "the header says µg/m³, but the numbers fit mg/m³"
        );
        assert_eq!(
            taken(Quantity::Co, "mg/m3", &[300.0, 900.0, 4_000.0]),
            "µg/m³"
        );
        assert_eq!(
            taken(
                Quantity::Pres,
                "mmHg",
                &[700.0, 985.0, 999.0, 1_100.0, 1_002.0]
            ),
            "hPa"
        );
        assert_eq!(taken(Quantity::Pres, "mg/m3", &[985.0, 999.0]), "hPa");
        assert_eq!(taken(Quantity::No2, "mg/m3", &[12.0, 30.0]), "µg/m³");
        assert_eq!(taken(Quantity::Temp, "degree C", &[70.0, 82.0, 90.0]), "°F");
        assert_eq!(taken(Quantity::Rh, "%", &[0.4, 0.8, 0.95]), "fraction");
        assert_eq!(taken(Quantity::O3, "", &[38.6, 46.8]), "µg/m³");
    }

    #[test]
    fn a_stretch_in_another_unit_does_not_relabel_the_column() {
        let mut co = vec![0.8_f32; 80];
        co.extend([800.0; 20]);
        assert_eq!(taken(Quantity::Co, "mg/m3", &co), "mg/m³");
    }

    #[test]
    fn particles_are_never_relabelled() {
        assert_eq!(taken(Quantity::Pm25, "ug/m3", &[0.03, 0.05]), "µg/m³");
        assert_eq!(taken(Quantity::Pm25, "mg/m3", &[30.0, 50.0]), "mg/m³");
    }

    #[test]
    fn a_map_is_believed_without_looking() {
        let decided = decide(Quantity::Co, &Claim::Map(Unit::Ppb), &[0.5]);
        assert_eq!(decided.unit, Unit::Ppb);
    }

    #[test]
    fn pieces_decide_as_the_whole_does() {
        let columns = [
            (Quantity::Co, "ug/m3", vec![0.0, 0.81, 7.28, 1.4, f32::NAN]),
            (Quantity::Co, "mg/m3", vec![300.0, 900.0, 4_000.0]),
            (Quantity::Pres, "mg/m3", vec![985.0, 999.0, f32::INFINITY]),
            (Quantity::Temp, "degree C", vec![70.0, 82.0, 90.0, -3.0]),
            (Quantity::Rh, "%", vec![0.4, 0.8, 0.95]),
            (Quantity::Pm25, "mg/m3", vec![30.0, 50.0]),
            (Quantity::No2, "", vec![f32::NAN, 0.0]),
        ];
        for (quantity, unit, values) in columns {
            let claim = Claim::Header(unit.to_owned());
            let mut shares = Shares::of(quantity, &claim);
            values.chunks(2).for_each(|piece| shares.push(piece));
            let by_pieces = decide_by(quantity, &claim, |unit| shares.share(unit));
            assert_eq!(by_pieces, decide(quantity, &claim, &values));
        }
    }
}
