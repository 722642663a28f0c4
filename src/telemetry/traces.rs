//! Traces by OTLP over HTTP, where a site asks for them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};

/// How long a collector may take for a batch of spans.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Who takes traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// Address of a collector of OTLP over HTTP, without the path.
    pub endpoint: String,
    /// Share of the requests and jobs that are traced, 0 to 1; one that a caller traces already is traced on.
    pub share: f64,
}

/// What was started; to be told when the process ends, so that the last spans are sent.
pub struct Traces(pub(super) Option<SdkTracerProvider>);

impl Traces {
    /// Sends what was not sent yet.
    pub fn finish(self) {
        if let Some(provider) = self.0
            && provider.shutdown().is_err()
        {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// Sends spans in batches, on a thread of its own.
pub(super) fn provider(settings: &TraceSettings) -> anyhow::Result<SdkTracerProvider> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client { agent: client(), fails: AtomicBool::new(false) })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", settings.endpoint))
        .build()
        .map_err(|error| anyhow::anyhow!("traces cannot be sent to the endpoint of [traces]: {error}"))?;
    let resource = Resource::builder_empty()
        .with_service_name("abstractor")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.share))))
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build())
}

/// Waits for a collector no longer than it may, and reaches it as webhooks are sent: through no proxy, over the machine's certificates.
fn client() -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false);
    config.timeout_global(Some(TIME_OUT)).proxy(None).tls_config(tls).build().into()
}

/// The HTTP client that is here already.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    /// Whether the last batch was not taken.
    fails: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.agent.run(request.map(|body| body.to_vec()));
        let took = matches!(&sent, Ok(response) if response.status().is_success());
        if !took {
            metrics::counter!("abstractor_trace_batches_failed_total").increment(1);
        }
        // once when it begins and once when it ends
        if self.fails.swap(!took, Ordering::Relaxed) == took {
            match &sent {
                Ok(response) if took => tracing::info!(status = response.status().as_u16(), "traces are taken again"),
                Ok(response) => tracing::warn!(status = response.status().as_u16(), "the collector refuses traces"),
                Err(error) => tracing::warn!(%error, "the collector of traces cannot be reached"),
            }
        }
        let (head, mut body) = sent?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
