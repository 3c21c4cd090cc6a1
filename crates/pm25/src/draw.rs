//! `pm25 graph`: the stages and what flows between them, as a tree, Mermaid or Graphviz text.

use std::fmt;

use serde::Serialize;

use crate::pipeline::Pipeline;
use crate::place::Place;

/// How a graph is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Drawing {
    /// For a terminal
    Tree,
    /// For Markdown that understands Mermaid
    Mermaid,
    /// For Graphviz
    Dot,
}

/// The stages of a pipeline with their files.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    stages: Vec<Node>,
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Serialize)]
struct Node {
    stage: String,
    argv: Vec<String>,
    #[serde(rename = "in")]
    inputs: Vec<Place>,
    out: Vec<Place>,
    after: Vec<String>,
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Draws a pipeline.
pub(crate) fn draw(pipeline: &Pipeline, drawing: Drawing) -> Picture {
    let name = |&idx: &usize| pipeline.stages[idx].name.clone();
    let nodes = pipeline.graph.order().iter().map(|idx| {
        let stage = &pipeline.stages[*idx];
        Node {
            stage: stage.name.clone(),
            argv: stage.argv.clone(),
            inputs: stage.inputs.clone(),
            out: stage.outputs.clone(),
            after: pipeline.graph.after(*idx).iter().map(name).collect(),
        }
    });
    Picture {
        stages: nodes.collect(),
        text: match drawing {
            Drawing::Tree => tree(pipeline),
            Drawing::Mermaid => mermaid(pipeline),
            Drawing::Dot => dot(pipeline),
        },
    }
}

/// Each stage hangs below the last of those that it needs; the others are named beside it.
fn tree(pipeline: &Pipeline) -> String {
    let order = pipeline.graph.order();
    let mut hangs_on = vec![None; order.len()];
    let mut beside = vec![Vec::new(); order.len()];
    for &stage in order {
        let mut needs = pipeline.graph.after_reduced(stage);
        needs.sort_by_key(|need| order.iter().position(|idx| idx == need));
        hangs_on[stage] = needs.pop();
        beside[stage] = needs
            .iter()
            .map(|&need| pipeline.stages[need].name.clone())
            .collect();
    }
    let mut tree = Tree {
        pipeline,
        hangs_on,
        beside,
        text: String::new(),
    };
    for top in tree.below(None) {
        tree.add(top, "", "");
    }
    tree.text
}

struct Tree<'a> {
    pipeline: &'a Pipeline,
    hangs_on: Vec<Option<usize>>,
    beside: Vec<Vec<String>>,
    text: String,
}

impl Tree<'_> {
    fn below(&self, parent: Option<usize>) -> Vec<usize> {
        let order = self.pipeline.graph.order().iter().copied();
        order.filter(|&idx| self.hangs_on[idx] == parent).collect()
    }

    fn add(&mut self, stage: usize, branch: &str, margin: &str) {
        self.text += branch;
        self.text += &self.pipeline.stages[stage].name;
        if !self.beside[stage].is_empty() {
            self.text += &format!("  (and after {})", self.beside[stage].join(", "));
        }
        self.text.push('\n');
        let below = self.below(Some(stage));
        for (nth, &child) in below.iter().enumerate() {
            let is_last = nth + 1 == below.len();
            let (joint, line) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.add(
                child,
                &format!("{margin}{joint}"),
                &format!("{margin}{line}"),
            );
        }
    }
}

/// An arrow from what makes a file, or from the file itself if no stage does, to what reads it.
struct Arrow {
    from: From,
    to: usize,
    files: Vec<String>,
}

#[derive(Eq, PartialEq)]
enum From {
    Stage(usize),
    File(String),
}

fn arrows(pipeline: &Pipeline) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = Vec::new();
    for &to in pipeline.graph.order() {
        for input in &pipeline.stages[to].inputs {
            let makers = pipeline.graph.after(to).iter().copied();
            let mut sources: Vec<From> = makers
                .filter(|&maker| pipeline.makes(maker, input))
                .map(From::Stage)
                .collect();
            if sources.is_empty() {
                sources.push(From::File(input.to_string()));
            }
            for from in sources {
                let file = input.file_name();
                match arrows
                    .iter_mut()
                    .find(|arrow| arrow.to == to && arrow.from == from)
                {
                    Some(arrow) => arrow.files.push(file),
                    None => arrows.push(Arrow {
                        from,
                        to,
                        files: vec![file],
                    }),
                }
            }
        }
    }
    arrows
}

