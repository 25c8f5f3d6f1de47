//! Numbers of one kind, and what is told of them.

/// What was measured, as often as it was.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// None yet.
    pub const EMPTY: Self = Self(Vec::new());

    /// Adds one.
    pub fn add(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// What was measured once.
    #[must_use]
    pub fn one(sample: f64) -> Self {
        Self(vec![sample])
    }

    /// How often.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The middle one; of an even number, the mean of the two in the middle. `NaN` when there is none.
    #[must_use]
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            len if len % 2 == 1 => sorted[len / 2],
            len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
        }
    }

    /// The one below which this share of all is. `NaN` when there is none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let sorted = self.sorted();
        let place = (sorted.len() as f64 * share) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    /// All of them, as they came.
    #[must_use]
    pub fn all(&self) -> &[f64] {
        &self.0
    }

    /// The least. `NaN` when there is none.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    /// The greatest. `NaN` when there is none.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// The order of one round: another one begins each time, and every other round goes backwards. What comes before leaves its
/// traces in caches and on the scheduler's books, and is not to favour anybody.
pub fn turns(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| {
        let turn = if round.is_multiple_of(2) { turn } else { count - 1 - turn };
        (turn + round) % count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found() {
        let check = |numbers: &[f64], median: f64| assert_eq!(Samples(numbers.to_vec()).median(), median);
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        check(&[7.0], 7.0);
        let samples = Samples(vec![2.0, 9.0, 1.0]);
        assert_eq!((samples.min(), samples.max(), samples.count()), (1.0, 9.0, 3));
        assert_eq!((samples.quantile(0.5), samples.quantile(1.0)), (2.0, 9.0));
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn everybody_has_a_turn() {
        let check = |round, order: [usize; 3]| assert_eq!(turns(round, 3).collect::<Vec<_>>(), order);
        check(0, [0, 1, 2]);
        check(1, [0, 2, 1]);
        check(2, [2, 0, 1]);
    }
}
