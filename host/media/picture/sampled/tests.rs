use super::*;
use crate::media::h264::Matrix;

/// Made by `make.py` beside them, with FFmpeg and OpenCV.
const NOISE: &[u8] = include_bytes!("../../../../tests/fixtures/pictures/noise-64x48.yuv");
const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

fn noise(matrix: Matrix, full_range: bool) -> Source<'static> {
    let luma = (WIDTH * HEIGHT) as usize;
    Source {
        planes: [&NOISE[..luma], &NOISE[luma..luma * 5 / 4], &NOISE[luma * 5 / 4..]],
        size: Size {
            width: WIDTH,
            height: HEIGHT,
        },
        colour: Colour { matrix, full_range },
    }
}

fn spec(width: u32, height: u32, fit: Fit) -> PlaneSpec {
    PlaneSpec {
        size: Size { width, height },
        fit,
        fill: [1, 2, 3],
    }
}

/// Pixels behind each other, each with its red, green and blue; and the part that shows the source.
fn made(source: Source<'_>, area: Rect, spec: &PlaneSpec) -> (Vec<u8>, Rect) {
    let Planes { content, colours } = planes(source, area, spec).unwrap();
    let [red, green, blue] = &colours;
    let pixels = red.iter().zip(green).zip(blue);
    (
        pixels
            .flat_map(|((red, green), blue)| [*red, *green, *blue])
            .collect(),
        content,
    )
}

#[test]
fn pixels_are_those_of_ffmpeg_and_opencv() {
    macro_rules! made {
        ($name:literal) => {
            include_bytes!(concat!("../../../../tests/fixtures/pictures/", $name)).as_slice()
        };
    }
    let (bt601, bt709) = (Matrix::Bt601, Matrix::Bt709);
    for (matrix, full, width, height, expected) in [
        (bt601, false, 27, 19, made!("bt601-tv-27x19.rgb")),
        (bt601, true, 64, 48, made!("bt601-pc-64x48.rgb")),
        (bt709, false, 90, 61, made!("bt709-tv-90x61.rgb")),
        (bt709, true, 32, 24, made!("bt709-pc-32x24.rgb")),
    ] {
        let spec = spec(width, height, Fit::Stretch);
        let (pixels, content) = made(noise(matrix, full), Rect::WHOLE, &spec);
        let differ = pixels.iter().zip(expected).filter(|(one, other)| one != other);
        assert_eq!(differ.count(), 0, "{matrix:?} {full} {width}x{height}");
        assert_eq!(pixels.len(), expected.len());
        assert_eq!(content, Rect::WHOLE);
    }
}

#[test]
fn the_picture_stands_where_the_families_of_models_want_it() {
    let at = |fit, width, height| {
        let spec = spec(width, height, fit);
        let (pixels, content) = made(noise(Matrix::Bt601, false), Rect::WHOLE, &spec);
        let pixel = |x: u32, y: u32| {
            let place = ((y * width + x) * 3) as usize;
            pixels[place..place + 3].to_vec()
        };
        (content, pixel(0, 0), pixel(width - 1, height - 1))
    };
    // 64x48 within 30x30: 30x22.5.
    let (content, first, last) = at(Fit::PadTopLeft, 30, 30);
    assert_eq!((content.t, (content.h * 30.0).round()), (0.0, 22.0), "cut off");
    assert!(first != [1, 2, 3] && last == [1, 2, 3]);
    let (content, first, last) = at(Fit::PadCentre, 30, 30);
    assert_eq!(
        ((content.t * 30.0).round(), (content.h * 30.0).round()),
        (3.0, 23.0),
        "rounded"
    );
    assert!(first == [1, 2, 3] && last == [1, 2, 3]);
}

#[test]
fn a_part_is_the_same_as_the_whole_there() {
    let source = noise(Matrix::Bt709, false);
    let (whole, _) = made(source, Rect::WHOLE, &spec(WIDTH, HEIGHT, Fit::Stretch));
    let area = Rect {
        l: 0.25,
        t: 0.5,
        w: 0.5,
        h: 0.25,
    };
    let (part, _) = made(source, area, &spec(32, 12, Fit::Stretch));
    for (row, line) in part.chunks(32 * 3).enumerate() {
        let from = ((row + 24) * WIDTH as usize + 16) * 3;
        assert_eq!(line, &whole[from..from + line.len()], "row {row}");
    }
}

#[test]
fn the_smallest_part_is_one_pixel_and_the_largest_picture_is_no_trouble() {
    let nothing = Rect {
        l: 1.0,
        t: 1.0,
        w: 0.0,
        h: 0.0,
    };
    let (pixels, _) = made(noise(Matrix::Bt601, true), nothing, &spec(4, 4, Fit::Stretch));
    assert!(pixels.chunks(3).all(|pixel| pixel == &pixels[..3]));
    // 8K: only what is needed of it is converted.
    let (width, height) = (8192, 4320);
    let luma = vec![235; width * height];
    let chroma = vec![128; width * height / 4];
    let large = Source {
        planes: [&luma, &chroma, &chroma],
        size: Size {
            width: width as u32,
            height: height as u32,
        },
        colour: Colour {
            matrix: Matrix::Bt709,
            full_range: false,
        },
    };
    let (pixels, _) = made(large, Rect::WHOLE, &spec(640, 640, Fit::PadCentre));
    assert!(
        pixels
            .chunks(3)
            .all(|pixel| pixel == [255; 3] || pixel == [254; 3] || pixel == [1, 2, 3])
    );
    let none = spec(0, 4, Fit::Stretch);
    assert!(planes(large, Rect::WHOLE, &none).unwrap_err().contains("0x4"));
}
