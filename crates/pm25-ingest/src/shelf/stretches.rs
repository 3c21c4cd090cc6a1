//! A station's rows in the order of time, a stretch of at most so many at once.
//!
//! Not by the order of the file: rows may stand in any order, and within a stretch they stand as in the file.
//!
//! ```text
//! hours     9  10  11  12  13  14        rows of each are counted, then cut where too many would come together
//! rows     60  60  60  60  60  60
//! cuts              │           │        at full hours
//! ```

use std::collections::BTreeMap;

use pm25_air::civil::HOUR_S;
use pm25_file::Result;

use super::{LINES, STAMPS, Segment, Shelf};

/// How a station's rows are taken.
pub(super) struct Plan {
    pub(super) station: usize,
    /// Stamps at which a stretch begins, without the first; none where all rows are taken at once.
    pub(super) cuts_s: Vec<i64>,
    /// Of a station with cuts: its first stamp, and how many rows stand so many seconds after a full hour.
    pub(super) first_s: i64,
    pub(super) phases: BTreeMap<i64, u64>,
    /// Of a station with cuts: the first and the last stamp of each segment.
    spans_s: Vec<(i64, i64)>,
}

impl Plan {
    pub(super) fn n_stretches(&self) -> usize {
        1 + self.cuts_s.len()
    }

    /// The stamps of a stretch: from one up to another.
    pub(super) fn stretch_s(&self, stretch: usize) -> (i64, i64) {
        let from_s = stretch
            .checked_sub(1)
            .map_or(i64::MIN, |cut| self.cuts_s[cut]);
        let end_s = self.cuts_s.get(stretch).copied().unwrap_or(i64::MAX);
        (from_s, end_s)
    }
}

impl Shelf<'_> {
    /// A plan for each station with rows.
    pub(super) fn plans(&self) -> Result<Vec<Plan>> {
        let filled = (0..self.stations.len()).filter(|&at| !self.stations[at].is_empty());
        filled.map(|station| self.plan(station)).collect()
    }

    fn plan(&self, station: usize) -> Result<Plan> {
        let mut plan = Plan {
            station,
            cuts_s: Vec::new(),
            first_s: 0,
            phases: BTreeMap::new(),
            spans_s: Vec::new(),
        };
        if self.n_rows_of(station) <= self.sizes.stretch_rows {
            return Ok(plan);
        }
        let segments = &self.stations[station];
        for segment in segments {
            let stamps_s: Vec<i64> = self.piece(segment, STAMPS)?;
            let of_segment = stamps_s.iter();
            let span_s = of_segment.fold((i64::MAX, i64::MIN), |(first_s, last_s), &stamp_s| {
                (first_s.min(stamp_s), last_s.max(stamp_s))
            });
            plan.spans_s.push(span_s);
            for run in stamps_s.chunk_by(|a, b| a.rem_euclid(HOUR_S) == b.rem_euclid(HOUR_S)) {
                *plan.phases.entry(run[0].rem_euclid(HOUR_S)).or_default() += run.len() as u64;
            }
        }
        let firsts_s = plan.spans_s.iter().map(|(first_s, _)| *first_s);
        plan.first_s = firsts_s.min().unwrap_or(0);
        plan.cuts_s = self.cuts_s(segments, &plan)?;
        Ok(plan)
    }

    /// Cuts so that no stretch has too many rows, unless a single hour has.
    fn cuts_s(&self, segments: &[Segment], plan: &Plan) -> Result<Vec<i64>> {
        let begin_s = plan.first_s - plan.first_s.rem_euclid(HOUR_S);
        // Years are bounded, so these are a million at most.
        let mut rows_of_hour: Vec<u32> = Vec::new();
        for segment in segments {
            for stamp_s in self.piece::<i64>(segment, STAMPS)? {
                let hour_idx = ((stamp_s - begin_s) / HOUR_S) as usize;
                if rows_of_hour.len() <= hour_idx {
                    rows_of_hour.resize(hour_idx + 1, 0);
                }
                rows_of_hour[hour_idx] += 1;
            }
        }
        let mut cuts_s = Vec::new();
        let mut n = 0;
        for (hour_idx, &more) in (0_i64..).zip(&rows_of_hour) {
            if 0 < n && self.sizes.stretch_rows < n + more as usize {
                cuts_s.push(begin_s + hour_idx * HOUR_S);
                n = 0;
            }
            n += more as usize;
        }
        Ok(cuts_s)
    }

    /// The segments that may have rows of a stretch, with the rows that do; all of them where there is nothing to choose.
    pub(super) fn chosen(
        &self,
        plan: &Plan,
        (from_s, end_s): (i64, i64),
    ) -> Result<Vec<(Segment, Option<Vec<u32>>)>> {
        let segments = &self.stations[plan.station];
        let mut chosen = Vec::with_capacity(segments.len());
        for (at, segment) in segments.iter().enumerate() {
            let span_s = plan.spans_s.get(at).copied();
            let Some((first_s, last_s)) = span_s else {
                chosen.push((*segment, None));
                continue;
            };
            if end_s <= first_s || last_s < from_s {
                continue;
            }
            if from_s <= first_s && last_s < end_s {
                chosen.push((*segment, None));
                continue;
            }
            let stamps_s: Vec<i64> = self.piece(segment, STAMPS)?;
            let rows = (0_u32..).zip(&stamps_s);
            let within = rows.filter(|(_, stamp_s)| (from_s..end_s).contains(stamp_s));
            chosen.push((*segment, Some(within.map(|(row, _)| row).collect())));
        }
        Ok(chosen)
    }

    /// The stamps of a stretch with their lines, ascending, behind those that are given.
    pub(super) fn stamps(
        &self,
        plan: &Plan,
        stretch: usize,
        mut before: Vec<(i64, u32)>,
    ) -> Result<Vec<(i64, u32)>> {
        let n_before = before.len();
        for (segment, rows) in self.chosen(plan, plan.stretch_s(stretch))? {
            let stamps_s: Vec<i64> = taken(self.piece(&segment, STAMPS)?, rows.as_deref());
            let lines: Vec<u32> = taken(self.piece(&segment, LINES)?, rows.as_deref());
            before.extend(stamps_s.into_iter().zip(lines));
        }
        before[n_before..].sort_unstable();
        Ok(before)
    }
}

/// Some rows of a column, or all.
pub(super) fn taken<T: Copy>(column: Vec<T>, rows: Option<&[u32]>) -> Vec<T> {
    match rows {
        None => column,
        Some(rows) => rows.iter().map(|&row| column[row as usize]).collect(),
    }
}
