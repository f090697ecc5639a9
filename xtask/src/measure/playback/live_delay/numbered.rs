//! A clip whose pictures say which they are: squares at the top, one white, one black, then bits, the highest first, white for one, then the
//! number of ones modulo four in two more. `benches/browser/live.py` reads them.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::clip::canvas;
use crate::clip::encoder::Encoder;

const FPS: u32 = 25;
/// Bits of a number.
pub(super) const BITS: u32 = 12;
/// How high the squares are, in pixels.
pub(super) const HEIGHT: usize = 40;
/// Longer than any picture may be on its way, so that a number means one picture.
const SECONDS: u32 = 60;
const SQUARES: usize = 4 + BITS as usize;
const BLACK: u8 = 16;
const WHITE: u8 = 235;
const GREY: u8 = 128;

/// Draws and encodes it, with a keyframe every second.
///
/// # Errors
/// Without ffmpeg, or when it fails.
pub(super) fn make_clip(path: &Path) -> Result<()> {
    let encoder = Encoder {
        gop_s: 1,
        preset: "veryfast",
        ..Encoder::new(FPS)
    };
    encoder.encode(path, |out| {
        for number in 0..FPS * SECONDS {
            out.write_all(&frame(number))
                .context("ffmpeg took no more frames; its own message stands above")?;
        }
        Ok(())
    })
}

/// Planar 4:2:0: the squares, and below them something that moves.
fn frame(number: u32) -> Vec<u8> {
    let (width, height) = (canvas::WIDTH, canvas::HEIGHT);
    let squares = squares(number);
    let edge = width / SQUARES;
    let mut bytes = Vec::with_capacity(width * height * 3 / 2);
    for y in 0..height {
        for x in 0..width {
            bytes.push(if y < HEIGHT {
                squares.get(x / edge).copied().unwrap_or(GREY)
            } else {
                BLACK + ((x + y / 2 + number as usize * 3) % 200) as u8
            });
        }
    }
    bytes.resize(width * height * 3 / 2, GREY);
    bytes
}

fn squares(number: u32) -> Vec<u8> {
    let ones = number.count_ones() % 4;
    let bits = (0..BITS).rev().map(|bit| number >> bit & 1);
    let all = [1, 0].into_iter().chain(bits).chain([ones >> 1, ones & 1]);
    all.map(|bit| if bit == 1 { WHITE } else { BLACK }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_has_a_number_of_its_own() {
        const { assert!(FPS * SECONDS < 1 << BITS) };
        assert_eq!(canvas::WIDTH % SQUARES, 0);
        let text: String = squares(0b101)
            .iter()
            .map(|square| if *square == WHITE { '#' } else { '.' })
            .collect();
        assert_eq!(text, "#..........#.##.");
        assert_eq!(squares(0b101).len(), SQUARES);
    }

    #[test]
    fn a_frame_is_whole_and_begins_with_white() {
        let frame = frame(7);
        assert_eq!(frame.len(), canvas::WIDTH * canvas::HEIGHT * 3 / 2);
        assert_eq!((frame[0], frame[canvas::WIDTH / SQUARES]), (WHITE, BLACK));
    }
}
