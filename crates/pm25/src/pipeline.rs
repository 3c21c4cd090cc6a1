//! A pipeline that makes sense: every placeholder filled in, no two stages writing one file, no circle.
//!
//! It is read once and then trusted. It does not look at the files that it names, nor for the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pm25_file::{Fault, Result, nearest};

use crate::draft::{self, Draft, Files, StageDraft};
use crate::graph::Graph;
use crate::place::Place;
use crate::template::{Complaint, Piece, pieces};

/// Where the conductor keeps its own files, relative to the root. No stage may read or write them.
pub(crate) const RECORDS: &str = "artifacts/.pm25";
/// The lock of a run.
pub(crate) const LOCK: &str = "artifacts/pm25.lock";
/// One line a run: wall times and how it ended.
pub(crate) const HISTORY: &str = "artifacts/runs.jsonl";

/// Stages in the order of the file, and what depends on what.
pub(crate) struct Pipeline {
    /// The folder of the pipeline file, absolute; every stage runs in it.
    pub(crate) root: PathBuf,
    pub(crate) stages: Vec<Stage>,
    pub(crate) graph: Graph,
    /// Label and path, to be shown after a successful run.
    pub(crate) look: Vec<(String, Place)>,
}

/// One program to run, with what it reads and writes.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// After substitution; the first item names the program.
    pub(crate) argv: Vec<String>,
    /// The parameters that it uses, in its arguments or paths.
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) inputs: Vec<Place>,
    /// Never empty.
    pub(crate) outputs: Vec<Place>,
    /// Exit statuses besides 0 that count as success.
    pub(crate) ok_exit: BTreeSet<u8>,
}

impl Pipeline {
    /// Reads a pipeline file; `set` are `key=value` pairs that go before those of `[params]`.
    pub(crate) fn load(path: &Path, set: &[(String, String)]) -> Result<Self> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|e| {
            Fault::usage(format!("{name}: cannot be read"))
                .because(e)
                .hint("name the folder with `-C DIR`, or the file with `-f FILE`")
        })?;
        let root = folder_of(path)?;
        Self::build(&name, &root, draft::read(&name, &text)?, set)
    }

    fn build(file: &str, root: &Path, mut draft: Draft, set: &[(String, String)]) -> Result<Self> {
        override_params(&mut draft.params, set)?;
        let builder = Builder {
            file,
            root,
            params: &draft.params,
        };
        let stages = draft
            .stages
            .iter()
            .map(|stage| builder.stage(stage))
            .collect::<Result<Vec<_>>>()?;
        refuse_two_writers(file, &stages)?;
        let graph = Graph::of(&stages).map_err(|circle| {
            let names: Vec<_> = circle
                .iter()
                .map(|&idx| stages[idx].name.as_str())
                .collect();
            Fault::usage(format!(
                "{file}: stages wait for each other: {}",
                names.join(" → ")
            ))
            .hint("each needs an output of the one before it; take one of these `in` away")
        })?;
        Ok(Self {
            root: root.to_owned(),
            graph,
            look: builder.look(&draft.look)?,
            stages,
        })
    }

    /// Position of a stage by its name.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        let found = self.stages.iter().position(|stage| stage.name == name);
        found.ok_or_else(|| {
            let names = || self.stages.iter().map(|stage| stage.name.as_str());
            let fault = Fault::usage(format!("there is no stage `{name}`"));
            match nearest(name, names()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!(
                    "stages: {}",
                    names().collect::<Vec<_>>().join(", ")
                )),
            }
        })
    }

    /// Whether this stage makes `place`, as a file or within a folder, or makes a file inside it.
    pub(crate) fn makes(&self, stage: usize, place: &Place) -> bool {
        let outputs = &self.stages[stage].outputs;
        outputs.iter().any(|output| output.overlaps(place))
    }

    /// The first stage that makes `place`.
    pub(crate) fn maker(&self, place: &Place) -> Option<usize> {
        (0..self.stages.len()).find(|&stage| self.makes(stage, place))
    }
}

fn folder_of(path: &Path) -> Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::canonicalize(folder).map_err(|e| {
        Fault::unforeseen(format!("{}: cannot be entered", folder.display())).because(e)
    })
}

