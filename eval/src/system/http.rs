//! Requests to a running service. Its answers hold text of notes; errors from here never quote them.

use std::{path::Path, thread, time::Duration};

use serde_json::Value;

use crate::error::{EvaluationError, Result};

/// How long one request may take.
const TIME_OUT: Duration = Duration::from_secs(120);
/// How often a request that finds the queue full is made again.
const TRIES: u32 = 20;

/// Calls a service.
pub(crate) struct Caller {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
}

/// An answer that is no success: its status, and the stable code of its problem document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: String,
}

impl Caller {
    /// For a service at this address, with the token that the file holds.
    pub(crate) fn new(url: &str, token_file: Option<&Path>) -> Result<Self> {
        let read = |file: &Path| {
            let token = std::fs::read_to_string(file);
            token.map_err(|error| EvaluationError::System(format!("the token file {}: {error}", file.display())))
        };
        let token = token_file.map(read).transpose()?.map(|token| token.trim().to_owned());
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIME_OUT))
            .proxy(None)
            .tls_config(tls)
            .user_agent(concat!("abstractor-eval/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { agent, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// The JSON of `GET path`.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.read(path).and_then(|text| serde_json::from_str(&text).map_err(|_| self.wrong(path, "the answer is no JSON")))
    }

    /// The text of `GET path`.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.call().map_err(|error| self.wrong(path, &unreachable(&error)))?;
        match answered(answer) {
            Ok(text) => Ok(text),
            Err(problem) => Err(self.wrong(path, &problem.to_string())),
        }
    }

    /// The JSON of `POST path`; waits and tries again while the service says that its queue is full.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<std::result::Result<Value, Problem>> {
        let body = body.to_string();
        for tried in 1..=TRIES {
            let mut request = self.agent.post(format!("{}{path}", self.url)).header("content-type", "application/json");
            if let Some(token) = &self.token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = request.send(&body).map_err(|error| self.wrong(path, &unreachable(&error)))?;
            match answered(answer) {
                Err(problem) if problem.status == 503 && tried < TRIES => thread::sleep(Duration::from_millis(250)),
                Err(problem) => return Ok(Err(problem)),
                Ok(text) => {
                    let value = serde_json::from_str(&text).map_err(|_| self.wrong(path, "the answer is no JSON"))?;
                    return Ok(Ok(value));
                }
            }
        }
        Err(self.wrong(path, "its queue stayed full"))
    }

    pub(crate) fn wrong(&self, path: &str, message: &str) -> EvaluationError {
        EvaluationError::System(format!("{}{path}: {message}", self.url))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hint = match self.status {
            401 => "; give a live token (`abstractor token add`) by `token_file`",
            403 => "; the token's role may not do this",
            _ => "",
        };
        write!(f, "status {} ({}){hint}", self.status, self.code)
    }
}

fn unreachable(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "TLS failed".to_owned(),
        _ => "it cannot be reached; is the service running at this address?".to_owned(),
    }
}

fn answered(mut answer: ureq::http::Response<ureq::Body>) -> std::result::Result<String, Problem> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(1 << 30).read_to_string();
    match text {
        Ok(text) if (200..300).contains(&status) => Ok(text),
        Ok(text) => {
            let body: Value = serde_json::from_str(&text).unwrap_or_default();
            Err(Problem { status, code: body["code"].as_str().unwrap_or("no code").to_owned() })
        }
        Err(_) => Err(Problem { status, code: "unreadable answer".to_owned() }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
    };

    /// Answers so many requests, each by what `answer` makes of its head and body.
    pub(crate) fn serve(requests: usize, answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for _ in 0..requests {
                let (mut stream, _) = listener.accept().expect("a request");
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a line");
                    if let Some(words) = line.to_lowercase().strip_prefix("content-length:") {
                        length = words.trim().parse().expect("a length");
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let (status, text) = answer(&head, &String::from_utf8(body).expect("UTF-8"));
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
                stream.write_all(format!("{head}{text}").as_bytes()).expect("writes");
            }
        });
        url
    }
}
