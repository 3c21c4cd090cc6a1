//! `POST /v1/predict` with `observations`: one station's newest hours, from which the features are made here.
//!
//! `others` holds the newest hours of further stations, for a model whose features look at neighbours. No answer is given
//! for them, and none without them: a model that always had neighbours says anything of a station alone.
//!
//! The features come from the one evaluator that made the training tables, so the answer is that of a batch.
//! Only the hours that the row can see are laid out, however far apart the first and the last one are.
//!
//! ```text
//! hours sent       x   x x x     x x            x = an hour with values, in any order
//! grid                 |< history_h >| at       what is missing is NaN
//!                                      one row
//! ```

use pm25_air::civil::{self, HOUR_S, OFFSETS_MIN};
use pm25_air::feature::{Scene, evaluate};
use pm25_air::{FeatureSet, Network, Quantity, Station, Task, task};

use super::batch::{Batch, Stations};
use super::rows::{NULL_IS_MISSING, station_name, time_s, too_many};
use crate::inputs::Bound;
use crate::json::{Reader, fill};
use crate::limits::Limits;
use crate::problem::{Problem, Result, shown};
use crate::served::Served;

/// A field of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    /// The station's name.
    Station,
    /// Minutes that its standard time is ahead of UTC.
    UtcOffsetMin,
    /// Its hours.
    Observations,
    /// Which of them is the row; unless it is said, the newest, for a forecast the newest with PM2.5.
    At,
    /// Other stations, each with its hours.
    Others,
}

impl Field {
    /// Every field.
    pub(crate) const ALL: [Self; 5] = [
        Self::Station,
        Self::UtcOffsetMin,
        Self::Observations,
        Self::At,
        Self::Others,
    ];

    /// As it is sent.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::UtcOffsetMin => "utc_offset_min",
            Self::Observations => "observations",
            Self::At => "at",
            Self::Others => "others",
        }
    }

    /// The field with that name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// What was sent so far.
#[derive(Default)]
pub(super) struct Request {
    station: Option<String>,
    utc_offset_min: Option<i16>,
    hours: Option<Vec<Hour>>,
    at_s: Option<i64>,
    others: Option<Vec<Neighbour>>,
    /// Hours of all stations together.
    n_hours: usize,
}

/// Another station.
struct Neighbour {
    name: String,
    hours: Vec<Hour>,
}

/// One observed hour; NaN = missing.
struct Hour {
    time_s: i64,
    values: [f32; 13],
}

impl Request {
    /// Whether nothing was sent.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            station,
            utc_offset_min,
            hours,
            at_s,
            others,
            n_hours: _,
        } = self;
        let is_at_all = station.is_some() || utc_offset_min.is_some() || hours.is_some();
        !is_at_all && at_s.is_none() && others.is_none()
    }

    /// Reads one field.
    pub(super) fn field(
        &mut self,
        reader: &mut Reader,
        field: Field,
        limits: &Limits,
    ) -> Result<()> {
        match field {
            Field::Station => {
                let name = station_name(reader)?.into_owned();
                fill(&mut self.station, reader, name)
            }
            Field::UtcOffsetMin => {
                let offset = offset(reader)?;
                fill(&mut self.utc_offset_min, reader, offset)
            }
            Field::Observations => {
                let hours = hours(reader, limits, &mut self.n_hours)?;
                fill(&mut self.hours, reader, hours)
            }
            Field::At => {
                let at_s = time_s(reader)?;
                fill(&mut self.at_s, reader, at_s)
            }
            Field::Others => {
                let others = others(reader, limits, &mut self.n_hours)?;
                fill(&mut self.others, reader, others)
            }
        }
    }

    /// Makes the one row that was asked for.
    pub(super) fn batch(self, served: &Served, reader: &Reader) -> Result<Batch> {
        let set = served
            .features
            .as_ref()
            .ok_or_else(|| no_language(served))?;
        let mut hours = self
            .hours
            .ok_or_else(|| reader.missing(Field::Observations.name()))?;
        let name = self
            .station
            .ok_or_else(|| reader.missing(Field::Station.name()))?;
        let (code, utc_offset_min) = known(served, &name, self.utc_offset_min)?;
        let own = format!("/{}", Field::Observations.name());
        in_order(&mut hours, &own)?;
        let at_s = match self.at_s {
            Some(at_s) => told_hour(&hours, at_s)?,
            None => newest_hour(&hours, served.task())?,
        };
        let station = grid(&name, utc_offset_min, set, &hours, at_s);
        let row = station.n_hours() - 1..station.n_hours();
        let persistence_ug_m3 = task::persistence(&station, served.task(), row.clone());
        let network = network(station, self.others.unwrap_or_default(), set, at_s)?;
        let scene = Scene::new(set, &network, at_s..at_s + HOUR_S);
        let is_own = |station: &Station| station.name == name;
        let own_idx = network.stations.iter().position(is_own);
        let mut stations = Stations::default();
        stations.push(&name);
        let batch = Batch {
            stations: Some(stations),
            time_s: Some(vec![at_s]),
            persistence_ug_m3: Some(persistence_ug_m3),
            columns: evaluate(&scene, own_idx.unwrap_or(0), code, row),
            exceed_ug_m3: Vec::new(),
            n_rows: 1,
        };
        if batch.is_alone(served) == [true] {
            return Err(alone());
        }
        Ok(batch)
    }
}

