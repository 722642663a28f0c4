//! A service that runs: everything loaded, its listener, its worker and what it sends, until it is told to stop.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use sha2::{Digest as _, Sha256};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};

use super::{
    data::Opened,
    http,
    keys::{self, KeySource},
    load::Load,
    shadow,
    site::Site,
    surroundings, transport, vectors,
};
use crate::{
    api::{self, Admission, Limits, Reached},
    delivery::Sender,
    engine::Engine,
    mllp,
    network::{ClientCertificates, Reach, ServerTls},
    oidc::RelyingParty,
    retention::{RetentionPolicy, Sweep},
    service::{Backlog, Counts, OversightSettings, Service, ShadowRuns, SignIn, SignInSettings, Tally, VocabularyControl},
    store::{Actor, StoreError},
    telemetry, web,
    worker::{DriftWatch, TrailSealer, Worker},
};

/// Interactive requests that may wait for the engine.
const INTERACTIVE_QUEUE: usize = 64;
/// How long jobs and deliveries under way may still take when the service stops.
const LAST_WORK: Duration = Duration::from_secs(20);
/// How long the last events may take to be recorded and sealed when the service stops.
const LAST_EVENTS: Duration = Duration::from_secs(3);
/// How often events that are counted are looked at.
const COUNTS: Duration = Duration::from_secs(5);
/// How often is looked whether more notes wait than may.
const BACKLOG: Duration = Duration::from_secs(5);

/// How often is looked which site pack is live.
const SITE_PACK: Duration = Duration::from_secs(2);
/// How often is told what was tried with unknown names.
const UNKNOWN_TRIES: Duration = Duration::from_secs(60);
/// What stands for the checksum where no configuration file is named.
const NO_FILE: &str = "none";

/// How a service runs.
pub(super) struct Settings {
    pub listen: SocketAddr,
    /// Where it is reached from outside; by its address when left out.
    pub public_url: Option<String>,
    pub limits: Limits,
    pub sign_in: SignInSettings,
    /// What another model or vocabulary has to show before it is served.
    pub oversight: OversightSettings,
    /// How long it still serves everybody after it was told to stop, so that a balancer can take it out first.
    pub linger: Duration,
    pub part: Part,
    /// Sign-in with the hospital's own provider.
    pub oidc: Option<Arc<RelyingParty>>,
    /// The checksum of the configuration file, for the audit trail; `none` where there is no file.
    pub configuration: String,
    pub protection: Protection,
}

/// How what comes in and goes out is protected.
#[derive(Default)]
pub(super) struct Protection {
    /// TLS of HTTP; plain HTTP when none.
    pub tls: Option<Arc<ServerTls>>,
    /// That of the other listeners, whose certificates are watched too.
    pub of_listeners: Vec<Arc<ServerTls>>,
    /// Whether everything but health asks for a certificate.
    pub requires_certificate: bool,
    /// Whose tokens work only together with a certificate.
    pub clients: ClientCertificates,
    /// Where destinations may lead.
    pub reach: Reach,
}

impl Settings {
    /// With the bounds that hold where nobody says anything, for a service to look at: what it sends may go to this machine.
    pub(super) fn usual(listen: SocketAddr) -> Self {
        let protection = Protection { reach: Reach::with_this_machine(), ..Protection::default() };
        let (limits, sign_in, configuration) = (Limits::default(), SignInSettings::default(), String::from(NO_FILE));
        let (linger, part) = (Duration::ZERO, Part::Both);
        let oversight = OversightSettings::default();
        Self { listen, public_url: None, limits, sign_in, oversight, linger, part, oidc: None, configuration, protection }
    }
}

/// What of the service a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Takes notes, serves coders, and works.
    Both,
    /// Takes notes and serves coders.
    Server,
    /// Does the jobs and sends the deliveries.
    Worker,
}

