//! What a container may have of memory.

use super::proc;

/// What version 1 says for no limit, and anything of that size.
const UNLIMITED: u64 = 1 << 62;

/// The strictest limit of the groups that this process is inside of.
pub(super) fn memory_limit() -> Option<u64> {
    strictest(&proc::read("/proc/self/cgroup").ok()?, |path| proc::read(path).ok())
}

/// cgroups(7): lines of `number:controllers:path`; version 2 has no controllers.
fn strictest(groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, file) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            return None;
        };
        of_path(path, |group| read(&format!("{root}{group}/{file}"))?.trim().parse().ok())
    });
    limits.min()
}

/// From the group itself up to the root. Inside of a container the path may be one of the host's; then the root is its own.
fn of_path(path: &str, limit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    // Outside of what this process may see.
    let mut group = if path.split('/').any(|part| part == "..") { "" } else { path.trim_end_matches('/') };
    let mut strictest = None;
    loop {
        let here = limit(group).filter(|limit| *limit < UNLIMITED);
        strictest = strictest.into_iter().chain(here).min();
        let Some((parent, _)) = group.rsplit_once('/') else { return strictest };
        group = parent;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_strictest_counts() {
        let check = |groups: &str, files: &[(&str, &str)], expected: Option<u64>| {
            let read = |path: &str| files.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned());
            assert_eq!(strictest(groups, read), expected, "{groups:?}");
        };
        // A container of version 2, with a namespace of its own.
        check("0::/\n", &[("/sys/fs/cgroup/memory.max", "536870912\n")], Some(536_870_912));
        check("0::/\n", &[("/sys/fs/cgroup/memory.max", "max\n")], None);
        check("0::/\n", &[], None);
        // A unit inside of a slice with less.
        let nested = [
            ("/sys/fs/cgroup/shop.slice/orders.service/memory.max", "2000\n"),
            ("/sys/fs/cgroup/shop.slice/memory.max", "1000\n"),
        ];
        check("0::/shop.slice/orders.service\n", &nested, Some(1000));
        // Version 1, beside an empty version 2; the path is the host's.
        let first = [("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n")];
        check("4:cpu,memory:/docker/1234\n0::/\n", &first, Some(1 << 30));
        let unlimited = [("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")];
        check("4:memory:/\n", &unlimited, None);
        // Nobody is to read another folder.
        check("0::/../../etc\n", &[("/sys/fs/cgroup/memory.max", "7\n")], Some(7));
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_taken(groups in "([0-9]{0,2}:(memory|cpu)?:(/|\\.|\\PC){0,40}\n|\\PC{0,20}\n){0,5}", text in "\\PC{0,20}") {
            let _ = strictest(&groups, |path| {
                assert!(path.starts_with("/sys/fs/cgroup") && !path.split('/').any(|part| part == ".."), "{path}");
                Some(text.clone())
            });
        }
    }
}
