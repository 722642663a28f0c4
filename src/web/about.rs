//! `/about`: what runs here, and from which sources its vocabularies come.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    session::Session,
    shell::{Refusal, Shell, page},
};
use crate::{auth::Permission, pipeline::Vectors, service::Service, vocabulary::LoadedSource};

/// A row of the editions.
struct EditionRow {
    name: String,
    first_day: String,
    last_day: String,
    codes: usize,
}

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage {
    shell: Shell,
    version: &'static str,
    model: String,
    checksum: String,
    similarity: String,
    pack: String,
    editions: Vec<EditionRow>,
    sources: Vec<LoadedSource>,
    not_loaded: Vec<&'static str>,
}

/// `GET /about`
pub(super) async fn show(State(service): State<Arc<Service>>, session: Session) -> Result<Response, Refusal> {
    session.may(Permission::ReadVocabularies)?;
    let pipeline = service.engine.pipeline();
    let (engine, vocabulary) = (pipeline.engine_version(), pipeline.vocabulary());
    let similarity = match pipeline.vectors_state() {
        Vectors::None => text!("about-not-by-meaning").to_owned(),
        Vectors::Making { done, all } => {
            text!("about-by-meaning-soon", done = done, all = all)
        }
        Vectors::Ready(vectors) => text!("about-by-meaning", count = vectors.len()),
    };
    let editions = vocabulary.editions.all().map(|edition| EditionRow {
        name: edition.name.clone(),
        first_day: edition.first_day.to_string(),
        last_day: edition.last_day.to_string(),
        codes: edition.codes.all().iter().filter(|code| code.billable).count(),
    });
    let view = AboutPage {
        shell: Shell::of(&session),
        version: env!("CARGO_PKG_VERSION"),
        model: engine.model,
        checksum: engine.vocabulary,
        similarity,
        pack: pipeline
            .site_pack()
            .map_or_else(|| text!("about-no-pack").to_owned(), |(version, _)| text!("about-pack", version = version)),
        editions: editions.collect(),
        sources: vocabulary.sources().to_vec(),
        not_loaded: vocabulary.not_loaded().to_vec(),
    };
    Ok(page(StatusCode::OK, &view))
}
