//! Pixels to PNG bytes. The file holds the picture and nothing else: no clock, no program, no text.

use crate::canvas::{FINER, PlotError, Size};

/// Averages a buffer of `FINER` times the size each way down to the size; three bytes a pixel.
pub(crate) fn averaged(fine: &[u8], size: Size) -> Vec<u8> {
    let (width, finer) = (size.width as usize, FINER as usize);
    let fine_row = width * finer * 3;
    let mut out = Vec::with_capacity(width * size.height as usize * 3);
    for rows in fine.chunks_exact(fine_row * finer) {
        for x in 0..width {
            for channel in 0..3 {
                let cells = (0..finer * finer)
                    .map(|i| (i / finer) * fine_row + (x * finer + i % finer) * 3 + channel);
                let sum: u32 = cells.map(|cell| u32::from(rows[cell])).sum();
                out.push(((sum + FINER * FINER / 2) / (FINER * FINER)) as u8);
            }
        }
    }
    out
}

/// Writes the PNG.
pub(crate) fn encode(size: Size, rgb: &[u8]) -> Result<Vec<u8>, PlotError> {
    let refused = |error: png::EncodingError| PlotError::Encode(error.to_string());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    // Charts are flat areas: repeated bytes pack best as they are.
    encoder.set_filter(png::FilterType::NoFilter);
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(rgb).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(bytes)
}
