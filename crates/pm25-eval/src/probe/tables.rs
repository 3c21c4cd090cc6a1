//! The three tables of a prep folder, side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use pm25_air::Task;
use pm25_artifact::prep::{Prepared, TARGET, target_at};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::{Table, Text};

/// Names of the tables, in order of time.
pub(super) const PARTS: [&str; 3] = ["train", "valid", "test"];
pub(super) const HOUR_S: i64 = 3600;

/// One table.
pub(super) struct Part {
    pub(super) source: InputRef,
    table: Table,
}

/// All three; each has the columns of the others.
pub(super) struct Tables {
    parts: [Part; 3],
    /// What the train table says of itself.
    pub(super) prepared: Prepared,
    /// Feature columns, named in the header or not.
    pub(super) features: Vec<String>,
}

impl Part {
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.parquet"));
        let table = Table::read(&Input::Path(path), "pm25-features")?;
        Ok(Self {
            source: table.source().clone(),
            table,
        })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.table.n_rows()
    }

    pub(super) fn station(&self) -> Result<&Text> {
        self.table.text("station")
    }

    pub(super) fn time_s(&self) -> Result<&[i64]> {
        self.table.time("time")
    }

    pub(super) fn column(&self, name: &str) -> Result<Cow<'_, [f32]>> {
        self.table.numbers(name)
    }
}

impl Tables {
    /// The tables of a folder; of several horizons those rows that have a target at the one that is asked for.
    pub(super) fn read(folder: &Path, horizon_h: Option<u16>) -> Result<Self> {
        let [train, valid, test] = PARTS.map(|name| Part::read(folder, name));
        let mut parts = [train?, valid?, test?];
        let header = parts[0].table.header().ok_or_else(|| {
            Fault::bad_artifact(format!(
                "{} was not made by pm25-prep",
                parts[0].source.name
            ))
            .hint("probes need to know the task: give the folder of a pm25-prep run")
        })?;
        let several = Prepared::of(header)?;
        let asked = several.asked(&parts[0].source.name, horizon_h)?;
        let mut beside = ["station", "time", TARGET, "persistence_ug_m3"]
            .map(str::to_owned)
            .to_vec();
        // A target of another hour is no feature: nothing learns from it.
        beside.extend(several.horizons_h.iter().map(|&other| target_at(other)));
        if asked.target != TARGET {
            for part in &mut parts {
                part.table = part.table.known_as(&asked.target, TARGET)?;
            }
        }
        let prepared = Prepared {
            task: asked.task,
            horizons_h: Vec::new(),
            ..several
        };
        let names = parts[0].table.names().map(str::to_owned);
        let features = names.filter(|name| !beside.contains(name));
        let tables = Self {
            prepared,
            features: features.collect(),
            parts,
        };
        tables.check()?;
        Ok(tables)
    }

    /// Everything that is asked for later is there.
    fn check(&self) -> Result<()> {
        for part in &self.parts {
            part.station()?;
            part.time_s()?;
            for name in ["target_ug_m3", "persistence_ug_m3"] {
                part.column(name)?;
            }
            for name in &self.features {
                part.column(name)?;
            }
            if part.n_rows() == 0 {
                return Err(Fault::bad_data(format!("{} has no rows", part.source.name)));
            }
        }
        Ok(())
    }

    pub(super) fn task(&self) -> Task {
        self.prepared.task.into()
    }

    pub(super) fn horizon_s(&self) -> i64 {
        i64::from(self.task().horizon_h()) * HOUR_S
    }

    pub(super) fn parts(&self) -> &[Part; 3] {
        &self.parts
    }

    /// PM2.5 by station and hour as targets and persistence tell it, over all tables; a day's means tell no hour.
    pub(super) fn measured(&self) -> BTreeMap<&str, BTreeMap<i64, f32>> {
        let newest_s = match self.task() {
            Task::Nowcast => HOUR_S,
            Task::Forecast { .. } => 0,
            Task::DayMean => return BTreeMap::new(),
        };
        let mut known: BTreeMap<&str, BTreeMap<i64, f32>> = BTreeMap::new();
        for part in &self.parts {
            let columns = [
                ("persistence_ug_m3", -newest_s),
                ("target_ug_m3", self.horizon_s()),
            ];
            for (name, shift_s) in columns {
                let values = part.column(name).expect("it was checked");
                for (row, (station, t)) in part.places().enumerate() {
                    if values[row].is_finite() {
                        known
                            .entry(station)
                            .or_default()
                            .insert(t + shift_s, values[row]);
                    }
                }
            }
        }
        known
    }
}

impl Part {
    /// Station and stamp t of each row.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, i64)> {
        let station = self.station().expect("it was checked");
        let time_s = self.time_s().expect("it was checked");
        (0..self.n_rows()).map(|row| (station.get(row), time_s[row]))
    }

    /// A column that was checked to be there.
    pub(super) fn known(&self, name: &str) -> Cow<'_, [f32]> {
        self.column(name).expect("it was checked")
    }
}