fn override_params(params: &mut BTreeMap<String, String>, set: &[(String, String)]) -> Result<()> {
    for (key, value) in set {
        if let Some(old) = params.get_mut(key) {
            old.clone_from(value);
            continue;
        }
        let known = || params.keys().map(String::as_str);
        let fault = Fault::usage(format!("--set {key}: there is no such parameter"));
        return Err(match nearest(key, known()) {
            Some(near) => fault.hint(format!("did you mean `--set {near}=...`?")),
            None => fault.hint(format!(
                "[params] has: {}",
                known().collect::<Vec<_>>().join(", ")
            )),
        });
    }
    Ok(())
}

/// Two writers of one file would make the result depend on who came last.
fn refuse_two_writers(file: &str, stages: &[Stage]) -> Result<()> {
    for (idx, one) in stages.iter().enumerate() {
        for other in &stages[idx + 1..] {
            for output in &one.outputs {
                if let Some(same) = other.outputs.iter().find(|place| place.overlaps(output)) {
                    return Err(Fault::usage(format!(
                        "{file}: stages `{}` and `{}` both write {}",
                        one.name,
                        other.name,
                        if same.covers(output) { output } else { same },
                    ))
                    .hint("give each stage a file or folder of its own"));
                }
            }
        }
    }
    Ok(())
}

/// What is needed to turn drafts into stages.
struct Builder<'a> {
    file: &'a str,
    root: &'a Path,
    params: &'a BTreeMap<String, String>,
}

/// One stage in the making.
struct Filling<'a> {
    builder: &'a Builder<'a>,
    draft: &'a StageDraft,
    /// `in.x` and `out.x` with their paths.
    files: BTreeMap<String, (&'a Files, Vec<Place>)>,
    used: BTreeMap<String, String>,
}

impl Builder<'_> {
    fn stage(&self, draft: &StageDraft) -> Result<Stage> {
        let mut filling = Filling {
            builder: self,
            draft,
            files: BTreeMap::new(),
            used: BTreeMap::new(),
        };
        let inputs = filling.places("in", &draft.inputs)?;
        let outputs = filling.places("out", &draft.outputs)?;
        self.check_places(draft, &inputs, &outputs)?;
        Ok(Stage {
            name: draft.name.clone(),
            argv: filling.argv()?,
            params: filling.used,
            inputs,
            outputs,
            ok_exit: draft.ok_exit.iter().copied().collect(),
        })
    }

    fn fault(&self, draft: &StageDraft, what: impl std::fmt::Display) -> Fault {
        let (file, line, name) = (self.file, draft.line, &draft.name);
        Fault::usage(format!("{file}:{line}: [stage.{name}]: {what}"))
    }

    fn check_places(&self, draft: &StageDraft, inputs: &[Place], outputs: &[Place]) -> Result<()> {
        if outputs.is_empty() {
            return Err(self
                .fault(draft, "it makes nothing: `out` is empty")
                .hint("name what it writes, as `out = { report = \"artifacts/report.json\" }`"));
        }
        if let Some(place) = outputs.iter().find(|place| place.leaves_root()) {
            return Err(self
                .fault(
                    draft,
                    format!("output {place} lies outside of the run's folder"),
                )
                .hint("write below the folder of the pipeline file, without `..`"));
        }
        let own = [RECORDS, LOCK, HISTORY].map(|path| Place::new(self.root, path));
        for place in inputs.iter().chain(outputs) {
            if place.holds_root(self.root) || own.iter().any(|own| own.overlaps(place)) {
                return Err(self
                    .fault(
                        draft,
                        format!("{place} holds files that pm25 itself writes at every run"),
                    )
                    .hint("name the files or folders that the stage really reads or writes"));
            }
        }
        match inputs
            .iter()
            .find(|input| outputs.iter().any(|output| output.overlaps(input)))
        {
            Some(place) => Err(self
                .fault(draft, format!("it reads what it writes: {place}"))
                .hint("write to a file or folder of its own")),
            None => Ok(()),
        }
    }

    fn look(&self, drafts: &[(String, String)]) -> Result<Vec<(String, Place)>> {
        drafts
            .iter()
            .map(|(label, template)| {
                let (path, _) = self.path(template).map_err(|Complaint { what, hint }| {
                    Fault::usage(format!("{}: [look]: {what}", self.file)).hint(hint)
                })?;
                Ok((label.clone(), Place::new(self.root, &path)))
            })
            .collect()
    }

    /// Fills the parameters into a path. Returns the names that it used.
    fn path(&self, template: &str) -> std::result::Result<(String, Vec<String>), Complaint> {
        let (mut path, mut used) = (String::new(), Vec::new());
        for piece in pieces(template)? {
            match piece {
                Piece::Text(text) => path.push_str(&text),
                Piece::Name(name) => {
                    let known = || self.params.keys().map(String::as_str);
                    let value = self.params.get(&name);
                    path.push_str(value.ok_or_else(|| unknown(&name, known()))?);
                    used.push(name);
                }
            }
        }
        if path.is_empty() {
            return Err(Complaint::new("a path is empty", "name a file or a folder"));
        }
        Ok((path, used))
    }
}

