//! What a command says and where: the result to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use serde::Serialize;

use crate::{Common, Format, Progress};

/// Decides once who is listening: a person at a terminal, a log, or a program.
pub struct Console {
    format: Format,
    quiet: bool,
    verbose: bool,
    terminal: bool,
    colour: bool,
}

impl Console {
    /// From the flags and the terminal.
    pub fn new(common: &Common) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            format: common.format,
            quiet: common.quiet && !common.verbose,
            verbose: common.verbose,
            terminal,
            colour: terminal && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    /// Says the result on standard output, as text or as one JSON document.
    pub fn say(&self, result: &(impl Serialize + Display)) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Text => result.to_string(),
            Format::Json => serde_json::to_string(result).context("cannot encode the result")?,
        };
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", text.trim_end())
            .and_then(|()| stdout.flush())
            .context("cannot write standard output")
    }

    /// Tells people what is going on, unless they asked for quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Warns, always.
    pub fn warn(&self, text: &str) {
        let head = if self.colour {
            "\x1b[33mwarning:\x1b[0m"
        } else {
            "warning:"
        };
        self.line(&format!("{head} {text}"));
    }

    /// Tells more, with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.line(text);
        }
    }

    /// A progress bar on a terminal, a line every ten seconds elsewhere, nothing with `-q`.
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        Progress::start(what, total, self.terminal, self.quiet)
    }

    /// For one of several pieces of work side by side: only its warnings are heard.
    #[must_use]
    pub fn hushed(&self) -> Self {
        Self {
            quiet: true,
            verbose: false,
            ..*self
        }
    }

    /// How results are said.
    pub fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn line(&self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    pub(crate) fn red(&self, text: &str) -> String {
        self.paint("31;1", text)
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
