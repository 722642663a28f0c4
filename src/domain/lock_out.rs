//! How long a sign-in waits after so many failures: nobody is shut out for good, and nobody guesses more than a hundred passwords a day.

use jiff::SignedDuration;

/// Failures without a wait.
const FREE: u32 = 5;
/// The first wait; each further one is twice as long.
const FIRST: i64 = 30;
/// The longest.
const LONGEST: i64 = 15 * 60;

/// How long the next try waits after so many failures in a row; none where it need not.
#[must_use]
pub fn delay_after(failures: u32) -> Option<SignedDuration> {
    let doubled = failures.checked_sub(FREE)?;
    let seconds = if doubled < 5 { FIRST << doubled } else { LONGEST };
    Some(SignedDuration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before() {
        let waits: Vec<i64> = (0..12).map(|failures| delay_after(failures).map_or(0, |wait| wait.as_secs())).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(delay_after(u32::MAX).map(|wait| wait.as_secs()), Some(900));
    }
}
