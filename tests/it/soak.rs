//! A soak: mixed traffic against `serve` for twenty seconds, with the full counts for an hour (`ABSTRACTOR_TEST_SOAK_SECONDS` asks for another
//! time). Memory, the log of the database, files and descriptors stay bounded, answers stay fast, and the ledger holds at the end. The figures
//! are one line, printed and kept in `target/soak.txt`.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    ledger::{Ledger, note},
    server::{Reply, Server, Start, is_long_tier, wait_until},
};

/// Of a hundred `POST /v1/notes` ninety-nine are answered within so many milliseconds, each with its commit on the disk.
const POSTED: f64 = 250.0;
/// Of a hundred pages of the queue ninety-nine are answered within so many milliseconds.
const LISTED: f64 = 500.0;
/// The log of the database is cut back to 64 MiB; beyond it nothing may be left to grow.
const LOG_BYTES: u64 = 80 << 20;
/// Descriptors that the server may hold at most.
const DESCRIPTORS: usize = 256;
/// MiB by which memory may grow in an hour, by its slope over the second half of the time.
const GROWTH: f64 = 32.0;
/// The same in the short tier, where the caches of the database are still being filled: 2 MiB a second.
const GROWTH_OF_SHORT: f64 = 7_200.0;

/// The limits are for a release build on a machine of its own.
fn allowance() -> f64 {
    if is_long_tier() { 4.0 } else { 8.0 }
}

