//! `abstractor serve`: the service on the command's data folder, until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};

use super::{
    data::{DataFolder, Opened},
    load::Load,
    site::Site,
    surroundings, vectors,
};
use crate::{
    api,
    auth::{Permission, permits},
    config::Configuration,
    delivery::Sender,
    engine::Engine,
    mllp,
    service::{Service, VocabularyControl},
    store::Store,
    telemetry::{self, LogFormat},
    web,
    worker::Worker,
};

/// Interactive requests that may wait for the engine.
const INTERACTIVE_QUEUE: usize = 64;

/// Arguments of `abstractor serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    data: DataFolder,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080", env = "ABSTRACTOR_LISTEN")]
    listen: SocketAddr,
    /// Configuration file (TOML): where messages of other systems come in, and texts of the pages
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    site: Site,
    /// Which log lines to write, for example info or abstractor=debug
    #[arg(long, default_value = "info", env = "ABSTRACTOR_LOG")]
    log: String,
    /// Write log lines as JSON
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    load: Load,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        telemetry::start_logs(&self.log, if self.log_json { LogFormat::Json } else { LogFormat::Text })?;
        let configuration = self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default();
        self.site.use_texts(configuration.texts.as_deref())?;
        let runtime = runtime()?;
        runtime.block_on(async {
            let opened = self.data.open_serve().await?;
            // what is wrong with the configuration is told before anything is loaded
            let listeners = listeners(&*opened.store(), configuration.mllp).await?;
            let mut running = Running::start(&opened, &self.load, (self.listen, configuration.public_url), &self.site).await?;
            for listener in listeners {
                tracing::info!(address = %listener.address()?, "listening for HL7 messages");
                running.listen(listener);
            }
            tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "serving");
            running.until_stopped().await
        })
    }
}

/// Binds the listeners for messages, whose users must be able to post notes.
async fn listeners(store: &dyn Store, settings: Vec<mllp::Settings>) -> anyhow::Result<Vec<mllp::Listener>> {
    let mut listeners = Vec::new();
    for settings in settings {
        let name = &settings.user;
        let user = store.user_named(name).await?.with_context(|| {
            format!("the configuration names the user {name:?}, who is not there; `abstractor user add {name} --role submitter --source SOURCE` makes one")
        })?;
        anyhow::ensure!(
            permits(user.role, Permission::PostNote) && user.source.is_some(),
            "the configuration names the user {name:?} for messages, who is no submitter with a source"
        );
        listeners.push(mllp::Listener::bind(settings).await?);
    }
    Ok(listeners)
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// A service that listens.
pub(super) struct Running {
    pub address: SocketAddr,
    pub service: Arc<Service>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    worker: tokio::task::JoinHandle<()>,
    listeners: tokio::task::JoinSet<()>,
    sender: tokio::task::JoinHandle<()>,
    /// Hears of what other servers do; ends with this.
    others: tokio::task::JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Loads everything, listens, and starts the worker.
    pub(super) async fn start(
        opened: &Opened,
        load: &Load,
        (listen, public_url): (SocketAddr, Option<String>),
        site: &Site,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let tables = load.tables()?;
        let pipeline = Arc::new(load.pipeline_of(&tables)?);
        let make_vectors = vectors::in_background(load.clone());
        make_vectors(&pipeline);
        let first = Arc::clone(&pipeline);
        // the first coder who searches does not wait for the index
        tokio::task::spawn_blocking(move || first.vocabulary().prepare_search());
        let engine =
            Arc::new(Engine::start(pipeline, load.replicas(), INTERACTIVE_QUEUE).context("cannot start the engine's threads")?);
        let store = opened.store();
        let wake = Arc::new(Notify::new());
        let mut others = tokio::task::JoinSet::new();
        if let Some(listener) = opened.job_listener() {
            let wake = Arc::clone(&wake);
            others.spawn(listener.run(move || wake.notify_one()));
        }
        let surroundings = surroundings();
        let service = Arc::new(Service {
            store: Arc::clone(&store),
            engine: Arc::clone(&engine),
            vocabularies: VocabularyControl::new(load.reloading(tables), Box::new(make_vectors)),
            surroundings: surroundings.clone(),
            wake: Arc::clone(&wake),
            public_url: public_url.unwrap_or_else(|| format!("http://{address}")),
            max_note_bytes: site.limit.bytes(),
            time_zone: site.time_zone.clone(),
            metrics: telemetry::start_metrics()?,
        });
        let (stop, stopped) = watch::channel(false);
        let sender = Sender { store: Arc::clone(&store), surroundings: surroundings.clone() };
        let sender = tokio::spawn(sender.run(stopped.clone()));
        let worker = tokio::spawn(Worker { store, engine, surroundings, wake }.run(stopped.clone()));
        let router = router(Arc::clone(&service));
        let mut server_stopped = stopped;
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move {
                    let _ = server_stopped.wait_for(|stop| *stop).await;
                })
                .await
        });
        Ok(Self { address, service, server, worker, sender, listeners: tokio::task::JoinSet::new(), others, stop })
    }

    /// Takes messages of other systems until the service stops.
    fn listen(&mut self, listener: mllp::Listener) {
        self.listeners.spawn(listener.run(Arc::clone(&self.service), self.stop.subscribe()));
    }

    /// Serves until the process is told to stop, then finishes what runs.
    pub(super) async fn until_stopped(mut self) -> anyhow::Result<()> {
        stop_signal().await?;
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        while self.listeners.join_next().await.is_some() {}
        self.others.abort_all();
        let _ = self.worker.await;
        let _ = self.sender.await;
        self.server.await.context("the server failed")??;
        Ok(())
    }
}

fn router(service: Arc<Service>) -> Router {
    api::router(Arc::clone(&service))
        .merge(web::router(service))
        .merge(web::reference(&api::described()))
        .fallback(api::unknown_address)
        .layer(axum::middleware::from_fn(api::refuse_nul))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(api::panicked))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(NewRequestId))
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

#[cfg(unix)]
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
