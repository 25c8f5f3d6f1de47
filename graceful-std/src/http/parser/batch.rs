//! The copy of received bytes that requests are made of.

use std::ops::Range;

use bytes::Bytes;

/// What requests that arrive together share at most. Whoever keeps a header of one of them keeps all of it.
const MOST: usize = 4 * 1024;

/// The heads of one input, which share a copy of it: each by itself would cost two allocations.
///
/// A request that arrives alone gets a copy of its head and no more.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    input: &'a [u8],
    /// What of the input has been copied. It cannot have changed since: it is borrowed all the while.
    copied: Range<usize>,
    copy: Bytes,
}

impl<'a> Batch<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { input, copied: 0..0, copy: Bytes::new() }
    }

    /// Makes sure that there is a copy of `head`, which is a part of the input.
    pub(super) fn prepare(&mut self, head: &'a [u8]) {
        let Some(place) = place(self.input, head) else { return };
        if self.copied.start <= place.start && place.end <= self.copied.end {
            return;
        }
        let end = if place.end < self.input.len() { place.end.max(place.start + MOST) } else { place.end };
        self.copied = place.start..end.min(self.input.len());
        self.copy = Bytes::copy_from_slice(&self.input[self.copied.clone()]);
    }

    /// A part of what was prepared.
    #[inline]
    pub(super) fn slice(&self, part: &'a [u8]) -> Bytes {
        match place(&self.input[self.copied.clone()], part) {
            Some(place) => self.copy.slice(place),
            None => Bytes::copy_from_slice(part),
        }
    }
}

/// Where a part of `whole` lies in it.
#[inline]
fn place(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prepares heads of these lengths, one behind the other: how long the copies are that this takes.
    fn check(input: &[u8], lengths: &[usize], expected: &[usize]) {
        let (mut batch, mut at, mut copies) = (Batch::new(input), 0, Vec::new());
        for &length in lengths {
            let head = &input[at..at + length];
            batch.prepare(head);
            assert_eq!(batch.slice(head), head);
            assert_eq!(batch.slice(&head[length / 2..]), head[length / 2..]);
            if copies.last() != Some(&batch.copied) {
                copies.push(batch.copied.clone());
            }
            at += length;
        }
        assert_eq!(copies.iter().map(ExactSizeIterator::len).collect::<Vec<_>>(), expected, "{lengths:?}");
    }

    #[test]
    fn what_came_together_is_copied_once_up_to_a_limit() {
        let input: Vec<u8> = (0..10_000_u32).map(|at| at as u8).collect();
        check(&input[..100], &[100], &[100]);
        check(&input[..300], &[100, 100, 100], &[300]);
        check(&input[..300], &[100, 100], &[300]);
        check(&input, &[100], &[MOST]);
        check(&input, &[5000], &[5000]);
        // The third does not lie in the first copy as a whole.
        check(&input[..6000], &[2000, 2000, 2000], &[MOST, 2000]);
        check(&input[..6100], &[2000, 2000, 2000], &[MOST, 2100]);
    }

    #[test]
    fn what_is_from_elsewhere_is_copied_by_itself() {
        let (input, other) = (vec![1; 10], vec![2; 20]);
        let mut batch = Batch::new(&input);
        batch.prepare(&other);
        assert_eq!(batch.slice(&other), other);
        batch.prepare(&input);
        assert_eq!(batch.slice(&other), other);
    }
}
