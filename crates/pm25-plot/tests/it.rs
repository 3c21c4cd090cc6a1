//! Every chart, drawn from ordinary and from hostile data, and looked at as pixels.
#![expect(clippy::unwrap_used, reason = "a test stops where it stands")]

use pm25_plot::{
    Bars, Beeswarm, Calibration, Categories, Course, Curve, Density, Dependence, Histogram, Labels,
    Mark, PlotError, Residuals, Series, Shape, Surface, Swarm, Waterfall, bars, beeswarm,
    calibration, categories, course, curve, density, dependence, histogram, residuals, surface,
    waterfall,
};

/// What all charts are drawn from.
struct Data {
    pairs: Vec<(f64, f64)>,
    names: Vec<String>,
    words: String,
}

type Drawn = Vec<(&'static str, Result<Vec<u8>, PlotError>)>;

fn draw_all(data: &Data) -> Drawn {
    let mut drawn = draw_clouds(data);
    drawn.extend(draw_named(data));
    drawn.extend(draw_effects(data));
    drawn
}

fn words(data: &Data) -> Labels {
    Labels {
        title: data.words.clone(),
        subtitle: data.words.clone(),
        x: "µg/m³".into(),
        y: "rows ≥ 0 (×10²)".into(),
    }
}

/// The charts of many points.
fn draw_clouds(data: &Data) -> Drawn {
    let (labels, pairs) = (words(data), data.pairs.as_slice());
    let values: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let marks = vec![Mark {
        text: data.words.clone(),
        at: vec![-1.0, 1.0],
    }];
    vec![
        (
            "density",
            density(&Density {
                labels: labels.clone(),
                pairs,
            }),
        ),
        (
            "residuals",
            residuals(&Residuals {
                labels: labels.clone(),
                pairs,
            }),
        ),
        (
            "dependence",
            dependence(&Dependence {
                labels: labels.clone(),
                pairs,
            }),
        ),
        (
            "histogram",
            histogram(&Histogram {
                labels: labels.clone(),
                values: &values,
                marks,
            }),
        ),
        (
            "calibration",
            calibration(&Calibration {
                labels,
                curves: vec![("August".into(), pairs.to_vec())],
            }),
        ),
    ]
}

/// The charts of what follows from what.
fn draw_effects(data: &Data) -> Drawn {
    let values: Vec<f64> = data.pairs.iter().map(|pair| pair.1).collect();
    let mut rising: Vec<f64> = data.pairs.iter().map(|pair| pair.0).collect();
    rising.sort_unstable_by(f64::total_cmp);
    rising.dedup();
    let series = |name: &str| Series {
        name: name.into(),
        values: values.iter().take(30).map(|value| Some(*value)).collect(),
    };
    let (first, last) = (rising.first().copied(), rising.last().copied());
    vec![
        (
            "course",
            course(&Course {
                labels: words(data),
                names: data.names.clone(),
                series: vec![series(&data.words), series("normalised")],
                marks_are: data.words.clone(),
                marks: vec![
                    (first.unwrap_or(0.0), data.words.clone()),
                    (1.5, "−12".into()),
                ],
            }),
        ),
        (
            "curve",
            curve(&Curve {
                labels: words(data),
                line_is: data.words.clone(),
                band_is: "rows".into(),
                points: data
                    .pairs
                    .iter()
                    .map(|(x, y)| (*x, *y, [y - 1.0, y + 1.0]))
                    .collect(),
                rug: first.into_iter().chain(last).collect(),
            }),
        ),
        (
            "surface",
            surface(&Surface {
                labels: words(data),
                scale: ["PM2.5".into(), "µg/m³".into()],
                x: rising.clone(),
                y: vec![0.0, 1.0],
                values: values.iter().map(|value| vec![*value, f64::NAN]).collect(),
            }),
        ),
    ]
}

/// The charts of named things.
fn draw_named(data: &Data) -> Drawn {
    let effects: Vec<f64> = data.pairs.iter().map(|pair| pair.1).collect();
    let values: Vec<f32> = data.pairs.iter().map(|pair| pair.0 as f32).collect();
    let value_of = |idx: usize| effects.get(idx).copied().unwrap_or(0.0);
    let named: Vec<(String, f64)> = data
        .names
        .iter()
        .enumerate()
        .map(|(idx, name)| (name.clone(), value_of(idx)))
        .collect();
    let series = |name: &str| Series {
        name: name.into(),
        values: named.iter().map(|(_, value)| Some(*value)).collect(),
    };
    let by = |shape| Categories {
        labels: words(data),
        names: data.names.clone(),
        series: vec![series(&data.words), series("MAE")],
        shape,
        reach: 0.0,
    };
    let swarms = data
        .names
        .iter()
        .map(|name| Swarm {
            name: name.clone(),
            effects: &effects,
            values: &values,
        })
        .collect();
    let base = ("average".into(), 70.0);
    vec![
        ("lines", categories(&by(Shape::Lines))),
        ("bars by category", categories(&by(Shape::Bars))),
        (
            "bars",
            bars(&Bars {
                labels: words(data),
                bars: named.clone(),
            }),
        ),
        (
            "beeswarm",
            beeswarm(&Beeswarm {
                labels: words(data),
                swarms,
            }),
        ),
        (
            "waterfall",
            waterfall(&Waterfall {
                labels: words(data),
                base,
                steps: named,
                end: "prediction".into(),
            }),
        ),
    ]
}

fn ordinary() -> Data {
    Data {
        pairs: (0..500)
            .map(|i| (f64::from(i % 40), f64::from((i * 7) % 90) - 30.0))
            .collect(),
        names: ["Dongsi", "Gucheng", "Tiantan"].map(String::from).to_vec(),
        words: "Predicted against actual".into(),
    }
}

struct Picture {
    width: usize,
    rgb: Vec<u8>,
}

fn decode(bytes: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(bytes).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    Picture {
        width: info.width as usize,
        rgb,
    }
}

impl Picture {
    /// Whether a border of some pixels is paper: nothing has run over the edge.
    fn has_clean_border(&self) -> bool {
        const BORDER: usize = 8;
        let height = self.rgb.len() / 3 / self.width;
        self.rgb.chunks_exact(3).enumerate().all(|(at, pixel)| {
            let (x, y) = (at % self.width, at / self.width);
            let inside =
                BORDER <= x && x < self.width - BORDER && BORDER <= y && y < height - BORDER;
            inside || pixel == [255, 255, 255]
        })
    }

    fn has_ink(&self) -> bool {
        self.rgb.iter().any(|channel| *channel < 200)
    }
}

/// Names of the chunks of a PNG.
fn chunks(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        names.push(String::from_utf8(bytes[at + 4..at + 8].to_vec()).unwrap());
        at += 12 + length;
    }
    names.dedup();
    names
}

