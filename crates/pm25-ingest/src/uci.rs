//! The two UCI sets of Beijing: twelve stations 2013-2017 (`PRSA_Data_*`) and one station 2010-2014.
//!
//! Both stamp hours of China Standard Time (no summer time) by their number; whether that is the begin or the end
//! is not documented, begin is taken. Units as the sets' documentation states them; CO is in µg/m³ there.

use pm25_air::Quantity;
use pm25_artifact::ingest::Unused;
use pm25_file::{Fault, Result};

use crate::claim::Claim;
use crate::clock::Order;
use crate::head::{Head, HeadRow};
use crate::layout::{
    Extras, Kind, Layout, Mapped, Names, Source, Stamped, TimeColumns, remarks, unknown_column,
};
use crate::source::{Fit, Wishes};
use crate::units::Unit;
use crate::zone::Zone;

/// China Standard Time, minutes east.
const CHINA_MIN: i16 = 480;
/// The monitor of the single-station set stood at the US embassy (Liang et al. 2015, doi 10.1098/rspa.2015.0257);
/// its files do not say so.
const EMBASSY: &str = "US Embassy Beijing";

/// Columns that become quantities.
const QUANTITIES: [(&str, Quantity, Unit); 13] = [
    ("PM2.5", Quantity::Pm25, Unit::UgM3),
    ("pm", Quantity::Pm25, Unit::UgM3),
    ("PM10", Quantity::Pm10, Unit::UgM3),
    ("NO2", Quantity::No2, Unit::UgM3),
    ("SO2", Quantity::So2, Unit::UgM3),
    ("O3", Quantity::O3, Unit::UgM3),
    ("CO", Quantity::Co, Unit::UgM3),
    ("TEMP", Quantity::Temp, Unit::Celsius),
    ("DEWP", Quantity::Dewpoint, Unit::Celsius),
    ("PRES", Quantity::Pres, Unit::HPa),
    ("RAIN", Quantity::Rain, Unit::Mm),
    ("WSPM", Quantity::WindSpeed, Unit::MS),
    ("wd", Quantity::WindDir, Unit::Degree),
];

/// Columns that do not, and why.
const UNUSED: [(&str, &str); 5] = [
    ("No", "row number"),
    (
        "cbwd",
        "quadrants of the wind and calm in one word, not a direction in degrees",
    ),
    (
        "Iws",
        "wind speed summed since the wind last turned, not the speed of the hour",
    ),
    ("Is", "hours of snow so far"),
    ("Ir", "hours of rain so far, not millimetres"),
];

const TIME: [&str; 4] = ["year", "month", "day", "hour"];
const STATION: &str = "station";

/// The header: the four parts of the time and one of the columns that only these sets have.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let own = ["cbwd", "Iws", "WSPM", "wd"];
    let is_header = |row: &HeadRow| {
        TIME.iter().all(|name| row.position(name).is_some())
            && own.iter().any(|name| row.position(name).is_some())
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    Some(Fit {
        source: Source::UciBeijing,
        header_idx,
        why: "the header has year, month, day, hour and the wind columns of the UCI sets"
            .to_owned(),
    })
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let time = time_columns(file, row)?;
    let mut layout = Layout {
        source: Source::UciBeijing,
        why: fit.why,
        header_line: row.line,
        header: row.cells.clone(),
        time,
        order: Order::Ymd,
        step_s: Some(3_600),
        stamped: wishes.stamped.unwrap_or(Stamped::Begin),
        zone: wishes.zone.clone().unwrap_or(Zone::Fixed(CHINA_MIN)),
        zone_is_known: true,
        names: names(file, row, wishes)?,
        mapped: Vec::new(),
        unused: Vec::new(),
        sentinels: Vec::new(),
        notes: Vec::new(),
        remarks: remarks(head, fit.header_idx),
        extras: Extras::default(),
    };
    if wishes.stamped.is_none() {
        layout
            .notes
            .push("the hour is taken as its begin; the set does not say".to_owned());
    }
    if layout.names == Names::File(EMBASSY.to_owned()) {
        layout.notes.push(format!(
            "the file names no station; this set is the monitor of the {EMBASSY}"
        ));
    }
    for (at, column) in row.cells.iter().enumerate() {
        map_column(&mut layout, (file, row.line), at, column)?;
    }
    layout.refuse_twins(file)
}

