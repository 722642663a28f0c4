//! `abstractor load`: how many notes a running service takes. It posts fictional notes over connections that stay open and waits for each
//! answer, which comes when the note is on the disk.
//!
//! It speaks just as much HTTP/1.1 as that needs, so that on one machine it takes little of the time that it measures.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{bench::notes_of, surroundings};

/// How long notes are sent before they count: connections are opened, files grow, statements are prepared.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long a sender waits that was told to come back; it is told whole seconds, which would measure nothing else.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// The longest answer that is read.
const LONGEST: usize = 65_536;

/// Arguments of `abstractor load`.
#[derive(Debug, Args)]
pub(super) struct Sending {
    /// Where the service listens, for example http://127.0.0.1:8080. Give it a database of its own: fictional notes come into the queue
    #[arg(default_value = "http://127.0.0.1:8080")]
    url: String,
    /// File with the token of a user of the role submitter, as `abstractor token add` prints it
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Senders, each with a connection of its own, which waits for one answer before the next note
    #[arg(long, default_value_t = 32, value_name = "N")]
    senders: u32,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,
    /// Bytes of a note's text
    #[arg(long, default_value_t = 2000, value_name = "N")]
    bytes: usize,
    /// Notes of one encounter; each encounter has a patient of its own
    #[arg(long, default_value_t = 1, value_name = "N")]
    per_encounter: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    senders: u32,
    note_bytes: usize,
    notes_per_encounter: u32,
    seconds: f64,
    notes: usize,
    notes_per_second: f64,
    median_milliseconds: f64,
    p99_milliseconds: f64,
    slowest_milliseconds: f64,
    /// Answers 429 and 503: the note was not taken then.
    told_to_wait: u32,
}

/// One sender, its connection, and what it saw.
struct Sender {
    stream: TcpStream,
    /// The head of a request up to the length of its body.
    head: String,
    /// What had come in beyond an answer, or of one.
    buffer: Vec<u8>,
}

/// An answer.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// What one sender measured.
#[derive(Default)]
struct Seen {
    milliseconds: Vec<f64>,
    told_to_wait: u32,
}

impl Sending {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.seconds > 0.0 && self.bytes > 0 && self.senders > 0 && self.per_encounter > 0,
            "--seconds, --bytes, --senders and --per-encounter must be above zero"
        );
        // one thread is enough to send, and leaves the rest to what is measured
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
        let report = runtime.block_on(self.measure())?;
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!(
                "{:.0} notes/s of {} bytes by {} senders: answered after {:.1} ms in the median, {:.1} ms p99, {:.0} ms at most ({} notes in \
                 {:.1} s; told to wait {} times)",
                report.notes_per_second,
                report.note_bytes,
                report.senders,
                report.median_milliseconds,
                report.p99_milliseconds,
                report.slowest_milliseconds,
                report.notes,
                report.seconds,
                report.told_to_wait
            );
        }
        Ok(())
    }

    async fn measure(&self) -> anyhow::Result<Report> {
        let host = host(&self.url)?;
        let token = std::fs::read_to_string(&self.token_file)
            .with_context(|| format!("cannot read the token file {}", self.token_file.display()))?;
        let head = format!(
            "POST /v1/notes HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: ",
            token.trim()
        );
        anyhow::ensure!(token.trim().bytes().all(|byte| byte.is_ascii_graphic()), "the token file holds more than a token");
        let text = serde_json::to_string(&text(self.bytes))?;
        // no two runs send the same note
        let run = surroundings().new_id();
        let begin = Instant::now() + WARM_UP;
        let end = begin + Duration::from_secs_f64(self.seconds);
        let mut senders = tokio::task::JoinSet::new();
        for number in 0..self.senders {
            let stream = TcpStream::connect(&host).await.with_context(|| format!("no service answers at {}", self.url))?;
            stream.set_nodelay(true)?;
            let mut sender = Sender { stream, head: head.clone(), buffer: Vec::new() };
            let (text, per_encounter) = (text.clone(), self.per_encounter);
            senders.spawn(async move {
                let mut seen = Seen::default();
                for note in 0_u32.. {
                    let started = Instant::now();
                    if started >= end {
                        break;
                    }
                    let encounter = note / per_encounter;
                    let body = format!(
                        r#"{{"external_id":"{run}-{number}-{note}","patient":"p-{run}-{number}-{encounter}","encounter":"e-{run}-{number}-{encounter}","note_type":"progress_note","text":{text}}}"#
                    );
                    let answer = tokio::time::timeout(ANSWER, sender.post(&body)).await.context("the service does not answer")??;
                    match answer.status {
                        202 if started >= begin => seen.milliseconds.push(started.elapsed().as_secs_f64() * 1e3),
                        202 => {}
                        429 | 503 => {
                            seen.told_to_wait += 1;
                            tokio::time::sleep(PAUSE).await;
                        }
                        status => {
                            let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                            bail!("the service answers {status}: {}", problem["detail"].as_str().unwrap_or("without a reason"))
                        }
                    }
                }
                Ok(seen)
            });
        }
        let mut all = Seen::default();
        while let Some(seen) = senders.join_next().await {
            let seen = seen.context("a sender failed")??;
            all.milliseconds.extend(seen.milliseconds);
            all.told_to_wait += seen.told_to_wait;
        }
        self.report(all, begin.elapsed().as_secs_f64())
    }

    fn report(&self, Seen { mut milliseconds, told_to_wait }: Seen, seconds: f64) -> anyhow::Result<Report> {
        milliseconds.sort_by(f64::total_cmp);
        let (notes, Some(slowest)) = (milliseconds.len(), milliseconds.last().copied()) else {
            bail!("no note was taken in {seconds:.1} s; {told_to_wait} answers said to come back later");
        };
        #[expect(clippy::cast_precision_loss, reason = "a count to divide")]
        let notes_per_second = notes as f64 / seconds;
        Ok(Report {
            version: env!("CARGO_PKG_VERSION"),
            senders: self.senders,
            note_bytes: self.bytes,
            notes_per_encounter: self.per_encounter,
            seconds,
            notes,
            notes_per_second,
            median_milliseconds: milliseconds[notes / 2],
            p99_milliseconds: milliseconds[(notes * 99 / 100).min(notes - 1)],
            slowest_milliseconds: slowest,
            told_to_wait,
        })
    }
}

