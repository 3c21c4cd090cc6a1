//! Why a stage must run: every reason with its sentence.
//!
//! Judging compares two fingerprints; it opens no file.

use std::collections::BTreeMap;
use std::fmt;

use pm25_file::Sha256;
use serde::Serialize;

use crate::content::Content;
use crate::place::Place;
use crate::record::{Fingerprint, Record};

/// One reason.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Stale {
    /// No finished run is on record.
    NeverRan,
    /// Somebody wants it to run.
    Asked { option: &'static str },
    /// The program is another build.
    ProgramChanged { program: String },
    /// A parameter that it uses has another value.
    ParamChanged {
        name: String,
        was: Option<String>,
        is: Option<String>,
    },
    /// The command line or the declaration differs in another way.
    ArgumentChanged { difference: String },
    /// The contents of an input; `None`: not there, or not declared.
    InputChanged {
        path: String,
        was: Option<Sha256>,
        is: Option<Sha256>,
    },
    /// An output is gone.
    OutputMissing { path: Place },
    /// Somebody touched a derived file.
    OutputEdited {
        path: String,
        was: Option<Sha256>,
        is: Option<Sha256>,
    },
    /// A stage before this one will run; whether this one must, depends on what comes out.
    After { stage: String },
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverRan => f.write_str("no finished run is on record"),
            Self::Asked { option } => write!(f, "asked for with {option}"),
            Self::ProgramChanged { program } => write!(f, "program {program} is another build"),
            Self::ParamChanged { name, was, is } => {
                let text =
                    |value: &Option<String>| value.clone().unwrap_or_else(|| "unused".to_owned());
                write!(f, "param `{name}` changed: {} → {}", text(was), text(is))
            }
            Self::ArgumentChanged { difference } => f.write_str(difference),
            Self::InputChanged {
                path,
                was: Some(_),
                is: None,
            } => write!(f, "input {path} is gone"),
            Self::InputChanged {
                path,
                was: None,
                is: Some(_),
            } => write!(f, "input {path} is new"),
            Self::InputChanged { path, was, is } => {
                write!(f, "input {path} changed: {} → {}", short(was), short(is))
            }
            Self::OutputMissing { path } => write!(f, "output {path} is missing"),
            Self::OutputEdited {
                path,
                was: Some(_),
                is: None,
            } => {
                write!(f, "output {path} was removed by hand")
            }
            Self::OutputEdited {
                path,
                was: None,
                is: Some(_),
            } => {
                write!(f, "output {path} was added by hand")
            }
            Self::OutputEdited { path, was, is } => {
                write!(
                    f,
                    "output {path} was edited: {} → {}",
                    short(was),
                    short(is)
                )
            }
            Self::After { stage } => write!(f, "after {stage}"),
        }
    }
}

/// Enough of a hash for people.
pub(crate) fn short(hash: &Option<Sha256>) -> String {
    match hash {
        Some(hash) => hash.to_string()[..8].to_owned(),
        None => "nothing".to_owned(),
    }
}

/// All reasons why the files at `outputs` are not what a run would make now; none: the stage is fresh.
pub(crate) fn judge(
    record: Option<&Record>,
    now: &Fingerprint,
    outputs: &BTreeMap<Place, Option<Content>>,
) -> Vec<Stale> {
    let Some(record) = record else {
        return vec![Stale::NeverRan];
    };
    let then = &record.fingerprint;
    let mut reasons = Vec::new();
    if then.program != now.program {
        reasons.push(Stale::ProgramChanged {
            program: now.argv.first().cloned().unwrap_or_default(),
        });
    }
    let params = changed_params(then, now);
    if params.is_empty() {
        reasons.extend(changed_arguments(then, now));
    }
    reasons.extend(params);
    if !accepts(now, record.exit) {
        reasons.push(Stale::ArgumentChanged {
            difference: format!(
                "it ended with exit status {}, which `ok_exit` no longer has",
                record.exit
            ),
        });
    }
    reasons.extend(changed_inputs(then, now));
    reasons.extend(changed_outputs(record, outputs));
    reasons
}

