//! `profile.json`, what a table's columns were like, and `drift.json`, how far other rows have moved from that.
//!
//! It computes nothing: profiles and distances are `pm25-stats`, the verdicts are `pm25-drift`. A number that is not
//! defined is null, never NaN; times are those of the data, not of the clock.

use std::collections::BTreeMap;

use pm25_file::{Document, Fault, Header, Result};
use pm25_stats::{BadProfile, Profile, ProfileParts, Sample, Severity};
use serde::{Deserialize, Serialize};

/// Profiles by column name: what a model file or a profile document keeps of a table.
pub type Profiles = BTreeMap<String, ProfileFile>;

/// Profiles of columns of f32, by name.
pub fn profiles<'a>(columns: impl IntoIterator<Item = (&'a str, &'a [f32])>) -> Profiles {
    let profile = |(name, values): (&str, &[f32])| (name.to_owned(), ProfileFile::of_f32(values));
    columns.into_iter().map(profile).collect()
}

/// Profiles read from the file `name`, ready to compare with; one that no column can have is a bad artifact.
pub fn check_profiles(name: &str, profiles: Profiles) -> Result<BTreeMap<String, Profile>> {
    let check = |(column, file): (String, ProfileFile)| match Profile::try_from(file) {
        Ok(profile) => Ok((column, profile)),
        Err(e) => Err(Fault::bad_artifact(format!(
            "{name}: the profile of `{column}` cannot be that of any column"
        ))
        .because(e)
        .hint("make it again from the table")),
    };
    profiles.into_iter().map(check).collect()
}

/// [`Profile`] as it is written down.
///
/// ```text
/// knots      1.5     2.0           7.3        values of the column, the least first, the greatest last
/// at          1       40            1         rows with exactly this value
/// between         0         112               rows between two knots
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// Rows without a value.
    pub missing: u64,
    /// Mean of the values, in the column's unit; null without values.
    pub mean: Option<f64>,
    /// Their population standard deviation.
    pub std: Option<f64>,
    /// About two hundred of the values, ascending.
    pub knots: Knots,
    /// Rows at each knot, at least one.
    pub at: Vec<u64>,
    /// Rows between a knot and the next: one fewer than knots.
    pub between: Vec<u64>,
}

/// Values in the precision of their column, so that each is written as the shortest decimal that is it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Knots {
    /// Of a column whose values are all f32.
    F32(Vec<f32>),
    /// Of another.
    F64(Vec<f64>),
}

impl Knots {
    fn of(values: &[f64]) -> Self {
        let narrow: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        let same = narrow.iter().zip(values).all(|(&a, &b)| f64::from(a) == b);
        if same {
            Self::F32(narrow)
        } else {
            Self::F64(values.to_vec())
        }
    }

    fn into_f64(self) -> Vec<f64> {
        match self {
            Self::F32(values) => values.into_iter().map(f64::from).collect(),
            Self::F64(values) => values,
        }
    }
}

impl ProfileFile {
    /// Of a column of a table; NaN = missing.
    pub fn of_f32(values: &[f32]) -> Self {
        Self::from(&Profile::of(&Sample::of_f32(values)))
    }

    /// Of computed numbers, such as predictions; NaN = missing.
    pub fn of_f64(values: &[f64]) -> Self {
        Self::from(&Profile::of(&Sample::of_f64(values)))
    }

    /// Whether every value that is written down is an f32.
    pub fn is_single(&self) -> bool {
        matches!(self.knots, Knots::F32(_))
    }
}

impl From<&Profile> for ProfileFile {
    fn from(profile: &Profile) -> Self {
        let parts = profile.parts();
        let steps = parts.below.iter().skip(1).zip(&parts.at_most);
        Self {
            missing: parts.missing,
            mean: parts.mean,
            std: parts.std,
            knots: Knots::of(&parts.knots),
            at: parts
                .at_most
                .iter()
                .zip(&parts.below)
                .map(|(to, from)| to - from)
                .collect(),
            between: steps.map(|(to, from)| to - from).collect(),
        }
    }
}

impl TryFrom<ProfileFile> for Profile {
    type Error = BadProfile;

    fn try_from(file: ProfileFile) -> std::result::Result<Self, BadProfile> {
        let (n_knots, n_between) = (file.at.len(), file.between.len());
        if n_between != n_knots.saturating_sub(1) {
            return Err(BadProfile::Lengths {
                knots: n_knots,
                below: n_between + 1,
                at_most: n_knots,
            });
        }
        let (mut below, mut at_most) = (Vec::with_capacity(n_knots), Vec::with_capacity(n_knots));
        // Missing rows are counted first, so that the number of all rows fits too.
        let mut rows = file.missing;
        for (idx, at) in file.at.iter().enumerate() {
            let before = if idx == 0 { 0 } else { file.between[idx - 1] };
            let counts = rows
                .checked_add(before)
                .and_then(|from| Some((from, from.checked_add(*at)?)));
            let (from, to) = counts.ok_or(BadProfile::Counts { idx })?;
            below.push(from - file.missing);
            at_most.push(to - file.missing);
            rows = to;
        }
        Profile::new(ProfileParts {
            missing: file.missing,
            mean: file.mean,
            std: file.std,
            knots: file.knots.into_f64(),
            below,
            at_most,
        })
    }
}

