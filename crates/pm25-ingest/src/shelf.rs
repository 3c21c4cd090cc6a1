//! The rows of a big file on disk, station by station, so that no more than a block and a station are ever in memory.
//!
//! Not the parts of a station from several files; see [`crate::spill`]. What is decided of a whole column (its unit, its
//! full scales) and of the whole file (the seconds from row to row) is gathered piece by piece.
//!
//! ```text
//! block 1   A A B A │ B B C          rows as they stand in the file
//! shelf     A A A B │ B B C          each block by station, 12 + 4 c bytes a row, c columns of quantities
//! station   A: block 1, rows 0 to 2      B: block 1, row 3; block 2, rows 0 and 1
//! ```

use pm25_air::Quantity;
use pm25_air::quality::ceiling::FullScales;
use pm25_artifact::ingest::ColumnUse;
use pm25_file::Result;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::claim::{Decision, Shares, decide_by};
use crate::count::Tally;
use crate::extremes::Extremes;
use crate::file::{ColumnFacts, settled};
use crate::hourly::{GridSizes, Part, Steps, station_part};
use crate::in_order::in_order;
use crate::layout::{Layout, Mapped};
use crate::rows::Rows;
use crate::spill::{Spill, Stored};
use crate::summer;

/// A big file's rows.
pub(crate) struct Shelf<'a> {
    spill: &'a Spill,
    columns: Vec<ColumnSoFar>,
    /// By station.
    stations: Vec<Vec<Segment>>,
    n_rows: usize,
}

/// The rows of one station in one block.
#[derive(Clone, Copy)]
struct Segment {
    /// Where the block's columns begin.
    block_at: u64,
    /// How many rows the block has.
    block_n: usize,
    from: usize,
    n: usize,
    has_flags: bool,
}

/// What is known of a column without looking at it again.
struct ColumnSoFar {
    extremes: Extremes,
    shares: Shares,
    /// Of particles.
    scales: Option<FullScales>,
}

impl ColumnSoFar {
    fn new(column: &Mapped) -> Self {
        let is_particles = matches!(column.quantity, Quantity::Pm25 | Quantity::Pm10);
        Self {
            extremes: Extremes::of(&[]),
            shares: Shares::of(column.quantity, &column.claim),
            scales: is_particles.then(FullScales::default),
        }
    }

    fn push(&mut self, values: &[f32]) {
        self.extremes.append(&Extremes::of(values));
        self.shares.push(values);
        if let Some(scales) = &mut self.scales {
            scales.push(values);
        }
    }
}

/// What a big file became.
pub(crate) struct Shelved {
    pub(crate) stored: Vec<Stored>,
    pub(crate) columns: Vec<ColumnUse>,
    /// Seconds from row to row.
    pub(crate) step_s: u32,
    /// The first station that skips an hour in spring.
    pub(crate) season: Option<String>,
}

impl<'a> Shelf<'a> {
    /// Without rows; nothing if rows of such a table must be seen together.
    pub(crate) fn of(layout: &Layout, spill: &'a Spill) -> Option<Self> {
        let extras = &layout.extras;
        let is_alone =
            extras.long.is_none() && extras.channels.is_none() && !layout.repairs_clock();
        is_alone.then(|| Self {
            spill,
            columns: layout.mapped.iter().map(ColumnSoFar::new).collect(),
            stations: Vec::new(),
            n_rows: 0,
        })
    }