/// Whether this exit status counts as success.
pub(crate) fn accepts(fingerprint: &Fingerprint, exit: u8) -> bool {
    exit == 0 || fingerprint.ok_exit.contains(&exit)
}

fn changed_params(then: &Fingerprint, now: &Fingerprint) -> Vec<Stale> {
    both_keys(&then.params, &now.params)
        .filter(|(_, was, is)| was != is)
        .map(|(name, was, is)| Stale::ParamChanged {
            name: name.clone(),
            was: was.cloned(),
            is: is.cloned(),
        })
        .collect()
}

fn changed_arguments(then: &Fingerprint, now: &Fingerprint) -> Option<Stale> {
    let difference = if then.argv != now.argv {
        let (was, is) = (&then.argv, &now.argv);
        let same = was.iter().zip(is).take_while(|(a, b)| a == b).count();
        match (was.get(same), is.get(same)) {
            (Some(a), Some(b)) => format!("argument {same} changed: `{a}` → `{b}`"),
            (None, Some(b)) => format!("argument {same} is new: `{b}`"),
            (Some(a), None) => format!("argument {same} is gone: `{a}`"),
            (None, None) => return None,
        }
    } else if then.out != now.out {
        "other outputs are declared".to_owned()
    } else {
        return None;
    };
    Some(Stale::ArgumentChanged { difference })
}

fn changed_inputs(then: &Fingerprint, now: &Fingerprint) -> Vec<Stale> {
    both_keys(&then.inputs, &now.inputs)
        .filter_map(|(place, was, is)| {
            let (was, is) = (was.and_then(Option::as_ref), is.and_then(Option::as_ref));
            let (path, was, is) = first_difference(place, was, is)?;
            Some(Stale::InputChanged { path, was, is })
        })
        .collect()
}

fn changed_outputs(record: &Record, outputs: &BTreeMap<Place, Option<Content>>) -> Vec<Stale> {
    outputs
        .iter()
        .filter_map(|(place, is)| {
            let Some(is) = is else {
                return Some(Stale::OutputMissing {
                    path: place.clone(),
                });
            };
            // An output that the record lacks is a changed declaration, which is said already.
            let was = record.outputs.get(place)?;
            let (path, was, is) = first_difference(place, Some(was), Some(is))?;
            Some(Stale::OutputEdited { path, was, is })
        })
        .collect()
}

type Difference = (String, Option<Sha256>, Option<Sha256>);

/// Where two contents differ: within a folder, the first file that does.
fn first_difference(
    place: &Place,
    was: Option<&Content>,
    is: Option<&Content>,
) -> Option<Difference> {
    if was.map(|content| content.sha256) == is.map(|content| content.sha256) {
        return None;
    }
    if let (Some(was), Some(is)) = (was, is)
        && !was.files.is_empty()
        && !is.files.is_empty()
    {
        let mut files = both_keys(&was.files, &is.files).filter(|(_, was, is)| was != is);
        if let Some((name, was, is)) = files.next() {
            let more = match files.count() {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            };
            return Some((format!("{place}/{name}{more}"), was.copied(), is.copied()));
        }
    }
    let hash = |content: Option<&Content>| content.map(|content| content.sha256);
    Some((place.to_string(), hash(was), hash(is)))
}

