//! How many sign-ins may fail from one address: a bucket for each, which every failure takes something out of and time fills again. In memory alone,
//! by a keyed hash of the address with a key that is drawn at the start, and of so many addresses at most.
//!
//! What waits for an account ([`delay_after`](crate::domain::delay_after)) does not see somebody who tries many accounts once each; this does.
//!
//! Why not take something out for every try and put it back after a success? Then many who sign in at once from behind one address would be
//! refused for nothing. Tries that run are counted instead: where all of them could fail and empty the bucket, the next one waits for their end.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::seal::IndexKey;

/// Failures of one address an hour, where the site says nothing.
pub const USUAL_FAILURES: u32 = 30;
/// Addresses that are remembered at most; of more the one that was seen last the longest ago is forgotten.
const MOST_ADDRESSES: usize = 50_000;
/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;

/// What tells an address from others, while this process runs.
type Key = [u8; 16];

/// The buckets. `Debug` prints the limit alone.
pub struct FailureLimit {
    an_hour: u32,
    most: usize,
    key: IndexKey,
    buckets: Mutex<Buckets>,
    ended: Notify,
}

impl std::fmt::Debug for FailureLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FailureLimit({} an hour)", self.an_hour)
    }
}

#[derive(Default)]
struct Buckets {
    by_address: HashMap<Key, Bucket>,
    /// The one that was seen last the longest ago comes first.
    by_age: BTreeMap<u64, Key>,
    next_age: u64,
}

struct Bucket {
    /// What is left, in microseconds that filled it.
    left: i64,
    counted: Timestamp,
    /// Tries that have not ended.
    running: u32,
    age: u64,
}

/// A try that runs. What becomes of it is said by [`Attempt::failed`]; dropped without, it took nothing.
#[must_use]
#[derive(Debug)]
pub struct Attempt<'a> {
    limit: &'a FailureLimit,
    key: Option<Key>,
}

/// How buckets are filled: every microsecond puts one in, and a failure takes so many out.
#[derive(Clone, Copy)]
struct Measure {
    of_failure: i64,
    of_bucket: i64,
    most: usize,
}

/// Whether a try may be made.
enum Found {
    Free,
    /// All that is left may be taken by tries that run.
    Busy,
    /// None before then.
    Empty(Timestamp),
}

impl FailureLimit {
    /// So many failures of one address an hour, and as many at once after an hour without any; 0 = without a limit.
    #[must_use]
    pub fn new(an_hour: u32) -> Self {
        Self { an_hour, most: MOST_ADDRESSES, key: IndexKey::generate(), buckets: Mutex::default(), ended: Notify::new() }
    }

    /// Failures of one address an hour; 0 = without a limit.
    #[must_use]
    pub const fn an_hour(&self) -> u32 {
        self.an_hour
    }

