//! Sorting what is few. The library's sort is several kilobytes of code for each type; this is one for all.

use std::cmp::Ordering;

/// The places of `len` things in ascending order; equal ones keep theirs. `compare` is given two places.
pub(crate) fn rank(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut ranked: Vec<usize> = Vec::with_capacity(len);
    for next in 0..len {
        let at = ranked.partition_point(|&place| compare(place, next) != Ordering::Greater);
        ranked.insert(at, next);
    }
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_sorts_and_is_stable(values in proptest::collection::vec(0..8_u8, 0..40)) {
            let ranked = rank(values.len(), &|a, b| values[a].cmp(&values[b]));
            let mut expected: Vec<usize> = (0..values.len()).collect();
            expected.sort_by_key(|place| values[*place]);
            proptest::prop_assert_eq!(ranked, expected);
        }
    }
}