/// Every key of either map, sorted, with what each map has.
fn both_keys<'a, K: Ord, V>(
    one: &'a BTreeMap<K, V>,
    other: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let mut keys: Vec<&K> = one.keys().chain(other.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| (key, one.get(key), other.get(key)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn place(text: &str) -> Place {
        Place::new(Path::new("/r"), text)
    }

    fn file(bytes: &str) -> Content {
        Content {
            files: BTreeMap::new(),
            sha256: Sha256::of(bytes.as_bytes()),
        }
    }

    fn folder(files: &[(&str, &str)]) -> Content {
        let hash = |text: &str| Sha256::of(text.as_bytes());
        Content {
            files: files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), hash(text)))
                .collect(),
            sha256: hash(&format!("{files:?}")),
        }
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint {
            argv: ["p", "--seed", "1"].map(str::to_owned).into(),
            inputs: [
                (place("raw"), Some(folder(&[("a", "1"), ("b", "2")]))),
                (place("map"), Some(file("m"))),
            ]
            .into(),
            ok_exit: [11].into(),
            out: [place("o")].into(),
            params: [("seed".to_owned(), "1".to_owned())].into(),
            program: Sha256::of(b"p"),
        }
    }

    /// The sentences for a stage that ran with `fingerprint()` and exit 11, and now has what `change` makes.
    fn reasons(change: impl FnOnce(&mut Fingerprint, &mut Option<Content>)) -> Vec<String> {
        let record = Record::new(11, fingerprint(), [(place("o"), file("o"))].into());
        let (mut now, mut output) = (fingerprint(), Some(file("o")));
        change(&mut now, &mut output);
        let outputs = [(place("o"), output)].into();
        judge(Some(&record), &now, &outputs)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_same_is_fresh_and_no_record_never_ran() {
        assert!(reasons(|_, _| {}).is_empty());
        let none = judge(None, &fingerprint(), &BTreeMap::new());
        assert_eq!(none, [Stale::NeverRan]);
    }

    #[test]
    fn every_change_has_its_sentence() {
        let said = reasons(|now, _| now.program = Sha256::of(b"q"));
        assert_eq!(said, ["program p is another build"]);
        let said = reasons(|now, _| now.argv[2] = "2".to_owned());
        assert_eq!(said, ["argument 2 changed: `1` → `2`"]);
        let said = reasons(|now, _| now.argv.push("-v".to_owned()));
        assert_eq!(said, ["argument 3 is new: `-v`"]);
        let said = reasons(|now, _| now.argv.truncate(1));
        assert_eq!(said, ["argument 1 is gone: `--seed`"]);
        let said = reasons(|now, _| drop(now.params.insert("seed".to_owned(), "2".to_owned())));
        assert_eq!(said, ["param `seed` changed: 1 → 2"]);
        let said = reasons(|now, _| now.params.clear());
        assert_eq!(said, ["param `seed` changed: 1 → unused"]);
        let said = reasons(|now, _| now.out = [place("o"), place("n")].into());
        assert_eq!(said, ["other outputs are declared"]);
        let said = reasons(|now, _| now.ok_exit.clear());
        assert_eq!(
            said,
            ["it ended with exit status 11, which `ok_exit` no longer has"]
        );
        let said = reasons(|_, output| *output = None);
        assert_eq!(said, ["output o is missing"]);
    }

    #[test]
    fn a_changed_input_or_output_is_named_with_both_hashes() {
        let (m, n) = (
            short(&Some(Sha256::of(b"m"))),
            short(&Some(Sha256::of(b"n"))),
        );
        let said = reasons(|now, _| drop(now.inputs.insert(place("map"), Some(file("n")))));
        assert_eq!(said, [format!("input map changed: {m} → {n}")]);
        let said = reasons(|now, _| drop(now.inputs.insert(place("map"), None)));
        assert_eq!(said, ["input map is gone"]);
        let said = reasons(|now, _| drop(now.inputs.insert(place("new"), Some(file("n")))));
        assert_eq!(said, ["input new is new"]);
        let said = reasons(|_, output| *output = Some(file("n")));
        let o = short(&Some(Sha256::of(b"o")));
        assert_eq!(said, [format!("output o was edited: {o} → {n}")]);
    }

    #[test]
    fn within_a_folder_the_file_is_named() {
        let raw = |files: &[(&str, &str)]| {
            let content = folder(files);
            reasons(|now, _| drop(now.inputs.insert(place("raw"), Some(content))))
        };
        let (one, two) = (
            short(&Some(Sha256::of(b"2"))),
            short(&Some(Sha256::of(b"3"))),
        );
        assert_eq!(
            raw(&[("a", "1"), ("b", "3")]),
            [format!("input raw/b changed: {one} → {two}")]
        );
        assert_eq!(raw(&[("b", "2")]), ["input raw/a is gone"]);
        assert_eq!(
            raw(&[("a", "1"), ("b", "2"), ("c", "")]),
            ["input raw/c is new"]
        );
        assert_eq!(
            raw(&[("b", "2"), ("c", ""), ("d", "")]),
            ["input raw/a (and 2 more) is gone"]
        );
    }
}
