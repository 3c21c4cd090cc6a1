//! What is written is read as it is meant, and nothing else is read.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

fn any_local() -> impl Strategy<Value = Local> {
    let no_angles: Vec<Signal> = Signal::all().filter(|signal| !signal.is_angle()).collect();
    let signal = move || select(no_angles.clone());
    let threshold = (0..30_000_u32, 0..100_u32)
        .prop_map(|(whole, rest)| Threshold::parse(&format!("{whole}.{rest:02}")).unwrap());
    prop_oneof![
        (signal(), 0..=HOURS_MAX).prop_map(|(signal, lag_h)| Local::Value { signal, lag_h }),
        (select(WindowStat::ALL.to_vec()), signal(), 2..=HOURS_MAX).prop_map(
            |(stat, signal, hours)| Local::Window {
                stat,
                signal,
                hours
            }
        ),
        (signal(), 2..=HOURS_MAX, 1..=99_u8)
            .prop_map(|(signal, hours, pct)| { Local::Quantile { signal, hours, pct } }),
        (signal(), 1..=HALF_LIFE_H_MAX).prop_map(|(signal, half_life_h)| Local::Ewm {
            signal,
            half_life_h
        }),
        (signal(), 1..=HOURS_MAX).prop_map(|(signal, hours)| Local::Change { signal, hours }),
        (signal(), threshold, 2..=HOURS_MAX).prop_map(|(signal, at_least, hours)| {
            Local::Since {
                signal,
                at_least,
                hours,
            }
        }),
        (2..=HOURS_MAX).prop_map(|hours| Local::Ventilation { hours }),
        Just(Local::NowCast),
        select(Scale::ALL.to_vec()).prop_map(|scale| Local::Aqi { scale }),
    ]
}

/// Any feature at all.
fn any_feature() -> impl Strategy<Value = Feature> {
    let signals: Vec<Signal> = Signal::all().collect();
    let hand = || select(Calendar::ALL.to_vec());
    prop_oneof![
        1 => (select(signals), 0..=HOURS_MAX)
            .prop_map(|(signal, lag_h)| Feature::Own(Local::Value { signal, lag_h })),
        5 => any_local().prop_map(Feature::Own),
        5 => (select(OthersStat::ALL.to_vec()), any_local())
            .prop_map(|(stat, of)| Feature::Others { stat, of }),
        3 => ("\\PC{1,12}", any_local()).prop_map(|(station, of)| Feature::At { station, of }),
        1 => hand().prop_map(Feature::Calendar),
        1 => (select(vec![Wave::Sin, Wave::Cos]), hand())
            .prop_map(|(wave, of)| Feature::Cycle { wave, of }),
        1 => Just(Feature::Station),
    ]
}

proptest! {
    #[test]
    fn the_canonical_text_reads_back(features in proptest::collection::vec(any_feature(), 1..8)) {
        let text: Vec<String> = features.iter().map(Feature::to_string).collect();
        prop_assert_eq!(parse_list(&text.join(",")), Ok(features.clone()));
        prop_assert_eq!(parse_list(&text.join(" , ")), Ok(features));
    }

    #[test]
    fn a_column_is_plain_and_belongs_to_one_feature(a in any_feature(), b in any_feature()) {
        let column = a.column();
        prop_assert!(column.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'));
        let small = |feature: &Feature| feature.to_string().to_ascii_lowercase();
        prop_assert_eq!(small(&a) == small(&b), column == b.column());
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}") {
        let _ = parse_list(&text);
    }

    #[test]
    fn nearly_right_text_is_no_danger(text in "[a-z0-9(), é]{0,24}") {
        let _ = parse_list(&text);
    }
}

fn error(text: &str) -> (String, String) {
    let err = parse_list(text).unwrap_err();
    (err.to_string(), err.hint())
}

/// A text, how its error begins, and what its hint has.
const ERRORS: &[(&str, &str, &str)] = &[
    (
        "at(Dongsi,pm25)",
        "column 4: expected a station's name in double quotes, found `D`",
        "look like",
    ),
    (
        "at(\"Dongsi,pm25)",
        "column 17: expected `\"` after the name, found the end",
        "look like",
    ),
    (
        "at(\"\",pm25)",
        "column 6: expected a station's name in double quotes, found `,`",
        "look like",
    ),
    (
        "aqi(chima)",
        "column 5: unknown scale `chima`",
        "did you mean `china`?",
    ),
    (
        "nowcast(pm10)",
        "column 9: unknown quantity of a NowCast `pm10`",
        "did you mean `pm25`?",
    ),
    ("", "no feature is named", "classic"),
    (
        "pm10,PM2.5",
        "column 6: unknown feature `PM2.5`",
        "did you mean `pm25`?",
    ),
    (
        "pm10,",
        "column 6: expected a feature, found the end",
        "look like",
    ),
    (
        "pm10 o3",
        "column 6: expected `,` between features, found `o`",
        "look like",
    ),
    (
        "lag(pm25,1",
        "column 11: expected `)`, found the end",
        "look like",
    ),
    (
        "lag(pm25)",
        "column 9: expected `,` and a number of hours, found `)`",
        "look like",
    ),
    (
        "lag(pm25,-1)",
        "column 10: `lag` takes 0 to 8784 hours, not -1",
        "look like",
    ),
    (
        "mean(pm25,1)",
        "column 11: `mean` takes 2 to 8784 hours, not 1",
        "look like",
    ),
    (
        "maen(pm25,3)",
        "column 1: unknown function `maen`",
        "did you mean `mean`?",
    ),
    (
        "max(hour,3)",
        "column 5: unknown quantity `hour`",
        "look like",
    ),
    ("sin(pm25)", "column 5: unknown cycle `pm25`", "look like"),
    (
        "mean(wind_dir,3)",
        "column 6: `mean` of the angle `wind_dir`",
        "wind_u",
    ),
    (
        "others_mean(pm52)",
        "column 13: unknown quantity `pm52`",
        "did you mean `pm25`?",
    ),
    (
        "others_mean(others_max(pm25))",
        "column 13: expected a quantity, or a function of one, found `others_max`",
        "look like",
    ),
    (
        "others_max(lag(wind_dir,1))",
        "column 12: `others_max` of the angle `wind_dir`",
        "wind_u",
    ),
    (
        "others_men(pm25)",
        "column 1: unknown function `others_men`",
        "did you mean `others_mean`?",
    ),
    (
        "quantile(pm25,24,100)",
        "column 18: `quantile` takes a whole percentage of 1 to 99, not 100",
        "look like",
    ),
    (
        "since(wind,-3,24)",
        "column 12: `since` takes a threshold of 0 to 30000",
        "look like",
    ),
    (
        "ewm(pm25,1465)",
        "column 10: `ewm` takes 1 to 1464 hours, not 1465",
        "look like",
    ),
    (
        "ventilation(wind,24)",
        "column 13: `ventilation` takes 2 to 8784 hours, not wind",
        "look like",
    ),
    (
        "pm10,classic,station",
        "column 6: `classic` is a set of its own",
        "alone",
    ),
    ("é,pm2", "column 1: unknown feature `é`", "look like"),
];

#[test]
fn an_error_says_where_and_what_was_meant() {
    for (text, message, hint) in ERRORS {
        let (said, hinted) = error(text);
        assert!(said.starts_with(message), "{text}: {said}");
        assert!(hinted.contains(hint), "{text}: {hinted}");
    }
}

#[test]
fn a_lag_of_nothing_is_the_value() {
    assert_eq!(parse_list("lag(pm10,0)"), parse_list("pm10"));
}
