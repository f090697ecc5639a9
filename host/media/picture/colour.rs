//! From luma and chroma to pixels in the formats that consumers ask for, and back for one colour.

use crate::media::h264::{Colour, Matrix};
use crate::media::image::PixelFormat;

/// The pixels of full-size planes, one after the other.
pub(super) fn pack(planes: [&[u8]; 3], colour: Colour, format: PixelFormat) -> Vec<u8> {
    use PixelFormat as F;
    let rgb565 = |[r, g, b]: [u8; 3]| u16::from(r >> 3) << 11 | u16::from(g >> 2) << 5 | u16::from(b >> 3);
    // The highest bit is unused, and 1.
    let rgb555 =
        |[r, g, b]: [u8; 3]| 1 << 15 | u16::from(r >> 3) << 10 | u16::from(g >> 3) << 5 | u16::from(b >> 3);
    match format {
        F::Bgr24 => interleave(planes, colour, |[r, g, b]| [b, g, r]),
        F::Rgb565Be => interleave(planes, colour, |rgb| rgb565(rgb).to_be_bytes()),
        F::Rgb565Le => interleave(planes, colour, |rgb| rgb565(rgb).to_le_bytes()),
        F::Rgb555Be => interleave(planes, colour, |rgb| rgb555(rgb).to_be_bytes()),
        F::Rgb555Le => interleave(planes, colour, |rgb| rgb555(rgb).to_le_bytes()),
        F::Argb => interleave(planes, colour, |[r, g, b]| [u8::MAX, r, g, b]),
        F::Rgba => interleave(planes, colour, |[r, g, b]| [r, g, b, u8::MAX]),
        F::Abgr => interleave(planes, colour, |[r, g, b]| [u8::MAX, b, g, r]),
        F::Bgra => interleave(planes, colour, |[r, g, b]| [b, g, r, u8::MAX]),
        // The other two are planar, and never come here.
        F::Rgb24 | F::Gray8 | F::I420 => interleave(planes, colour, |rgb| rgb),
    }
}

/// Converts each pixel to red, green and blue, and writes what `write` makes of them.
pub(super) fn interleave<const N: usize>(
    [y, u, v]: [&[u8]; 3],
    colour: Colour,
    write: impl Fn([u8; 3]) -> [u8; N],
) -> Vec<u8> {
    let (red_v, green_u, green_v, blue_u) = factors(colour.matrix);
    // Limited range: luma spans 219 steps above 16, chroma 224.
    let (offset, luma, chroma) = if colour.full_range {
        (0, 65_536, 65_536)
    } else {
        (16, 76_309, 74_606)
    };
    let half = 1 << 15;
    let mut out = Vec::with_capacity(y.len() * N);
    for ((&y, &u), &v) in y.iter().zip(u).zip(v) {
        let y = (i32::from(y) - offset) * luma + half;
        let u = ((i32::from(u) - 128) * chroma) >> 8;
        let v = ((i32::from(v) - 128) * chroma) >> 8;
        let red = (y + ((v * (red_v >> 4)) >> 4)) >> 16;
        let green = (y - ((u * (green_u >> 4)) >> 4) - ((v * (green_v >> 4)) >> 4)) >> 16;
        let blue = (y + ((u * (blue_u >> 4)) >> 4)) >> 16;
        out.extend(write([red, green, blue].map(|value| value.clamp(0, 255) as u8)));
    }
    out
}

pub(super) fn rgb_to_yuv([red, green, blue]: [u8; 3], colour: Colour) -> [u8; 3] {
    let (kr, kb) = match colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (red, green, blue) = (f32::from(red), f32::from(green), f32::from(blue));
    let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (u, v) = (
        (blue - luma) / (2.0 * (1.0 - kb)),
        (red - luma) / (2.0 * (1.0 - kr)),
    );
    let (offset, y_scale, c_scale) = if colour.full_range {
        (0.0, 1.0, 1.0)
    } else {
        (16.0, 219.0 / 255.0, 224.0 / 255.0)
    };
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [
        byte(luma * y_scale + offset),
        byte(u * c_scale + 128.0),
        byte(v * c_scale + 128.0),
    ]
}

/// Fixed-point factors of ITU-R BT.601 and BT.709, 16 fractional bits: (red of V, green of U, green of V, blue of U).
fn factors(matrix: Matrix) -> (i32, i32, i32, i32) {
    match matrix {
        Matrix::Bt601 => (91_881, 22_554, 46_802, 116_130),
        Matrix::Bt709 => (103_206, 12_276, 30_679, 121_609),
    }
}
