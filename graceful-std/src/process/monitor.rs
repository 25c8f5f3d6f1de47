//! Checks of what the process takes.

use std::time::{Duration, Instant};

use graceful_core::{App, Args, Check, PlanError, StartError, Switch};

use super::settings::Settings;
use super::{read_cpu_time, read_resident_memory};

const MEGABYTE: u64 = 1 << 20;

/// Checks that fail while the process takes more than it should: `process_memory` and `process_cpu`.
///
/// They are of readiness and not critical: `/health` says `degraded` and names them, and the service stays ready. A fault that
/// a restart would mend is not for this: for that there is `#[liveness]`.
#[derive(Clone, Debug)]
#[must_use = "it watches once `watch` is called"]
pub struct Monitor {
    settings: Settings,
    every: Duration,
    failures: u32,
    successes: u32,
}

impl Monitor {
    /// With no threshold, so that nothing is checked, whatever the settings say.
    pub fn new() -> Self {
        Self::of(Settings { monitoring: Switch::On, memory_mb: None, cpu_percent: None })
    }

    /// As the settings `process_monitoring_enabled`, `memory_threshold_mb` and `cpu_threshold_percent` say.
    pub fn from_settings(app: &App) -> Self {
        Self::of(Settings::of(app))
    }

    fn of(settings: Settings) -> Self {
        Self { settings, every: Duration::from_secs(10), failures: 3, successes: 1 }
    }

    /// How much memory may be resident; 1 MB is 1 048 576 bytes. **Default: any**.
    pub fn memory_threshold_mb(mut self, megabytes: u64) -> Self {
        self.settings.memory_mb = Some(megabytes);
        self
    }

    /// How much processor time may be used, on average from one look to the next: 100 is one core all the time, 400 is four.
    /// **Default: any**.
    pub fn cpu_threshold_percent(mut self, percent: u64) -> Self {
        self.settings.cpu_percent = Some(percent);
        self
    }

    /// How often it looks. Processor time is counted in steps of 10 ms, so below a second its share is a rough one.
    /// **Default: `10 s`**.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// How many looks in a row have to be over a threshold. **Default: `3`**, which is 20 to 30 s. The very first look counts
    /// at once; for processor time, it has nothing to compare with and passes.
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How many looks in a row have to be at it or below before all is well again. **Default: `1`**.
    pub fn successes(mut self, successes: u32) -> Self {
        self.successes = successes;
        self
    }

    /// Adds a check for each threshold. With `PROCESS_MONITORING_ENABLED=false` there is none.
    ///
    /// # Errors
    /// As [`App::check`]; [`StartError::Plan`] for a threshold of zero.
    ///
    /// # Blocking
    /// The checks run on threads of their own.
    pub fn watch(self, app: &App) -> Result<(), StartError> {
        let Settings { monitoring: Switch::On, memory_mb, cpu_percent } = self.settings else { return Ok(()) };
        if let Some(threshold) = memory_mb {
            let name = usable("process_memory", threshold, "memory_threshold_mb(512)")?;
            app.check(
                self.timed(Check::new(name, move |_: &mut Args<'_>| memory(read_resident_memory()?, threshold))),
            )?;
        }
        if let Some(threshold) = cpu_percent {
            let name = usable("process_cpu", threshold, "cpu_threshold_percent(90)")?;
            let mut share = Share::default();
            app.check(self.timed(Check::new(name, move |_: &mut Args<'_>| {
                share.look(Instant::now(), read_cpu_time()?, threshold)
            })))?;
        }
        Ok(())
    }

    fn timed(&self, check: Check) -> Check {
        // A look that comes late, on a machine that has no time for it, is as good as any.
        check.every(self.every).timeout(self.every).failures(self.failures).successes(self.successes)
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

/// Its name, if it can be kept.
fn usable(name: &'static str, threshold: u64, example: &str) -> Result<&'static str, StartError> {
    if threshold > 0 {
        return Ok(name);
    }
    let problem = format!("its threshold is zero, which every process is over; write {example}");
    Err(PlanError::UnusableCheck { name: name.to_owned(), problem }.into())
}

fn memory(resident: u64, threshold: u64) -> Result<(), String> {
    if resident <= threshold.saturating_mul(MEGABYTE) {
        return Ok(());
    }
    let tenths = (u128::from(resident) * 10).div_ceil(u128::from(MEGABYTE));
    Err(format!("{} MB of memory are resident, the threshold is {threshold} MB", decimal(tenths)))
}

/// What was seen at the last look.
#[derive(Debug, Default)]
struct Share(Option<(Instant, Duration)>);

impl Share {
    fn look(&mut self, now: Instant, used: Duration, threshold: u64) -> Result<(), String> {
        let Some((then, before)) = self.0.replace((now, used)) else { return Ok(()) };
        let passed = now.saturating_duration_since(then).as_micros();
        let used = used.saturating_sub(before).as_micros();
        if used * 100 <= passed.saturating_mul(u128::from(threshold)) || passed == 0 {
            return Ok(());
        }
        let share = decimal((used * 1000).div_ceil(passed));
        let seconds = decimal(passed.div_ceil(100_000));
        Err(format!("{share}% of a core was used in the last {seconds} s, the threshold is {threshold}%"))
    }
}

/// Rounded up, so that what is over a threshold looks like it.
fn decimal(tenths: u128) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn memory_over_its_threshold_is_told_with_both() {
        assert_eq!(memory(512 * MEGABYTE, 512), Ok(()));
        assert_eq!(
            memory(512 * MEGABYTE + 1, 512),
            Err("512.1 MB of memory are resident, the threshold is 512 MB".into())
        );
        assert_eq!(memory(u64::MAX, u64::MAX), Ok(()));
    }

    #[test]
    fn the_share_is_that_since_the_last_look() {
        let mut share = Share::default();
        let start = Instant::now();
        // A start takes what it takes.
        assert_eq!(share.look(start, 100 * SECOND, 90), Ok(()));
        assert_eq!(share.look(start + 10 * SECOND, 109 * SECOND, 90), Ok(()));
        assert_eq!(
            share.look(start + 20 * SECOND, 124 * SECOND, 90),
            Err("150.0% of a core was used in the last 10.0 s, the threshold is 90%".into())
        );
        // One look in between saw nothing.
        assert_eq!(share.look(start + 40 * SECOND, 125 * SECOND, 90), Ok(()));
        // Twice at once, and a count that goes back.
        assert_eq!(share.look(start + 40 * SECOND, 126 * SECOND, 90), Ok(()));
        assert_eq!(share.look(start + 50 * SECOND, SECOND, 90), Ok(()));
    }

    proptest! {
        #[test]
        fn any_figures_are_judged(looks in prop::collection::vec((any::<u32>(), any::<u64>()), 0..10), threshold: u64) {
            let (mut share, start) = (Share::default(), Instant::now());
            for (at, used) in looks {
                let used = Duration::from_millis(used);
                let _ = share.look(start + Duration::from_millis(at.into()), used, threshold);
            }
        }

        #[test]
        fn what_is_shown_is_over_the_threshold(resident: u64, threshold in 1..1_u64 << 44) {
            match memory(resident, threshold) {
                Ok(()) => prop_assert!(resident / MEGABYTE <= threshold),
                Err(text) => {
                    let shown: f64 = text.split(' ').next().and_then(|number| number.parse().ok()).expect("a figure");
                    prop_assert!(shown > threshold as f64, "{text}");
                }
            }
        }
    }
}
