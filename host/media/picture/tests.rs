//! Pictures as consumers get them, format by format and fit by fit.

use super::colour::interleave;
use super::*;
use crate::media::h264::Matrix;

fn picture(width: u32, height: u32, yuv: [u8; 3]) -> Picture {
    let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
    let planes = [
        vec![yuv[0]; (width * height) as usize],
        vec![yuv[1]; chroma],
        vec![yuv[2]; chroma],
    ];
    let size = Size { width, height };
    Picture::from_planes(1, MediaTime::MIN, size, planes, Colour::assumed(height)).unwrap()
}

fn spec(format: PixelFormat, width: u32, height: u32, fit: Fit) -> ImageSpec {
    ImageSpec {
        format,
        size: Some(Size { width, height }),
        fit,
        fill: [114; 3],
    }
}

#[test]
fn colours_survive_the_conversion_within_two_steps() {
    for (matrix, full_range) in [
        (Matrix::Bt601, false),
        (Matrix::Bt709, false),
        (Matrix::Bt601, true),
        (Matrix::Bt709, true),
    ] {
        let colour = Colour { matrix, full_range };
        for rgb in [
            [255, 0, 0],
            [0, 255, 0],
            [0, 0, 255],
            [255, 255, 255],
            [0, 0, 0],
            [114, 114, 114],
            [200, 50, 90],
        ] {
            let [y, u, v] = rgb_to_yuv(rgb, colour);
            let back = interleave([&[y], &[u], &[v]], colour, |rgb| rgb);
            for (want, got) in rgb.iter().zip(&back) {
                assert!(
                    want.abs_diff(*got) <= 2,
                    "{rgb:?} came back as {back:?} in {colour:?}"
                );
            }
        }
    }
}

#[test]
fn bgr_is_rgb_backwards() {
    let picture = picture(8, 8, [81, 90, 240]);
    let rgb = picture
        .prepare(&spec(PixelFormat::Rgb24, 4, 4, Fit::Stretch))
        .unwrap();
    let bgr = picture
        .prepare(&spec(PixelFormat::Bgr24, 4, 4, Fit::Stretch))
        .unwrap();
    assert!(
        rgb.pixels[0] > 200 && rgb.pixels[2] < 50,
        "red: {:?}",
        &rgb.pixels[..3]
    );
    assert_eq!(rgb.pixels[0], bgr.pixels[2]);
}

#[test]
fn every_format_is_written_as_its_name_says() {
    // Limited BT.601: red of about 255, 0, 0.
    let picture = picture(4, 4, [81, 90, 240]);
    let first = |format: PixelFormat| {
        let prepared = picture.prepare(&spec(format, 2, 2, Fit::Stretch)).unwrap();
        let bytes = format.bits_per_pixel() * 4 / 8;
        assert_eq!(prepared.pixels.len(), bytes as usize, "{format:?}");
        prepared.pixels[..(format.bits_per_pixel() / 8).max(1) as usize].to_vec()
    };
    let rgb = first(PixelFormat::Rgb24);
    let [r, g, b] = rgb[..] else { panic!("{rgb:?}") };
    assert!(r > 250 && g < 5 && b < 5, "{rgb:?}");
    assert_eq!(first(PixelFormat::Bgr24), [b, g, r]);
    assert_eq!(first(PixelFormat::Argb), [255, r, g, b]);
    assert_eq!(first(PixelFormat::Rgba), [r, g, b, 255]);
    assert_eq!(first(PixelFormat::Abgr), [255, b, g, r]);
    assert_eq!(first(PixelFormat::Bgra), [b, g, r, 255]);
    assert_eq!(first(PixelFormat::Rgb565Be), [0b1111_1000, 0]);
    assert_eq!(first(PixelFormat::Rgb565Le), [0, 0b1111_1000]);
    assert_eq!(first(PixelFormat::Rgb555Be), [0b1111_1100, 0]);
    assert_eq!(first(PixelFormat::Rgb555Le), [0, 0b1111_1100]);
    assert_eq!(first(PixelFormat::Gray8), [81]);
}

#[test]
fn every_fit_gives_the_size_and_place_it_promises() {
    let picture = picture(160, 90, [200, 128, 128]);
    let inside = picture
        .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::Inside))
        .unwrap();
    assert_eq!(
        inside.size,
        Size {
            width: 64,
            height: 36
        }
    );
    let padded = picture
        .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::PadCentre))
        .unwrap();
    assert_eq!(
        (padded.size.height, padded.content.t, padded.content.h),
        (64, 14.0 / 64.0, 36.0 / 64.0)
    );
    assert_eq!((padded.pixels[0], padded.pixels[32 * 64]), (114, 200));
    let top_left = picture
        .prepare(&spec(PixelFormat::Gray8, 64, 64, Fit::PadTopLeft))
        .unwrap();
    assert_eq!((top_left.pixels[0], top_left.pixels[63 * 64]), (200, 114));
    let planar = picture
        .prepare(&spec(PixelFormat::I420, 63, 63, Fit::PadCentre))
        .unwrap();
    assert_eq!(planar.pixels.len(), 62 * 62 * 3 / 2);
}

#[test]
fn the_same_wish_is_prepared_once() {
    let picture = picture(32, 32, [1, 2, 3]);
    let wish = spec(PixelFormat::Gray8, 16, 16, Fit::Stretch);
    let (first, second) = (picture.prepare(&wish).unwrap(), picture.prepare(&wish).unwrap());
    assert!(Arc::ptr_eq(&first.pixels, &second.pixels));
    assert!(
        !picture.prepare_or_share(&wish).unwrap().1,
        "somebody else did the work"
    );
    let other = spec(PixelFormat::Gray8, 16, 8, Fit::Stretch);
    assert!(picture.already(&other).is_none());
    assert!(picture.prepare_or_share(&other).unwrap().1);
    assert!(picture.already(&other).is_some());
}

#[test]
fn absurd_wishes_and_crops_are_errors() {
    let picture = picture(33, 17, [1, 2, 3]);
    for (width, height) in [(0, 1), (1, 0), (MAX_SIDE + 1, 1), (u32::MAX, u32::MAX)] {
        assert!(
            picture
                .prepare(&spec(PixelFormat::Gray8, width, height, Fit::PadCentre))
                .is_err()
        );
    }
    let size = Size { width: 8, height: 8 };
    for area in [
        (0.0, 0.0, 0.0, 1.0),
        (0.5, 0.5, 0.9, 0.9),
        (f32::NAN, 0.0, 1.0, 1.0),
        (0.0, 0.0, f32::INFINITY, 1.0),
    ] {
        let area = Rect {
            l: area.0,
            t: area.1,
            w: area.2,
            h: area.3,
        };
        assert!(picture.crop(area, size, PixelFormat::Rgb24).is_err(), "{area:?}");
    }
    let corner = Rect {
        l: 0.5,
        t: 0.5,
        w: 0.5,
        h: 0.5,
    };
    assert_eq!(
        picture.crop(corner, size, PixelFormat::Rgb24).unwrap().len(),
        8 * 8 * 3
    );
}
