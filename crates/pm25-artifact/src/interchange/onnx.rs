//! ONNX: one operator, `ai.onnx.ml.TreeEnsembleRegressor` of version 3, in a graph of its own.
//!
//! Not a library for ONNX: only what one operator needs is written, by the protobuf wire format, and nothing is read.
//! Field numbers are those of onnx.proto (IR version 8).
//!
//! ```text
//! X float[N, features], NaN = missing  ──TreeEnsembleRegressor──>  Y float[N, 1], µg/m³
//! ```

use pm25_learn::tree::LEAF;

use super::{Caused, Wood};

const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;
const OPSET_ML: u64 = 3;
/// The most bytes that a protobuf message may have.
const BYTES_MAX: usize = i32::MAX as usize;
/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// A protobuf message, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: Message) -> Self {
        self.bytes(field, &message.0)
    }
}

/// `AttributeProto`: its name, a value in the field of its type, the type.
fn attribute(name: &str) -> Message {
    Message::default().text(1, name)
}

fn floats(name: &str, values: impl Iterator<Item = f32>) -> Message {
    let packed: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    attribute(name).bytes(7, &packed).number(20, 6)
}

fn ints(name: &str, values: impl Iterator<Item = u64>) -> Message {
    let mut packed = Message::default();
    values.for_each(|value| packed.varint(value));
    attribute(name).message(8, packed).number(20, 7)
}

fn strings<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Message {
    values
        .fold(attribute(name), |message, value| message.text(9, value))
        .number(20, 8)
}

fn string(name: &str, value: &str) -> Message {
    attribute(name).text(4, value).number(20, 3)
}

fn int(name: &str, value: u64) -> Message {
    attribute(name).number(3, value).number(20, 2)
}

/// `ValueInfoProto` of a table of floats with `n_columns` columns.
fn table(name: &str, n_columns: usize) -> Message {
    let n_rows = Message::default().text(2, "N");
    let n_columns = Message::default().number(1, n_columns as u64);
    let shape = Message::default().message(1, n_rows).message(1, n_columns);
    let tensor = Message::default().number(1, FLOAT).message(2, shape);
    let kind = Message::default().message(1, tensor);
    Message::default().text(1, name).message(2, kind)
}

fn opset(domain: &str, version: u64) -> Message {
    Message::default().text(1, domain).number(2, version)
}

fn fact(key: &str, value: &str) -> Message {
    Message::default().text(1, key).text(2, value)
}

/// Writes a model.
pub(super) fn write(wood: &Wood) -> Caused<Vec<u8>> {
    let sets = wood
        .trees
        .trees
        .iter()
        .position(|tree| !tree.sets.is_empty());
    if let Some(tree) = sets {
        return Err(format!(
            "tree {tree} asks for a category, and nodes there compare numbers only"
        ));
    }
    let graph = Message::default()
        .message(1, node(wood))
        .text(2, "pm25")
        .message(11, table("X", wood.names.len()))
        .message(12, table("Y", 1));
    let model = Message::default()
        .number(1, IR_VERSION)
        .text(2, "pm25-registry")
        .message(7, graph)
        .message(8, opset("", OPSET))
        .message(8, opset("ai.onnx.ml", OPSET_ML))
        .message(14, fact("columns", &wood.names.join(",")))
        .message(14, fact("unit", "µg/m³"))
        .message(14, fact("pm25_model_sha256", &wood.origin.to_string()));
    if BYTES_MAX < model.0.len() {
        return Err(format!(
            "it would have {} bytes, and at most {BYTES_MAX} can be read",
            model.0.len()
        ));
    }
    Ok(model.0)
}

/// `NodeProto`: the operator with a number for each node of each tree.
fn node(wood: &Wood) -> Message {
    let trees = &wood.trees.trees;
    let nodes = || {
        let pairs = trees.iter().enumerate();
        pairs.flat_map(|(idx, tree)| (0..tree.n_nodes()).map(move |node| (idx, tree, node)))
    };
    let leaves = || nodes().filter(|(_, tree, node)| tree.feature[*node] == LEAF);
    let child = |right: u64| {
        nodes().map(move |(_, tree, node)| match tree.feature[node] {
            LEAF => 0,
            _ => u64::from(tree.left[node]) + right,
        })
    };
    let modes = nodes().map(|(_, tree, node)| match tree.feature[node] {
        LEAF => "LEAF",
        _ => "BRANCH_LEQ",
    });
    let features = nodes().map(|(_, tree, node)| match tree.feature[node] {
        LEAF => 0,
        feature => u64::from(feature),
    });
    let attributes = [
        string("aggregate_function", "SUM"),
        string("post_transform", "NONE"),
        int("n_targets", 1),
        floats("base_values", std::iter::once(wood.trees.base as f32)),
        ints("nodes_treeids", nodes().map(|(idx, ..)| idx as u64)),
        ints("nodes_nodeids", nodes().map(|(.., node)| node as u64)),
        ints("nodes_featureids", features),
        strings("nodes_modes", modes),
        floats(
            "nodes_values",
            nodes().map(|(_, tree, node)| tree.threshold[node]),
        ),
        ints("nodes_truenodeids", child(0)),
        ints("nodes_falsenodeids", child(1)),
        ints(
            "nodes_missing_value_tracks_true",
            nodes().map(|(_, tree, node)| u64::from(tree.missing_left[node])),
        ),
        floats(
            "nodes_hitrates",
            nodes().map(|(_, tree, node)| tree.cover[node]),
        ),
        ints("target_treeids", leaves().map(|(idx, ..)| idx as u64)),
        ints("target_nodeids", leaves().map(|(.., node)| node as u64)),
        ints("target_ids", leaves().map(|_| 0)),
        floats(
            "target_weights",
            leaves().map(|(_, tree, node)| wood.leaf(tree.value[node]) as f32),
        ),
    ];
    let operator = Message::default()
        .text(1, "X")
        .text(2, "Y")
        .text(3, "trees")
        .text(4, "TreeEnsembleRegressor")
        .text(7, "ai.onnx.ml");
    attributes
        .into_iter()
        .fold(operator, |operator, attribute| {
            operator.message(5, attribute)
        })
}
