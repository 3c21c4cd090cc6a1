//! Observation tables in, one network out.

use pm25_air::station::Columns;
use pm25_air::{Network, Quantity, Station, merge};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::Table;

const FORMAT: &str = "pm25-observations";

/// All stations of all files, and which file brought which hours.
pub struct Observations {
    /// Every station, sorted by name.
    pub network: Network,
    /// In the order in which they were named.
    pub files: Vec<ObservationFile>,
}

/// One file.
pub struct ObservationFile {
    /// Its name and the hash of the whole of it.
    pub source: InputRef,
    /// Whether its bytes were checked: files of other programs have no seal.
    pub is_sealed: bool,
    /// What it brought, by station, sorted by name.
    pub records: Vec<Record>,
}

/// The hours of one station in one file: a part of that station's grid in the network.
pub struct Record {
    /// Its name.
    pub station: String,
    /// Start of its first hour, seconds UTC.
    pub start_s: i64,
    /// How many.
    pub n_hours: usize,
}

/// Reads and joins the files; `warn` is told of what a user should know of them.
///
/// # Errors
/// Bad artifact: a broken seal. Bad data: a missing column, impossible values, files that contradict each other.
pub fn read(inputs: &[Input], warn: &dyn Fn(&str)) -> Result<Observations> {
    let mut networks = Vec::new();
    let mut files = Vec::new();
    for input in inputs {
        let table = Table::read(input, FORMAT)?;
        if table.header().is_none() {
            warn(&format!(
                "{input} was made by another program: it has no seal to check"
            ));
        }
        let network = network(input, &table)?;
        files.push(ObservationFile {
            source: table.source().clone(),
            is_sealed: table.header().is_some(),
            records: records(&network),
        });
        networks.push(network);
    }
    let network = merge(networks).map_err(|e| Fault::bad_data(e.to_string()).hint(e.hint()))?;
    Ok(Observations { network, files })
}

fn network(input: &Input, table: &Table) -> Result<Network> {
    let mut values: [&[f32]; 13] = [&[]; 13];
    let mut flags: [&[u16]; 13] = [&[]; 13];
    for quantity in Quantity::ALL {
        values[quantity.index()] = table.f32(quantity.column())?;
        flags[quantity.index()] = table.u16(quantity.flags_column())?;
    }
    let station = table.text("station")?;
    let columns = Columns {
        words: &station.words,
        codes: &station.codes,
        time_s: table.time("time")?,
        utc_offset_min: table.i16("utc_offset_min")?,
        values,
        flags,
    };
    Network::from_columns(&columns)
        .map_err(|e| Fault::bad_data(format!("{input}: {e}")).hint(e.hint()))
}

fn records(network: &Network) -> Vec<Record> {
    let record = |station: &Station| Record {
        station: station.name.clone(),
        start_s: station.start_s,
        n_hours: station.n_hours(),
    };
    network.stations.iter().map(record).collect()
}
