//! Runs the pipeline: what is stale, why, in which order.
//!
//! It spawns the other programs and knows none of them: what a stage is stands in `pipeline.toml`. It reads
//! no table and no model; a file is its hash.

mod args;
mod child;
mod content;
mod draft;
mod draw;
mod failure;
mod graph;
mod lock;
mod pipeline;
mod place;
mod plan;
mod program;
mod quote;
mod record;
mod report;
mod run;
mod stale;
mod survey;
mod template;
mod view;

pub use args::Args;
pub use child::if_child;
