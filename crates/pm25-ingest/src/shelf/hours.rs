//! The rows of a shelf on the grids of their stations.
//!
//! Not another way to make hours: what is decided of a whole column (its unit, its full scales) and of the whole table
//! (the seconds from row to row) was gathered piece by piece, and then each station, or each stretch of a long one, goes
//! the way of rows in memory ([`crate::hourly`], [`crate::average`]).

use pm25_air::civil::HOUR_S;
use pm25_artifact::ingest::ColumnUse;
use pm25_file::Result;

use super::column::Settled;
use super::stretches::{Plan, taken};
use super::{LINES, STAMPS, Shelf, VALUES, nameplate};
use crate::count::Tally;
use crate::file::settled;
use crate::hourly::{GridSizes, Part, Steps, lag_of, refuse_gap, station_part};
use crate::in_order::in_order;
use crate::layout::{Layout, Mapped};
use crate::rows::Rows;
use crate::stretch::{Joined, Piece, Whole};

/// What a table on a shelf was found to be.
pub(crate) struct Laid {
    pub(crate) columns: Vec<ColumnUse>,
    /// Seconds from row to row.
    pub(crate) step_s: u32,
}

/// What is decided before the first station is laid.
struct Ground<'a> {
    shelf: &'a Shelf<'a>,
    layout: &'a Layout,
    /// The table's stations, without rows.
    empty: &'a Rows,
    columns: Vec<Settled>,
    plans: Vec<Plan>,
    step_s: i64,
}

impl Shelf<'_> {
    /// Decides units, lays each station on its grid and gives it up, in the order of the table; `empty` has the stations
    /// and no rows.
    pub(crate) fn hours(
        &self,
        (file, layout, empty): (&str, &Layout, &Rows),
        (tally, warnings): (&mut Tally, &mut Vec<String>),
        mut give: impl FnMut(Part, &mut Tally) -> Result<()> + Send,
    ) -> Result<Laid> {
        let (uses, columns) = self.settled(&layout.mapped, warnings);
        let plans = self.plans()?;
        let step_s = self.step_s(file, layout, &plans)?;
        let ground = Ground {
            shelf: self,
            layout,
            empty,
            columns,
            plans,
            step_s,
        };
        let stretches = ground.stretches();
        let mut joined: Option<Joined> = None;
        let piece = |at: usize| ground.piece(stretches[at]);
        in_order(stretches.len(), piece, |piece| {
            let so_far = joined.take().unwrap_or_default();
            let is_last = piece.is_last;
            let so_far = so_far.append(piece);
            if !is_last {
                joined = Some(so_far);
                return Ok(());
            }
            match so_far.end(tally) {
                Some(part) => give(part, tally),
                None => Ok(()),
            }
        })?;
        Ok(Laid {
            columns: uses,
            step_s: u32::try_from(step_s).unwrap_or(u32::MAX),
        })
    }

    fn settled(
        &self,
        mapped: &[Mapped],
        warnings: &mut Vec<String>,
    ) -> (Vec<ColumnUse>, Vec<Settled>) {
        let mut uses = Vec::with_capacity(mapped.len());
        let mut columns = Vec::with_capacity(mapped.len());
        for (column, seen) in mapped.iter().zip(&self.columns) {
            let facts = seen.facts(column);
            uses.push(settled(column, &facts, warnings));
            columns.push(Settled {
                decision: facts.decision,
                codes: facts.codes,
            });
        }
        (uses, columns)
    }

    /// Seconds from row to row; refuses a file that is no hourly series or whose grids would fill the memory.
    fn step_s(&self, file: &str, layout: &Layout, plans: &[Plan]) -> Result<i64> {
        let mut steps = Steps::default();
        let mut sizes = GridSizes::default();
        let mut gap = Ok(());
        for plan in plans {
            let mut first_s = None;
            let mut last = None;
            for stretch in 0..plan.n_stretches() {
                let stamps = self.stamps(plan, stretch, last.into_iter().collect())?;
                steps.note(stamps.iter().map(|(stamp_s, _)| *stamp_s));
                gap = gap.and_then(|()| refuse_gap(file, &stamps));
                first_s = first_s.or(stamps.first().map(|(stamp_s, _)| *stamp_s));
                last = stamps.last().copied();
            }
            if let (Some(first_s), Some((last_s, _))) = (first_s, last) {
                sizes.note(first_s, last_s);
            }
        }
        let step_s = match layout.step_s {
            Some(step_s) => i64::from(step_s),
            None => steps.median(file)?,
        };
        gap?;
        sizes.refuse_sparse(file, self.n_rows)?;
        Ok(step_s)
    }

    /// Seconds from row to row of a table that is known to be an hourly series.
    pub(super) fn known_step_s(&self, file: &str, layout: &Layout) -> Result<i64> {
        self.step_s(file, layout, &self.plans()?)
    }
}