    /// Takes the next rows of the file.
    pub(crate) fn push(&mut self, rows: &Rows) -> Result<()> {
        let n = rows.station.len();
        for (column, values) in self.columns.iter_mut().zip(&rows.values) {
            column.push(values);
        }
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|&row| rows.station[row as usize]);
        let mut pieces = vec![
            taken(&rows.stamp_s, &order).as_bytes().to_vec(),
            taken(&rows.line, &order).as_bytes().to_vec(),
        ];
        let values = rows.values.iter();
        pieces.extend(values.map(|values| taken(values, &order).as_bytes().to_vec()));
        pieces.push(taken(&rows.flags, &order).as_bytes().to_vec());
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let block_at = self.spill.put_bytes(&pieces)?;
        let mut from = 0;
        for of_station in
            order.chunk_by(|a, b| rows.station[*a as usize] == rows.station[*b as usize])
        {
            let station = rows.station[of_station[0] as usize] as usize;
            if self.stations.len() <= station {
                self.stations.resize_with(station + 1, Vec::new);
            }
            self.stations[station].push(Segment {
                block_at,
                block_n: n,
                from,
                n: of_station.len(),
                has_flags: !rows.flags.is_empty(),
            });
            from += of_station.len();
        }
        self.n_rows += n;
        Ok(())
    }

    /// Decides units, lays each station on its grid and stores it; `empty` has the file's stations and no rows.
    pub(crate) fn hours(
        self,
        (file, empty): (&str, &Rows),
        layout: &Layout,
        (tally, warnings): (&mut Tally, &mut Vec<String>),
    ) -> Result<Shelved> {
        let mut uses = Vec::with_capacity(self.columns.len());
        let mut decisions = Vec::with_capacity(self.columns.len());
        for (column, seen) in layout.mapped.iter().zip(&self.columns) {
            let facts = ColumnFacts {
                decision: decide_by(column.quantity, &column.claim, |unit| {
                    seen.shares.share(unit)
                }),
                codes: seen.scales.clone().map_or_else(Vec::new, FullScales::end),
                extremes: &seen.extremes,
            };
            uses.push(settled(column, &facts, warnings));
            decisions.push((facts.decision, facts.codes));
        }
        let step_s = self.step_s(file, layout)?;
        let filled: Vec<usize> = (0..self.stations.len())
            .filter(|&station| !self.stations[station].is_empty())
            .collect();
        let (mut stored, mut season) = (Vec::with_capacity(filled.len()), None);
        let part = |at: usize| -> Result<(Part, Tally)> {
            let mut of_station = Tally::default();
            let rows = self.station(filled[at], empty, &decisions)?;
            let part = station_part(rows, layout, step_s, &mut of_station);
            Ok((part, of_station))
        };
        in_order(filled.len(), part, |(part, of_station)| {
            tally.append(of_station, 0);
            if season.is_none() {
                season = summer::seasons(layout, std::slice::from_ref(&part));
            }
            stored.push(self.spill.put_part(part)?);
            Ok(())
        })?;
        Ok(Shelved {
            stored,
            columns: uses,
            step_s: u32::try_from(step_s).unwrap_or(u32::MAX),
            season,
        })
    }

    /// Seconds from row to row; refuses a file that is no hourly series or whose grids would fill the memory.
    fn step_s(&self, file: &str, layout: &Layout) -> Result<i64> {
        let mut steps = Steps::default();
        let mut sizes = GridSizes::default();
        let mut gap = Ok(());
        for segments in self.stations.iter().filter(|segments| !segments.is_empty()) {
            let stamps_s: Vec<i64> = self.read(segments, 0)?;
            let lines: Vec<u32> = self.read(segments, size_of::<i64>())?;
            let mut stamps: Vec<(i64, u32)> = stamps_s.into_iter().zip(lines).collect();
            stamps.sort_unstable();
            steps.note(stamps.iter().map(|(stamp_s, _)| *stamp_s));
            let size = sizes.note(file, &stamps);
            gap = gap.and(size);
        }
        let step_s = match layout.step_s {
            Some(step_s) => i64::from(step_s),
            None => steps.median(file)?,
        };
        gap?;
        sizes.refuse_sparse(file, self.n_rows)?;
        Ok(step_s)
    }

    /// A station's rows in the order of the file, in our units.
    fn station(
        &self,
        station: usize,
        empty: &Rows,
        decisions: &[(Decision, Vec<f32>)],
    ) -> Result<Rows> {
        let segments = &self.stations[station];
        let stamp_s: Vec<i64> = self.read(segments, 0)?;
        let mut before = size_of::<i64>();
        let line = self.read(segments, before)?;
        before += size_of::<u32>();
        let mut values = Vec::with_capacity(decisions.len());
        for (decision, _) in decisions {
            let mut column: Vec<f32> = self.read(segments, before)?;
            before += size_of::<f32>();
            decision.conversion.apply_all(&mut column);
            values.push(column);
        }
        let ceilings = decisions.iter().map(|(decision, codes)| {
            let codes = codes.iter();
            codes.map(|&code| decision.conversion.apply(code)).collect()
        });
        Ok(Rows {
            names: vec![empty.names[station].clone()],
            station: vec![0; stamp_s.len()],
            stamp_s,
            line,
            values,
            flags: self.flags(segments, before)?,
            channels: Default::default(),
            ceilings: ceilings.collect(),
            offsets_min: empty
                .offsets_min
                .get(station)
                .copied()
                .into_iter()
                .collect(),
        })
    }

    /// A column of a station; in a block so many bytes a row come before it.
    fn read<T: FromBytes + IntoBytes + FromZeros + Clone>(
        &self,
        segments: &[Segment],
        bytes_before: usize,
    ) -> Result<Vec<T>> {
        let mut column = Vec::with_capacity(segments.iter().map(|segment| segment.n).sum());
        for segment in segments {
            column.extend(self.piece::<T>(segment, bytes_before)?);
        }
        Ok(column)
    }

    fn piece<T: FromBytes + IntoBytes + FromZeros + Clone>(
        &self,
        segment: &Segment,
        bytes_before: usize,
    ) -> Result<Vec<T>> {
        let within = bytes_before * segment.block_n + size_of::<T>() * segment.from;
        self.spill
            .column(segment.block_at + within as u64, segment.n)
    }

    /// What the provider flags; empty if it flags nothing.
    fn flags(&self, segments: &[Segment], bytes_before: usize) -> Result<Vec<u16>> {
        let mut flags = Vec::new();
        if !segments.iter().any(|segment| segment.has_flags) {
            return Ok(flags);
        }
        for segment in segments {
            if segment.has_flags {
                flags.extend(self.piece::<u16>(segment, bytes_before)?);
            } else {
                flags.resize(flags.len() + segment.n, 0);
            }
        }
        Ok(flags)
    }
}

