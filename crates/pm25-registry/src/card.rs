//! `card`: the model card and the data card of one version, from its artifacts.

use std::fs;
use std::io;

use pm25_artifact::card::{
    Block, DATA_TEMPLATE, DataPapers, MODEL_TEMPLATE, ModelPapers, data_blocks, fill, model_blocks,
};
use pm25_artifact::ingest::IngestReport;
use pm25_artifact::model::Horizons;
use pm25_artifact::prep::PrepReport;
use pm25_artifact::registry::{Judged, Registry};
use pm25_file::{Fault, Input, Output, Result, read_document};
use pm25_tool::Console;
use serde::Serialize;

use crate::show::{Pointed, wanted};

/// Write the model card of a version, and with --ingest also its data card
///
/// Replaces what stands between `<!-- pm25:begin ... -->` and `<!-- pm25:end -->` and keeps everything else to the byte.
/// Where there is no card yet, the one of governance/ is begun with.
#[derive(Debug, clap::Args)]
pub(crate) struct Card {
    #[command(flatten)]
    pointed: Pointed,
    /// Which horizon of a model of several the card is about
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// The model card
    #[arg(long, value_name = "FILE")]
    out: Output,
    /// Take the prose of this card; that of --out is replaced
    #[arg(long, value_name = "FILE")]
    like: Option<Input>,
    /// What was made of the raw files (ingest.json)
    #[arg(long, value_name = "FILE", requires = "data_out")]
    ingest: Option<Input>,
    /// The data card
    #[arg(long, value_name = "FILE", requires = "ingest")]
    data_out: Option<Output>,
    /// Take the prose of this data card
    #[arg(long, value_name = "FILE", requires = "data_out")]
    data_like: Option<Input>,
}

#[derive(Serialize)]
struct Written {
    cards: Vec<String>,
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cards
            .iter()
            .try_for_each(|card| writeln!(f, "wrote {card}"))
    }
}

pub(crate) fn run(registry: &Registry, args: &Card, console: &Console) -> anyhow::Result<()> {
    args.expect_two_places()?;
    let name = args.pointed.name()?;
    let history = registry.history(&name)?;
    let version = wanted(&history, &args.pointed)?;
    let objects = version.objects;
    let object = |sha256| {
        registry.check_object(sha256)?;
        Ok::<_, Fault>(Input::Path(registry.object_path(sha256)))
    };
    let (horizons, _) = Horizons::read(&object(objects.model)?)?;
    let model = horizons.at(name.as_str(), args.horizon_h)?;
    let (prep, _) = read_document::<PrepReport>(&object(objects.prep)?)?;
    let reports = Judged::of(registry, &objects)?.reports;
    let eval = reports.iter().find(|it| it.model.task == model.task());
    let eval = eval.ok_or_else(|| {
        Fault::bad_artifact(format!("the evaluation of `{name}` is about another task"))
            .hint("register the model again with its own evaluation")
    })?;
    let blocks = model_blocks(&ModelPapers {
        name: &name,
        version: version.number,
        stage: version.stage,
        model: (&model, objects.model),
        eval: (eval, objects.eval),
        prep: (&prep, objects.prep),
    })
    .map_err(|e| Fault::unforeseen("cannot write the card's front matter").because(e))?;
    let mut texts = vec![(
        &args.out,
        filled(&args.out, args.like.as_ref(), MODEL_TEMPLATE, &blocks)?,
    )];
    if let (Some(input), Some(out)) = (&args.ingest, &args.data_out) {
        let (ingest, reference) = read_document::<IngestReport>(input)?;
        expect_chain(input, &ingest, &prep)?;
        let blocks = data_blocks(&DataPapers {
            ingest: (&ingest, reference.sha256),
            prep: (&prep, objects.prep),
        });
        let like = args.data_like.as_ref();
        texts.push((out, filled(out, like, DATA_TEMPLATE, &blocks)?));
    }
    for (out, text) in &texts {
        out.write(text.as_bytes())?;
    }
    if texts.iter().any(|(out, _)| out.is_stdout()) {
        return Ok(());
    }
    console.say(&Written {
        cards: texts.iter().map(|(out, _)| out.to_string()).collect(),
    })
}

impl Card {
    /// Two cards do not fit into one file, nor into one stream.
    fn expect_two_places(&self) -> Result<()> {
        match &self.data_out {
            Some(data_out) if data_out.to_string() == self.out.to_string() => Err(Fault::usage(
                format!("both cards would be written to {data_out}"),
            )
            .hint("give --data-out another name")),
            _ => Ok(()),
        }
    }
}

/// The preparation was made from the observations that this report is about.
fn expect_chain(input: &Input, ingest: &IngestReport, prep: &PrepReport) -> Result<()> {
    let made = |sha256| ingest.pm25.files.iter().any(|file| file.sha256 == sha256);
    if prep.pm25.inputs.iter().any(|used| made(used.sha256)) {
        return Ok(());
    }
    Err(Fault::bad_artifact(format!(
        "{input} is not about the observations that the model was prepared from"
    ))
    .hint("give the ingest.json of the run that made the model"))
}

/// A card with its blocks: as `like` has it, else as it is, else as it is shipped.
fn filled(out: &Output, like: Option<&Input>, shipped: &str, blocks: &[Block]) -> Result<String> {
    let (name, text) = match like {
        Some(input) => (input.to_string(), String::from_utf8(input.bytes()?)),
        None => match out {
            Output::Stdout => ("the shipped card".to_owned(), Ok(shipped.to_owned())),
            Output::Path(path) => match fs::read(path) {
                Ok(bytes) => (out.to_string(), String::from_utf8(bytes)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    ("the shipped card".to_owned(), Ok(shipped.to_owned()))
                }
                Err(e) => {
                    return Err(Fault::unforeseen(format!("cannot read {out}")).because(e));
                }
            },
        },
    };
    let text = text.map_err(|e| Fault::bad_data(format!("{name} is not UTF-8")).because(e))?;
    let names: Vec<&str> = blocks.iter().map(|block| block.name).collect();
    fill(&text, blocks).map_err(|bad| {
        Fault::bad_data(format!("{name}: {}", bad.what())).hint(format!(
            "each of {} has one place: a line `<!-- pm25:begin NAME -->`, then a line `<!-- pm25:end -->`",
            names.join(", ")
        ))
    })
}