fn alone() -> Problem {
    let others = Field::Others.name();
    Problem::unusable("the model looks at other stations, and nothing is known of any at that hour")
        .field(others)
        .pointer(format!("/{others}"))
        .hint("send `others` with their newest hours; a station alone needs a model without `others_..` features")
}

fn offset(reader: &mut Reader) -> Result<i16> {
    let (min, max) = OFFSETS_MIN.into_inner();
    let whole = reader.whole()?;
    i16::try_from(whole)
        .ok()
        .filter(|offset| OFFSETS_MIN.contains(offset))
        .ok_or_else(|| {
            reader
                .problem(format!(
                    "{} is {whole}; offsets lie between {min} and {max} minutes",
                    reader.name()
                ))
                .unit("min")
                .range(f32::from(min), f32::from(max))
        })
}

/// Other stations. Their clocks do not matter: only the row's own station has a calendar.
fn others(reader: &mut Reader, limits: &Limits, n_hours: &mut usize) -> Result<Vec<Neighbour>> {
    let mut others = Vec::new();
    reader.array(|reader, _| {
        let (mut name, mut own) = (None, None);
        reader.object(|reader, key| match Field::of(key) {
            Some(Field::Station) => {
                let station = station_name(reader)?.into_owned();
                fill(&mut name, reader, station)
            }
            Some(Field::Observations) => {
                let hours = hours(reader, limits, n_hours)?;
                fill(&mut own, reader, hours)
            }
            _ => Err(reader.unknown([Field::Station.name(), Field::Observations.name()])),
        })?;
        others.push(Neighbour {
            name: name.ok_or_else(|| reader.missing(Field::Station.name()))?,
            hours: own.ok_or_else(|| reader.missing(Field::Observations.name()))?,
        });
        Ok(())
    })?;
    Ok(others)
}

/// One station's hours; `n_hours` counts those of the whole request.
fn hours(reader: &mut Reader, limits: &Limits, n_hours: &mut usize) -> Result<Vec<Hour>> {
    let mut hours = Vec::new();
    reader.array(|reader, _| {
        if limits.rows_max <= *n_hours {
            return Err(too_many(limits.rows_max, "observations"));
        }
        *n_hours += 1;
        hours.push(hour(reader)?);
        Ok(())
    })?;
    if hours.is_empty() {
        Err(reader.problem("there is no hour in `observations`"))
    } else {
        Ok(hours)
    }
}

fn hour(reader: &mut Reader) -> Result<Hour> {
    let mut time = None;
    let mut values: [Option<f32>; 13] = [None; 13];
    reader.object(|reader, key| {
        if key == "time" {
            let time_s = time_s(reader)?;
            return fill(&mut time, reader, time_s);
        }
        let quantity = quantity(key).ok_or_else(|| unknown(reader))?;
        let value = value(reader, quantity)?;
        fill(&mut values[quantity.index()], reader, value)
    })?;
    let time_s = time.ok_or_else(|| reader.missing("time"))?;
    Ok(Hour {
        time_s,
        values: values.map(|value| value.unwrap_or(f32::NAN)),
    })
}

/// By its short name, or by its column's.
fn quantity(key: &str) -> Option<Quantity> {
    Quantity::ALL
        .into_iter()
        .find(|quantity| quantity.short() == key || quantity.column() == key)
}

fn unknown(reader: &Reader) -> Problem {
    let names = Quantity::ALL
        .into_iter()
        .flat_map(|q| [q.short(), q.column()]);
    reader.unknown(names.chain(["time"]))
}

fn value(reader: &mut Reader, quantity: Quantity) -> Result<f32> {
    let value = reader
        .number_or_null()
        .map_err(|problem| problem.unit(quantity.unit()))?;
    Bound::of(quantity).check(value, quantity.unit(), |why| {
        reader
            .problem(format!("{} {why}", reader.name()))
            .hint(NULL_IS_MISSING)
    })
}

/// The station's position in the model's vocabulary, and its offset. A clock that contradicts the one that the
/// model was trained with would shift every calendar feature in silence.
fn known(served: &Served, name: &str, said_min: Option<i16>) -> Result<(Option<u32>, i16)> {
    let stations = served.model().stations();
    let position = stations.iter().position(|station| station.name == name);
    let field = Field::UtcOffsetMin.name();
    let refuse = |detail: String| {
        Problem::unusable(detail)
            .field(field)
            .pointer(format!("/{field}"))
            .unit("min")
    };
    let trained_min = position.map(|position| stations[position].utc_offset_min);
    match (trained_min, said_min) {
        (Some(trained), Some(said)) if trained != said => Err(refuse(format!(
            "the model knows this station at {trained} minutes ahead of UTC, the request says {said}"
        ))),
        (Some(offset), _) | (None, Some(offset)) => {
            Ok((position.map(|position| position as u32), offset))
        }
        (None, None) => Err(refuse(format!(
            "the field `{field}` is missing, and the model does not know the station"
        ))),
    }
}

