//! What the user knows of columns: that PM2.5 rises or falls with one, that one holds categories.
//!
//! Boosters obey it; forests and lines do not ask.

use std::collections::BTreeMap;

use pm25_file::{Fault, Header, Result};
use pm25_learn::tree::{Objective, Role};

use crate::choose::Wanted;
use crate::unknown;

/// The flags that give columns roles.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct RoleArgs {
    /// A column with which boosted predictions never fall, or never rise, all else equal; may be repeated
    #[arg(long = "monotone", value_name = "COLUMN=rising|falling", value_parser = parse)]
    monotone: Vec<(String, Role)>,
    /// A column of numbers that are names, for example station_code; boosters split it into sets; may be repeated
    #[arg(long = "categorical", value_name = "COLUMN")]
    categorical: Vec<String>,
}

fn parse(text: &str) -> std::result::Result<(String, Role), String> {
    let role = match text.rsplit_once('=') {
        Some((column, "rising")) => (column, Role::Rising),
        Some((column, "falling")) => (column, Role::Falling),
        _ => return Err(format!("`{text}` is not COLUMN=rising or COLUMN=falling")),
    };
    Ok((role.0.to_owned(), role.1))
}

impl RoleArgs {
    /// Roles that nobody would obey are a slip, and so are such as no leaf could keep.
    pub(crate) fn expect_used(&self, wanted: Wanted, objective: Objective) -> Result<()> {
        let flag = match (self.monotone.first(), self.categorical.first()) {
            (Some(_), _) => "--monotone",
            (None, Some(_)) => "--categorical",
            (None, None) => return Ok(()),
        };
        if !wanted.wants(pm25_artifact::model::ModelKind::Boost) {
            let word = wanted.word();
            return Err(
                Fault::usage(format!("`{flag}` changes nothing in a {word} model"))
                    .hint("leave it out, or train a booster: --model boost"),
            );
        }
        let takes_order_statistics = matches!(
            objective,
            Objective::Absolute | Objective::Huber { .. } | Objective::Quantile { .. }
        );
        if takes_order_statistics && !self.monotone.is_empty() {
            return Err(Fault::usage(
                "--monotone cannot be kept with this objective: its leaves are order statistics, which no split binds",
            )
            .hint("--set objective=reg:squarederror, count:poisson or reg:gamma"));
        }
        Ok(())
    }

    /// One role a column; none at all if every column is a plain number.
    pub(crate) fn of(&self, columns: &[&str]) -> Result<Vec<Role>> {
        let mut roles = vec![Role::Number; columns.len()];
        let categorical = self.categorical.iter().map(|name| (name, Role::Category));
        let said = self.monotone.iter().map(|(name, role)| (name, *role));
        for (name, role) in said.chain(categorical) {
            let place = columns.iter().position(|column| column == name);
            let place = place.ok_or_else(|| unknown("feature column", name, columns))?;
            if roles[place] != Role::Number {
                return Err(Fault::usage(format!("`{name}` has a role twice"))
                    .hint("one --monotone or --categorical a column"));
            }
            roles[place] = role;
        }
        if roles.iter().all(|&role| role == Role::Number) {
            roles.clear();
        }
        Ok(roles)
    }

    /// Writes what was said into a header.
    pub(crate) fn put(&self, header: Header) -> Header {
        let word = |role| match role {
            Role::Falling => "falling",
            _ => "rising",
        };
        let said = self.monotone.iter();
        let monotone: BTreeMap<&str, &str> = said
            .map(|(name, role)| (name.as_str(), word(*role)))
            .collect();
        let mut categorical = self.categorical.clone();
        categorical.sort_unstable();
        let header = match monotone.is_empty() {
            true => header,
            false => header.param("monotone", monotone),
        };
        match categorical.is_empty() {
            true => header,
            false => header.param("categorical", categorical),
        }
    }
}
