//! What every chart has around its data: title, subtitle, legend, axes with units, a light grid.
//!
//! ```text
//!   Title
//!   Subtitle: which data, how many rows, which unit
//!   --- one series   - - another              <- legend, never over the data
//!   y |
//!     |   plot                      | aside |  <- room that a chart asks for (colour scale, numbers)
//!     +------------------
//!              x
//! ```
//!
//! It measures texts before it places them, so that nothing overlaps and nothing is cut off.

use crate::canvas::{
    Canvas, Dash, Drawn, Hold, Ink, PlotError, Point, Size, Stroke, Turn, width, wrapped,
};
use crate::look::{
    AXIS, GAP, GRID, HAIR_WIDTH, INK, LABEL_SIZE, MARGIN, Rgb, SOFT_INK, SUBTITLE_SIZE, TICK_SIZE,
    TITLE_SIZE,
};
use crate::ticks::{Range, Tick, ticks, whole_ticks};

/// The words around a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// What the chart shows, in a few words.
    pub title: String,
    /// Which data, how many rows.
    pub subtitle: String,
    /// What runs along the bottom, with its unit.
    pub x: String,
    /// What runs up the side, with its unit. May be empty.
    pub y: String,
}

/// What an axis measures.
#[derive(Clone, Debug)]
pub(crate) enum Axis {
    Numbers(Range),
    /// Numbers between which nothing lies, such as hours and months.
    Whole(Range),
    /// Named places at 0, 1, 2, ... in this order.
    Names(Vec<String>),
}

impl Axis {
    fn across(&self) -> Range {
        match self {
            Self::Numbers(range) | Self::Whole(range) => *range,
            Self::Names(names) => Range {
                from: -0.5,
                to: names.len().max(1) as f64 - 0.5,
            },
        }
    }

    /// Names run down the side from the top, as they are read.
    fn up(&self) -> Range {
        let range = self.across();
        match self {
            Self::Numbers(_) | Self::Whole(_) => range,
            Self::Names(_) => Range {
                from: range.to,
                to: range.from,
            },
        }
    }
}

/// One entry of the legend.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) sign: Sign,
}

/// What stands before the text of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    Line(Stroke),
    Block(Rgb),
    /// A line with a dot on it.
    Beads(Stroke),
}

/// What a chart asks of its frame.
pub(crate) struct Plan<'a> {
    pub(crate) size: Size,
    pub(crate) labels: &'a Labels,
    pub(crate) legend: Vec<Entry>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Room to the right of the plot, in pixels.
    pub(crate) aside: f64,
}

/// Where the data goes.
pub(crate) struct Frame<'a, 'b> {
    pub(crate) canvas: &'a Canvas<'b>,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    x: Range,
    y: Range,
}

impl Frame<'_, '_> {
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (self.across(x), self.up(y))
    }

    pub(crate) fn across(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }

    pub(crate) fn up(&self, y: f64) -> f64 {
        self.bottom - self.y.share(y) * (self.bottom - self.top)
    }
}

/// Names beside an axis take at most this share of the picture.
const NAMES_SHARE_MAX: f64 = 0.3;
/// Shortest distance between numbered marks, in pixels.
const TICK_APART: f64 = 84.0;

/// Draws everything but the data, and says where the data goes.
pub(crate) fn frame<'a, 'b>(
    canvas: &'a Canvas<'b>,
    plan: &Plan<'_>,
) -> Result<Frame<'a, 'b>, PlotError> {
    let (width_all, height_all) = (f64::from(plan.size.width), f64::from(plan.size.height));
    let top = header(canvas, plan.labels, width_all)?;
    let (x, y) = (plan.x.across(), plan.y.up());
    let y_marks = side_marks(
        &plan.y,
        (height_all - top) * 0.8,
        width_all * NAMES_SHARE_MAX,
    );
    let widest = y_marks
        .iter()
        .map(|mark| width(&mark.text, TICK_SIZE))
        .fold(0.0, f64::max);
    let left = MARGIN + room_for(&plan.labels.y) + widest + GAP;
    let right = width_all - MARGIN - plan.aside;
    let top = legend(canvas, &plan.legend, (left, top), right)? + GAP;
    let below = bottom_marks(&plan.x, right - left, height_all * NAMES_SHARE_MAX);
    let bottom = height_all - MARGIN - room_for(&plan.labels.x) - below.height - GAP;
    let frame = Frame {
        canvas,
        left,
        right,
        top,
        bottom,
        x,
        y,
    };
    draw_side(&frame, plan, &y_marks)?;
    draw_bottom(&frame, plan, &below)?;
    Ok(frame)
}

