//! A model's inputs as the feature language means them.

use pm25_air::FeatureSet;
use pm25_artifact::model::Model;
use pm25_file::{Fault, Result};

/// The features that give the model's inputs, in its order.
///
/// # Errors
/// When an input is not the column of its expression: the model was trained on a table of another program, whose
/// features only that program can make.
pub fn of_model(model: &Model, name: &str) -> Result<FeatureSet> {
    let inputs = model.inputs();
    let expressions: Vec<&str> = inputs
        .iter()
        .map(|input| input.expression.as_str())
        .collect();
    let features = FeatureSet::parse(model.task().into(), &expressions.join(","))
        .map_err(|e| foreign(name, e.to_string()))?;
    let columns: Vec<String> = features
        .features()
        .iter()
        .map(|feature| feature.column())
        .collect();
    if !columns.iter().eq(inputs.iter().map(|input| &input.column)) {
        return Err(foreign(
            name,
            format!("its inputs are not the columns {}", columns.join(", ")),
        ));
    }
    Ok(features)
}

fn foreign(name: &str, cause: String) -> Fault {
    Fault::bad_artifact(format!(
        "{name}: its inputs cannot be computed from observations"
    ))
    .because(cause)
    .hint("give a model that was trained on a table of `pm25-prep`")
}
