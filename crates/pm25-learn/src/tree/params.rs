//! Settings of the tree learners: parsed and checked once, so that learning cannot fail.
//!
//! Not a configuration language: names are XGBoost's and scikit-learn's, values are numbers.

use super::knobs::{BadParam, Knob, Number, Settings, real, whole, word};
use super::objective::Objective;

/// Settings of [`fit_boost`](super::boost::fit_boost).
#[derive(Clone, Debug, PartialEq)]
pub struct BoostParams {
    pub(crate) objective: Objective,
    pub(crate) n_estimators: usize,
    pub(crate) learning_rate: f64,
    pub(crate) max_depth: usize,
    pub(crate) max_leaves: usize,
    pub(crate) subsample: f64,
    pub(crate) colsample_bytree: f64,
    pub(crate) min_child_weight: f64,
    pub(crate) reg_lambda: f64,
    pub(crate) reg_alpha: f64,
    pub(crate) min_split_gain: f64,
    pub(crate) max_bin: usize,
    pub(crate) early_stopping_rounds: usize,
    pub(crate) seed: u64,
}

impl BoostParams {
    /// The most bins of a column of numbers, 2 to 255.
    #[must_use]
    pub fn max_bin(&self) -> usize {
        self.max_bin
    }

    /// Everything that can be set, with defaults, ranges and meanings.
    pub const KNOBS: &'static [Knob] = &[
        word("objective", OBJECTIVES, "the loss that is made small"),
        real(
            "quantile_alpha",
            0.5,
            0.001,
            0.999,
            "share of targets below the prediction, for reg:quantileerror",
        ),
        real(
            "huber_slope",
            1.0,
            1e-6,
            1e12,
            "residuals beyond it pull no harder, for huber; in units of the target",
        ),
        whole("n_estimators", 300, 1.0, 100_000.0, "trees at most"),
        real(
            "learning_rate",
            0.05,
            1e-6,
            1.0,
            "share of each tree's correction that is used",
        )
        .or(&["eta"]),
        MAX_DEPTH_BOOST,
        whole(
            "max_leaves",
            127,
            2.0,
            65_536.0,
            "leaves of a tree at most; those with most to gain are split first",
        ),
        real(
            "subsample",
            0.9,
            0.01,
            1.0,
            "share of rows that each tree sees",
        ),
        real(
            "colsample_bytree",
            0.9,
            0.01,
            1.0,
            "share of features that each tree may use",
        ),
        real(
            "min_child_weight",
            1.0,
            0.0,
            1e9,
            "rows that each side of a split has at least",
        ),
        real(
            "reg_lambda",
            1.0,
            0.0,
            1e9,
            "rows of no correction that each leaf is averaged with",
        )
        .or(&["lambda"]),
        real(
            "reg_alpha",
            0.0,
            0.0,
            1e12,
            "taken off the sum of a leaf's residuals",
        )
        .or(&["alpha"]),
        real(
            "min_split_gain",
            0.0,
            0.0,
            1e18,
            "gain that a split must exceed, in squared units of the target",
        )
        .or(&["gamma", "min_split_loss"]),
        MAX_BIN,
        whole(
            "early_stopping_rounds",
            30,
            0.0,
            100_000.0,
            "trees without a better validation error before it stops; 0: never",
        ),
        SEED,
    ];

    /// Reads `name`, `value` pairs; what is not named has its default.
    ///
    /// # Errors
    /// An unknown name, a value of the wrong kind or out of range, a setting given twice.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, BadParam> {
        let settings = Settings::parse(Self::KNOBS, pairs)?;
        Ok(Self {
            objective: settings.objective(),
            n_estimators: settings.count("n_estimators"),
            learning_rate: settings.real("learning_rate"),
            max_depth: settings.count("max_depth"),
            max_leaves: settings.count("max_leaves"),
            subsample: settings.real("subsample"),
            colsample_bytree: settings.real("colsample_bytree"),
            min_child_weight: settings.real("min_child_weight"),
            reg_lambda: settings.real("reg_lambda"),
            reg_alpha: settings.real("reg_alpha"),
            min_split_gain: settings.real("min_split_gain"),
            max_bin: settings.count("max_bin"),
            early_stopping_rounds: settings.count("early_stopping_rounds"),
            seed: settings.whole("seed"),
        })
    }

    /// Every setting with the value in force, in the order of [`Self::KNOBS`].
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, Number)> {
        use Number::{Real, Whole};
        let [objective, alpha, slope] = self.objective_settings();
        vec![
            ("objective", objective),
            ("quantile_alpha", alpha),
            ("huber_slope", slope),
            ("n_estimators", Whole(self.n_estimators as u64)),
            ("learning_rate", Real(self.learning_rate)),
            ("max_depth", Whole(self.max_depth as u64)),
            ("max_leaves", Whole(self.max_leaves as u64)),
            ("subsample", Real(self.subsample)),
            ("colsample_bytree", Real(self.colsample_bytree)),
            ("min_child_weight", Real(self.min_child_weight)),
            ("reg_lambda", Real(self.reg_lambda)),
            ("reg_alpha", Real(self.reg_alpha)),
            ("min_split_gain", Real(self.min_split_gain)),
            ("max_bin", Whole(self.max_bin as u64)),
            (
                "early_stopping_rounds",
                Whole(self.early_stopping_rounds as u64),
            ),
            ("seed", Whole(self.seed)),
        ]
    }

    /// The loss that is made small.
    #[must_use]
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The same settings with another loss.
    #[must_use]
    pub fn with_objective(&self, objective: Objective) -> Self {
        Self {
            objective,
            ..self.clone()
        }
    }

    /// The three settings that say what is made small; what the objective does not use has its default.
    fn objective_settings(&self) -> [Number; 3] {
        let (place, alpha, slope) = match self.objective {
            Objective::Squared => (0, None, None),
            Objective::Absolute => (1, None, None),
            Objective::Huber { slope } => (2, None, Some(slope)),
            Objective::Quantile { alpha } => (3, Some(alpha), None),
            Objective::Poisson => (4, None, None),
            Objective::Gamma => (5, None, None),
        };
        let [_, default_alpha, default_slope] = [0, 1, 2].map(|idx| Self::KNOBS[idx].default);
        [
            Number::Word(OBJECTIVES[place]),
            alpha.map_or(default_alpha, Number::Real),
            slope.map_or(default_slope, Number::Real),
        ]
    }
}

