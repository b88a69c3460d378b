//! Moments as migrations have them in their names: `20261122101500`, in UTC.

/// Seconds since 1970 as fourteen digits that sort as the moments do.
pub fn stamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// The seconds since 1970 of such digits; none where they are no moment.
pub fn seconds(stamp: &str) -> Option<u64> {
    let digits = stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| stamp[from..to].parse::<u64>().ok();
    let (year, month, day) = if digits { (part(0, 4)?, part(4, 6)?, part(6, 8)?) } else { return None };
    let time = part(8, 10)? * 3600 + part(10, 12)? * 60 + part(12, 14)?;
    let before: u64 =
        (1970..year).map(days_in_year).sum::<u64>() + (1..month).map(|month| days_in(year, month)).sum::<u64>();
    let seconds = (before + day.checked_sub(1)?) * 86_400 + time;
    // 31 November would come out as another day.
    (self::stamp(seconds) == stamp).then_some(seconds)
}

/// Year, month and day, after so many days since 1970; the year 9999 has no end.
pub fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while year < 9999 && days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    days = days.min(days_in_year(year) - 1);
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn leaps(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u64) -> u64 {
    if leaps(year) { 366 } else { 365 }
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leaps(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_fourteen_digits_and_comes_back() {
        for (moment, digits) in [
            (0, "19700101000000"),
            (946_684_799, "19991231235959"),
            (951_782_400, "20000229000000"),
            (1_795_342_500, "20261122101500"),
        ] {
            assert_eq!((stamp(moment).as_str(), seconds(digits)), (digits, Some(moment)));
        }
        assert_eq!(&stamp(u64::MAX)[..8], "99991231");
        for wrong in ["", "2026112210150", "20261131000000", "20261122101560", "2026-1-22-10150", "00000000000000"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