#[expect(clippy::disallowed_methods, reason = "the long tier of the tests is asked for by the environment")]
fn duration() -> Duration {
    let asked = std::env::var("ABSTRACTOR_TEST_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(if is_long_tier() { 3_600 } else { 20 }))
}

/// How many milliseconds calls took, by what they were for.
#[derive(Debug, Default)]
struct Latencies(Mutex<BTreeMap<&'static str, Vec<f64>>>);

impl Latencies {
    /// Makes a call; a server that is well never answers with its own fault.
    fn timed(&self, what: &'static str, call: impl FnOnce() -> Reply) -> Reply {
        let started = Instant::now();
        let reply = call();
        let took = started.elapsed().as_secs_f64() * 1_000.0;
        assert!(reply.status < 500 && reply.status != 429, "{what}: {} {}", reply.status, reply.text);
        self.0.lock().expect("nobody panicked with it").entry(what).or_default().push(took);
        reply
    }

    /// What `share` of a hundred calls were faster than.
    fn percentile(&self, what: &str, share: usize) -> f64 {
        let mut times = self.0.lock().expect("nobody panicked with it").get(what).cloned().unwrap_or_default();
        times.sort_by(f64::total_cmp);
        let last = times.len().checked_sub(1).unwrap_or_else(|| panic!("no call for {what} was made"));
        times[(times.len() * share / 100).min(last)]
    }

    fn count(&self) -> usize {
        self.0.lock().expect("nobody panicked with it").values().map(Vec::len).sum()
    }
}

/// What the server holds at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    seconds: f64,
    /// MiB that are resident.
    memory: f64,
    /// Bytes of the log of the database.
    log: u64,
    /// Files in the data folder.
    files: usize,
    descriptors: usize,
}

impl Sample {
    fn take(server: &Server, started: Instant) -> Self {
        let process = format!("/proc/{}", server.process());
        let status = std::fs::read_to_string(format!("{process}/status")).expect("the server runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("is told");
        let kibibytes: f64 = resident.trim().trim_end_matches(" kB").parse().expect("a number");
        Self {
            seconds: started.elapsed().as_secs_f64(),
            memory: kibibytes / 1_024.0,
            log: std::fs::metadata(server.data.join("abstractor.db-wal")).map_or(0, |file| file.len()),
            files: names(&server.data).len(),
            descriptors: names(Path::new(&format!("{process}/fd"))).len(),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("is there").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The slope of the line through points that is nearest to them all (least squares).
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (across, up) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|point| (point.0 - across) * (point.1 - up)).sum();
    together / points.iter().map(|point| (point.0 - across).powi(2)).sum::<f64>()
}

#[test]
fn the_slope_of_a_line_is_found() {
    let line: Vec<(f64, f64)> = (0..10).map(f64::from).map(|at| (at, 3.0 - 2.0 * at)).collect();
    assert!((slope(&line) + 2.0).abs() < 1e-9);
}

/// A role's user at work until the time is over.
struct Traffic<'a> {
    server: &'a Server,
    ledger: &'a Ledger,
    latencies: &'a Latencies,
    until: Instant,
    finished: AtomicU32,
}

impl Traffic<'_> {
    /// Does something again and again, with a pause between.
    fn again(&self, pause: Duration, mut work: impl FnMut(u64)) {
        for number in (0..).take_while(|_| Instant::now() < self.until) {
            work(number);
            std::thread::sleep(pause);
        }
    }

    fn call(&self, what: &'static str, method: &str, path: &str, role: &str, body: Option<&Value>) -> Reply {
        let body = body.map(Value::to_string);
        self.latencies.timed(what, || self.server.call(method, path, role, body.as_ref().map(String::as_bytes)))
    }

    /// A sender: new notes, every fourth sent twice.
    fn send(&self, name: &str) {
        self.again(Duration::from_millis(150), |number| {
            let note = note(name, number);
            for _ in 0..=usize::from(number % 4 == 0) {
                let post = || self.ledger.post(self.server, &note).expect("the server answers");
                assert_eq!(self.latencies.timed("post", post).status, 202);
            }
        });
    }

    /// A program that asks what a text says, and for the extraction of its notes.
    fn extract(&self) {
        self.again(Duration::from_millis(300), |number| {
            let text = json!({ "text": note("asked", number)["text"] });
            assert_eq!(self.call("extract", "POST", "/v1/extract", "submitter", Some(&text)).status, 200);
            let notes = self.ledger.notes();
            if let Some(id) = notes.values().next_back().and_then(|sent| sent.id.as_ref()) {
                let reply = self.call("read", "GET", &format!("/v1/notes/{id}/extraction"), "submitter", None);
                assert!([200, 202].contains(&reply.status), "{}", reply.text);
            }
        });
    }

    /// A coder: takes the next item that is whole, decides what waits, finishes it.
    fn code(&self) {
        self.again(Duration::from_millis(200), |_| {
            let page = self.call("list", "GET", "/v1/review/items?state=open&limit=50", "coder", None);
            assert_eq!(page.status, 200, "{}", page.text);
            let page = page.json();
            let mut whole = page["items"].as_array().expect("items").iter().filter(|item| item["pending_notes"] == 0);
            let Some(item) = whole.next().map(|item| item["id"].as_str().expect("an id").to_owned()) else { return };
            let address = format!("/v1/review/items/{item}");
            assert_eq!(self.call("claim", "POST", &format!("{address}/claim"), "coder", Some(&json!({}))).status, 200);
            let detail = self.call("item", "GET", &address, "coder", None);
            assert_eq!(detail.status, 200, "{}", detail.text);
            let detail = detail.json();
            let waiting = detail["entries"].as_array().expect("entries").iter().filter(|entry| entry["needs_decision"] == true);
            let decisions: Vec<(String, Value)> =
                waiting.map(|entry| (entry["id"].as_str().expect("an id").to_owned(), json!({"action": "accept"}))).collect();
            if !decisions.is_empty() {
                let decide = || self.ledger.decide(self.server, "coder", &item, &decisions);
                assert_eq!(self.latencies.timed("decide", decide).status, 200);
            }
            // a note that came meanwhile makes it wait, or is another state than the one that was read
            let finish = format!("{address}/finish?override_edits=documentation_supports_it");
            let reply = self.call("finish", "POST", &finish, "coder", Some(&json!({})));
            assert!([200, 409, 412].contains(&reply.status), "{} {}", reply.status, reply.text);
            if reply.status == 200 {
                self.finished.fetch_add(1, Ordering::Relaxed);
            } else {
                self.call("release", "POST", &format!("{address}/release"), "coder", Some(&json!({})));
            }
        });
    }

    /// Those who look: lists in other orders, the trail, the metrics.
    fn look(&self) {
        self.again(Duration::from_millis(250), |number| {
            let order = ["oldest", "benefit", "service_date", "priority"][(number % 4) as usize];
            assert_eq!(self.call("list", "GET", &format!("/v1/review/items?order={order}"), "lead", None).status, 200);
            if number % 4 == 0 {
                assert_eq!(self.call("metrics", "GET", "/metrics", "admin", None).status, 200);
                let trail = format!("/v1/audit/events?after={}", number * 10);
                assert_eq!(self.call("trail", "GET", &trail, "auditor", None).status, 200);
            }
        });
    }
}

#[test]
fn hours_of_mixed_work_leave_nothing_behind() {
    let temporary = tempfile::tempdir().expect("a folder");
    let environment = vec![("TMPDIR".to_owned(), temporary.path().to_str().expect("a plain path").to_owned())];
    let server = Server::serve_as(Start { environment, ..Start::default() }, "", |_| {});
    // what is made once, in the background, is there before memory is looked at
    assert_eq!(server.call("GET", "/v1/codes?query=gout", "coder", None).status, 200);
    let (ledger, latencies, duration) = (Ledger::default(), Latencies::default(), duration());
    let started = Instant::now();
    let traffic = Traffic {
        server: &server,
        ledger: &ledger,
        latencies: &latencies,
        until: started + duration,
        finished: AtomicU32::new(0),
    };
    let mut samples = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| traffic.send("soak-a"));
        scope.spawn(|| traffic.send("soak-b"));
        scope.spawn(|| traffic.extract());
        scope.spawn(|| traffic.code());
        scope.spawn(|| traffic.look());
        traffic.again((duration / 100).min(Duration::from_secs(10)), |_| samples.push(Sample::take(&server, started)));
    });
    wait_until("the last notes are extracted", Duration::from_secs(60), || server.gauge("abstractor_jobs_waiting") == 0);

    let half = duration.as_secs_f64() / 2.0;
    let (early, late): (Vec<Sample>, Vec<Sample>) = samples.iter().copied().partition(|sample| sample.seconds < half);
    let memory: Vec<(f64, f64)> = late.iter().map(|sample| (sample.seconds / 3_600.0, sample.memory)).collect();
    assert!(early.len() >= 10 && late.len() >= 10, "{} and {} samples", early.len(), late.len());
    let most = |samples: &[Sample], of: fn(&Sample) -> usize| samples.iter().map(of).max().unwrap_or_default();
    let growth = slope(&memory);
    let log = samples.iter().map(|sample| sample.log).max().unwrap_or_default();
    let (posted, listed) = (latencies.percentile("post", 99), latencies.percentile("list", 99));
    let line = format!(
        "soak: {} s, {} calls, {} notes, {} decisions, {} finished; memory {:.0} MiB at the end, slope {growth:.1} MiB an hour; log at most \
         {:.1} MiB; descriptors at most {}; p99 of POST /v1/notes {posted:.0} ms, of lists {listed:.0} ms (p50 {:.0} and {:.0} ms)",
        duration.as_secs(),
        latencies.count(),
        ledger.count(),
        ledger.decisions(),
        traffic.finished.load(Ordering::Relaxed),
        late.last().map_or(0.0, |sample| sample.memory),
        log as f64 / f64::from(1 << 20),
        most(&samples, |sample| sample.descriptors),
        latencies.percentile("post", 50),
        latencies.percentile("list", 50),
    );
    println!("{line}");
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/target/soak.txt");
    std::fs::write(kept, format!("{line}\n")).expect("is written");

    assert!(traffic.finished.load(Ordering::Relaxed) > 0 && ledger.decisions() > 0, "nobody worked: {line}");
    assert!(growth < if is_long_tier() { GROWTH } else { GROWTH_OF_SHORT }, "memory grows: {line}");
    assert!(log < LOG_BYTES, "the log grows: {line}");
    let descriptors = (most(&early, |sample| sample.descriptors), most(&late, |sample| sample.descriptors));
    assert!(descriptors.1 <= descriptors.0 + 16 && descriptors.1 <= DESCRIPTORS, "descriptors {descriptors:?}: {line}");
    assert!(
        most(&late, |sample| sample.files) <= most(&early, |sample| sample.files),
        "files are added: {:?}",
        names(&server.data)
    );
    assert_eq!(names(temporary.path()), [""; 0], "temporary files are left");
    assert!(posted < POSTED * allowance() && listed < LISTED * allowance(), "slow: {line}");
    ledger.assert_whole(&server);
}