/// `profile.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DriftProfile {
    /// Provenance and seal.
    pub pm25: Header,
    /// Which rows.
    pub rows: RowSpan,
    /// What each column was like.
    pub columns: Profiles,
}

impl Document for DriftProfile {
    const FORMAT: &'static str = "pm25-drift-profile";
    const VERSION: u32 = 1;
    // Some hundred numbers a column: nobody reads them one per line.
    const PRETTY: bool = false;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// How many rows, and of when.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RowSpan {
    /// How many.
    pub rows: u64,
    /// The earliest stamp t, RFC 3339 in UTC; null in a table without times.
    pub first: Option<String>,
    /// The latest.
    pub last: Option<String>,
}

/// `drift.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DriftReport {
    /// Provenance and seal.
    pub pm25: Header,
    /// When it was made, RFC 3339 in UTC; only where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped: Option<String>,
    /// The worst verdict of the columns that count (all but those with the role `context`).
    pub verdict: Verdict,
    /// What moved most, in words; never empty.
    pub words: Vec<String>,
    /// What was compared with.
    pub reference: Side,
    /// What was compared.
    pub current: Side,
    /// Where the bands begin.
    pub limits: Limits,
    /// Every column that both sides have.
    pub columns: BTreeMap<String, ColumnDrift>,
    /// Columns that the current rows lack.
    pub only_in_reference: Vec<String>,
    /// Columns that the reference lacks.
    pub only_in_current: Vec<String>,
}

impl Document for DriftReport {
    const FORMAT: &'static str = "pm25-drift-report";
    const VERSION: u32 = 1;

    fn header(&self) -> &Header {
        &self.pm25
    }

    fn header_mut(&mut self) -> &mut Header {
        &mut self.pm25
    }
}

/// What can be said of a column, or of all of them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There are too few rows to say anything.
    TooFew,
    /// It has not moved enough to matter.
    None,
    /// It has moved.
    Moderate,
    /// It has moved so far that what was learned from it may no longer hold.
    Significant,
}

impl Verdict {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooFew => "too_few",
            Self::None => "none",
            Self::Moderate => "moderate",
            Self::Significant => "significant",
        }
    }
}

impl From<Severity> for Verdict {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::None => Self::None,
            Severity::Moderate => Self::Moderate,
            Severity::Significant => Self::Significant,
        }
    }
}

/// What a column is to a model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Something measured, or computed from it.
    Input,
    /// When and where: the calendar and the station. It says which rows were taken, not what the air was like, so it is
    /// reported and does not count.
    Context,
    /// What is to be predicted.
    Target,
    /// What a model predicted.
    Prediction,
}

/// What kind of thing was compared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideKind {
    /// A profile document.
    Profile,
    /// The profile inside a model.
    Model,
    /// A table.
    Table,
    /// Requests, one JSON object a line.
    Requests,
}

/// One side of the comparison.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Where the rows are from.
    pub kind: SideKind,
    /// Which rows.
    pub rows: RowSpan,
    /// Lines that are no request.
    pub rejected_lines: u64,
    /// The days of the year (1 to 366, local standard time) that rows were taken from, as first and last of each run;
    /// null if from all.
    pub days_of_year: Option<Vec<[u16; 2]>>,
}

/// Where the bands begin, written down so that a report can be read alone.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Rows that a side must have for a verdict.
    pub rows_min: u64,
    /// Of the stability index above what chance gives.
    pub psi: BandsFile,
    /// Of the Kolmogorov-Smirnov statistic.
    pub ks: BandsFile,
    /// Of the Wasserstein distance over the reference's standard deviation.
    pub wasserstein_stds: BandsFile,
}

/// Two limits of one measure.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BandsFile {
    /// From here the change is moderate.
    pub moderate: f64,
    /// From here it is significant.
    pub significant: f64,
}

/// A measure of distance.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Population stability index.
    Psi,
    /// Kolmogorov-Smirnov statistic.
    Ks,
    /// Wasserstein distance.
    Wasserstein,
}

