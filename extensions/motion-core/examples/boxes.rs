//! Shows what is found in a recording: reads raw 320x180 gray frames from standard input, writes one line per event
//! and, where a second argument names a folder, the frames with the regions drawn in as PGM pictures.
//!
//! `ffmpeg -i clip.mp4 -vf scale=320:180,format=gray -f rawvideo - | cargo run --example boxes -- 12.5 /tmp/out`

use std::io::{Read, Write};

use motion_core::{MotionDetector, Region, Sensitivity};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rate: f64 = arguments.next().ok_or("say the frame rate")?.parse()?;
    let folder = arguments.next();
    let sensitivity = arguments
        .next()
        .and_then(|text| Sensitivity::parse(&text))
        .unwrap_or_default();
    let mut detector = MotionDetector::new(WIDTH, HEIGHT, sensitivity)?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frame = vec![0; WIDTH * HEIGHT];
    let mut number = 0_u32;
    while input.read_exact(&mut frame).is_ok() {
        let at = f64::from(number) / rate;
        let regions = detector.detect((at * 90_000.0) as u64, &frame)?;
        if !regions.is_empty() {
            writeln!(
                output,
                "{at:7.2} {}",
                regions.iter().map(describe).collect::<Vec<_>>().join("  ")
            )?;
        }
        if let Some(folder) = &folder {
            regions.iter().for_each(|region| draw(&mut frame, region));
            let mut picture = format!("P5 {WIDTH} {HEIGHT} 255\n").into_bytes();
            picture.extend_from_slice(&frame);
            std::fs::write(format!("{folder}/{number:05}.pgm"), picture)?;
        }
        number += 1;
    }
    Ok(())
}

fn describe(region: &Region) -> String {
    let Region {
        left,
        top,
        width,
        height,
    } = region;
    format!("{left:.2},{top:.2} {width:.2}x{height:.2}")
}

fn draw(frame: &mut [u8], region: &Region) {
    let x = |part: f32| ((part * WIDTH as f32) as usize).min(WIDTH - 1);
    let y = |part: f32| ((part * HEIGHT as f32) as usize).min(HEIGHT - 1);
    let (left, right) = (x(region.left), x(region.left + region.width));
    let (top, bottom) = (y(region.top), y(region.top + region.height));
    for (line, pixels) in frame
        .chunks_exact_mut(WIDTH)
        .enumerate()
        .take(bottom + 1)
        .skip(top)
    {
        for (column, pixel) in pixels.iter_mut().enumerate().take(right + 1).skip(left) {
            if line == top || line == bottom || column == left || column == right {
                *pixel = 255;
            }
        }
    }
}
