//! Which of a model's columns are weather, which are time, and which forbid normalising.
//!
//! What is measured of the air itself carries the weather that is to be taken out: a model that looks at it says nearly
//! what was measured, whatever weather it is given.

use pm25_air::Quantity;
use pm25_air::feature::{Feature, FeatureSet, Local, Signal};
use pm25_artifact::model::{Model, ModelKind};
use pm25_artifact::prep::TaskFact;
use pm25_file::{Fault, Result};

/// What to prepare, for who has the wrong model.
const HOW: &str = "prepare `pm25-prep --task nowcast --features \
    'temp,dewpoint,pres,rain,wind,wind_u,wind_v,trend,dayofyear,dayofweek,hour,station'` and train on it";

/// What a column is to a normalisation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Drawn.
    Weather,
    /// Hour, weekday, month, day of the year: drawn or kept.
    Calendar,
    /// Kept: what is looked for.
    Trend,
    /// Kept: the station.
    Place,
}

/// The role of each input of the model, in its order; refuses a model that cannot be normalised with.
pub(crate) fn roles(model: &Model) -> Result<Vec<Role>> {
    if model.task() != TaskFact::Nowcast {
        let task = pm25_air::Task::from(model.task());
        return Err(refused(&format!(
            "the model makes a {task}: the weather that it knows is not that of the hour it speaks of"
        )));
    }
    if matches!(
        model.kind(),
        ModelKind::Persistence | ModelKind::Climatology
    ) {
        return Err(refused(&format!("a {} asks no weather", model.kind())));
    }
    let leans = model
        .blend
        .as_ref()
        .map_or(0.0, |blend| blend.reference_slope());
    if leans != 0.0 {
        return Err(refused(
            "the blend leans on the newest PM2.5, which carries the weather",
        ));
    }
    let (mut roles, mut of_air) = (Vec::new(), Vec::new());
    for input in model.inputs() {
        match role(&input.expression) {
            Some(role) => roles.push(role),
            None => of_air.push(format!("`{}`", input.column)),
        }
    }
    if !of_air.is_empty() {
        return Err(refused(&format!(
            "the model looks at {}: what is measured of the air, or is not known here, carries the weather that is to be \
             taken out",
            of_air.join(", ")
        )));
    }
    for (needed, what) in [
        (Role::Weather, "no weather, so there is none to take out"),
        (
            Role::Trend,
            "no `trend`: nothing tells it one year from another",
        ),
    ] {
        if !roles.contains(&needed) {
            return Err(refused(&format!("the model has {what}")));
        }
    }
    Ok(roles)
}

/// None of what is measured of the air, and of what is not in the feature language.
fn role(expression: &str) -> Option<Role> {
    let set = FeatureSet::parse(pm25_air::Task::Nowcast, expression).ok()?;
    match set.features() {
        [Feature::Calendar(_) | Feature::Cycle { .. }] => Some(Role::Calendar),
        [Feature::Trend] => Some(Role::Trend),
        [Feature::Station] => Some(Role::Place),
        [feature] => feature
            .local()
            .filter(|local| is_weather(*local))
            .map(|_| Role::Weather),
        _ => None,
    }
}

fn is_weather(local: Local) -> bool {
    local.signals().iter().all(|signal| match signal {
        Signal::WindU | Signal::WindV => true,
        Signal::Measured(quantity) => match quantity {
            Quantity::Temp | Quantity::Dewpoint | Quantity::Rh | Quantity::Pres => true,
            Quantity::Rain | Quantity::WindSpeed | Quantity::WindDir => true,
            Quantity::Pm25 | Quantity::Pm10 | Quantity::No2 => false,
            Quantity::So2 | Quantity::O3 | Quantity::Co => false,
        },
    })
}

fn refused(what: &str) -> Fault {
    Fault::bad_data(what).hint(HOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weather_is_told_from_air_time_and_place() {
        for (expression, expected) in [
            ("temp", Some(Role::Weather)),
            ("lag(wind,3)", Some(Role::Weather)),
            ("mean(wind_u,24)", Some(Role::Weather)),
            ("ventilation(24)", Some(Role::Weather)),
            ("others_mean(pres)", Some(Role::Weather)),
            ("at(\"Dongsi\",wind_dir)", Some(Role::Weather)),
            ("sum(rain,24)", Some(Role::Weather)),
            ("sin(hour)", Some(Role::Calendar)),
            ("dayofyear", Some(Role::Calendar)),
            ("trend", Some(Role::Trend)),
            ("station", Some(Role::Place)),
            ("lag(pm25,1)", None),
            ("nowcast(pm25)", None),
            ("aqi(us)", None),
            ("pm10", None),
            ("others_mean(lag(pm25,1))", None),
            ("mean(co,24)", None),
            ("some_column", None),
            ("temp,wind", None),
        ] {
            assert_eq!(role(expression), expected, "{expression}");
        }
    }
}