/// Values in another order; none where there are none.
fn taken<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    let known = order.iter().filter_map(|&row| values.get(row as usize));
    known.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::Sizes;
    use crate::file::{Job, Outcome, read};
    use crate::inputs::{Origin, RawInput};
    use crate::layout::Stamped;
    use crate::source::Wishes;
    use pm25_file::{Input, Output};

    /// What a file becomes, with its rows in memory or on a shelf.
    fn outcome(text: &str, wishes: &Wishes, block_bytes: Option<u64>) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let input = RawInput {
            name: "f.csv".to_owned(),
            at: Input::Path(file.path().to_owned()),
            member: None,
            origin: Origin::Named,
        };
        let spill = Spill::beside(&Output::Stdout);
        let sizes = Sizes {
            block_bytes: block_bytes.unwrap_or(8 << 20),
            kept_bytes: if block_bytes.is_some() { 0 } else { u64::MAX },
        };
        let job = Job {
            input: &input,
            wishes,
            spill: Some(&spill),
            sizes,
        };
        let read = match read(job) {
            Ok(Outcome::Read(read)) => *read,
            Ok(_) => panic!("not read"),
            Err(fault) => return fault.to_string(),
        };
        assert_eq!(read.stored.is_empty(), block_bytes.is_none(), "{text}");
        let mut parts = read.parts;
        parts.extend(read.stored.iter().map(|part| part.get(&spill).unwrap()));
        format!(
            "{parts:?} {:?} {:?} {:?} {:?} {:?} {} {}",
            read.columns,
            read.warnings,
            read.notes,
            read.stations,
            read.tally,
            read.step_s,
            read.sha256
        )
    }

    fn assert_alike(text: &str, wishes: &Wishes) {
        let whole = outcome(text, wishes, None);
        for block_bytes in [400, 3_000] {
            assert_eq!(outcome(text, wishes, Some(block_bytes)), whole);
        }
    }

    /// Rows `step_min` minutes apart, of stations that take turns.
    fn table(n_rows: usize, n_stations: usize, step_min: usize) -> String {
        let mut text = "time,station,pm25 (ug/m3),pm10,co (ug/m3)\n".to_owned();
        for row in 0..n_rows {
            let minute = row / n_stations * step_min;
            let (day, hour, minute) = (1 + minute / 1_440 % 28, minute / 60 % 24, minute % 60);
            let pm10 = match row % 19 {
                1..=3 => "985".to_owned(),
                5 => "-999".to_owned(),
                6 => String::new(),
                _ => (row % 200).to_string(),
            };
            let co = if row % 23 == 4 { "much" } else { "0.8" };
            let station = row % n_stations;
            text.push_str(&format!(
                "2020-03-{day:02} {hour:02}:{minute:02},S{station},{}.5,{pm10},{co}\n",
                row % 97
            ));
            if row % 41 == 7 {
                // Half a row, and a row for an hour that is there already.
                text.push_str("2020-03-01 00:00,S0\n");
                text.push_str(&format!(
                    "2020-03-{day:02} {hour:02}:{minute:02},S{station},1,,\n"
                ));
            }
        }
        text
    }

    #[test]
    fn rows_on_a_shelf_become_what_rows_in_memory_become() {
        let wishes = Wishes::default();
        for (n_stations, step_min) in [(1, 60), (3, 60), (4, 15), (2, 180)] {
            assert_alike(&table(600, n_stations, step_min), &wishes);
        }
        let ends = Wishes {
            stamped: Some(Stamped::End),
            ..Wishes::default()
        };
        assert_alike(&table(500, 2, 60), &ends);
        assert_alike(&table(500, 2, 10), &ends);
        // Each station without a gap.
        let by_station = |name: &str| -> String {
            let rows = (0..300).map(|row| {
                let (day, hour) = (1 + row / 24, row % 24);
                format!("2020-03-{day:02} {hour:02}:00,{name},{row}\n")
            });
            rows.collect()
        };
        let sorted = format!("time,station,pm25\n{}{}", by_station("B"), by_station("A"));
        assert_alike(&sorted, &wishes);
        // A spring whose clocks change.
        assert_alike(
            &sorted.replace("2020-03-08 02:00", "2020-03-08 xx:00"),
            &wishes,
        );
    }

    #[test]
    fn what_is_refused_is_refused_from_a_shelf_too() {
        let wishes = Wishes::default();
        let far = table(300, 2, 60) + "2060-03-01 00:00,S1,1,1,1\n";
        let daily = table(300, 2, 1_440);
        for (text, why) in [(far, "20 years"), (daily, "24 hours apart")] {
            assert!(outcome(&text, &wishes, None).contains(why));
            assert_alike(&text, &wishes);
        }
    }
}
