//! `export` and `import`: models to and from other programs' formats.
//!
//! The formats are in `pm25_artifact::interchange`; no registry is needed unless a model is to be taken from one.

use std::fmt;

use pm25_artifact::interchange::{self, Format};
use pm25_artifact::model::Model;
use pm25_artifact::registry::{Registry, Stage};
use pm25_file::{Fault, Header, Input, Output, Sha256};
use pm25_tool::Console;
use serde::Serialize;

use crate::{PROGRAM, Which};

/// Write the trees of a model for XGBoost, LightGBM or ONNX
///
/// Boosters and forests only. What the format cannot say is refused by name (exit 4). The input columns keep their
/// names; missing values are NaN. XGBoost: `Booster(model_file=F)`; LightGBM: `Booster(model_file=F)`; ONNX: input `X`,
/// output `Y`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,
    /// A model file; no registry is needed
    #[arg(long, value_name = "MODEL.json", conflicts_with_all = ["name", "stage"])]
    model: Option<Input>,
    /// Which model of a file with several horizons
    #[arg(long, value_name = "H", requires = "model")]
    horizon_h: Option<u16>,
    /// The version that came to this stage last [default: production]
    #[arg(long, value_enum)]
    stage: Option<At>,
    /// The format
    #[arg(long = "as", value_name = "FORMAT", value_enum)]
    written_as: To,
    /// Where it goes; XGBoost wants the ending .json
    #[arg(long, value_name = "FILE")]
    out: Output,
}

/// Make a model file of trees that XGBoost or LightGBM has grown
///
/// Task, input columns, stations and baselines are taken from a model of pm25-train that knows the same columns
/// (`--model linear` makes one in a moment). The result can be judged, served with `pm25-serve --model` and explained;
/// a registry does not take it, since nobody can say which rows it learned from.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The format
    #[arg(long = "as", value_name = "FORMAT", value_enum)]
    written_as: From,
    /// What XGBoost (save_model to .json) or LightGBM (save_model to text) has written
    #[arg(long, value_name = "FILE")]
    from: Input,
    /// A model of ours with the same input columns
    #[arg(long, value_name = "MODEL.json")]
    like: Input,
    /// Where the model goes
    #[arg(long, value_name = "MODEL.json")]
    out: Output,
}

/// Formats that are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    Xgboost,
    Lightgbm,
    Onnx,
}

/// Formats that are read.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    Xgboost,
    Lightgbm,
}

/// Stages whose newest version can be exported.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum At {
    Staging,
    Production,
}

impl To {
    fn format(self) -> Format {
        match self {
            Self::Xgboost => Format::Xgboost,
            Self::Lightgbm => Format::Lightgbm,
            Self::Onnx => Format::Onnx,
        }
    }
}

impl From {
    fn format(self) -> Format {
        match self {
            Self::Xgboost => Format::Xgboost,
            Self::Lightgbm => Format::Lightgbm,
        }
    }
}

/// What went across.
#[derive(Serialize)]
struct Exchanged {
    format: String,
    trees: usize,
    nodes: usize,
    features: usize,
    /// Of what was written.
    sha256: Sha256,
}

impl Exchanged {
    fn of(model: &Model, format: Format, sha256: Sha256) -> Self {
        let trees = model.trees.as_ref().map_or(&[][..], |trees| &trees.trees);
        Self {
            format: format.to_string(),
            trees: trees.len(),
            nodes: trees.iter().map(|tree| tree.n_nodes()).sum(),
            features: model.inputs.len(),
            sha256,
        }
    }
}

impl fmt::Display for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            format,
            trees,
            nodes,
            features,
            sha256,
        } = self;
        writeln!(
            f,
            "{format}: {trees} trees, {nodes} nodes, {features} features"
        )?;
        writeln!(f, "written  {sha256}")
    }
}

pub(crate) fn export(registry: &Registry, args: &Export, console: &Console) -> anyhow::Result<()> {
    let input = match &args.model {
        Some(model) => model.clone(),
        None => newest(registry, args)?,
    };
    let (model, reference) = Model::read_at(&input, args.horizon_h)?;
    let format = args.written_as.format();
    let bytes = interchange::export(&model, reference.sha256, format)?;
    if format == Format::Onnx {
        args.out.refuse_terminal()?;
    }
    args.out.write(&bytes)?;
    say(
        &args.out,
        &Exchanged::of(&model, format, Sha256::of(&bytes)),
        console,
    )
}

fn newest(registry: &Registry, args: &Export) -> anyhow::Result<Input> {
    let name = args.which.name()?;
    let stage = match args.stage {
        Some(At::Staging) => Stage::Staging,
        Some(At::Production) | None => Stage::Production,
    };
    let history = registry.history(&name)?;
    let version = history.state.newest_in(stage).ok_or_else(|| {
        Fault::bad_artifact(format!("no version of `{name}` is in stage {stage}")).hint(format!(
            "`pm25-registry list --name {name}` shows its versions; --model takes a file"
        ))
    })?;
    let sha256 = version.objects.model;
    registry.check_object(sha256)?;
    Ok(Input::Path(registry.object_path(sha256)))
}

pub(crate) fn import(args: &Import, console: &Console) -> anyhow::Result<()> {
    let (like, like_reference) = Model::read(&args.like)?;
    let bytes = args.from.bytes()?;
    let format = args.written_as.format();
    let header = Header::new(&PROGRAM)
        .input(args.from.reference(&bytes))
        .input(like_reference)
        .param("imported_from", format.to_string())
        .unit("target", "µg/m³")
        .unit("prediction", "µg/m³");
    let model = interchange::import(&args.from.to_string(), &bytes, format, like, header)?;
    let mut exchanged = Exchanged::of(&model, format, Sha256::ZERO);
    exchanged.sha256 = model.write(&args.out)?;
    say(&args.out, &exchanged, console)
}

/// Standard output holds one thing: the model, if it goes there.
fn say(out: &Output, exchanged: &Exchanged, console: &Console) -> anyhow::Result<()> {
    if out.is_stdout() {
        return Ok(());
    }
    console.say(exchanged)
}