/// Sorts a station's hours, which must be of one grid and none twice; `pointer` says where they stand.
fn in_order(hours: &mut [Hour], pointer: &str) -> Result<()> {
    hours.sort_by_key(|hour| hour.time_s);
    let refuse = |detail: String| {
        Problem::unusable(detail)
            .field("time")
            .pointer(pointer.to_owned())
    };
    for pair in hours.windows(2) {
        let (before_s, time_s) = (pair[0].time_s, pair[1].time_s);
        if before_s == time_s {
            return Err(refuse(format!(
                "there are two observations for {}",
                civil::format_utc(time_s)
            )));
        }
        if (time_s - before_s) % HOUR_S != 0 {
            let [before, time] = [before_s, time_s].map(civil::format_utc);
            return Err(refuse(format!(
                "{time} is not a whole number of hours after {before}"
            ))
            .hint("give the starts of the station's hours"));
        }
    }
    Ok(())
}

/// The stamp of the row that was asked for, which must be among the hours.
fn told_hour(hours: &[Hour], at_s: i64) -> Result<i64> {
    if hours.iter().any(|hour| hour.time_s == at_s) {
        return Ok(at_s);
    }
    Err(
        Problem::unusable("`at` is not the time of one of the observations")
            .field(Field::At.name())
            .pointer(format!("/{}", Field::At.name()))
            .hint("an hour without values can be sent with its `time` alone"),
    )
}

/// The stamp of the newest hour; a forecast starts from the newest PM2.5, as in `pm25-predict`.
fn newest_hour(hours: &[Hour], task: Task) -> Result<i64> {
    let counts = |hour: &&Hour| match task {
        Task::Nowcast => true,
        Task::Forecast { .. } | Task::DayMean => !hour.values[Quantity::Pm25.index()].is_nan(),
    };
    let newest = hours.iter().rfind(counts).map(|hour| hour.time_s);
    newest.ok_or_else(|| {
        let hours = Field::Observations.name();
        Problem::unusable("no hour has a `pm25`, and a forecast starts from one")
            .field(hours)
            .pointer(format!("/{hours}"))
            .hint("send hours with `pm25`, or say with `at` from which hour to start without it")
    })
}

/// The station of the row and its neighbours, no name twice.
fn network(
    station: Station,
    others: Vec<Neighbour>,
    set: &FeatureSet,
    at_s: i64,
) -> Result<Network> {
    let mut stations = vec![station];
    for (idx, mut other) in others.into_iter().enumerate() {
        let pointer = format!("/{}/{idx}", Field::Others.name());
        in_order(&mut other.hours, &pointer)?;
        let Some(first) = other.hours.first() else {
            continue;
        };
        // Its newest hour that begins no later than the row's, also if it begins at another minute.
        let newest_s = at_s - (at_s - first.time_s).rem_euclid(HOUR_S);
        stations.push(grid(&other.name, 0, set, &other.hours, newest_s));
    }
    Network::from_stations(stations).map_err(|name| {
        Problem::unusable(format!("the station `{}` is there twice", shown(&name)))
            .field(Field::Others.name())
            .pointer(format!("/{}", Field::Others.name()))
            .hint("`others` are stations besides the one that is asked about")
    })
}

/// The hours that the row at `at_s` can see; what comes later is not even looked at.
fn grid(name: &str, utc_offset_min: i16, set: &FeatureSet, hours: &[Hour], at_s: i64) -> Station {
    // The persistence may be older than any feature.
    let history_h = i64::from(set.history_h().max(set.task().persistence_oldest_h()));
    let start_s = at_s - history_h * HOUR_S;
    let n_hours = history_h as usize + 1;
    let mut station = Station::new(name, start_s, utc_offset_min);
    station.values = std::array::from_fn(|_| vec![f32::NAN; n_hours]);
    station.flags = std::array::from_fn(|_| vec![0; n_hours]);
    for hour in hours {
        if let Some(hour_idx) = station.hour_idx(hour.time_s) {
            for (column, value) in station.values.iter_mut().zip(hour.values) {
                column[hour_idx] = value;
            }
        }
    }
    station
}

fn no_language(served: &Served) -> Problem {
    Problem::new(
        axum::http::StatusCode::CONFLICT,
        format!(
            "the inputs of `{}` are not made of observations by this service",
            served.origin.name
        ),
    )
    .hint("send `rows` with the model's input columns; GET /v1/model lists them")
}
