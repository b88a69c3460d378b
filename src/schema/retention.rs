//! How long the rows of a resource are kept: `retain = "365d"`.

use std::fmt;

/// The longest retention in days: a hundred years.
const MAX_DAYS: u32 = 36_500;

/// A time in whole days, after which a row is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retention {
    days: u32,
}

impl Retention {
    pub fn days(self) -> u32 {
        self.days
    }

    /// Reads what `Display` writes; else the nearest text that it reads.
    pub fn parse(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).map(|days| Self { days });
        match days.filter(|known| (1..=MAX_DAYS).contains(&known.days) && known.to_string() == text) {
            Some(retention) => Ok(retention),
            None => Err(nearest(text).to_string()),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.days)
    }
}

/// The retention that a text with another unit means, rounded up to whole days; a year where it means none.
fn nearest(text: &str) -> Retention {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let Ok(number) = number.parse::<u64>() else { return Retention { days: 365 } };
    let days = match unit.trim().to_lowercase().as_str() {
        "h" | "hour" | "hours" => number.div_ceil(24),
        "w" | "week" | "weeks" => number.saturating_mul(7),
        "m" | "mo" | "month" | "months" => number.saturating_mul(30),
        "y" | "year" | "years" => number.saturating_mul(365),
        _ => number,
    };
    Retention { days: u32::try_from(days).unwrap_or(MAX_DAYS).clamp(1, MAX_DAYS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_a_number_of_days_in_one_form() {
        for text in ["1d", "30d", "365d", "36500d"] {
            assert_eq!(Retention::parse(text).unwrap().to_string(), text);
        }
        for (text, near) in [
            ("12h", "1d"),
            ("25 hours", "2d"),
            ("2w", "14d"),
            ("6mo", "180d"),
            ("1y", "365d"),
            ("30", "30d"),
            ("30D", "30d"),
            (" 7d", "7d"),
            ("007d", "7d"),
            ("0d", "1d"),
            ("1.5d", "1d"),
            ("36501d", "36500d"),
            ("99999999999999999999d", "365d"),
            ("99999999999999999y", "36500d"),
            ("-3d", "365d"),
            ("forever", "365d"),
            ("", "365d"),
        ] {
            assert_eq!(Retention::parse(text).unwrap_err(), near, "{text:?}");
            Retention::parse(near).unwrap();
        }
    }
}