/// The names of objectives: XGBoost's, and LightGBM's for Huber's loss, which XGBoost has not.
const OBJECTIVES: &[&str] = &[
    "reg:squarederror",
    "reg:absoluteerror",
    "huber",
    "reg:quantileerror",
    "count:poisson",
    "reg:gamma",
];

/// Settings of [`fit_forest`](super::forest::fit_forest).
#[derive(Clone, Debug, PartialEq)]
pub struct ForestParams {
    pub(crate) n_estimators: usize,
    pub(crate) max_depth: usize,
    pub(crate) max_features: f64,
    pub(crate) min_samples_leaf: usize,
    pub(crate) max_bin: usize,
    pub(crate) seed: u64,
}

impl ForestParams {
    /// The most bins of a column of numbers, 2 to 255.
    #[must_use]
    pub fn max_bin(&self) -> usize {
        self.max_bin
    }

    /// Everything that can be set, with defaults, ranges and meanings.
    pub const KNOBS: &'static [Knob] = &[
        whole("n_estimators", 100, 1.0, 10_000.0, "trees"),
        whole(
            "max_depth",
            20,
            1.0,
            64.0,
            "splits from root to leaf at most",
        ),
        real(
            "max_features",
            1.0,
            0.01,
            1.0,
            "share of features that each node looks at",
        ),
        whole(
            "min_samples_leaf",
            1,
            1.0,
            1e9,
            "drawn rows that each side of a split has at least",
        ),
        MAX_BIN,
        SEED,
    ];

    /// Reads `name`, `value` pairs; what is not named has its default.
    ///
    /// # Errors
    /// An unknown name, a value of the wrong kind or out of range, a setting given twice.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, BadParam> {
        let settings = Settings::parse(Self::KNOBS, pairs)?;
        Ok(Self {
            n_estimators: settings.count("n_estimators"),
            max_depth: settings.count("max_depth"),
            max_features: settings.real("max_features"),
            min_samples_leaf: settings.count("min_samples_leaf"),
            max_bin: settings.count("max_bin"),
            seed: settings.whole("seed"),
        })
    }

    /// Every setting with the value in force, in the order of [`Self::KNOBS`].
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, Number)> {
        use Number::{Real, Whole};
        vec![
            ("n_estimators", Whole(self.n_estimators as u64)),
            ("max_depth", Whole(self.max_depth as u64)),
            ("max_features", Real(self.max_features)),
            ("min_samples_leaf", Whole(self.min_samples_leaf as u64)),
            ("max_bin", Whole(self.max_bin as u64)),
            ("seed", Whole(self.seed)),
        ]
    }
}

