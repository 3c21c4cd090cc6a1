//! US EPA's AQS: the pre-generated hourly files of fine particles (hourly_88101, hourly_88502) and PM10 (81102).
//!
//! Codes keep their leading zeros: they are text. Stamps name the begin of sampling, in UTC and in local standard
//! time, whose difference is the station's offset. Several monitors (POC) may stand at one site: unless `--poc` picks
//! one, each is a station of its own, `SS-CCC-NNNN-POC`.

use pm25_air::Quantity;
use pm25_file::Result;

use crate::head::{Head, HeadRow};
use crate::layout::{Layout, Long, Names, Offsets, Scope, Source, Stamped, TimeColumns};
use crate::source::{Fit, Wishes, need};
use crate::zone::Zone;

const SITE: [&str; 3] = ["State Code", "County Code", "Site Num"];
const OWN: [&str; 5] = [
    "Parameter Code",
    "POC",
    "Date GMT",
    "Time GMT",
    "Sample Measurement",
];

/// The header: the codes of the site, the time in UTC and the measurement.
pub(crate) fn fit(head: &Head) -> Option<Fit> {
    let is_header = |row: &HeadRow| {
        SITE.iter()
            .chain(&OWN)
            .all(|name| row.position(name).is_some())
    };
    let (header_idx, _) = head.candidates().find(|(_, row)| is_header(row))?;
    Some(Fit {
        source: Source::Aqs,
        header_idx,
        why: "the header has the codes of AQS, Date GMT, Time GMT and Sample Measurement"
            .to_owned(),
    })
}

/// What the columns mean.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let row = &head.rows[fit.header_idx];
    let at = |name: &str| need(file, row, name);
    let time = TimeColumns::Halves {
        date: at("Date GMT")?,
        time: at("Time GMT")?,
    };
    let mut layout = Layout::new(fit, head, time, Zone::Fixed(0));
    layout.zone_is_known = false;
    layout.step_s = Some(3_600);
    layout.stamped = wishes.stamped.unwrap_or(Stamped::Begin);
    let mut site = vec![at(SITE[0])?, at(SITE[1])?, at(SITE[2])?];
    let poc = at("POC")?;
    match (&wishes.station, &wishes.poc) {
        (Some(_), _) => return Err(wishes.needless_station(file)),
        (None, Some(wanted)) => {
            layout.extras.scopes.push(Scope {
                at: poc,
                wanted: vec![wanted.clone()],
                otherwise: None,
            });
            layout
                .notes
                .push(format!("only monitors with POC {wanted} are read"));
        }
        (None, None) => {
            site.push(poc);
            layout.notes.push(
                "each monitor (POC) is a station of its own; `--poc N` takes one of each site"
                    .to_owned(),
            );
        }
    }
    layout.names = Names::Joined(site);
    layout.extras.offsets = Offsets::ByStation;
    layout.extras.local = match (row.position("Date Local"), row.position("Time Local")) {
        (Some(date), Some(time)) => Some([date, time]),
        _ => None,
    };
    layout.extras.long = Some(Long {
        parameter: at("Parameter Code")?,
        value: at("Sample Measurement")?,
        unit: row.position("Units of Measure"),
        quantity,
    });
    layout.note_unused("not needed beside the site, the time and the measurement");
    Ok(layout)
}

fn quantity(parameter: &[u8]) -> Option<Quantity> {
    match parameter {
        // 88101 by a reference method, 88502 by another acceptable one (AQS code tables).
        b"88101" | b"88502" => Some(Quantity::Pm25),
        b"81102" => Some(Quantity::Pm10),
        _ => None,
    }
}
