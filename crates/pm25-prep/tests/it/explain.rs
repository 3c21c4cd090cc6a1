//! What the program says.

use crate::world::{World, counting, cut};

fn said(world: &World, args: &str) -> String {
    let finished = world.prep(args);
    assert!(
        finished.status.success(),
        "{}",
        String::from_utf8_lossy(&finished.stderr)
    );
    String::from_utf8(finished.stdout).unwrap()
}

#[test]
fn explain_needs_no_observations() {
    let world = World::new(vec![counting("a", 10)]);
    let text = said(
        &world,
        "--task nowcast --explain --features lag(pm25,1),mean(pm25,24),pm10,hour,station",
    );
    for line in [
        "nowcast: 5 features of the row t, which reach back 24 h",
        "target       PM2.5 of the hour stamped t",
        "persistence  PM2.5 of the hour stamped t-1h",
        "pm25_ug_m3__lag_1h         lag(pm25,1)          µg/m³            t-1h            t",
        "pm25_ug_m3__mean_24h       mean(pm25,24)        µg/m³            t-1h            t",
        "pm10_ug_m3                 pm10                 µg/m³            t               t+1h",
        "hour                       hour                 h                calendar at t   always",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let text = said(&world, "--task forecast --horizon-h 6 --explain");
    assert!(
        text.starts_with("forecast 6 h ahead: 129 features of the row t, which reach back 168 h"),
        "{text}"
    );
}

#[test]
fn explain_is_json_when_asked() {
    let world = World::new(vec![counting("a", 10)]);
    let text = said(&world, "--task nowcast --explain --format json");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["features"][0]["column"], "pm10_ug_m3");
    assert_eq!(json["feature_list"], "pm10,o3,co,hour,dayofweek,month");
}

#[test]
fn the_result_is_said_in_text_and_in_json() {
    let world = World::new(vec![counting("a", 100)]);
    let args = format!(
        "obs.parquet --out-dir out --task forecast --horizon-h 1 {}",
        cut(50, 70)
    );
    let text = said(&world, &args);
    assert!(
        text.starts_with("forecast 1 h ahead: 129 features, 1 stations (1 with train rows)"),
        "{text}"
    );
    assert!(
        text.contains("100 rows read, 0 added in gaps, 3 in no table:"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&said(&world, &format!("{args} --format json"))).unwrap();
    assert_eq!(json["test"]["rows"], 29);
    assert_eq!(json["rows"]["dropped"]["purged"], 2);
}
