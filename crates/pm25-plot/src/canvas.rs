//! A sheet to draw on in pixels of the finished picture: plotters over a buffer of twice the size, which is averaged
//! down at the end, so that every edge is smooth.
//!
//! It knows nothing of data or axes.

use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, DrawingArea, FontStyle, IntoDrawingArea, IntoFont, PathElement,
    RGBColor, Rectangle, ShapeStyle,
};
use plotters::style::{FontTransform, TextStyle, register_font};

use crate::look::{PAPER, Rgb};
use crate::pixels;

/// Why there is no picture. Drawing into memory does not fail in practice; the reason is for a bug report.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// plotters refused to draw.
    #[error("cannot draw: {0}")]
    Draw(String),
    /// The PNG encoder refused the pixels.
    #[error("cannot encode the picture as PNG: {0}")]
    Encode(String),
}

pub(crate) type Drawn = Result<(), PlotError>;

/// Width and height of a finished picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Pixels of the buffer per pixel of the picture, each way.
pub(crate) const FINER: u32 = 2;

const FAMILY: &str = "pm25";
const FONT: &[u8] = include_bytes!("../font/DejaVuSans-subset.ttf");

/// Of the font, as shares of the size that plotters is given: height of a capital, and what plotters adds above it.
const CAPITAL: f64 = 0.626;
const BASELINE: f64 = 0.5;

/// Makes a picture by drawing on an empty sheet.
pub(crate) fn picture(
    size: Size,
    draw: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<Vec<u8>, PlotError> {
    // Registering again replaces the same bytes by the same bytes.
    register_font(FAMILY, FontStyle::Normal, FONT)
        .map_err(|_| PlotError::Draw("the embedded font is damaged".into()))?;
    let fine = (size.width * FINER, size.height * FINER);
    let mut buffer = vec![0; fine.0 as usize * fine.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut buffer, fine).into_drawing_area();
        area.fill(&color(PAPER)).map_err(refused)?;
        draw(&Canvas { area })?;
    }
    pixels::encode(size, &pixels::averaged(&buffer, size))
}

/// The sheet.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
}

/// Where a text is held by its point, across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Start,
    Middle,
    End,
}

/// How a text looks. Its point is at half the height of a capital letter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink {
    pub(crate) size: f64,
    pub(crate) color: Rgb,
    pub(crate) hold: Hold,
    pub(crate) turn: Turn,
}

/// Which way a text runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Level,
    /// From bottom to top.
    Up,
}

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke {
    pub(crate) width: f64,
    pub(crate) color: Rgb,
    pub(crate) dash: Dash,
}

/// Pattern of a line: `(drawn, left out)` in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Dash {
    Solid,
    Broken(f64, f64),
}

/// A point in pixels from the upper left corner.
pub(crate) type Point = (f64, f64);

impl Canvas<'_> {
    pub(crate) fn rectangle(&self, from: Point, to: Point, fill: Rgb) -> Drawn {
        let (a, b) = (fine(from), fine(to));
        if b.0 <= a.0 || b.1 <= a.1 {
            return Ok(());
        }
        let shape = Rectangle::new([a, b], ShapeStyle::from(&color(fill)).filled());
        self.area.draw(&shape).map_err(refused)
    }

    /// A rectangle of level stripes, coloured by the share of the way up.
    pub(crate) fn gradient(&self, from: Point, to: Point, color: fn(f64) -> Rgb) -> Drawn {
        let stripes = (to.1 - from.1).max(0.0) as u32;
        for stripe in 0..stripes {
            let y = from.1 + f64::from(stripe);
            self.rectangle(
                (from.0, y),
                (to.0, y + 1.0),
                color(1.0 - f64::from(stripe) / f64::from(stripes)),
            )?;
        }
        Ok(())
    }

    pub(crate) fn dot(&self, at: Point, radius: f64, fill: Rgb) -> Drawn {
        let radius = (radius * f64::from(FINER)).round() as i32;
        let shape = Circle::new(fine(at), radius, ShapeStyle::from(&color(fill)).filled());
        self.area.draw(&shape).map_err(refused)
    }

    pub(crate) fn line(&self, points: &[Point], stroke: Stroke) -> Drawn {
        match stroke.dash {
            Dash::Solid => self.path(points, stroke),
            Dash::Broken(drawn, left_out) => dashes(points, drawn, left_out)
                .iter()
                .try_for_each(|piece| self.path(piece, stroke)),
        }
    }

    fn path(&self, points: &[Point], stroke: Stroke) -> Drawn {
        let width = (stroke.width * f64::from(FINER)).round() as u32;
        let points: Vec<(i32, i32)> = points.iter().map(|p| fine(*p)).collect();
        self.area
            .draw(&PathElement::new(
                points,
                ShapeStyle::from(&color(stroke.color)).stroke_width(width),
            ))
            .map_err(refused)
    }

    pub(crate) fn text(&self, text: &str, at: Point, ink: Ink) -> Drawn {
        let size = ink.size * f64::from(FINER);
        let along = match ink.hold {
            Hold::Start => 0.0,
            Hold::Middle => -width(text, ink.size) / 2.0,
            Hold::End => -width(text, ink.size),
        };
        let down = (CAPITAL / 2.0 - BASELINE) * ink.size;
        let (place, transform) = match ink.turn {
            Turn::Level => ((at.0 + along, at.1 + down), FontTransform::None),
            Turn::Up => ((at.0 + down, at.1 - along), FontTransform::Rotate270),
        };
        let color = color(ink.color);
        let style = TextStyle::from((FAMILY, size).into_font().transform(transform)).color(&color);
        self.area
            .draw_text(text, &style, fine(place))
            .map_err(refused)
    }
}

/// Width of a text in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let fine_size = size * f64::from(FINER);
    let measured = (FAMILY, fine_size)
        .into_font()
        .box_size(text)
        .map_or(0, |(width, _)| width);
    f64::from(measured) / f64::from(FINER)
}

/// Breaks a text between words so that each line fits; a word that is too long alone stays whole.
pub(crate) fn wrapped(text: &str, size: f64, width_max: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| width(line, size) <= width_max) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts a path into the drawn pieces of a dash pattern.
fn dashes(points: &[Point], drawn: f64, left_out: f64) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let (mut pen_down, mut left) = (true, drawn);
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    for ends in points.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let length = ((to.0 - from.0) * (to.0 - from.0) + (to.1 - from.1) * (to.1 - from.1)).sqrt();
        let mut gone = 0.0;
        while left < length - gone {
            gone += left;
            let at = (
                from.0 + (to.0 - from.0) * gone / length,
                from.1 + (to.1 - from.1) * gone / length,
            );
            if pen_down {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            pen_down = !pen_down;
            left = if pen_down { drawn } else { left_out };
        }
        left -= length - gone;
        if pen_down {
            piece.push(to);
        }
    }
    if 1 < piece.len() {
        pieces.push(piece);
    }
    pieces
}

fn fine(point: Point) -> (i32, i32) {
    let scale = f64::from(FINER);
    (
        (point.0 * scale).round() as i32,
        (point.1 * scale).round() as i32,
    )
}

fn color(rgb: Rgb) -> RGBColor {
    RGBColor(rgb.0, rgb.1, rgb.2)
}

fn refused(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}