const MAX_DEPTH_BOOST: Knob = whole(
    "max_depth",
    7,
    1.0,
    64.0,
    "splits from root to leaf at most",
);
const MAX_BIN: Knob = whole(
    "max_bin",
    255,
    2.0,
    255.0,
    "bins that a feature's values are sorted into",
);
const SEED: Knob =
    whole("seed", 42, 0.0, (1_u64 << 53) as f64, "where chance starts").or(&["random_state"]);

impl Settings {
    fn objective(&self) -> Objective {
        let alpha = self.real("quantile_alpha");
        let slope = self.real("huber_slope");
        match self.value("objective") {
            Number::Word("reg:absoluteerror") => Objective::Absolute,
            Number::Word("huber") => Objective::Huber { slope },
            Number::Word("reg:quantileerror") => Objective::Quantile { alpha },
            Number::Word("count:poisson") => Objective::Poisson,
            Number::Word("reg:gamma") => Objective::Gamma,
            _ => Objective::Squared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn refused(name: &str, value: &str) -> String {
        BoostParams::from_pairs(&pairs(&[(name, value)]))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn tables_settings_and_defaults_agree() {
        let defaults = |knobs: &[Knob]| {
            knobs
                .iter()
                .map(|knob| (knob.name, knob.default))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            BoostParams::from_pairs(&[]).unwrap().settings(),
            defaults(BoostParams::KNOBS)
        );
        assert_eq!(
            ForestParams::from_pairs(&[]).unwrap().settings(),
            defaults(ForestParams::KNOBS)
        );
        for knob in BoostParams::KNOBS.iter().chain(ForestParams::KNOBS) {
            assert_eq!(knob.parse(&knob.default.to_string()), Ok(knob.default));
        }
    }

    #[test]
    fn what_is_said_counts_also_under_another_name() {
        let said = pairs(&[
            ("eta", "0.1"),
            ("max_depth", "3"),
            ("gamma", "2"),
            ("random_state", "7"),
        ]);
        let params = BoostParams::from_pairs(&said).unwrap();
        assert_eq!((params.learning_rate, params.max_depth), (0.1, 3));
        assert_eq!((params.min_split_gain, params.seed), (2.0, 7));
        assert_eq!(params.n_estimators, 300);
        let forest = ForestParams::from_pairs(&pairs(&[("max_features", "0.33")])).unwrap();
        assert_eq!(forest.max_features, 0.33);
    }

    #[test]
    fn objectives_are_known_by_name_and_tell_it() {
        for &name in OBJECTIVES {
            let said = pairs(&[
                ("objective", name),
                ("quantile_alpha", "0.9"),
                ("huber_slope", "7"),
            ]);
            let params = BoostParams::from_pairs(&said).unwrap();
            assert_eq!(params.settings()[0], ("objective", Number::Word(name)));
            assert_eq!(params.with_objective(params.objective()), params);
        }
        let said = pairs(&[
            ("objective", "reg:quantileerror"),
            ("quantile_alpha", "0.9"),
        ]);
        let params = BoostParams::from_pairs(&said).unwrap();
        assert_eq!(params.objective(), Objective::Quantile { alpha: 0.9 });
        assert_eq!(params.settings()[1], ("quantile_alpha", Number::Real(0.9)));
        assert!(
            refused("objective", "mse").starts_with("`objective` is one of reg:squarederror, ")
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        assert!(refused("max_dept", "3").starts_with(
            "there is no setting `max_dept`; did you mean `max_depth`? (known: objective, "
        ));
        assert!(refused("n_estimator", "3").contains("`n_estimators`?"));
        assert!(refused("", "").contains("no setting ``"));
    }

    #[test]
    fn impossible_values_are_refused_with_the_range() {
        assert_eq!(
            refused("max_depth", "0"),
            "`max_depth` takes a whole number from 1 to 64, not `0`"
        );
        assert_eq!(
            refused("eta", "1.5"),
            "`learning_rate` takes a number from 0.000001 to 1, not `1.5`"
        );
        for value in ["-1", "7.5", "seven", "", "1e2", "99999999999999999999"] {
            assert!(refused("max_depth", value).contains(&format!("not `{value}`")));
        }
        for value in ["nan", "inf", "-0.1", "0", "x"] {
            assert!(refused("subsample", value).contains(&format!("not `{value}`")));
        }
        assert!(refused("max_bin", "256").contains("from 2 to 255"));
    }

    #[test]
    fn a_setting_counts_once() {
        let twice = BoostParams::from_pairs(&pairs(&[("gamma", "1"), ("min_split_gain", "2")]));
        assert_eq!(
            twice.unwrap_err().to_string(),
            "`min_split_gain` is set twice"
        );
    }
}