fn map_column(layout: &mut Layout, place: (&str, u64), at: usize, column: &str) -> Result<()> {
    let same = |name: &str| name.eq_ignore_ascii_case(column);
    if TIME.iter().any(|name| same(name)) || same(STATION) {
        return Ok(());
    }
    if let Some((_, quantity, unit)) = QUANTITIES.iter().find(|(name, ..)| same(name)) {
        layout.mapped.push(Mapped {
            at,
            header: column.to_owned(),
            quantity: *quantity,
            kind: if *quantity == Quantity::WindDir {
                Kind::Compass
            } else {
                Kind::Number
            },
            claim: Claim::Documented(*unit),
        });
        return Ok(());
    }
    if let Some((_, why)) = UNUSED.iter().find(|(name, _)| same(name)) {
        layout.unused.push(Unused {
            column: column.to_owned(),
            why: (*why).to_owned(),
        });
        return Ok(());
    }
    let known = QUANTITIES.iter().map(|(name, ..)| *name);
    let known = known
        .chain(UNUSED.iter().map(|(name, _)| *name))
        .chain(TIME)
        .chain([STATION]);
    Err(unknown_column(place, column, Source::UciBeijing, known))
}

fn time_columns(file: &str, row: &HeadRow) -> Result<TimeColumns> {
    let find = |name: &str| {
        row.position(name).ok_or_else(|| {
            Fault::bad_data(format!("{file}:{}: there is no column `{name}`", row.line))
                .hint("describe the file with `--columns map.toml`")
        })
    };
    Ok(TimeColumns::Parts {
        year: find(TIME[0])?,
        month: find(TIME[1])?,
        day: find(TIME[2])?,
        hour: find(TIME[3])?,
    })
}

fn names(file: &str, row: &HeadRow, wishes: &Wishes) -> Result<Names> {
    match (row.position(STATION), &wishes.station) {
        (Some(_), Some(_)) => Err(wishes.needless_station(file)),
        (Some(at), None) => Ok(Names::Column(at)),
        (None, Some(name)) => Ok(Names::File(name.clone())),
        (None, None) => Ok(Names::File(EMBASSY.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTI: &str = "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"PM10\",\"SO2\",\"NO2\",\"CO\",\"O3\",\
        \"TEMP\",\"PRES\",\"DEWP\",\"RAIN\",\"wd\",\"WSPM\",\"station\"\n\
        1,2013,3,1,0,4,4,4,7,300,77,-0.7,1023,-18.8,0,\"NNW\",4.4,\"Aotizhongxin\"\n";
    const SINGLE: &str = "PRSA_data_2010.1.1-2014.12.31\nNo,year,month,day,hour,pm,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir\n\
        1,2010,1,1,0,NA,-21,-11,1021,NW,1.79,0,0\n";

    fn layout_of(text: &str) -> Result<Layout> {
        let head = Head::parse(text.as_bytes(), b',');
        layout("f.csv", &head, fit(&head).unwrap(), &Wishes::default())
    }

    #[test]
    fn the_set_of_twelve_stations() {
        let layout = layout_of(MULTI).unwrap();
        assert_eq!(layout.names, Names::Column(17));
        assert_eq!(layout.mapped.len(), 12);
        assert_eq!(layout.unused.len(), 1);
        let co = layout
            .mapped
            .iter()
            .find(|column| column.quantity == Quantity::Co)
            .unwrap();
        assert_eq!(co.claim, Claim::Documented(Unit::UgM3));
    }

    #[test]
    fn the_set_of_one_station_with_a_title_line() {
        let layout = layout_of(SINGLE).unwrap();
        assert_eq!(layout.header_line, 2);
        assert_eq!(layout.names, Names::File(EMBASSY.to_owned()));
        let unused: Vec<&str> = layout
            .unused
            .iter()
            .map(|unused| unused.column.as_str())
            .collect();
        assert_eq!(unused, ["No", "cbwd", "Iws", "Is", "Ir"]);
        assert!(
            layout
                .mapped
                .iter()
                .all(|column| column.quantity != Quantity::WindSpeed)
        );
        let other_copy = SINGLE.replace(",pm,", ",pm2.5,");
        assert_eq!(
            layout_of(&other_copy).unwrap().mapped[0].quantity,
            Quantity::Pm25
        );
    }

    #[test]
    fn an_unknown_column_is_named_with_its_nearest() {
        let fault = layout_of(&MULTI.replace("\"PRES\"", "\"PRESS\"")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "f.csv:1: uci-beijing files have no column `PRESS`"
        );
        assert!(fault.hint_text().unwrap().contains("`PRES`"));
    }

    #[test]
    fn two_columns_for_one_quantity_are_refused() {
        let fault = layout_of(&MULTI.replace("\"PM10\"", "\"pm\"")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "f.csv:1: columns `PM2.5` and `pm` are both pm25"
        );
    }
}
