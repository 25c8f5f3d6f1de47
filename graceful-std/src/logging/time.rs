//! Wall-clock time as RFC 3339 writes it, in UTC and with milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::calendar;

pub(super) fn rfc3339(now: SystemTime) -> String {
    // Before 1970 no service ran.
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = calendar::date(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn known_instants() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_709_164_800, "2024-02-29T00:00:00.007Z"),
            (4_102_444_799, "2099-12-31T23:59:59.007Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::new(seconds, 7_000_000)), expected);
        }
    }

    #[test]
    fn every_day_of_two_centuries_as_another_library_has_it() {
        for day in 0..80_000 {
            let now = UNIX_EPOCH + Duration::from_secs(day * 86_400 + day % 86_400);
            assert_eq!(rfc3339(now)[..19], httpdate_as_rfc3339(now), "day {day}");
        }
    }

    fn httpdate_as_rfc3339(now: SystemTime) -> String {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let text = httpdate::fmt_http_date(now);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months.iter().position(|name| *name == &text[8..11]).expect("a month") + 1;
        format!("{}-{month:02}-{}T{}", &text[12..16], &text[5..7], &text[17..25])
    }
}