impl Sender {
    /// Sends one note and reads its answer.
    async fn post(&mut self, body: &str) -> anyhow::Result<Answer> {
        let request = format!("{}{}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).await.context("the connection was lost")?;
        loop {
            if let Some((answer, length)) = read(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(answer);
            }
            anyhow::ensure!(self.buffer.len() < LONGEST, "the service answers at length, as no service of ours does");
            if self.stream.read_buf(&mut self.buffer).await.context("the connection was lost")? == 0 {
                bail!("the service closed the connection");
            }
        }
    }
}

/// An answer at the beginning of these bytes, and how long it is; none while it is not whole.
fn read(bytes: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("the answer is not HTTP")?;
    let status =
        head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).context("the answer is not HTTP/1.1")?;
    let lengths = head.lines().filter_map(|line| line.split_once(':'));
    let length = lengths.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize =
        length.and_then(|(_, length)| length.trim().parse().ok()).context("the answer does not say how long it is")?;
    let whole = end + 4 + length;
    Ok(bytes.get(end + 4..whole).map(|body| (Answer { status, body: body.to_vec() }, whole)))
}

/// Host and port of a service that speaks plain HTTP.
fn host(url: &str) -> anyhow::Result<String> {
    let host = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(_) => bail!("only http:// can be measured: run it on the machine of the service, on an address without TLS"),
        None => url,
    };
    let host = host.trim_end_matches('/');
    anyhow::ensure!(!host.is_empty() && !host.contains(['/', '@', '?', '\r', '\n']), "the URL must be http://HOST:PORT");
    Ok(if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    })
}

/// A note of so many bytes, of our own fictional ones.
fn text(bytes: usize) -> String {
    let mut text = String::new();
    for note in notes_of(bytes).iter().cycle() {
        text.push_str(note);
        if text.len() >= bytes {
            break;
        }
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 429";
        for cut in 0..whole.len() - 12 {
            assert!(read(&whole[..cut]).expect("nothing is wrong yet").is_none(), "cut at {cut}");
        }
        let (answer, length) = read(whole).expect("reads").expect("is whole");
        assert_eq!((answer.status, answer.body.as_slice(), &whole[length..]), (202, &b"body"[..], &b"HTTP/1.1 429"[..]));
        for wrong in ["HTTP/1.1 202 Accepted\r\n\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 2x2 A\r\ncontent-length: 0\r\n\r\n"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_plain_http_is_measured() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("http://localhost/", Some("localhost:80")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("https://abstractor.example", None),
            ("http://a/b", None),
            ("", None),
        ] {
            assert_eq!(host(url).ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_note_is_as_long_as_it_was_asked_for() {
        for bytes in [1, 500, 2000, 20_000] {
            assert_eq!(text(bytes).len(), bytes, "our notes are ASCII where they are cut");
        }
    }
}
