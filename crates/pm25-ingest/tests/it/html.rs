//! The page for people through the front door.

use crate::bench::{Bench, text};
use pm25_file::Sha256;

fn rows(n_hours: usize) -> String {
    let mut table = "time,station,pm25\n".to_owned();
    for hour in 0..n_hours {
        let time = pm25_air::civil::format_utc(1_577_836_800 + 3_600 * hour as i64);
        table.push_str(&format!("{time},A <b>bold</b>,{}\n", 10 + hour * 7 % 23));
    }
    table
}

#[test]
fn the_page_is_named_by_its_hash_and_its_bytes_do_not_depend_on_threads() {
    let bench = Bench::new();
    bench.write("a.csv", rows(900));
    let with_page = bench.ingested("a.csv --html out/i.html --threads 1");
    let page = std::fs::read(bench.path("out/i.html")).unwrap();
    let files = &with_page.report.pm25.files;
    assert_eq!(files[1].name, "i.html");
    assert_eq!(files[1].sha256, Sha256::of(&page));
    assert!(text(&page).contains("A &lt;b&gt;bold&lt;/b&gt;"));
    let again = bench.ingested("a.csv --html out/i.html --threads 2");
    assert_eq!(std::fs::read(bench.path("out/i.html")).unwrap(), page);
    assert_eq!(again.bytes, with_page.bytes);
    // The page leaves no trace in the table.
    assert_eq!(bench.ingested("a.csv").bytes, with_page.bytes);
}

#[test]
fn the_page_needs_a_file_of_its_own() {
    let bench = Bench::new();
    bench.write("a.csv", rows(30));
    bench.refused("a.csv --html -", 2, &["standard output"]);
    bench.refused("a.csv --html out/i.json", 2, &["same file"]);
}
