//! Draws every chart with invented numbers into a folder, to be looked at: `cargo run -p pm25-plot --example gallery DIR`.

use std::f64::consts::TAU;
use std::path::PathBuf;

use pm25_plot::{
    Bars, Beeswarm, Calibration, Categories, Density, Dependence, Histogram, Labels, Mark,
    PlotError, Residuals, Series, Shape, Swarm, Waterfall, bars, beeswarm, calibration, categories,
    density, dependence, histogram, residuals, waterfall,
};

const FEATURES: [&str; 12] = [
    "pm10_ug_m3",
    "pm25_ug_m3__lag_1h",
    "pm25_ug_m3__mean_24h",
    "o3_ug_m3",
    "co_mg_m3",
    "hour",
    "month",
    "dayofweek",
    "wind_u_m_s__mean_6h",
    "dewpoint_c",
    "pres_hpa__change_24h",
    "neighbours_pm25_ug_m3__weighted_mean_of_the_nearest_three",
];

type Png = Result<Vec<u8>, PlotError>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    std::fs::create_dir_all(&folder)?;
    let pairs = pairs();
    let errors: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(actual, predicted)| (*predicted, predicted - actual))
        .collect();
    let pictures = [
        (
            "density",
            density(&Density {
                labels: words("Predicted against actual", "actual", "predicted"),
                pairs: &pairs,
            }),
        ),
        (
            "residuals",
            residuals(&Residuals {
                labels: words("Residuals", "predicted", "predicted − actual"),
                pairs: &errors,
            }),
        ),
        (
            "dependence",
            dependence(&Dependence {
                labels: words("Effect of PM10", "PM10", "effect"),
                pairs: &errors,
            }),
        ),
        ("histogram", residual_histogram(&errors)),
        ("hours", hours()),
        ("stations", stations()),
        ("bars", importance()),
        ("beeswarm", swarms(&pairs)),
        ("waterfall", one_prediction()),
        ("calibration", coverage()),
    ];
    for (name, png) in pictures {
        std::fs::write(folder.join(name).with_extension("png"), png?)?;
    }
    Ok(())
}

fn words(title: &str, x: &str, y: &str) -> Labels {
    let with_unit = |label: &str| {
        if label.is_empty() {
            String::new()
        } else {
            format!("{label} (µg/m³)")
        }
    };
    Labels {
        title: title.into(),
        subtitle: "invented numbers · boost, 24 h ahead · 60,000 test rows of 9 stations · 2016-03-01 to 2017-02-28".into(),
        x: with_unit(x),
        y: with_unit(y),
    }
}

fn residual_histogram(errors: &[(f64, f64)]) -> Png {
    let values: Vec<f64> = errors.iter().map(|(_, error)| *error).collect();
    let bias = Mark {
        text: "bias −4.1 µg/m³".into(),
        at: vec![-4.1],
    };
    let spread = Mark {
        text: "± RMSE 71.4 µg/m³".into(),
        at: vec![-71.4, 71.4],
    };
    histogram(&Histogram {
        labels: words("Residuals", "predicted − actual", ""),
        values: &values,
        marks: vec![bias, spread],
    })
}

fn hours() -> Png {
    let wave = |name: &str, base: f64, swing: f64| Series {
        name: name.into(),
        values: (0..24)
            .map(|hour| Some(base + swing * (f64::from(hour) / 24.0 * TAU).sin()))
            .collect(),
    };
    categories(&Categories {
        labels: words("Error by local standard hour", "", "error"),
        names: (0..24).map(|hour| hour.to_string()).collect(),
        series: vec![
            wave("RMSE", 70.0, 9.0),
            wave("MAE", 48.0, 6.0),
            wave("RMSE of persistence", 88.0, 3.0),
        ],
        shape: Shape::Lines,
        reach: 0.0,
    })
}

fn stations() -> Png {
    let names = [
        "Aotizhongxin",
        "Changping",
        "Dingling",
        "Dongsi",
        "BWSSB Kadabesanahalli, Bengaluru - CPCB",
    ];
    let values = |name: &str, base: f64| Series {
        name: name.into(),
        values: (0..names.len())
            .map(|idx| (idx != 2).then_some(base + 3.0 * (idx as f64 * 1.7).sin()))
            .collect(),
    };
    categories(&Categories {
        labels: words("Error by station", "", "error"),
        names: names.map(String::from).to_vec(),
        series: vec![values("RMSE", 70.0), values("MAE", 50.0)],
        shape: Shape::Bars,
        reach: 0.0,
    })
}

fn importance() -> Png {
    let weight = |idx: usize| {
        if idx == 9 {
            -5.0
        } else {
            40.0 / (idx + 1) as f64
        }
    };
    let bars_of = FEATURES
        .iter()
        .enumerate()
        .map(|(idx, name)| (name.to_string(), weight(idx)))
        .collect();
    bars(&Bars {
        labels: words("Importance of features", "mean absolute effect", ""),
        bars: bars_of,
    })
}

fn swarms(pairs: &[(f64, f64)]) -> Png {
    let values: Vec<f32> = pairs
        .iter()
        .enumerate()
        .map(|(idx, pair)| {
            if idx % 9 == 0 {
                f32::NAN
            } else {
                pair.0 as f32
            }
        })
        .collect();
    let effects: Vec<Vec<f64>> = (0..FEATURES.len())
        .map(|idx| {
            let weight = if idx % 2 == 0 { 0.6 } else { -0.6 } / (idx + 1) as f64;
            pairs
                .iter()
                .map(|(actual, predicted)| (predicted - 90.0) * weight + actual * 7.3 % 11.0 - 5.0)
                .collect()
        })
        .collect();
    let swarm = |(idx, name): (usize, &&str)| Swarm {
        name: name.to_string(),
        effects: &effects[idx],
        values: &values,
    };
    let swarms = FEATURES.iter().enumerate().map(swarm).collect();
    beeswarm(&Beeswarm {
        labels: words(
            "Effect of each feature on every row",
            "effect on the prediction",
            "",
        ),
        swarms,
    })
}

fn one_prediction() -> Png {
    let change = |idx: usize| if idx % 3 == 1 { -90.0 } else { 90.0 } / (idx + 1) as f64;
    waterfall(&Waterfall {
        labels: words(
            "One prediction, Dongsi, 2016-12-20 21:00 +08:00",
            "PM2.5",
            "",
        ),
        base: ("average".into(), 78.3),
        steps: FEATURES
            .iter()
            .enumerate()
            .map(|(idx, name)| (format!("{name} = {}", 3 * idx + 1), change(idx)))
            .collect(),
        end: "prediction".into(),
    })
}

fn coverage() -> Png {
    let curve = |name: &str, kept: fn(f64) -> f64| {
        (
            name.to_owned(),
            (0..=10)
                .map(|tenth| f64::from(tenth) / 10.0)
                .map(|share| (share, kept(share)))
                .collect(),
        )
    };
    let labels = Labels {
        x: "promised".into(),
        y: "kept".into(),
        ..words("Coverage of intervals", "", "")
    };
    calibration(&Calibration {
        labels,
        curves: vec![
            curve("December", |share| share * 0.72),
            curve("August", f64::sqrt),
        ],
    })
}

/// Invented concentrations with a long tail, and predictions that shrink towards the mean.
fn pairs() -> Vec<(f64, f64)> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut normal = move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let pair = |_| {
        let actual = (4.0 + 0.95 * normal()).exp().clamp(2.0, 900.0);
        (
            actual,
            (30.0 + 0.6 * actual + 1.4 * actual.sqrt() * normal()).max(1.0),
        )
    };
    (0..60_000).map(pair).collect()
}