    /// Begins a try from an address; waits while others run that could fail and leave nothing.
    ///
    /// # Errors
    /// When nothing is left: when the next try is taken.
    pub async fn begin(&self, address: IpAddr, now: impl Fn() -> Timestamp) -> Result<Attempt<'_>, Timestamp> {
        if self.an_hour == 0 {
            return Ok(Attempt { limit: self, key: None });
        }
        let key = self.key_of(address);
        loop {
            // told of every end from here on, so that none is missed between the look and the wait
            let ended = self.ended.notified();
            match self.look(key, now()) {
                Found::Free => return Ok(Attempt { limit: self, key: Some(key) }),
                Found::Empty(until) => return Err(until),
                Found::Busy => ended.await,
            }
        }
    }

    /// An address of version 6 counts with its whole /64, which is one customer's.
    fn key_of(&self, address: IpAddr) -> Key {
        let network = match address.to_canonical() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets()[..8].to_vec(),
        };
        let hash = self.key.blind_index_of("sign_in.address", &[&network]);
        std::array::from_fn(|at| hash[at])
    }

    /// Not asked for where there is no limit.
    fn measure(&self) -> Measure {
        let of_failure = HOUR / i64::from(self.an_hour.max(1));
        Measure { of_failure, of_bucket: of_failure * i64::from(self.an_hour), most: self.most }
    }

    fn look(&self, key: Key, now: Timestamp) -> Found {
        let (mut buckets, measure) = (self.lock(), self.measure());
        let bucket = buckets.touch(key, measure, now);
        let lacking = measure.of_failure - bucket.left;
        if lacking > 0 {
            return Found::Empty(now.saturating_add(SignedDuration::from_micros(lacking)).unwrap_or(Timestamp::MAX));
        }
        if bucket.left < measure.of_failure * (i64::from(bucket.running) + 1) {
            return Found::Busy;
        }
        bucket.running += 1;
        Found::Free
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The try failed. A word for the address, which is the same until the process ends, where nothing is left of its bucket by that.
    pub fn failed(self, now: Timestamp) -> Option<String> {
        let key = self.key?;
        let (mut buckets, measure) = (self.limit.lock(), self.limit.measure());
        let bucket = buckets.touch(key, measure, now);
        let was_left = bucket.left >= measure.of_failure;
        bucket.left -= measure.of_failure;
        let is_last = was_left && bucket.left < measure.of_failure;
        is_last.then(|| key[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut buckets = self.limit.lock();
        if let Some(bucket) = buckets.by_address.get_mut(&key) {
            bucket.running = bucket.running.saturating_sub(1);
            // of who never failed nothing is remembered
            if bucket.running == 0 && bucket.left >= self.limit.measure().of_bucket {
                let age = bucket.age;
                buckets.by_address.remove(&key);
                buckets.by_age.remove(&age);
            }
        }
        drop(buckets);
        self.limit.ended.notify_waiters();
    }
}

impl Buckets {
    /// The bucket of an address with what time put into it since.
    fn touch(&mut self, key: Key, measure: Measure, now: Timestamp) -> &mut Bucket {
        let age = self.next_age;
        self.next_age += 1;
        if !self.by_address.contains_key(&key)
            && self.by_address.len() >= measure.most
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_address.remove(&oldest);
        }
        let bucket = self.by_address.entry(key).or_insert(Bucket { left: measure.of_bucket, counted: now, running: 0, age });
        self.by_age.remove(&bucket.age);
        self.by_age.insert(age, key);
        bucket.age = age;
        // a clock that goes back puts nothing in, and one that was far ahead holds nobody up
        let since = now.as_microsecond().saturating_sub(bucket.counted.as_microsecond());
        bucket.left = bucket.left.saturating_add(since.max(0)).min(measure.of_bucket);
        if !(-HOUR..=0).contains(&since) {
            bucket.counted = now;
        }
        bucket
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Addresses that are remembered, as both tables have them.
    fn kept(limit: &FailureLimit) -> (usize, usize) {
        let buckets = limit.lock();
        (buckets.by_address.len(), buckets.by_age.len())
    }

    async fn fail(limit: &FailureLimit, from: &str, seconds: i64) -> Result<Option<String>, i64> {
        match limit.begin(address(from), || at(seconds)).await {
            Ok(attempt) => Ok(attempt.failed(at(seconds))),
            Err(until) => Err(until.duration_since(at(seconds)).as_secs()),
        }
    }

    #[tokio::test]
    async fn so_many_fail_and_time_gives_more() {
        let limit = FailureLimit::new(3);
        assert_eq!((fail(&limit, "192.0.2.1", 0).await, fail(&limit, "192.0.2.1", 0).await), (Ok(None), Ok(None)));
        let word = fail(&limit, "192.0.2.1", 0).await.expect("is taken").expect("the last one is told");
        assert_eq!(fail(&limit, "192.0.2.1", 0).await, Err(1200));
        assert_eq!(fail(&limit, "192.0.2.1", 1199).await, Err(1));
        assert_eq!(fail(&limit, "192.0.2.2", 0).await, Ok(None), "another address is another bucket");
        assert_eq!(fail(&limit, "192.0.2.1", 1200).await, Ok(Some(word)), "the same word");
        assert_eq!(fail(&limit, "192.0.2.1", 1300).await, Err(1100));
        assert_eq!(fail(&limit, "192.0.2.1", 0).await, Err(1100), "a clock that goes back gives nothing");
        for _ in 0..3 {
            assert!(fail(&limit, "192.0.2.1", 90_000).await.is_ok(), "and in a day no more than a bucket is full");
        }
        assert!(fail(&limit, "192.0.2.1", 90_000).await.is_err());
    }

    #[tokio::test]
    async fn a_success_takes_nothing_and_gives_nothing() {
        let limit = FailureLimit::new(2);
        for _ in 0..10 {
            drop(limit.begin(address("192.0.2.1"), || at(0)).await.expect("is taken"));
        }
        assert_eq!(kept(&limit), (0, 0), "nothing is kept of who never failed");
        assert_eq!(fail(&limit, "192.0.2.1", 0).await, Ok(None));
        drop(limit.begin(address("192.0.2.1"), || at(0)).await.expect("is taken"));
        assert!(matches!(fail(&limit, "192.0.2.1", 0).await, Ok(Some(_))));
        assert!(limit.begin(address("192.0.2.1"), || at(0)).await.is_err());
    }

    #[tokio::test]
    async fn networks_of_version_six_and_mapped_addresses_count_as_one() {
        let limit = FailureLimit::new(1);
        for (one, other, are_same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:2::1", "2001:db8:0:3::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.2", "192.0.2.3", false),
        ] {
            assert!(matches!(fail(&limit, one, 0).await, Ok(Some(_))), "{one}");
            assert_eq!(fail(&limit, other, 0).await.is_err(), are_same, "{one} {other}");
        }
    }

    #[tokio::test]
    async fn without_a_limit_nothing_is_counted() {
        let limit = FailureLimit::new(0);
        for _ in 0..1000 {
            assert_eq!(fail(&limit, "192.0.2.1", 0).await, Ok(None));
        }
        assert_eq!(kept(&limit), (0, 0));
    }

    #[tokio::test]
    async fn the_oldest_addresses_are_forgotten() {
        let limit = FailureLimit { most: 3, ..FailureLimit::new(1) };
        for number in 1..=5 {
            assert!(fail(&limit, &format!("192.0.2.{number}"), 0).await.is_ok());
        }
        assert_eq!(kept(&limit), (3, 3));
        for (number, is_remembered) in [(5, true), (4, true), (3, true), (1, false)] {
            assert_eq!(fail(&limit, &format!("192.0.2.{number}"), 0).await.is_err(), is_remembered, "{number}");
        }
    }

    /// Many tries at once get no further than the same ones after each other, and those that succeed are let in all.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn tries_at_once_wait_for_each_other() {
        for (tries, failing) in [(200, 200), (200, 0), (200, 5)] {
            let limit = Arc::new(FailureLimit::new(10));
            let running = (0..tries).map(|number| {
                let limit = Arc::clone(&limit);
                tokio::spawn(async move {
                    let Ok(attempt) = limit.begin(address("192.0.2.1"), || at(0)).await else { return false };
                    tokio::time::sleep(std::time::Duration::from_millis(number % 3)).await;
                    if number < failing {
                        attempt.failed(at(0));
                    }
                    true
                })
            });
            let mut taken = 0;
            for one in running.collect::<Vec<_>>() {
                taken += u64::from(one.await.expect("runs"));
            }
            assert_eq!(taken, if failing > 10 { 10 } else { tries }, "{failing} of {tries} fail");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        /// In whatever order addresses and clocks come, no address has more failures within an hour than a bucket full and an hour's.
        #[test]
        fn no_more_than_two_buckets_an_hour(steps in prop::collection::vec((0u8..4, -5i64..400), 1..300), an_hour in 1u32..8) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let limit = FailureLimit { most: 3, ..FailureLimit::new(an_hour) };
            let (mut clock, mut failures) = (0, Vec::new());
            for (host, step) in steps {
                clock += step;
                // three addresses, so that none is forgotten
                if runtime.block_on(fail(&limit, &format!("192.0.2.{}", host.min(2)), clock)).is_ok() {
                    failures.push((host.min(2), clock));
                }
                let (addresses, ages) = kept(&limit);
                prop_assert!(addresses <= 3 && ages == addresses);
            }
            for (host, from) in &failures {
                let within = failures.iter().filter(|(other, when)| other == host && (*from..from + 3600).contains(when)).count();
                prop_assert!(within <= 2 * an_hour as usize + 1, "{within} of {an_hour}");
            }
        }
    }
}
