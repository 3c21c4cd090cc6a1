//! What current rows are compared with: a whole table, or the profiles that were kept of one.

use std::collections::{BTreeMap, BTreeSet};

use pm25_artifact::drift::{DriftProfile, Profiles, RowSpan, Side, SideKind, check_profiles};
use pm25_artifact::model::Model;
use pm25_file::{Fault, Header, Input, InputRef, Result, decode_document};
use pm25_stats::Profile;
use pm25_tool::Console;

use crate::compare::Before;
use crate::role::{PREDICTION, role};
use crate::rows::{Columns, Precision, Rows};
use crate::sniff;

/// Models, of one horizon and of several.
const MODELS: [&str; 2] = ["pm25-model", "pm25-horizons"];

/// The reference.
pub(crate) enum Reference {
    /// At hand.
    Rows(Box<Rows>),
    /// Kept.
    Kept(Box<Kept>),
}

/// Profiles, and where they come from.
pub(crate) struct Kept {
    kind: SideKind,
    source: InputRef,
    rows: RowSpan,
    header: Header,
    columns: BTreeMap<String, (Profile, Precision)>,
    /// The model that the profiles were found in.
    pub(crate) model: Option<Model>,
}

impl Reference {
    /// Reads a profile document, a model or a table, whichever it is; of a file with several models the one for
    /// `horizon_h`.
    pub(crate) fn read(input: &Input, horizon_h: Option<u16>, console: &Console) -> Result<Self> {
        if sniff::is_table(input) {
            return Ok(Self::Rows(Box::new(Rows::read_table(input, console)?)));
        }
        let bytes = input.bytes()?;
        sniff::refuse_piped_table(input, &bytes)?;
        let kept = match sniff::format(&bytes).as_deref() {
            Some(format) if MODELS.contains(&format) => Kept::in_model(input, horizon_h)?,
            _ => Kept::in_document(input, &bytes)?,
        };
        Ok(Self::Kept(Box::new(kept)))
    }

    /// Columns that can be compared, sorted.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Rows(rows) => rows.names(),
            Self::Kept(kept) => kept.columns.keys().cloned().collect(),
        }
    }

    /// A column, for values of this precision or its own, whichever is less.
    pub(crate) fn before(&self, name: &str, current: Precision) -> Result<(Before<'_>, Precision)> {
        match self {
            Self::Rows(rows) => {
                let precision = rows.precision(name).min(current);
                Ok((Before::Whole(rows.sample(name, precision)?), precision))
            }
            Self::Kept(kept) => {
                let (profile, precision) = &kept.columns[name];
                Ok((Before::Kept(profile), *precision.min(&current)))
            }
        }
    }

    /// Name and hash of the file.
    pub(crate) fn source(&self) -> &InputRef {
        match self {
            Self::Rows(rows) => &rows.source,
            Self::Kept(kept) => &kept.source,
        }
    }

    /// For reports.
    pub(crate) fn side(&self) -> Side {
        match self {
            Self::Rows(rows) => rows.side(),
            Self::Kept(kept) => Side {
                kind: kept.kind,
                rows: kept.rows.clone(),
                rejected_lines: 0,
                days_of_year: None,
            },
        }
    }

    /// The unit of each column that says it.
    pub(crate) fn units(&self) -> BTreeMap<String, String> {
        let header = match self {
            Self::Rows(rows) => match &rows.columns {
                Columns::Table(table) => table.header(),
                Columns::Requests(_) => None,
            },
            Self::Kept(kept) => Some(&kept.header),
        };
        header
            .map(|header| header.units.clone())
            .unwrap_or_default()
    }

    /// Whether predictions were kept that are not known to be this model's.
    pub(crate) fn has_predictions_of_another(&self, model: &InputRef) -> bool {
        let Self::Kept(kept) = self else { return false };
        let made_with = |input: &InputRef| input.sha256 == model.sha256;
        kept.columns.contains_key(PREDICTION) && !kept.header.inputs.iter().any(made_with)
    }
}

impl Kept {
    fn in_document(input: &Input, bytes: &[u8]) -> Result<Self> {
        let name = input.to_string();
        let document: DriftProfile = decode_document(&name, bytes)?;
        Ok(Self {
            kind: SideKind::Profile,
            source: input.reference(bytes),
            rows: document.rows,
            header: document.pm25,
            columns: checked(&name, document.columns)?,
            model: None,
        })
    }

    fn in_model(input: &Input, horizon_h: Option<u16>) -> Result<Self> {
        if *input == Input::Stdin {
            return Err(Fault::usage("a model cannot be the reference from a pipe")
                .hint("give the file's name instead of `-`"));
        }
        let (model, source) = Model::read_at(input, horizon_h)?;
        let Some(profile) = model.profile.clone() else {
            return Err(Fault::bad_artifact(format!("{input} is a model without a reference profile"))
                .hint("keep one of its train table: pm25-drift profile --data train.parquet --out profile.json"));
        };
        let mut columns = profile.columns;
        columns.insert(PREDICTION.to_owned(), profile.prediction);
        let mut header = model.header.clone();
        let units = model
            .inputs()
            .iter()
            .map(|input| (input.column.clone(), input.unit.clone()));
        header.units.extend(units);
        Ok(Self {
            kind: SideKind::Model,
            source,
            rows: profile.span,
            header,
            columns: checked(&input.to_string(), columns)?,
            model: Some(model),
        })
    }
}

fn checked(name: &str, profiles: Profiles) -> Result<BTreeMap<String, (Profile, Precision)>> {
    let precision = |single| {
        if single {
            Precision::Single
        } else {
            Precision::Double
        }
    };
    let precisions: BTreeMap<String, Precision> = profiles
        .iter()
        .filter(|(column, _)| role(column).is_some())
        .map(|(column, profile)| (column.clone(), precision(profile.is_single())))
        .collect();
    let mut checked = check_profiles(name, profiles)?;
    let with_precision = precisions.into_iter().filter_map(|(column, precision)| {
        Some((checked.remove(&column)?, precision)).map(|pair| (column, pair))
    });
    Ok(with_precision.collect())
}