impl Ground<'_> {
    /// Each stretch of each station, in order.
    fn stretches(&self) -> Vec<(usize, usize)> {
        let plans = self.plans.iter().enumerate();
        plans
            .flat_map(|(plan, of)| (0..of.n_stretches()).map(move |stretch| (plan, stretch)))
            .collect()
    }

    /// The hours of a stretch.
    fn piece(&self, (plan, stretch): (usize, usize)) -> Result<Piece> {
        let plan = &self.plans[plan];
        if plan.n_stretches() == 1 {
            let mut tally = Tally::default();
            let rows = self.rows(plan, (i64::MIN, i64::MAX))?;
            let part = station_part(rows, self.layout, self.step_s, &mut tally);
            return Ok(Piece::whole(part, tally));
        }
        let whole = self.whole(plan);
        let lag_s = lag_of(self.layout, self.step_s);
        // Cuts fall between the hours of the grid.
        let on_grid = |at_s: i64| match at_s {
            i64::MIN | i64::MAX => at_s,
            at_s => at_s + (whole.begin_s + lag_s - at_s).rem_euclid(HOUR_S),
        };
        let (from_s, end_s) = plan.stretch_s(stretch);
        let rows = self.rows(plan, (on_grid(from_s), on_grid(end_s)))?;
        let mut piece = whole.piece(rows, self.layout);
        piece.is_last = stretch + 1 == plan.n_stretches();
        Ok(piece)
    }

    /// What of a long station must be known before one of its stretches can be laid.
    fn whole(&self, plan: &Plan) -> Whole {
        let name = nameplate(self.empty, plan.station);
        let phases = plan.phases.iter().map(|(&phase_s, &n)| (phase_s, n));
        Whole::of(&name, self.layout, self.step_s, (plan.first_s, phases))
    }

    /// A station's rows between two stamps in the order of the file, in our units.
    fn rows(&self, plan: &Plan, between_s: (i64, i64)) -> Result<Rows> {
        let shelf = self.shelf;
        let mut rows = Rows {
            values: vec![Vec::new(); self.columns.len()],
            ceilings: self.columns.iter().map(Settled::ceilings).collect(),
            ..nameplate(self.empty, plan.station)
        };
        for (segment, chosen) in shelf.chosen(plan, between_s)? {
            let chosen = chosen.as_deref();
            let n_before = rows.stamp_s.len();
            rows.stamp_s
                .extend(taken::<i64>(shelf.piece(&segment, STAMPS)?, chosen));
            rows.line
                .extend(taken::<u32>(shelf.piece(&segment, LINES)?, chosen));
            for (at, column) in rows.values.iter_mut().enumerate() {
                column.extend(taken::<f32>(shelf.piece(&segment, VALUES + at)?, chosen));
            }
            if shelf.has_channels {
                for (channel, column) in rows.channels.iter_mut().enumerate() {
                    let piece = shelf.piece(&segment, shelf.channel_at(channel))?;
                    column.extend(taken::<f32>(piece, chosen));
                }
            }
            let flags = shelf.flags(&segment)?;
            if !flags.is_empty() {
                rows.flags.resize(n_before, 0);
                rows.flags.extend(taken(flags, chosen));
            }
        }
        if !rows.flags.is_empty() {
            rows.flags.resize(rows.stamp_s.len(), 0);
        }
        rows.station = vec![0; rows.stamp_s.len()];
        for (column, settled) in rows.values.iter_mut().zip(&self.columns) {
            settled.decision.conversion.apply_all(column);
        }
        Ok(rows)
    }
}
