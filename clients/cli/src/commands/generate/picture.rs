//! An image file as grey values.

use std::{fs::File, io::BufReader, path::Path};

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use spiked_sensors::contrast::Image;

use crate::failure::Failure;

/// An image takes no more memory than this \[bytes\].
const BYTES_MAX: usize = 256 << 20;

/// Reads a PNG file: luminance of colours by ITU-R BT.601, whatever is transparent as it is.
pub(super) fn read(path: &Path) -> Result<Image, Failure> {
    let name = path.display();
    let unreadable = |problem: String| Failure::failed(format!("{name}: {problem}"));
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: BYTES_MAX });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let broken = |error: png::DecodingError| unreadable(format!("is no PNG file: {error}"));
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().filter(|&size| size <= BYTES_MAX);
    let size = size.ok_or_else(|| unreadable(format!("takes more than {BYTES_MAX} bytes")))?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(broken)?;
    let samples = match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::Eight) => 1,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => 2,
        (ColorType::Rgb, BitDepth::Eight) => 3,
        (ColorType::Rgba, BitDepth::Eight) => 4,
        (color, depth) => return Err(unreadable(format!("has {color:?} of {depth:?}"))),
    };
    let grey = |pixel: &[u8]| match pixel {
        &[red, green, blue, ..] => {
            (0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)) / 255.0
        }
        pixel => f64::from(pixel[0]) / 255.0,
    };
    let values = bytes[..info.buffer_size()].chunks_exact(samples).map(grey).collect();
    Ok(Image { width: info.width as usize, height: info.height as usize, values })
}
