//! Charts in one look over plotters, with an embedded font: numbers in, the bytes of a PNG out.
//!
//! It is not a plotting library: each chart is one struct of data and words, and one function that draws it. It does
//! not know where numbers come from, opens no file, asks the system for nothing, and gives the same bytes every time.
//!
//! Pictures are about 1400 pixels wide, meant to be shown at half of that.
//!
//! ```text
//!  density  residuals  dependence  histogram  categories  bars  beeswarm  waterfall  calibration  course  curve  surface
//!      │         └───trend───┘          │          │         │       │         │          │          │      │      │
//!      └────heat───────┘                │          │         │       │         │          │          │      │      │
//!             └─────────────────────────┴────────frame (title, legend, axes)───┴──────────┴──────────┴──────┴──────┘
//!                                                  │
//!       ticks (numbers)   look (colours, sizes)  canvas (plotters)  pixels (PNG)
//! ```

mod bars;
mod beeswarm;
mod calibration;
mod canvas;
mod categories;
mod course;
mod curve;
mod density;
mod dependence;
mod frame;
mod heat;
mod histogram;
mod look;
mod pixels;
mod residuals;
mod surface;
mod ticks;
mod trend;
mod waterfall;

pub use bars::{Bars, bars};
pub use beeswarm::{Beeswarm, Swarm, beeswarm};
pub use calibration::{Calibration, calibration};
pub use canvas::PlotError;
pub use categories::{Categories, Series, Shape, categories};
pub use course::{Course, course};
pub use curve::{Curve, curve};
pub use density::{Density, density};
pub use dependence::{Dependence, dependence};
pub use frame::Labels;
pub use histogram::{Histogram, Mark, histogram};
pub use residuals::{Residuals, residuals};
pub use surface::{Surface, surface};
pub use ticks::number;
pub use waterfall::{Waterfall, waterfall};
