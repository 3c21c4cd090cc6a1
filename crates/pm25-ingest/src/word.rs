//! Eight bytes of text at a time, as one number.
//!
//! Not a reader of anything: where bytes are equal, and nothing else.

/// The same byte eight times.
pub(crate) const fn eightfold(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is the same in both; all other bits are zero.
pub(crate) const fn equal(a: u64, b: u64) -> u64 {
    const LOW: u64 = eightfold(0x7f);
    let differs = a ^ b;
    // A carry into the highest bit shows any other bit that is set; none goes on to the next byte.
    !(((differs & LOW) + LOW) | differs | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_bytes_are_marked_and_no_others(a in any::<[u8; 8]>(), mut b in any::<[u8; 8]>(), same in any::<u8>()) {
            for at in 0..8 {
                if same >> at & 1 == 1 {
                    b[at] = a[at];
                }
            }
            let marks = equal(u64::from_le_bytes(a), u64::from_le_bytes(b)).to_le_bytes();
            for at in 0..8 {
                prop_assert_eq!(marks[at], if a[at] == b[at] { 0x80 } else { 0 });
            }
        }
    }
}
