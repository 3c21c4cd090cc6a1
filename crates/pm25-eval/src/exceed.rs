//! Warnings of hours above a threshold: by the threshold itself, by chosen lines, by probability.
//!
//! Nothing here is chosen on test rows. Lines and probabilities are the model's own, from rows out of fold, or come from
//! validation rows that did not teach it. A line is as good as the rows that chose it: a winter teaches little about summers.

use pm25_artifact::eval::{
    AlarmFact, BrierParts, Cheapest, Exceedance, ProbabilityReport, ProbabilitySource,
    ReliabilityFact, Tuned, Warners,
};
use pm25_artifact::model::{Model, line_at};
use pm25_stats::Alarms;
use pm25_stats::alarms::{Aim, best_line, brier, brier_parts, reliability};

use crate::answers::Answers;
use crate::bounds::Bounds;
use crate::errors::Errors;
use crate::exam::Exam;

/// Bins of the reliability diagram.
const BINS: usize = 10;

/// Validation rows and what was said to them.
pub(crate) struct Lessons<'a> {
    pub(crate) exam: &'a Exam<'a>,
    pub(crate) answers: &'a Answers,
}

/// What is wanted.
pub(crate) struct Wish<'a> {
    /// µg/m³.
    pub(crate) thresholds: &'a [f64],
    /// What a warning costs, in missed events.
    pub(crate) warning_cost: Option<f64>,
    pub(crate) lessons: Option<Lessons<'a>>,
    /// The model, which may have lines and errors of its own.
    pub(crate) model: &'a Model,
}

/// The model's probability of each test row to be above a threshold.
pub(crate) struct Chances {
    threshold_ug_m3: f64,
    /// One per test row, 0 to 1.
    pub(crate) probability: Vec<f64>,
    source: ProbabilitySource,
}

impl Chances {
    /// As it is called in predictions.parquet: `probability_above_150`, or `probability_above_35_5`.
    pub(crate) fn column(&self) -> String {
        let level = self.threshold_ug_m3.to_string().replace('.', "_");
        format!("probability_above_{level}")
    }
}

/// Probabilities for each threshold: from validation rows, if there are enough, else from the errors that the model
/// holds; none where it holds none.
pub(crate) fn chances(answers: &Answers, wish: &Wish<'_>) -> Vec<Chances> {
    let thresholds = wish.thresholds.iter();
    match &wish.lessons {
        Some(lessons) => {
            let errors = Errors::of(&Pairs::of(lessons.exam, lessons.answers).0.model);
            let above = |threshold_ug_m3: f64, errors: &Errors| Chances {
                threshold_ug_m3,
                probability: answers
                    .model
                    .iter()
                    .map(|said| errors.probability_above(*said, threshold_ug_m3))
                    .collect(),
                source: ProbabilitySource::ValidationErrors,
            };
            let errors = errors.as_ref();
            thresholds
                .filter_map(|one| Some(above(*one, errors?)))
                .collect()
        }
        None => thresholds
            .filter_map(|&threshold_ug_m3| {
                let intervals = wish.model.intervals.as_ref()?;
                let above = |said| intervals.exceedance(said, threshold_ug_m3);
                Some(Chances {
                    threshold_ug_m3,
                    probability: answers
                        .said
                        .iter()
                        .map(|&said| above(said))
                        .collect::<Option<_>>()?,
                    source: ProbabilitySource::OutOfFoldErrors,
                })
            })
            .collect(),
    }
}

