//! Plain Rust, shaped for the vectoriser: fixed lanes, no widening before the saturating difference.

use super::{FRACTION_BITS, LANES, Sums, lanes};

#[inline(always)]
pub(super) fn measure(
    current: &[u8],
    background: &[u8],
    stride: usize,
    lines: usize,
    thresholds: [u8; 2],
) -> [Sums; 2] {
    let threshold = spread(thresholds);
    let (mut brighter, mut darker, mut count) = ([0_u16; LANES], [0_u16; LANES], [0_u8; LANES]);
    for line in 0..lines {
        let at = line * stride;
        let (Some(current), Some(background)) = (current.get(at..), background.get(at..)) else {
            break;
        };
        let pixels = lanes(current).iter().zip(lanes(background)).zip(&threshold);
        let sums = brighter.iter_mut().zip(&mut darker).zip(&mut count);
        for (((now, was), threshold), ((brighter, darker), count)) in pixels.zip(sums) {
            let (up, down) = (now.saturating_sub(*was), was.saturating_sub(*now));
            *brighter += u16::from(up);
            *darker += u16::from(down);
            *count += u8::from((up | down) > *threshold);
        }
    }
    let (b, d, c) = (halves(brighter), halves(darker), halves(count.map(u16::from)));
    [
        Sums {
            brighter: b[0],
            darker: d[0],
            count: c[0],
        },
        Sums {
            brighter: b[1],
            darker: d[1],
            count: c[1],
        },
    ]
}

#[inline(always)]
pub(super) fn update(
    current: &[u8; LANES],
    fine: &mut [i16; LANES],
    background: &mut [u8; LANES],
    rates: [i16; 2],
) {
    let rates = spread(rates);
    for (((now, fine), background), rate) in current.iter().zip(fine).zip(background).zip(&rates) {
        let difference = (i16::from(*now) << FRACTION_BITS) - *fine;
        let step = (i32::from(difference) * i32::from(*rate) + 0x4000) >> 15;
        *fine += step as i16;
        *background = ((*fine + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS) as u8;
    }
}

#[inline(always)]
fn spread<T: Copy>([left, right]: [T; 2]) -> [T; LANES] {
    [
        left, left, left, left, left, left, left, left, right, right, right, right, right, right, right,
        right,
    ]
}

#[inline(always)]
fn halves(lanes: [u16; LANES]) -> [u16; 2] {
    let (left, right) = lanes.split_at(LANES / 2);
    [left.iter().sum(), right.iter().sum()]
}