/// Files that no stage makes, in the order in which they are read.
fn sources(arrows: &[Arrow]) -> Vec<String> {
    let mut files = Vec::new();
    for arrow in arrows {
        if let From::File(file) = &arrow.from
            && !files.contains(file)
        {
            files.push(file.clone());
        }
    }
    files
}

fn mermaid(pipeline: &Pipeline) -> String {
    let clean = |text: &str| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
    };
    let arrows = arrows(pipeline);
    let sources = sources(&arrows);
    let source = |file: &str| {
        sources
            .iter()
            .position(|source| source == file)
            .unwrap_or_default()
    };
    let mut text = "flowchart TD\n".to_owned();
    for (n, file) in sources.iter().enumerate() {
        text += &format!("  f{n}[(\"{}\")]\n", clean(file));
    }
    for &idx in pipeline.graph.order() {
        text += &format!("  s{idx}[\"{}\"]\n", clean(&pipeline.stages[idx].name));
    }
    for Arrow { from, to, files } in &arrows {
        text += &match from {
            From::File(file) => format!("  f{} --> s{to}\n", source(file)),
            From::Stage(from) => format!("  s{from} -->|\"{}\"| s{to}\n", clean(&files.join(", "))),
        };
    }
    text
}

fn dot(pipeline: &Pipeline) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let arrows = arrows(pipeline);
    let mut text = "digraph pipeline {\n  node [shape=box];\n".to_owned();
    for file in sources(&arrows) {
        text += &format!("  {} [shape=cylinder];\n", quoted(&file));
    }
    for &idx in pipeline.graph.order() {
        text += &format!("  {};\n", quoted(&pipeline.stages[idx].name));
    }
    for Arrow { from, to, files } in &arrows {
        let to = quoted(&pipeline.stages[*to].name);
        text += &match from {
            From::File(file) => format!("  {} -> {to};\n", quoted(file)),
            From::Stage(from) => {
                let (from, label) = (
                    quoted(&pipeline.stages[*from].name),
                    quoted(&files.join("\n")),
                );
                format!("  {from} -> {to} [label={label}];\n")
            }
        };
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(drawing: Drawing) -> String {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("p.toml");
        let text = "[stage.get]\nrun=['p']\nin={r='raw \"x\"'}\nout={o='a'}\n\
                    [stage.end]\nrun=['p']\nin={i='a', j='b', k='c'}\nout={o='d'}\n\
                    [stage.left]\nrun=['p']\nin={i='a'}\nout={o='b'}\n\
                    [stage.right]\nrun=['p']\nin={i='a'}\nout={o='c'}\n";
        std::fs::write(&path, text).unwrap();
        draw(&Pipeline::load(&path, &[]).unwrap(), drawing).to_string()
    }

    #[test]
    fn a_tree_shows_each_stage_once() {
        let tree = "get\n├─ left\n└─ right\n   └─ end  (and after left)\n";
        assert_eq!(picture(Drawing::Tree), tree);
    }

    #[test]
    fn mermaid_and_dot_name_stages_and_files() {
        let mermaid = picture(Drawing::Mermaid);
        assert!(
            mermaid.starts_with("flowchart TD\n  f0[(\"raw &quot;x&quot;\")]\n  s0[\"get\"]\n")
        );
        assert!(
            mermaid.contains("  f0 --> s0\n  s0 -->|\"a\"| s2\n"),
            "{mermaid}"
        );
        let dot = picture(Drawing::Dot);
        assert!(dot.contains("  \"raw \\\"x\\\"\" [shape=cylinder];\n"));
        assert!(dot.contains("  \"left\" -> \"end\" [label=\"b\"];\n"));
        assert!(dot.ends_with("}\n"));
    }
}
