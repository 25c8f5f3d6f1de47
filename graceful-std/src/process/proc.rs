//! The kernel's files of this process. Every figure is read for itself: one that is not there costs no other.

use std::fs;
use std::io;
use std::time::Duration;

/// `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that there is (proc_pid_stat(5), `USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Of proc_pid_stat(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) cpu_time: Option<Duration>,
    pub(super) threads: Option<u64>,
    /// Since the boot.
    pub(super) started: Option<Duration>,
    pub(super) address_space: Option<u64>,
}

/// Of proc_pid_status(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) resident: Option<u64>,
}

/// A whole file. On other platforms a file of this name would be something else.
pub(super) fn read(path: &str) -> io::Result<String> {
    if !cfg!(any(target_os = "android", target_os = "linux")) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // The name of a program may be anything but text.
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A figure out of a file, or why there is none.
pub(super) fn figure<T>(path: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let text = read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    parse(&text).ok_or_else(|| format!("{path} does not tell"))
}

impl Stat {
    pub(super) fn parse(text: &str) -> Self {
        // The second field is the program's name, which may contain anything, `)` as well.
        let Some((_, rest)) = text.rsplit_once(") ") else { return Self::default() };
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Numbered as in the manual, where the first behind the name is the third.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = |count: u64| count.checked_mul(TICK.as_millis() as u64).map(Duration::from_millis);
        Self {
            cpu_time: number(14).zip(number(15)).and_then(|(user, system)| ticks(user.checked_add(system)?)),
            threads: number(20),
            started: number(22).and_then(ticks),
            address_space: number(23),
        }
    }
}

impl Status {
    pub(super) fn parse(text: &str) -> Self {
        let resident = line(text, "VmRSS:").and_then(|size| {
            let kilobytes: u64 = size.strip_suffix("kB")?.trim_end().parse().ok()?;
            kilobytes.checked_mul(1024)
        });
        Self { resident }
    }
}

/// proc_uptime(5).
pub(super) fn since_boot(uptime: &str) -> Option<Duration> {
    let seconds = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Since the Unix epoch; proc_stat(5).
pub(super) fn boot_time(stat: &str) -> Option<Duration> {
    line(stat, "btime ")?.parse().ok().map(Duration::from_secs)
}

/// The soft limit; `None` for `unlimited`. proc_pid_limits(5).
pub(super) fn open_files_limit(limits: &str) -> Option<u64> {
    line(limits, "Max open files")?.split_ascii_whitespace().next()?.parse().ok()
}

/// Since Linux 6.2 the folder's size is what would have to be counted, which takes milliseconds where there are thousands.
pub(super) fn open_files() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    if !cfg!(any(target_os = "android", target_os = "linux")) {
        return None;
    }
    match fs::metadata(FOLDER).ok()?.len() {
        // The one that reads the folder is not counted.
        0 => Some((fs::read_dir(FOLDER).ok()?.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

/// What is behind the first line's beginning.
fn line<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAT: &str = "7 (a ) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 12345 268435456 2500 184467\n";

    #[test]
    fn a_name_may_contain_anything() {
        let expected = Stat {
            cpu_time: Some(Duration::from_secs(2)),
            threads: Some(9),
            started: Some(Duration::from_millis(123_450)),
            address_space: Some(268_435_456),
        };
        assert_eq!(Stat::parse(STAT), expected);
        assert_eq!(Stat::parse("7 (a"), Stat::default());
        // A kernel that tells less.
        let short = Stat::parse("7 (a) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9");
        assert_eq!(short, Stat { started: None, address_space: None, ..expected });
    }

    #[test]
    fn lines() {
        let check = |status: &str, resident| assert_eq!(Status::parse(status), Status { resident }, "{status:?}");
        check("Name:\ta\nVmRSS:\t   10240 kB\n", Some(10_485_760));
        // As of a process that is at its end.
        check("Name:\ta\n", None);
        check("VmRSS:\t 10240", None);
        check("VmRSS:\t 18446744073709551615 kB", None);
        assert_eq!(since_boot("12.5 99.0\n"), Some(Duration::from_millis(12_500)));
        assert_eq!((since_boot("-1 0"), since_boot("NaN"), since_boot("")), (None, None, None));
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\n"), Some(Duration::from_secs(1_700_000_000)));
        let limits = "Limit\nMax open files            1024                 524288               files\n";
        assert_eq!(open_files_limit(limits), Some(1024));
        assert_eq!(
            open_files_limit("Max open files            unlimited            unlimited            files\n"),
            None
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn open_files_are_counted() {
        let before = open_files().expect("there is /proc");
        let taken: Vec<_> = (0..500).map(|_| fs::File::open("/dev/null").expect("it is there")).collect();
        let after = open_files().expect("there is /proc");
        drop(taken);
        // Other tests open and close some meanwhile.
        assert!((400..600).contains(&after.saturating_sub(before)), "{before} {after}");
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_taken(text in "(\\PC|\n|\t){0,200}", numbers in prop::collection::vec(any::<u64>(), 0..60)) {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            let numbers = numbers.join(" ");
            for text in [text.clone(), format!("1 ({text}) S {numbers}"), format!("VmRSS: {numbers}"), format!("btime {text}"), format!("Max open files {numbers}")] {
                let _ = (Stat::parse(&text), Status::parse(&text), since_boot(&text), boot_time(&text), open_files_limit(&text));
            }
        }

        #[test]
        fn figures_come_out_as_they_went_in(cpu in 0..u64::from(u32::MAX), threads: u64, space: u64, name in "\\PC{0,15}") {
            let text = format!("7 ({name}) S 1 7 7 0 -1 4194560 100 0 0 0 {cpu} 3 0 0 20 0 {threads} 0 12345 {space} 2500\n");
            let stat = Stat::parse(&text);
            prop_assert_eq!(stat.cpu_time, Some(Duration::from_millis((cpu + 3) * 10)));
            prop_assert_eq!((stat.threads, stat.address_space), (Some(threads), Some(space)));
        }
    }
}