/// One report for each threshold.
pub(crate) fn exceedance(
    exam: &Exam<'_>,
    answers: &Answers,
    bounds: Option<&Bounds<'_>>,
    (wish, chances): (&Wish<'_>, &[Chances]),
) -> Vec<Exceedance> {
    let test = Pairs::of(exam, answers);
    let valid = wish
        .lessons
        .as_ref()
        .map(|lessons| Pairs::of(lessons.exam, lessons.answers));
    let one = |threshold: &f64| {
        let threshold = *threshold;
        let lines = |aim| valid.as_ref().and_then(|valid| valid.lines(threshold, aim));
        Exceedance {
            threshold_ug_m3: threshold,
            events: events(&test.0.model, threshold),
            plain: test.0.map(|pairs| warned(pairs, threshold, threshold)),
            tuned: match &valid {
                Some(valid) => {
                    lines(Aim::Csi).map(|lines| (events(&valid.0.model, threshold), lines))
                }
                None => own_lines(wish.model, threshold),
            }
            .map(|(chosen_on, lines)| Tuned {
                valid_events: chosen_on,
                ..tuned(&test, (threshold, &lines), (answers, bounds))
            }),
            cheapest: wish.warning_cost.and_then(|cost| {
                let lines = match &valid {
                    Some(_) => lines(Aim::Cost(cost)),
                    None => own_cost_lines(wish.model, threshold, cost),
                };
                lines.map(|lines| cheapest(&test, threshold, &lines, cost))
            }),
            probability: chances
                .iter()
                .find(|chances| chances.threshold_ug_m3 == threshold)
                .map(|chances| probability(exam, chances)),
        }
    };
    wish.thresholds.iter().map(one).collect()
}

/// `(target, prediction)` of those that warn, where they say something.
struct Pairs(Warners<Vec<(f64, f64)>>);

impl Pairs {
    fn of(exam: &Exam<'_>, answers: &Answers) -> Self {
        let pairs = |said: &[f64]| {
            let rows = exam.target_ug_m3.iter().copied().zip(said.iter().copied());
            rows.filter(|(_, said)| said.is_finite()).collect()
        };
        Self(Warners {
            model: pairs(&answers.model),
            persistence: pairs(&answers.persistence),
            linear: pairs(&answers.linear),
        })
    }

    /// The best line of each; one that never saw an event keeps the threshold. None where there was no event.
    fn lines(&self, threshold: f64, aim: Aim) -> Option<Warners<f64>> {
        best_line(&self.0.model, threshold, aim)?;
        Some(
            self.0
                .map(|pairs| best_line(pairs, threshold, aim).unwrap_or(threshold)),
        )
    }
}

/// The lines that the model holds, and how many events chose them.
fn own_lines(model: &Model, threshold: f64) -> Option<(u64, Warners<f64>)> {
    let lines = model.warning_lines.iter();
    let known = lines.filter(|line| line.threshold_ug_m3 == threshold);
    let mut known = known.map(|line| {
        let lines = Warners {
            model: line.line_ug_m3,
            persistence: line.persistence_line_ug_m3,
            linear: line.linear_line_ug_m3,
        };
        (line.events, lines)
    });
    known.next()
}

/// The lines for a cost that the model holds, from rows out of fold; what never had an event keeps the threshold.
fn own_cost_lines(model: &Model, threshold: f64, cost: f64) -> Option<Warners<f64>> {
    let mut lines = model.warning_lines.iter();
    let known = lines.find(|line| line.threshold_ug_m3 == threshold)?;
    let costs = known.costs.as_ref()?;
    Some(Warners {
        model: line_at(&costs.model, cost)?,
        persistence: line_at(&costs.persistence, cost).unwrap_or(threshold),
        linear: line_at(&costs.linear, cost).unwrap_or(threshold),
    })
}

/// How the lines do on the test rows; how many events chose them is for the caller to say.
fn tuned(
    test: &Pairs,
    (threshold, lines): (f64, &Warners<f64>),
    (answers, bounds): (&Answers, Option<&Bounds<'_>>),
) -> Tuned {
    let scores = test
        .0
        .zip(lines)
        .map(|(pairs, line)| warned(pairs, threshold, **line));
    let [csi, lead] = bounds.map_or([None; 2], |bounds| {
        let ours = (&answers.model[..], lines.model);
        bounds.csi(threshold, ours, (&answers.linear, lines.linear))
    });
    Tuned {
        valid_events: 0,
        csi,
        csi_over_linear: scores
            .model
            .csi
            .zip(scores.linear.csi)
            .map(|(ours, theirs)| ours - theirs),
        csi_over_linear_interval: lead,
        scores,
    }
}

fn cheapest(test: &Pairs, threshold: f64, lines: &Warners<f64>, warning_cost: f64) -> Cheapest {
    let both = test.0.zip(lines);
    let loss = |(pairs, line): &(&Vec<(f64, f64)>, &f64)| {
        let loss = Alarms::count(pairs, threshold, **line).loss(warning_cost);
        (!pairs.is_empty()).then(|| 1000.0 * loss / pairs.len() as f64)
    };
    Cheapest {
        warning_cost,
        scores: both.map(|(pairs, line)| warned(pairs, threshold, **line)),
        loss_per_1000: both.map(loss),
    }
}

fn probability(exam: &Exam<'_>, chances: &Chances) -> ProbabilityReport {
    let came = exam
        .target_ug_m3
        .iter()
        .map(|target| chances.threshold_ug_m3 < *target);
    let rows: Vec<(f64, bool)> = chances.probability.iter().copied().zip(came).collect();
    let score = brier(&rows);
    let usual = rows.iter().filter(|row| row.1).count() as f64 / rows.len() as f64;
    let doubt = usual * (1.0 - usual);
    ProbabilityReport {
        source: chances.source,
        brier: score,
        brier_skill: score
            .filter(|_| 0.0 < doubt)
            .map(|score| 1.0 - score / doubt),
        decomposition: brier_parts(&rows, BINS).map(|parts| BrierParts {
            reliability: parts.reliability,
            resolution: parts.resolution,
            uncertainty: parts.uncertainty,
        }),
        reliability: reliability(&rows, BINS)
            .iter()
            .map(ReliabilityFact::from)
            .collect(),
    }
}

fn warned(pairs: &[(f64, f64)], threshold: f64, line: f64) -> AlarmFact {
    AlarmFact::new(line, &Alarms::count(pairs, threshold, line))
}

fn events(pairs: &[(f64, f64)], threshold: f64) -> u64 {
    pairs
        .iter()
        .filter(|(target, _)| threshold < *target)
        .count() as u64
}