/// How one column moved.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDrift {
    /// What it is to a model.
    pub role: Role,
    /// The worst band of the three measures; p-values have no say.
    pub verdict: Verdict,
    /// The measure that went furthest; null where nothing could be measured.
    pub decided_by: Option<Measure>,
    /// Population stability index over the reference's tenths and the missing; null where a side has no row.
    pub psi: Option<f64>,
    /// What the index is on average for these numbers of independent rows when nothing has changed.
    pub psi_by_chance: Option<f64>,
    /// Null where a side has no value.
    pub ks: Option<KsFact>,
    /// Wasserstein-1 distance in the column's unit; null where a side has no value.
    pub wasserstein: Option<f64>,
    /// The same over the reference's standard deviation; null also where that is 0.
    pub wasserstein_stds: Option<f64>,
    /// The column in the reference.
    pub reference: ColumnSide,
    /// The column now.
    pub current: ColumnSide,
}

/// Two-sample Kolmogorov-Smirnov.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KsFact {
    /// The largest distance of the two distributions, 0 to 1.
    pub statistic: f64,
    /// For readers who ask for it: with many autocorrelated hours it is always small.
    pub p_value: f64,
    /// How far the statistic can be from the truth: 0 against a table, at most 0.005 against a profile.
    pub error_max: f64,
}

/// One column on one side.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSide {
    /// Rows with a value.
    pub present: u64,
    /// Rows without.
    pub missing: u64,
    /// Share of rows without a value; null without rows.
    pub missing_share: Option<f64>,
    /// Mean in the column's unit; null without values.
    pub mean: Option<f64>,
    /// Standard deviation in the column's unit.
    pub std: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through_json(file: &ProfileFile) -> ProfileFile {
        serde_json::from_slice(&serde_json::to_vec(file).unwrap()).unwrap()
    }

    #[test]
    fn a_profile_is_short_and_says_what_the_picture_says() {
        let file = ProfileFile::of_f32(&[0.1, 0.1, f32::NAN, 7.3]);
        let text = serde_json::to_string(&file).unwrap();
        assert!(
            text.contains(r#""knots":{"f32":[0.1,7.3]},"at":[2,1],"between":[0]"#),
            "{text}"
        );
        assert_eq!((file.missing, file.is_single()), (1, true));
        assert!(!ProfileFile::of_f64(&[0.1]).is_single());
    }

    #[test]
    fn an_empty_column_has_a_profile_too() {
        let file = ProfileFile::of_f32(&[f32::NAN; 3]);
        assert!(file.at.is_empty() && file.between.is_empty() && file.mean.is_none());
        assert_eq!(
            Profile::try_from(through_json(&file))
                .unwrap()
                .parts()
                .missing,
            3
        );
    }

    #[test]
    fn hostile_profiles_are_refused_by_name() {
        let good = ProfileFile::of_f32(&[1.0, 2.0, 2.0, 5.0]);
        let refused = |change: &dyn Fn(&mut ProfileFile)| {
            let mut file = good.clone();
            change(&mut file);
            let profiles = Profiles::from([("pm10_ug_m3".to_owned(), file)]);
            let fault = check_profiles("m.json", profiles).unwrap_err();
            assert_eq!(fault.kind(), pm25_file::Kind::BadArtifact);
            assert!(
                fault
                    .to_string()
                    .contains("m.json: the profile of `pm10_ug_m3`"),
                "{fault}"
            );
        };
        refused(&|f| f.between.push(1));
        refused(&|f| f.between.clear());
        refused(&|f| f.at.clear());
        refused(&|f| f.at[1] = 0);
        refused(&|f| f.at[2] = u64::MAX);
        refused(&|f| f.missing = u64::MAX - 3);
        refused(&|f| f.between[0] = u64::MAX);
        refused(&|f| f.knots = Knots::F32(vec![1.0, 1.0, 5.0]));
        refused(&|f| f.knots = Knots::F64(vec![1.0, f64::NAN, 5.0]));
        refused(&|f| f.std = Some(-1.0));
        refused(&|f| f.mean = None);
        assert!(check_profiles("m.json", Profiles::from([("x".to_owned(), good)])).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec(proptest::num::f32::ANY, 0..500)) {
            let file = ProfileFile::of_f32(&values);
            prop_assert_eq!(&through_json(&file), &file);
            prop_assert_eq!(Profile::try_from(file).unwrap(), Profile::of(&Sample::of_f32(&values)));
        }

        #[test]
        fn doubles_too(values in proptest::collection::vec(proptest::num::f64::NORMAL, 0..500)) {
            // A mean or a deviation that overflows belongs to no profile.
            let profile = Profile::of(&Sample::of_f64(&values));
            let file = ProfileFile::of_f64(&values);
            if Profile::new(profile.parts().clone()).is_ok() {
                prop_assert_eq!(&through_json(&file), &file);
                prop_assert_eq!(Profile::try_from(file).unwrap(), profile);
            }
        }
    }
}
