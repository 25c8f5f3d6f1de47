//! Masking, RFC 6455 section 5.3.

/// Takes a mask off, or puts it on. `phase`: how many bytes of the same frame came before.
pub(super) fn apply(bytes: &mut [u8], mask: [u8; 4], phase: u64) {
    let mask = u32::from_ne_bytes(mask);
    // The first byte of what follows meets the mask's byte of that number.
    let shift = 8 * (phase % 4) as u32;
    let mask = if cfg!(target_endian = "big") { mask.rotate_left(shift) } else { mask.rotate_right(shift) };
    let wide = u64::from(mask) << 32 | u64::from(mask);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let mut value = [0; 8];
        value.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(value) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_says_from_any_phase(bytes: Vec<u8>, mask: [u8; 4], phase in 0..9_u64) {
            let mut masked = bytes.clone();
            super::apply(&mut masked, mask, phase);
            let expected: Vec<u8> = bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ mask[(at + phase as usize) % 4])
                .collect();
            prop_assert_eq!(masked, expected);
        }
    }
}
