//! The same in WebAssembly's 128-bit intrinsics. The autovectoriser widens bytes in a way that costs three times as
//! much on this target.
#![allow(
    unsafe_code,
    reason = "vector loads and stores take pointers; all go through `load`, `store` and arrays"
)]

use core::arch::wasm32::*;

use super::{FRACTION_BITS, LANES, Sums, lanes};

#[inline(always)]
fn load(bytes: &[u8; LANES]) -> v128 {
    // SAFETY: the array is 16 readable bytes, and `v128_load` asks for no alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

#[inline(always)]
pub(super) fn measure(
    current: &[u8],
    background: &[u8],
    stride: usize,
    lines: usize,
    [left, right]: [u8; 2],
) -> [Sums; 2] {
    let threshold = u8x16_shuffle_halves(u8x16_splat(left), u8x16_splat(right));
    let (mut brighter, mut darker, mut count) = (u16x8_splat(0), u16x8_splat(0), u8x16_splat(0));
    for line in 0..lines {
        let at = line * stride;
        let (Some(current), Some(background)) = (current.get(at..), background.get(at..)) else {
            break;
        };
        let (now, was) = (load(lanes(current)), load(lanes(background)));
        let (up, down) = (u8x16_sub_sat(now, was), u8x16_sub_sat(was, now));
        // Neighbours are of the same cell, so they may be summed while they are widened.
        brighter = u16x8_add(brighter, u16x8_extadd_pairwise_u8x16(up));
        darker = u16x8_add(darker, u16x8_extadd_pairwise_u8x16(down));
        // What is left of the difference beyond the threshold is not zero; a true lane is 255, that is -1.
        let beyond = u8x16_sub_sat(v128_or(up, down), threshold);
        count = u8x16_sub(count, u8x16_ne(beyond, u8x16_splat(0)));
    }
    let (b, d) = (halves(brighter), halves(darker));
    let c = halves(u16x8_extadd_pairwise_u8x16(count));
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
    [left, right]: [i16; 2],
) {
    let now = load(current);
    // SAFETY: the array is 32 readable bytes.
    let (low, high) = unsafe {
        (
            v128_load(fine.as_ptr().cast()),
            v128_load(fine.as_ptr().add(8).cast()),
        )
    };
    let low = towards(low, u16x8_extend_low_u8x16(now), left);
    let high = towards(high, u16x8_extend_high_u8x16(now), right);
    let rounded = u8x16_narrow_i16x8(rounded(low), rounded(high));
    // SAFETY: the arrays are 32 and 16 writable bytes.
    unsafe {
        v128_store(fine.as_mut_ptr().cast(), low);
        v128_store(fine.as_mut_ptr().add(8).cast(), high);
        v128_store(background.as_mut_ptr().cast(), rounded);
    }
}

#[inline(always)]
fn towards(fine: v128, now: v128, rate: i16) -> v128 {
    let difference = i16x8_sub(i16x8_shl(now, FRACTION_BITS), fine);
    i16x8_add(fine, i16x8_q15mulr_sat(difference, i16x8_splat(rate)))
}

#[inline(always)]
fn rounded(fine: v128) -> v128 {
    i16x8_shr(
        i16x8_add(fine, i16x8_splat(1 << (FRACTION_BITS - 1))),
        FRACTION_BITS,
    )
}

#[inline(always)]
fn u8x16_shuffle_halves(left: v128, right: v128) -> v128 {
    i64x2_shuffle::<0, 2>(left, right)
}

/// Sums of the lower and of the upper four lanes.
#[inline(always)]
fn halves(sums: v128) -> [u16; 2] {
    let pairs = u32x4_extadd_pairwise_u16x8(sums);
    let quads = u32x4_add(pairs, i32x4_shuffle::<1, 0, 3, 2>(pairs, pairs));
    [
        u32x4_extract_lane::<0>(quads) as u16,
        u32x4_extract_lane::<2>(quads) as u16,
    ]
}
