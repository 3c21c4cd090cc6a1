//! The commands that write: `register`, `promote`, `rollback`, `archive`.

use std::fmt;

use pm25_artifact::registry::{
    self, Author, Candidate, Head, Name, Pick, Policy, Promotion, Reason, Registry,
};
use pm25_artifact::registry::{Repeat, Rung, Stage};
use pm25_file::{Input, Sha256};
use pm25_tool::Console;
use serde::Serialize;

use crate::{PROGRAM, Which};

/// Make a new version of a model, its evaluation and its preparation report
///
/// The evaluation must be about this very model, and the model must have learned from tables that the
/// preparation report lists. Figures are taken from the evaluation only.
#[derive(Debug, clap::Args)]
pub(crate) struct Register {
    #[command(flatten)]
    which: Which,
    /// The model
    #[arg(long, value_name = "MODEL.json")]
    model: Input,
    /// Its evaluation, from pm25-eval
    #[arg(long, value_name = "EVAL.json")]
    eval: Input,
    /// The report on the tables that it learned from, from pm25-prep
    #[arg(long, value_name = "PREP.json")]
    prep: Input,
    /// If this model is a version already, say which and make no other
    #[arg(long)]
    if_new: bool,
    #[command(flatten)]
    why: Why,
}

/// Raise a version to staging or production, if the policy is met
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("pick").required(true))]
pub(crate) struct Promote {
    #[command(flatten)]
    which: Which,
    /// The version
    #[arg(long, value_name = "V", group = "pick")]
    version: Option<u32>,
    /// The newest version made of this model file
    #[arg(long, value_name = "MODEL.json", group = "pick")]
    model: Option<Input>,
    /// Where to; production only from staging
    #[arg(long, value_enum)]
    to: To,
    /// Only if this version is in production now (0: none), else exit 13
    #[arg(long, value_name = "V")]
    expect_current: Option<u32>,
    /// What the evaluation must show
    #[arg(long, value_name = "FILE", default_value = "governance/policy.toml")]
    policy: Input,
    #[command(flatten)]
    why: Why,
}

/// Bring back the version that was in production before
///
/// It needs no gate, so that it works when things are bad; its files must be sound. A second rollback goes one
/// version further back.
#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    which: Which,
    /// Only if this version is in production now, else exit 13
    #[arg(long, value_name = "V")]
    expect_current: Option<u32>,
    #[command(flatten)]
    why: Why,
}

/// Never use a version again
#[derive(Debug, clap::Args)]
pub(crate) struct Archive {
    #[command(flatten)]
    which: Which,
    /// The version
    #[arg(long, value_name = "V")]
    version: u32,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, clap::Args)]
struct Why {
    /// Why, in a line of at most 500 characters; kept in the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Why {
    fn reason(&self) -> pm25_file::Result<Option<Reason>> {
        self.reason.as_deref().map(str::parse).transpose()
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    /// On trial
    Staging,
    /// In use
    Production,
}

impl From<To> for Rung {
    fn from(to: To) -> Self {
        match to {
            To::Staging => Self::Staging,
            To::Production => Self::Production,
        }
    }
}

/// What came of it.
#[derive(Serialize)]
struct Changed<'a> {
    name: &'a Name,
    version: u32,
    stage: Stage,
    /// Number of the log entry; `null` if it was so already.
    written: Option<u32>,
    head: Head,
}

pub(crate) fn register(
    registry: &Registry,
    args: &Register,
    console: &Console,
) -> anyhow::Result<()> {
    let name = args.which.name()?;
    let candidate = Candidate::read(&args.model, &args.eval, &args.prep)?;
    let repeat = if args.if_new {
        Repeat::Keep
    } else {
        Repeat::Register
    };
    let outcome = registry::register(&author(registry, &name, &args.why)?, &candidate, repeat)?;
    say(console, &name, outcome)
}

pub(crate) fn promote(
    registry: &Registry,
    args: &Promote,
    console: &Console,
) -> anyhow::Result<()> {
    let name = args.which.name()?;
    let pick = match (&args.model, args.version) {
        (Some(model), _) => Pick::Model(Sha256::of(&model.bytes()?)),
        (None, version) => Pick::Version(version.unwrap_or_default()),
    };
    let policy = Policy::read(&args.policy)?;
    let (to, expect_current) = (args.to.into(), args.expect_current);
    let promotion = Promotion {
        pick,
        to,
        expect_current,
        policy: &policy,
    };
    say(
        console,
        &name,
        registry::promote(&author(registry, &name, &args.why)?, &promotion)?,
    )
}

pub(crate) fn rollback(
    registry: &Registry,
    args: &Rollback,
    console: &Console,
) -> anyhow::Result<()> {
    let name = args.which.name()?;
    let author = author(registry, &name, &args.why)?;
    say(
        console,
        &name,
        registry::rollback(&author, args.expect_current)?,
    )
}

pub(crate) fn archive(
    registry: &Registry,
    args: &Archive,
    console: &Console,
) -> anyhow::Result<()> {
    let name = args.which.name()?;
    say(
        console,
        &name,
        registry::archive(&author(registry, &name, &args.why)?, args.version)?,
    )
}

fn author<'a>(registry: &'a Registry, name: &'a Name, why: &Why) -> pm25_file::Result<Author<'a>> {
    Ok(Author {
        registry,
        name,
        program: &PROGRAM,
        reason: why.reason()?,
    })
}

fn say(console: &Console, name: &Name, outcome: registry::Outcome) -> anyhow::Result<()> {
    if let Some(fault) = &outcome.untimed {
        console.warn(&format!("the time was not noted: {fault}"));
    }
    let registry::Outcome {
        version,
        stage,
        written,
        head,
        ..
    } = outcome;
    console.say(&Changed {
        name,
        version,
        stage,
        written,
        head,
    })
}

impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            stage,
            ..
        } = self;
        let place = match stage {
            Stage::None => "registered".to_owned(),
            stage => format!("in stage {stage}"),
        };
        match self.written {
            Some(number) => write!(f, "version {version} of {name} is {place} (entry {number})"),
            None => write!(
                f,
                "version {version} of {name} is {place} already; nothing written"
            ),
        }
    }
}