/// Height of a picture with so many named rows, in pixels: between a third of a screen and two screens.
pub(crate) fn named_height(n_rows: usize) -> u32 {
    const HEADER: f64 = 330.0;
    const ROW: f64 = 46.0;
    (HEADER + ROW * n_rows as f64).clamp(560.0, 2400.0) as u32
}

fn room_for(axis_label: &str) -> f64 {
    if axis_label.is_empty() {
        0.0
    } else {
        LABEL_SIZE + GAP
    }
}

fn header(canvas: &Canvas<'_>, labels: &Labels, width_all: f64) -> Result<f64, PlotError> {
    let mut y = MARGIN;
    for (text, size, color) in [
        (&labels.title, TITLE_SIZE, INK),
        (&labels.subtitle, SUBTITLE_SIZE, SOFT_INK),
    ] {
        for line in wrapped(text, size, width_all - 2.0 * MARGIN) {
            let ink = Ink {
                size,
                color,
                hold: Hold::Start,
                turn: Turn::Level,
            };
            canvas.text(&line, (MARGIN, y + size * 0.45), ink)?;
            y += size * 1.3;
        }
    }
    Ok(y + GAP)
}

/// Draws entries in rows from `start`, never wider than up to `right`; gives the lower end.
fn legend(
    canvas: &Canvas<'_>,
    entries: &[Entry],
    start: Point,
    right: f64,
) -> Result<f64, PlotError> {
    const SIGN_WIDTH: f64 = 56.0;
    const ROW: f64 = TICK_SIZE * 1.5;
    let (mut x, mut y) = start;
    for entry in entries {
        let text = shortened(&entry.text, right - start.0 - SIGN_WIDTH - GAP);
        let needed = SIGN_WIDTH + GAP + width(&text, TICK_SIZE);
        if start.0 < x && right < x + needed {
            (x, y) = (start.0, y + ROW);
        }
        let middle = y + ROW / 2.0;
        let (from, to) = ((x, middle), (x + SIGN_WIDTH, middle));
        match entry.sign {
            Sign::Line(stroke) => canvas.line(&[from, to], stroke)?,
            Sign::Beads(stroke) => {
                canvas.line(&[from, to], stroke)?;
                canvas.dot(
                    (x + SIGN_WIDTH / 2.0, middle),
                    stroke.width * 1.8,
                    stroke.color,
                )?;
            }
            Sign::Block(color) => {
                canvas.rectangle((x, middle - 11.0), (to.0, middle + 11.0), color)?
            }
        }
        canvas.text(&text, (to.0 + GAP, middle), tick_ink(Hold::Start))?;
        x += needed + 3.0 * GAP;
    }
    Ok(if entries.is_empty() { y } else { y + ROW })
}

fn side_marks(axis: &Axis, height: f64, widest: f64) -> Vec<Tick> {
    match axis {
        Axis::Numbers(range) => ticks(*range, (height / TICK_APART) as usize),
        Axis::Whole(range) => whole_ticks(*range, (height / TICK_APART) as usize),
        Axis::Names(names) => {
            let every = (names.len() as f64 * TICK_SIZE * 1.2 / height)
                .ceil()
                .max(1.0) as usize;
            named(names, every, widest)
        }
    }
}

/// Marks under the plot and the height they need.
struct Below {
    marks: Vec<Tick>,
    turn: Turn,
    height: f64,
}

fn bottom_marks(axis: &Axis, room: f64, longest: f64) -> Below {
    let names = match axis {
        Axis::Numbers(range) => return level(number_marks(*range, room, ticks)),
        Axis::Whole(range) => return level(number_marks(*range, room, whole_ticks)),
        Axis::Names(names) => names,
    };
    let slot = room / names.len().max(1) as f64;
    let widest = names
        .iter()
        .map(|name| width(name, TICK_SIZE))
        .fold(0.0, f64::max);
    if widest + GAP <= slot {
        return level(named(names, 1, longest));
    }
    if widest <= TICK_SIZE * 3.0 {
        return level(named(
            names,
            ((widest + GAP) / slot).ceil() as usize,
            longest,
        ));
    }
    let every = (TICK_SIZE * 1.2 / slot).ceil().max(1.0) as usize;
    Below {
        marks: named(names, every, longest),
        turn: Turn::Up,
        height: widest.min(longest),
    }
}

