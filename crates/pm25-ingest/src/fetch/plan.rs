//! Which files a wish means, and where they are.
//!
//! Not the fetching. The addresses are the providers' own; `--base-url` puts another root in their place.

use pm25_air::civil::{DAY_S, HOUR_S, format_utc};
use pm25_file::{Fault, Result};

use super::{FetchArgs, FetchSource};
use crate::clock::{Order, parse};

/// A file to fetch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) url: String,
    /// Below the folder that was given, with `/`.
    pub(crate) path: String,
}

/// Days that one call may ask for; each is 24 files of AirNow.
const DAYS_MAX: i64 = 3_700;

/// The files in the order in which they are fetched.
pub(crate) fn plan(args: &FetchArgs) -> Result<Vec<Wanted>> {
    let base = args.base_url.as_deref().unwrap_or(match args.source {
        FetchSource::UciBeijing => "https://archive.ics.uci.edu",
        FetchSource::Openaq => "https://openaq-data-archive.s3.amazonaws.com",
        FetchSource::Aqs => "https://aqs.epa.gov",
        FetchSource::Airnow => "https://files.airnowtech.org",
    });
    if !(base.starts_with("https://") || base.starts_with("http://")) {
        return Err(
            Fault::usage(format!("`{base}` is no address")).hint("write `--base-url https://...`")
        );
    }
    let base = base.trim_end_matches('/');
    let wanted = |key: String, path: String| Wanted {
        url: format!("{base}/{key}"),
        path,
    };
    Ok(match args.source {
        FetchSource::UciBeijing => [
            "501/beijing+multi+site+air+quality+data",
            "381/beijing+pm2+5+data",
        ]
        .map(|set| {
            let name = set.split('/').next_back().unwrap_or(set).replace('+', "-");
            wanted(
                format!("static/public/{set}.zip"),
                format!("uci-beijing/{name}.zip"),
            )
        })
        .into(),
        FetchSource::Aqs => {
            let name = format!("hourly_88101_{}.zip", need(args.year, "--year", "aqs")?);
            vec![wanted(
                format!("aqsweb/airdata/{name}"),
                format!("aqs/{name}"),
            )]
        }
        FetchSource::Openaq => openaq(args)?
            .into_iter()
            .map(|key| wanted(key.clone(), format!("openaq/{key}")))
            .collect(),
        FetchSource::Airnow => airnow(args)?
            .into_iter()
            .map(|key| wanted(format!("airnow/{key}"), format!("airnow/{key}")))
            .collect(),
    })
}

fn need<T>(value: Option<T>, flag: &str, source: &str) -> Result<T> {
    value.ok_or_else(|| {
        Fault::usage(format!("`fetch {source}` needs `{flag}`"))
            .hint("see `pm25-ingest fetch --help`")
    })
}

/// A file for each day of the year (docs.openaq.org, "AWS").
fn openaq(args: &FetchArgs) -> Result<Vec<String>> {
    let (id, year) = (
        need(args.location, "--location", "openaq")?,
        need(args.year, "--year", "openaq")?,
    );
    let days = days(&format!("{year}-01-01"), &format!("{year}-12-31"))?;
    let key = |day: &String| {
        let (month, compact) = (&day[5..7], day.replace('-', ""));
        format!(
            "records/csv.gz/locationid={id}/year={year}/month={month}/location-{id}-{compact}.csv.gz"
        )
    };
    Ok(days.iter().map(key).collect())
}

/// A file for each hour of each day.
fn airnow(args: &FetchArgs) -> Result<Vec<String>> {
    let from = need(args.from.clone(), "--from", "airnow")?;
    let to = args.to.clone().unwrap_or_else(|| from.clone());
    let mut keys = Vec::new();
    for day in days(&from, &to)? {
        let compact = day.replace('-', "");
        keys.extend(
            (0..DAY_S / HOUR_S)
                .map(|hour| format!("{}/{compact}/HourlyData_{compact}{hour:02}.dat", &day[..4])),
        );
    }
    Ok(keys)
}

/// Every day from one to another, both included, as `2024-04-08`.
fn days(from: &str, to: &str) -> Result<Vec<String>> {
    let start_s = |text: &str| {
        let stamp = parse(format!("{text} 00:00").as_bytes(), Order::Ymd);
        stamp.map(|stamp| stamp.local_s).map_err(|_| {
            Fault::usage(format!("`{text}` is no date")).hint("write it as 2024-04-08")
        })
    };
    let (first_s, last_s) = (start_s(from)?, start_s(to)?);
    let n_days = (last_s - first_s) / DAY_S + 1;
    if !(1..=DAYS_MAX).contains(&n_days) {
        return Err(Fault::usage(format!(
            "{from} to {to} are {n_days} days; 1 to {DAYS_MAX} can be fetched at once"
        )));
    }
    let day = |idx: i64| format_utc(first_s + idx * DAY_S)[..10].to_owned();
    Ok((0..n_days).map(day).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_cross_months_and_leap_days() {
        assert_eq!(
            days("2024-02-28", "2024-03-01").unwrap(),
            ["2024-02-28", "2024-02-29", "2024-03-01"]
        );
        for (from, to) in [
            ("2024-03-02", "2024-03-01"),
            ("2024-02-30", "2024-03-01"),
            ("1970-01-01", "2099-01-01"),
        ] {
            assert!(days(from, to).is_err(), "{from} {to}");
        }
    }
}