#[test]
fn a_picture_is_a_png_with_pixels_and_nothing_else() {
    for (name, png) in draw_all(&ordinary()) {
        let png = png.unwrap();
        assert_eq!(chunks(&png), ["IHDR", "IDAT", "IEND"], "{name}");
        let picture = decode(&png);
        assert!(
            1000 <= picture.width && picture.has_ink() && picture.has_clean_border(),
            "{name}"
        );
        assert!(png.len() < 300_000, "{name}: {} bytes", png.len());
    }
}

#[test]
fn drawn_twice_it_is_the_same_to_the_byte() {
    for ((name, once), (_, again)) in draw_all(&ordinary()).into_iter().zip(draw_all(&ordinary())) {
        assert!(once.unwrap() == again.unwrap(), "{name}");
    }
}

#[test]
fn long_words_and_many_names_stay_on_the_sheet() {
    let long =
        "BWSSB Kadabesanahalli, Bengaluru - CPCB, the station beside the ring road ".repeat(4);
    let data = Data {
        names: (0..60).map(|i| format!("{long}{i}")).collect(),
        words: long,
        ..ordinary()
    };
    for (name, png) in draw_all(&data) {
        assert!(decode(&png.unwrap()).has_clean_border(), "{name}");
    }
}

#[test]
fn no_data_one_value_or_hostile_values_still_draw() {
    let hostile = vec![
        (f64::NAN, 1.0),
        (1.0, f64::INFINITY),
        (f64::NEG_INFINITY, f64::NAN),
        (1e15, -1e15),
        (1e-300, 0.0),
    ];
    for pairs in [vec![], vec![(0.0, 0.0)], vec![(5.0, 5.0); 3], hostile] {
        let names = pairs.iter().map(|_| String::new()).collect();
        for (name, png) in draw_all(&Data {
            pairs: pairs.clone(),
            names,
            words: String::new(),
        }) {
            assert!(
                decode(&png.unwrap()).has_clean_border(),
                "{name} of {pairs:?}"
            );
        }
    }
}

#[test]
fn a_value_changes_the_picture() {
    let mut changed = ordinary();
    changed.pairs[1].1 = 88.0;
    for ((name, before), (_, after)) in draw_all(&ordinary()).into_iter().zip(draw_all(&changed)) {
        assert!(before.unwrap() != after.unwrap(), "{name}");
    }
}
