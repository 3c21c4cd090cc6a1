//! Observation tables in, one network out.

use pm25_air::station::Columns;
use pm25_air::{Network, Quantity, merge};
use pm25_file::{Fault, Input, InputRef, Result};
use pm25_table::Table;
use pm25_tool::Console;

const FORMAT: &str = "pm25-observations";

/// All stations of all files.
pub(crate) struct Observations {
    pub(crate) network: Network,
    pub(crate) files: Vec<InputRef>,
}

/// Reads and joins the files.
pub(crate) fn read(inputs: &[Input], console: &Console) -> Result<Observations> {
    let mut networks = Vec::new();
    let mut files = Vec::new();
    for input in inputs {
        console.detail(&format!("reading {input}"));
        let table = Table::read(input, FORMAT)?;
        if table.header().is_none() {
            console.warn(&format!(
                "{input} was made by another program: it has no seal to check"
            ));
        }
        files.push(table.source().clone());
        networks.push(network(input, &table)?);
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