impl<'a> Filling<'a> {
    fn places(&mut self, kind: &str, files: &'a [(String, Files)]) -> Result<Vec<Place>> {
        let mut all = Vec::new();
        for (name, files) in files {
            let mut places = Vec::new();
            for template in files.templates() {
                let filled = self.builder.path(template);
                let (path, used) = filled.map_err(|mut why| {
                    why.what = format!("`{kind}.{name}`: {}", why.what);
                    self.fault(why)
                })?;
                used.into_iter().for_each(|param| self.uses(param));
                places.push(Place::new(self.builder.root, &path));
            }
            all.extend(places.iter().cloned());
            self.files.insert(format!("{kind}.{name}"), (files, places));
        }
        Ok(all)
    }

    fn argv(&mut self) -> Result<Vec<String>> {
        let mut argv = Vec::new();
        for template in &self.draft.run {
            let parts = pieces(template).map_err(|why| self.fault(why))?;
            if let [Piece::Name(name)] = parts.as_slice()
                && let Some((Files::Many(_), places)) = self.files.get(name)
            {
                argv.extend(places.iter().map(ToString::to_string));
                continue;
            }
            let mut argument = String::new();
            for part in parts {
                match part {
                    Piece::Text(text) => argument.push_str(&text),
                    Piece::Name(name) => argument.push_str(&self.value(name)?),
                }
            }
            argv.push(argument);
        }
        Ok(argv)
    }

    fn value(&mut self, name: String) -> Result<String> {
        if let Some(value) = self.builder.params.get(&name) {
            let value = value.clone();
            self.uses(name);
            return Ok(value);
        }
        match self.files.get(&name) {
            Some((Files::One(_), places)) => Ok(places[0].to_string()),
            Some((Files::Many(_), _)) => Err(self.fault(Complaint::new(
                format!("`{{{name}}}` is a list, which can only be an argument of its own"),
                format!("write the item \"{{{name}}}\"; it becomes one argument for each path"),
            ))),
            None => {
                let known = self.files.keys().chain(self.builder.params.keys());
                Err(self.fault(unknown(&name, known.map(String::as_str))))
            }
        }
    }

    fn uses(&mut self, param: String) {
        if let Some(value) = self.builder.params.get(&param) {
            self.used.insert(param, value.clone());
        }
    }

