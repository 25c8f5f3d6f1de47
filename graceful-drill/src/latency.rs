//! How long answers took.

use std::time::Duration;

/// Each power of two is cut into so many steps: a value is off by 3 % at most.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = (STEPS as usize) * (64 - STEP_BITS as usize + 1);

/// How long answers took, from the write of the request to the last byte. Of pipelined requests, from the one write that
/// sent all of them. Values are at most 3 % too high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// Nine of ten took at most this.
    pub p90: Duration,
    /// 99 of 100 took at most this.
    pub p99: Duration,
    /// 999 of 1 000 took at most this.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

/// Counts of durations.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into(), count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    #[inline]
    pub(crate) fn record(&mut self, took: Duration) {
        self.buckets[bucket(nanoseconds(took))] += 1;
        self.count += 1;
        self.max = self.max.max(took);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, value) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += value;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// Zeros when there was nothing.
    pub(crate) fn latency(&self) -> Latency {
        let at = |part: u64| self.at_most(part);
        Latency { p50: at(500), p90: at(900), p99: at(990), p999: at(999), max: self.max }
    }

    /// What so many of a thousand took at most.
    fn at_most(&self, of_thousand: u64) -> Duration {
        let wanted = (u128::from(self.count) * u128::from(of_thousand)).div_ceil(1000);
        let mut sum = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            sum += u128::from(*count);
            if sum >= wanted {
                return Duration::from_nanos(highest(index)).min(self.max);
            }
        }
        self.max
    }
}

fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

fn bucket(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = value.ilog2() - STEP_BITS;
    let step = (value >> shift) & (STEPS - 1);
    (u64::from(shift + 1) * STEPS + step) as usize
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let (power, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    let Some(shift) = power.checked_sub(1) else { return step };
    let next = u128::from(STEPS + step + 1) << shift;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_values() {
        let check = |value: u64| {
            let index = bucket(value);
            let high = highest(index);
            assert!(index < BUCKETS && high >= value && high - value <= value / STEPS, "{value}: {index}, {high}");
            assert!(index == 0 || highest(index - 1) < value, "{value}");
        };
        (0..2000).for_each(check);
        for power in 11..64 {
            let value = 1 << power;
            [value - 1, value, value + 1].into_iter().for_each(check);
        }
        check(u64::MAX);
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.latency(), Latency::default());
        (1..=1000).for_each(|value| histogram.record(Duration::from_millis(value)));
        let latency = histogram.latency();
        let check = |value: Duration, expected: u64| {
            let expected = Duration::from_millis(expected);
            assert!(value >= expected && value <= expected.mul_f64(1.04), "{value:?} for {expected:?}");
        };
        check(latency.p50, 500);
        check(latency.p90, 900);
        check(latency.p99, 990);
        check(latency.p999, 999);
        assert_eq!(latency.max, Duration::from_millis(1000));
    }
}