/// Runs a service to its end. What hangs then, such as a database that says nothing, holds the process up no longer.
pub(super) fn run(service: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let ended = runtime.block_on(service);
    runtime.shutdown_timeout(Duration::from_secs(2));
    ended
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// A service that listens.
pub(super) struct Running {
    pub address: SocketAddr,
    pub service: Arc<Service>,
    server: tokio::task::JoinHandle<()>,
    /// The worker and the sender of deliveries, where they are this process's.
    work: tokio::task::JoinSet<()>,
    listeners: tokio::task::JoinSet<()>,
    /// What looks at the database from time to time; ends with this.
    watching: tokio::task::JoinSet<()>,
    linger: Duration,
    /// Seals the audit trail, also what is recorded when everything else has stopped.
    sealing: tokio::task::JoinHandle<()>,
    sealed: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    /// Ends the listener, after the linger.
    close: watch::Sender<bool>,
}

impl Running {
    /// Loads everything, listens, and starts the worker.
    pub(super) async fn start(opened: &Opened, load: &Load, settings: Settings, site: &Site) -> anyhow::Result<Self> {
        let Settings { listen, public_url, limits, sign_in, oversight, linger, part, oidc, configuration, protection } =
            settings;
        let Protection { tls, of_listeners, requires_certificate, clients, reach } = protection;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let tables = load.tables()?;
        let pipeline = Arc::new(load.pipeline_of(&tables)?);
        shadow::check_live(&*opened.store(), &pipeline, oversight.required).await?;
        let make_vectors = vectors::in_background(load.clone());
        make_vectors(&pipeline);
        let first = Arc::clone(&pipeline);
        // the first coder who searches does not wait for the index
        tokio::task::spawn_blocking(move || first.vocabulary().prepare_search());
        let engine = Engine::start(pipeline, load.replicas(), INTERACTIVE_QUEUE, Some(limits.extraction));
        let engine = Arc::new(engine.context("cannot start the engine's threads")?);
        let store = opened.store();
        let wake = Arc::new(Notify::new());
        let mut watching = tokio::task::JoinSet::new();
        if part != Part::Server
            && let Some(listener) = opened.job_listener()
        {
            let wake = Arc::clone(&wake);
            watching.spawn(listener.run(move || wake.notify_one()));
        }
        let surroundings = surroundings();
        let service = Arc::new(Service {
            store: Arc::clone(&store),
            engine: Arc::clone(&engine),
            vocabularies: VocabularyControl::new(load.reloading(tables), Box::new(make_vectors)),
            surroundings: surroundings.clone(),
            wake: Arc::clone(&wake),
            sign_in: SignIn::new(sign_in),
            backlog: Backlog::default(),
            is_stopping: false.into(),
            tally: Tally::default(),
            reach: reach.clone(),
            client_certificates: clients,
            public_url: public_url.unwrap_or_else(|| format!("{}://{address}", if tls.is_some() { "https" } else { "http" })),
            oversight,
            shadow_runs: ShadowRuns::default(),
            max_note_bytes: site.limit.bytes(),
            time_zone: site.time_zone.clone(),
            metrics: telemetry::start_metrics()?,
        });
        // no note is taken or worked on with another pack than the one that is live
        if let Err(error) = service.take_live_pack().await {
            tracing::error!(%error, "the site pack that is live could not be taken; it is tried again");
        }
        watching.spawn(watch_site_pack(Arc::clone(&service)));
        let (stop, stopped) = watch::channel(false);
        let mut work = tokio::task::JoinSet::new();
        if part != Part::Server {
            let sender = Sender { store: Arc::clone(&store), surroundings: surroundings.clone(), reach };
            work.spawn(sender.run(stopped.clone()));
            let (of_drift, clock) = (Arc::clone(&store), surroundings.clone());
            work.spawn(DriftWatch { store: of_drift, surroundings: clock, stop: stopped.clone() }.run());
            work.spawn(Worker { store, engine, surroundings, wake, stop: stopped }.run());
        }
        if part != Part::Worker {
            watching.spawn(watch_backlog(Arc::clone(&service), limits.waiting_notes));
            watching.spawn(tell_unknown_tries(Arc::clone(&service)));
        }
        let runs = service.engine.pipeline().engine_version();
        let started = format!(
            "version {}, model {}, vocabulary {}, configuration {configuration}",
            env!("CARGO_PKG_VERSION"),
            runs.model,
            runs.vocabulary
        );
        // a database that takes no writes now, such as one on a full disk, is served all the same
        if let Err(error) = record(&service, "service.started", &started).await {
            tracing::error!(%error, "the start could not be recorded in the audit trail");
        }
        watching.spawn(record_counts(Arc::clone(&service)));
        let (sealed, everything_stopped) = watch::channel(false);
        let (store, surroundings) = (Arc::clone(&service.store), service.surroundings.clone());
        let sealing = tokio::spawn(TrailSealer { store, surroundings, stop: everything_stopped }.run());
        tracing::info!(?part, ?limits, linger = linger.as_secs(), model = runs.model, vocabulary = runs.vocabulary, "loaded");
        let certificates: Vec<Arc<ServerTls>> = tls.iter().cloned().chain(of_listeners).collect();
        if !certificates.is_empty() {
            watching.spawn(transport::watch(certificates));
        }
        let reached = Reached {
            by_https: tls.is_some() || service.public_url.starts_with("https://"),
            with_certificate: requires_certificate,
        };
        let (close, closed) = watch::channel(false);
        let (usual, spare) = (router(Arc::clone(&service), part, oidc), spare(Arc::clone(&service), reached));
        let listening = http::Listening { socket: listener, tls };
        let server = tokio::spawn(http::serve(listening, (within(usual, reached, limits), spare), limits.connections, closed));
        let listeners = tokio::task::JoinSet::new();
        Ok(Self { address, service, server, work, listeners, watching, linger, sealing, sealed, stop, close })
    }

    /// Takes messages of other systems until the service stops.
    pub(super) fn listen(&mut self, listener: mllp::Listener) {
        self.listeners.spawn(listener.run(Arc::clone(&self.service), self.stop.subscribe()));
    }

    /// Keeps the site keys fresh while the service runs, and says which ones it knows.
    pub(super) fn keep_keys(&mut self, source: KeySource) {
        self.watching.spawn(keys::keep(Arc::clone(&self.service.store), source));
    }

    /// Purges what is due, where this process works and anything ever is.
    pub(super) fn sweep(&mut self, policy: RetentionPolicy) {
        if policy.is_empty() || self.work.is_empty() {
            return;
        }
        let (store, surroundings) = (Arc::clone(&self.service.store), surroundings());
        self.work.spawn(Sweep { store, surroundings, policy, stop: self.stop.subscribe() }.run());
    }

    /// Serves until the process is told to stop, then finishes what runs.
    pub(super) async fn until_stopped(mut self) -> anyhow::Result<()> {
        stop_signal().await?;
        tracing::info!(seconds = self.linger.as_secs(), "stopping");
        self.service.is_stopping.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        tokio::time::sleep(self.linger).await;
        let _ = self.close.send(true);
        self.watching.abort_all();
        let work = async {
            while self.listeners.join_next().await.is_some() {}
            while self.work.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LAST_WORK, work).await.is_err() {
            tracing::warn!("work under way was given up; it is done again");
        }
        self.server.await.context("the server failed")?;
        let last_events = async {
            let counted = self.service.record_counts(Counts::All).await;
            if let Err(error) = counted.and(record(&self.service, "service.stopped", "").await) {
                tracing::error!(%error, "the stop could not be recorded in the audit trail");
            }
            let _ = self.sealed.send(true);
            let _ = self.sealing.await;
        };
        if tokio::time::timeout(LAST_EVENTS, last_events).await.is_err() {
            tracing::warn!("the last events were not sealed; the next start seals them");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// Records what the service itself does.
async fn record(service: &Service, action: &str, detail: &str) -> Result<(), StoreError> {
    service.store.record_audit(Actor::service(), action, None, detail, service.surroundings.now()).await
}

/// Records events that were counted, when their minute is over.
async fn record_counts(service: Arc<Service>) {
    loop {
        tokio::time::sleep(COUNTS).await;
        if let Err(error) = service.record_counts(Counts::Ended).await {
            tracing::error!(%error, "events that were counted could not be recorded");
        }
    }
}

/// The checksum of a configuration file, as the audit trail tells it.
pub(super) fn checksum(file: Option<&Path>) -> anyhow::Result<String> {
    let Some(file) = file else { return Ok(NO_FILE.to_owned()) };
    let bytes = std::fs::read(file).with_context(|| format!("cannot read the configuration {}", file.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Looks whether more notes wait than may.
async fn watch_backlog(service: Arc<Service>, most: u64) {
    loop {
        match service.store.has_more_jobs_than(most).await {
            Ok(is_full) => service.backlog.set_full(is_full),
            Err(error) => tracing::error!(%error, "it could not be seen how many notes wait"),
        }
        tokio::time::sleep(BACKLOG).await;
    }
}

/// Looks whether another site pack became live, on this server or another one, and takes it.
async fn watch_site_pack(service: Arc<Service>) {
    loop {
        tokio::time::sleep(SITE_PACK).await;
        if let Err(error) = service.take_live_pack().await {
            tracing::error!(%error, "the site pack that is live could not be taken; the one before stays in use");
        }
    }
}

/// Tells once a minute of what was tried with names and codes that nobody has.
async fn tell_unknown_tries(service: Arc<Service>) {
    loop {
        tokio::time::sleep(UNKNOWN_TRIES).await;
        if let Err(error) = service.store.tell_unknown_tries(service.surroundings.now()).await {
            tracing::error!(%error, "tries with unknown names were not recorded yet");
        }
    }
}

fn router(service: Arc<Service>, part: Part, oidc: Option<Arc<RelyingParty>>) -> Router {
    let routes = match part {
        Part::Worker => api::operations(Arc::clone(&service)),
        Part::Both | Part::Server => {
            api::router(Arc::clone(&service)).merge(web::router(Arc::clone(&service))).merge(web::reference(&api::described()))
        }
    };
    routes.layer(axum::middleware::from_fn_with_state(service, api::record_refusals)).layer(axum::Extension(oidc))
}

/// What every request comes through before it reaches a route, from the inside out.
fn within(routes: Router, reached: Reached, limits: Limits) -> Router {
    routes
        .fallback(api::unknown_address)
        .layer(axum::middleware::from_fn(api::refuse_nul))
        .layer(axum::middleware::from_fn(api::refuse_encoded))
        .layer(axum::middleware::from_fn_with_state(Admission::new(limits), api::admit))
        .layer(axum::middleware::from_fn_with_state(reached, api::require_certificate))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(api::panicked))
        .layer(axum::middleware::from_fn(api::refuse_ambiguous))
        .layer(axum::middleware::from_fn(telemetry::observe))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(NewRequestId))
        .layer(axum::middleware::from_fn_with_state(reached, api::add_headers))
}

/// What is served when all connections are taken: health, and to all others that they are.
fn spare(service: Arc<Service>, reached: Reached) -> Router {
    let routes = api::health(service).fallback(|| async {
        let detail = "as many connections are open as may be; come back after the time given";
        api::refused("connections", api::ApiError::unavailable("overloaded", detail, 1))
    });
    routes.layer(axum::middleware::from_fn_with_state(reached, api::add_headers))
}

/// An id for each request that brings none: it comes back as `x-request-id`, so that sender and log speak of the same one.
#[derive(Debug, Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = surroundings().new_id().to_string();
        id.parse().ok().map(RequestId::new)
    }
}

/// Whether the process was started to outlive its terminal, as `nohup` does it. Told by Linux; elsewhere nobody is asked.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

#[cfg(unix)]
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = if is_hang_up_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    let hung_up = async {
        match &mut hang_up {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        () = hung_up => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_says_nothing_of_what_it_had() {
        async fn fails(body: String) -> String {
            panic!("cannot read {body:?}")
        }
        let routes = Router::new().route("/fails", axum::routing::post(fails));
        let router = within(routes, Reached::default(), Limits::default());
        let request = Request::post("/fails").header("host", "x").body(Body::from("Qzsentinel")).expect("a request");
        let response = router.oneshot(request).await.expect("answers");
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let headers = format!("{:?}", response.headers());
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
        let said = format!("{headers} {}", String::from_utf8_lossy(&body));
        assert!(said.contains("internal") && !said.contains("Qzsentinel"), "{said}");
    }
}