fn level(marks: Vec<Tick>) -> Below {
    Below {
        marks,
        turn: Turn::Level,
        height: TICK_SIZE,
    }
}

/// As many numbers as fit side by side.
fn number_marks(range: Range, room: f64, marked: fn(Range, usize) -> Vec<Tick>) -> Vec<Tick> {
    let mut most = 12;
    loop {
        let marks = marked(range, most);
        let widest = marks
            .iter()
            .map(|mark| width(&mark.text, TICK_SIZE))
            .fold(0.0, f64::max);
        let apart = marks.windows(2).next().map_or(room, |pair| {
            (pair[1].at - pair[0].at) / (range.to - range.from) * room
        });
        if most <= 2 || widest + 2.0 * GAP <= apart {
            return marks;
        }
        most -= 1;
    }
}

fn named(names: &[String], every: usize, widest: f64) -> Vec<Tick> {
    let shown = names.iter().enumerate().step_by(every.max(1));
    shown
        .map(|(idx, name)| Tick {
            at: idx as f64,
            text: shortened(name, widest),
        })
        .collect()
}

/// A name that fits, its middle replaced by an ellipsis where it does not: names often differ at the end.
pub(crate) fn shortened(name: &str, widest: f64) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kept = letters.len();
    let mut text = name.to_owned();
    while widest < width(&text, TICK_SIZE) && 2 < kept {
        kept -= 1;
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        text = letters[..head]
            .iter()
            .chain(&['…'])
            .chain(&letters[letters.len() - tail..])
            .collect();
    }
    text
}

fn draw_side(frame: &Frame<'_, '_>, plan: &Plan<'_>, marks: &[Tick]) -> Drawn {
    for mark in marks {
        let y = frame.up(mark.at);
        if !matches!(plan.y, Axis::Names(_)) {
            frame
                .canvas
                .line(&[(frame.left, y), (frame.right, y)], hair(GRID))?;
        }
        frame
            .canvas
            .text(&mark.text, (frame.left - GAP, y), tick_ink(Hold::End))?;
    }
    let middle = (frame.top + frame.bottom) / 2.0;
    let ink = Ink {
        size: LABEL_SIZE,
        color: INK,
        hold: Hold::Middle,
        turn: Turn::Up,
    };
    frame
        .canvas
        .text(&plan.labels.y, (MARGIN + LABEL_SIZE / 2.0, middle), ink)
}

fn draw_bottom(frame: &Frame<'_, '_>, plan: &Plan<'_>, below: &Below) -> Drawn {
    for mark in &below.marks {
        let x = frame.across(mark.at);
        if !matches!(plan.x, Axis::Names(_)) {
            frame
                .canvas
                .line(&[(x, frame.top), (x, frame.bottom)], hair(GRID))?;
        }
        let (at, hold) = match below.turn {
            Turn::Level => (
                (
                    kept_on_sheet(x, &mark.text, plan.size),
                    frame.bottom + GAP + TICK_SIZE / 2.0,
                ),
                Hold::Middle,
            ),
            Turn::Up => ((x, frame.bottom + GAP), Hold::End),
        };
        frame.canvas.text(
            &mark.text,
            at,
            Ink {
                turn: below.turn,
                ..tick_ink(hold)
            },
        )?;
    }
    frame.canvas.line(
        &[(frame.left, frame.bottom), (frame.right, frame.bottom)],
        hair(AXIS),
    )?;
    let at = (
        (frame.left + frame.right) / 2.0,
        f64::from(plan.size.height) - MARGIN - LABEL_SIZE / 2.0,
    );
    frame.canvas.text(
        &plan.labels.x,
        at,
        Ink {
            size: LABEL_SIZE,
            color: INK,
            hold: Hold::Middle,
            turn: Turn::Level,
        },
    )
}

/// The middle of a text under its mark, moved inwards where its end would leave the sheet.
fn kept_on_sheet(x: f64, text: &str, size: Size) -> f64 {
    let nearest = MARGIN / 2.0 + width(text, TICK_SIZE) / 2.0;
    x.max(nearest).min(f64::from(size.width) - nearest)
}

pub(crate) fn tick_ink(hold: Hold) -> Ink {
    Ink {
        size: TICK_SIZE,
        color: SOFT_INK,
        hold,
        turn: Turn::Level,
    }
}

pub(crate) fn hair(color: Rgb) -> Stroke {
    Stroke {
        width: HAIR_WIDTH,
        color,
        dash: Dash::Solid,
    }
}