    fn fault(&self, Complaint { what, hint }: Complaint) -> Fault {
        self.builder.fault(self.draft, what).hint(hint)
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Complaint {
    let known: Vec<_> = known.collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None if known.is_empty() => "there is nothing to put in here".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    };
    Complaint::new(format!("unknown placeholder `{{{name}}}`"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str, set: &[(&str, &str)]) -> Result<Pipeline> {
        let set: Vec<_> = set
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        Pipeline::build(
            "p.toml",
            Path::new("/r"),
            draft::read("p.toml", text)?,
            &set,
        )
    }

    fn wrong(text: &str, set: &[(&str, &str)]) -> String {
        let fault = build(text, set)
            .err()
            .expect("this pipeline must be refused");
        format!("{fault} | {}", fault.hint_text().unwrap_or_default())
    }

    #[test]
    fn placeholders_are_filled_in_and_values_are_taken_literally() {
        let text = r#"
            [params]
            data = "da ta"
            odd = "$(rm -rf x); {in.many} 'q'"
            [stage.a]
            run = ["p", "{in.many}", "--odd={odd}", "{out.o}", "{{{in.one}}}", "{data}"]
            in = { many = ["./x", "{data}/y"], one = "z" }
            out = { o = "o/./p" }
        "#;
        let stage = &build(text, &[]).unwrap().stages[0];
        assert_eq!(
            stage.argv,
            [
                "p",
                "x",
                "da ta/y",
                "--odd=$(rm -rf x); {in.many} 'q'",
                "o/p",
                "{z}",
                "da ta"
            ]
        );
        assert_eq!(stage.params.keys().collect::<Vec<_>>(), ["data", "odd"]);
    }

    #[test]
    fn set_goes_before_the_file() {
        let text = "[params]\nx = 1\ny = 2\n[stage.a]\nrun = [\"p\", \"{x}\"]\nout = { o = \"o\" }";
        let stage = &build(text, &[("x", "-7")]).unwrap().stages[0];
        assert_eq!(stage.argv, ["p", "-7"]);
        assert_eq!(stage.params.len(), 1, "y is not used");
        let long = text.replace("x = 1", "seed = 1").replace("{x}", "{seed}");
        assert!(wrong(&long, &[("sed", "1")]).contains("did you mean `--set seed=...`"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let stage = |name: &str, input: &str, output: &str| {
            format!("[stage.{name}]\nrun = [\"p\"]\nin = {{ {input} }}\nout = {{ {output} }}\n")
        };
        let two = |a: &str, b: &str| {
            stage("a", "", &format!("o='{a}'")) + &stage("b", "", &format!("o='{b}'"))
        };
        let cases = [
            (stage("a", "", ""), "`out` is empty"),
            (stage("a", "", "o=[]"), "`out` is empty"),
            (stage("a", "", "o=''"), "a path is empty"),
            (stage("a", "", "o='../x'"), "outside"),
            (stage("a", "", "o='/x'"), "outside"),
            (stage("a", "", "o='x/../../x'"), "outside"),
            (stage("a", "", "o='.'"), "pm25 itself"),
            (stage("a", "", "o='artifacts'"), "pm25 itself"),
            (stage("a", "i='..'", "o='x'"), "pm25 itself"),
            (
                stage("a", "i='artifacts/.pm25/a.json'", "o='x'"),
                "pm25 itself",
            ),
            (stage("a", "i='x/y'", "o='x'"), "reads what it writes"),
            (stage("a", "i='x'", "o='x/y'"), "reads what it writes"),
            (
                stage("a", "i='{seed}'", "o='x'"),
                "unknown placeholder `{seed}`",
            ),
            (two("x", "./x"), "`a` and `b` both write x"),
            (two("x/y", "x"), "both write x/y"),
            (two("x", "x/y"), "both write x/y"),
        ];
        for (text, expected) in cases {
            assert!(
                wrong(&text, &[]).contains(expected),
                "{text}{}",
                wrong(&text, &[])
            );
        }
    }

    #[test]
    fn unknown_placeholders_and_lists_inside_an_argument_are_refused() {
        let run = |argument: &str| {
            format!(
                "[stage.a]\nrun = ['p', '{argument}']\nin = {{ model = ['x'] }}\nout = {{ o = 'o' }}"
            )
        };
        assert!(wrong(&run("{in.modle}"), &[]).contains("did you mean `{in.model}`?"));
        assert!(wrong(&run("--m={in.model}"), &[]).contains("argument of its own"));
        assert!(wrong(&run("{"), &[]).contains("does not close"));
        assert!(build(&run("{in.model}"), &[]).is_ok());
    }

    #[test]
    fn circles_are_named() {
        let stage = |n: &str, i: &str, o: &str| {
            format!("[stage.{n}]\nrun = ['p']\nin = {{ i = '{i}' }}\nout = {{ o = '{o}' }}\n")
        };
        let text = stage("first", "raw", "0")
            + &stage("b", "d/3", "1")
            + &stage("a", "1", "2")
            + &stage("c", "2", "d");
        assert!(
            wrong(&text, &[]).contains("b → a → c → b"),
            "{}",
            wrong(&text, &[])
        );
    }

    #[test]
    fn a_file_inside_a_made_folder_is_made() {
        let text = "[stage.b]\nrun=['p']\nin={i='d/f'}\nout={o='x'}\n\
                    [stage.a]\nrun=['p']\nout={o='d'}\n\
                    [stage.c]\nrun=['p']\nin={i='.cache'}\nout={o='.cache2/y'}\n\
                    [stage.e]\nrun=['p']\nin={i='.cache2'}\nout={o='z'}\n";
        let pipeline = build(text, &[]).unwrap();
        assert_eq!(pipeline.graph.after(0), [1]);
        assert_eq!(pipeline.graph.after(3), [2]);
        assert_eq!(pipeline.graph.order(), [1, 0, 2, 3]);
    }
}
