//! `verify`: does the registry still hold what it was given?

use std::fmt;

use pm25_artifact::registry::{Depth, Name, Registry, Verified};
use pm25_tool::Console;
use serde::Serialize;

/// Check that no log entry was changed, cut off or lost, and with --read-data no object either
///
/// Follows every chain and looks for every object; only --read-data reads the objects' bytes. What it finds wrong
/// it names and exits 4; it repairs nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Only this model [default: all; with --head: pm25]
    #[arg(long)]
    name: Option<String>,
    /// Read and hash every byte of every object too
    #[arg(long)]
    read_data: bool,
    /// The log must still hold this entry, noted from an earlier `verify`
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<String>,
}

#[derive(Serialize)]
struct Sound {
    /// Whether every byte was read.
    read_data: bool,
    #[serde(flatten)]
    verified: Verified,
}

pub(crate) fn run(registry: &Registry, args: &Verify, console: &Console) -> anyhow::Result<()> {
    let depth = if args.read_data {
        Depth::Bytes
    } else {
        Depth::Logs
    };
    let head = args.head.as_deref().map(str::parse).transpose()?;
    let verified = match (args.name.as_deref(), head) {
        (None, None) => registry.verify(depth)?,
        (name, head) => {
            let name: Name = name.unwrap_or("pm25").parse()?;
            registry.verify_model(&name, depth, head)?
        }
    };
    console.say(&Sound {
        read_data: args.read_data,
        verified,
    })
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verified {
            logs,
            objects,
            bytes,
            unnamed,
            leftovers,
        } = &self.verified;
        for log in logs {
            writeln!(
                f,
                "{}: versions {}, head {}",
                log.name, log.versions, log.head
            )?;
        }
        let how = if self.read_data {
            "every byte as it was"
        } else {
            "all there"
        };
        writeln!(f, "objects: {objects}, {bytes} bytes, {how}")?;
        if 0 < unnamed + leftovers {
            writeln!(
                f,
                "left by interrupted writers, harmless: {unnamed} objects, {leftovers} temporary files"
            )?;
        }
        Ok(())
    }
}
