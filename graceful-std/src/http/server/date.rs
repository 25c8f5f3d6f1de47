//! The `Date` header.

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::calendar;

/// The date as a whole header line, made once a second by each thread.
struct Date {
    line: [u8; 37],
    until: Option<Instant>,
}

thread_local! {
    static DATE: RefCell<Date> = const { RefCell::new(Date { line: *b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", until: None }) };
}

/// Appends the line.
pub(super) fn append(out: &mut Vec<u8>, now: Instant) {
    DATE.with_borrow_mut(|date| {
        if date.until.is_none_or(|until| now >= until) {
            date.make(now);
        }
        out.extend_from_slice(&date.line);
    });
}

impl Date {
    #[cold]
    fn make(&mut self, now: Instant) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.write(since.as_secs());
        let into = Duration::from_nanos(since.subsec_nanos().into());
        self.until = now.checked_add(Duration::from_secs(1).saturating_sub(into));
    }

    /// Not with `httpdate`, which panics on some times and has all that shows them linked.
    fn write(&mut self, seconds: u64) {
        let days = seconds / 86_400;
        let (year, month, day) = calendar::date(days);
        let mut put = |at: usize, text: &[u8]| self.line[at..at + text.len()].copy_from_slice(text);
        // 1970 began on a Thursday.
        put(6, three(b"SunMonTueWedThuFriSat", (days + 4) % 7));
        put(11, &two(day));
        put(14, three(b"JanFebMarAprMayJunJulAugSepOctNovDec", month - 1));
        put(18, &two(year / 100));
        put(20, &two(year));
        put(23, &two(seconds / 3600 % 24));
        put(26, &two(seconds / 60 % 60));
        put(29, &two(seconds % 60));
    }
}

fn three(names: &[u8], place: u64) -> &[u8] {
    &names[place as usize * 3..][..3]
}

/// The last two digits.
fn two(number: u64) -> [u8; 2] {
    [number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_two_centuries_as_another_library_has_it() {
        let mut date = Date { line: *b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", until: None };
        for day in 0..80_000 {
            let seconds = day * 86_400 + (day * 7919) % 86_400;
            date.write(seconds);
            let expected = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(date.line, format!("date: {expected}\r\n").as_bytes(), "day {day}");
        }
    }
}
