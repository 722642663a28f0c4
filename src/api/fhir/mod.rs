//! The FHIR R4 interface below `/fhir`: one table of interactions, of which the routes and the CapabilityStatement are made.

mod audit;
mod call;
mod capability;
mod charts;
mod documents;
mod extract;
mod intake;
mod outcome;
mod patients;
mod search;
mod subscriptions;
mod tasks;

use std::{pin::Pin, sync::Arc};

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Query, Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodFilter, any, on},
};

use self::{
    call::{Answer, Call},
    outcome::Problem,
};
use super::{ApiError, Caller, body::Word};
use crate::{auth::Permission, service::Service};

/// The largest body read: a note of the greatest length in base64 of RTF, which writes a letter with up to six, and what stands around it.
const fn body_limit(max_note_bytes: usize) -> usize {
    8 * max_note_bytes + 1_000_000
}

type Serving = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One resource by its id.
    Read,
    /// Resources by parameters, by GET or by POST to `_search`.
    Search,
    /// A new resource.
    Create,
    /// One resource changed in its place.
    Update,
    /// A Bundle for the whole service.
    Bundle,
    /// What the service can do.
    Capabilities,
    /// An operation on a type.
    TypeOperation(&'static str),
    /// An operation on one resource that changes nothing.
    Operation(&'static str),
}

/// A search parameter.
#[derive(Debug, Clone, Copy)]
struct Parameter {
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    /// The element of the resource that a token is compared with, where that is all there is to it.
    element: Option<&'static str>,
}

/// One row of the table.
struct Interaction {
    /// Type of resource; empty for the whole service.
    resource: &'static str,
    kind: Kind,
    /// Any of these lets a caller in; none asked for means that no token is needed.
    permissions: &'static [Permission],
    parameters: &'static [Parameter],
    serve: fn(Call) -> Serving,
}

const fn parameter(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind, about, element: None }
}

const fn token(name: &'static str, element: &'static str) -> Parameter {
    Parameter { name, kind: "token", about: "code or system|code; several with a comma between", element: Some(element) }
}

const ID: Parameter = parameter("_id", "token", "the id");
const PATIENT: Parameter = parameter(
    "patient",
    "reference",
    "the patient's id here, or the sender's identifier: value, or system|value; also patient:identifier",
);
const ENCOUNTER: Parameter = parameter("encounter", "reference", "the sender's identifier of the encounter");
const IDENTIFIER: Parameter = parameter("identifier", "token", "the sender's identifier of the document");
const CLINICAL: Parameter = token("clinical-status", "clinicalStatus");
const VERIFICATION: Parameter = token("verification-status", "verificationStatus");
const CODE: Parameter = token("code", "code");
const MEDICATION: Parameter = token("code", "medicationCodeableConcept");
const STATUS: Parameter = token("status", "status");

/// Who reads notes and what stands in them: a submitter of its own source, coders and leads in their scope.
const READERS: &[Permission] = &[Permission::ReadNote, Permission::ReadOwnNote];

/// Everything that is served.
static INTERACTIONS: [Interaction; 31] = [
    Interaction {
        resource: "",
        kind: Kind::Capabilities,
        permissions: &[],
        parameters: &[],
        serve: |call| Box::pin(capability::read(call)),
    },
    Interaction {
        resource: "",
        kind: Kind::Bundle,
        permissions: &[Permission::PostNote],
        parameters: &[],
        serve: |call| Box::pin(intake::bundle(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::Create,
        permissions: &[Permission::PostNote],
        parameters: &[],
        serve: |call| Box::pin(intake::create(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::Update,
        permissions: &[Permission::PostNote],
        parameters: &[],
        serve: |call| Box::pin(intake::update(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::TypeOperation("extract"),
        permissions: &[Permission::Extract],
        parameters: &[],
        serve: |call| Box::pin(extract::extract(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::Operation("everything"),
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(documents::everything(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::Read,
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(documents::read(call)),
    },
    Interaction {
        resource: "DocumentReference",
        kind: Kind::Search,
        permissions: READERS,
        parameters: &[ID, PATIENT, ENCOUNTER, IDENTIFIER],
        serve: |call| Box::pin(documents::search(call)),
    },
    Interaction {
        resource: "Binary",
        kind: Kind::Read,
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(documents::read_binary(call)),
    },
    reading("Condition"),
    searching("Condition", &[ID, PATIENT, ENCOUNTER, CLINICAL, VERIFICATION, CODE, token("category", "category")]),
    reading("AllergyIntolerance"),
    searching("AllergyIntolerance", &[ID, PATIENT, ENCOUNTER, CLINICAL, VERIFICATION, CODE]),
    reading("MedicationStatement"),
    searching("MedicationStatement", &[ID, PATIENT, ENCOUNTER, STATUS, MEDICATION]),
    reading("MedicationRequest"),
    searching("MedicationRequest", &[ID, PATIENT, ENCOUNTER, STATUS, MEDICATION, token("intent", "intent")]),
    reading("FamilyMemberHistory"),
    searching("FamilyMemberHistory", &[ID, PATIENT, ENCOUNTER, STATUS]),
    reading("Provenance"),
    searching(
        "Provenance",
        &[ID, PATIENT, ENCOUNTER, parameter("target", "reference", "what was made: a derived resource or a DocumentReference")],
    ),
    Interaction {
        resource: "Patient",
        kind: Kind::Read,
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(patients::read(call)),
    },
    Interaction {
        resource: "Patient",
        kind: Kind::Search,
        permissions: READERS,
        parameters: &[ID, parameter("identifier", "token", "the sender's identifier of the patient: value, or system|value")],
        serve: |call| Box::pin(patients::search(call)),
    },
    Interaction {
        resource: "Task",
        kind: Kind::Read,
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(tasks::read(call)),
    },
    Interaction {
        resource: "Task",
        kind: Kind::Search,
        permissions: READERS,
        parameters: &[
            ID,
            PATIENT,
            ENCOUNTER,
            parameter("status", "token", "requested, in-progress, completed; several with a comma between"),
            parameter("focus", "reference", "DocumentReference of the encounter"),
        ],
        serve: |call| Box::pin(tasks::search(call)),
    },
    Interaction {
        resource: "AuditEvent",
        kind: Kind::Read,
        permissions: &[Permission::ReadAudit],
        parameters: &[],
        serve: |call| Box::pin(audit::read(call)),
    },
    Interaction {
        resource: "AuditEvent",
        kind: Kind::Search,
        permissions: &[Permission::ReadAudit],
        parameters: &[ID],
        serve: |call| Box::pin(audit::search(call)),
    },
    Interaction {
        resource: "Subscription",
        kind: Kind::Create,
        permissions: &[Permission::ManageDestinations],
        parameters: &[],
        serve: |call| Box::pin(subscriptions::create(call)),
    },
    Interaction {
        resource: "Subscription",
        kind: Kind::Read,
        permissions: &[Permission::ManageDestinations],
        parameters: &[],
        serve: |call| Box::pin(subscriptions::read(call)),
    },
    Interaction {
        resource: "Subscription",
        kind: Kind::Search,
        permissions: &[Permission::ManageDestinations],
        parameters: &[],
        serve: |call| Box::pin(subscriptions::search(call)),
    },
    Interaction {
        resource: "Subscription",
        kind: Kind::Update,
        permissions: &[Permission::ManageDestinations],
        parameters: &[],
        serve: |call| Box::pin(subscriptions::update(call)),
    },
];

const fn reading(resource: &'static str) -> Interaction {
    Interaction {
        resource,
        kind: Kind::Read,
        permissions: READERS,
        parameters: &[],
        serve: |call| Box::pin(charts::read(call)),
    }
}

const fn searching(resource: &'static str, parameters: &'static [Parameter]) -> Interaction {
    Interaction { resource, kind: Kind::Search, permissions: READERS, parameters, serve: |call| Box::pin(charts::search(call)) }
}

impl Interaction {
    /// Where it is served, and by which methods.
    fn routes(&self) -> Vec<(String, MethodFilter)> {
        let base = format!("/fhir/{}", self.resource);
        match self.kind {
            Kind::Read => vec![(format!("{base}/{{id}}"), MethodFilter::GET)],
            Kind::Search => vec![(base.clone(), MethodFilter::GET), (format!("{base}/_search"), MethodFilter::POST)],
            Kind::Create => vec![(base, MethodFilter::POST)],
            Kind::Update => vec![(format!("{base}/{{id}}"), MethodFilter::PUT)],
            Kind::Bundle => vec![("/fhir".to_owned(), MethodFilter::POST), (base, MethodFilter::POST)],
            Kind::Capabilities => vec![("/fhir/metadata".to_owned(), MethodFilter::GET)],
            Kind::TypeOperation(name) => vec![(format!("{base}/${name}"), MethodFilter::POST)],
            Kind::Operation(name) => vec![(format!("{base}/{{id}}/${name}"), MethodFilter::GET)],
        }
    }
}

/// The routes of the table. Every error below `/fhir` is an OperationOutcome.
pub(super) fn router(max_note_bytes: usize) -> Router<Arc<Service>> {
    let mut router = Router::new();
    for interaction in &INTERACTIONS {
        for (path, method) in interaction.routes() {
            let serve = move |State(service): State<Arc<Service>>, request: Request| handle(interaction, service, request);
            router = router.route(&path, on(method, serve));
        }
    }
    router
        .method_not_allowed_fallback(|| async {
            Problem::from(ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address does not take this method; GET /fhir/metadata says what it takes",
            ))
        })
        .route("/fhir/{*rest}", any(|| async { nothing_here() }))
        .layer(DefaultBodyLimit::max(body_limit(max_note_bytes)))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(outcome::panicked))
}

fn nothing_here() -> Problem {
    let detail = "there is nothing at this address; GET /fhir/metadata says what there is";
    Problem::from(ApiError::new(StatusCode::NOT_FOUND, "unknown_address", detail))
}

async fn handle(interaction: &'static Interaction, service: Arc<Service>, request: Request) -> Response {
    let served = match call(interaction, service, request).await {
        Ok(call) => (interaction.serve)(call).await,
        Err(problem) => Err(problem),
    };
    served.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

/// Everything that is checked of every call alike: token, role, formats, parameters, body.
async fn call(interaction: &'static Interaction, service: Arc<Service>, request: Request) -> Result<Call, Problem> {
    let (mut parts, body) = request.into_parts();
    let caller = if interaction.permissions.is_empty() {
        None
    } else {
        let caller = Caller::from_request_parts(&mut parts, &service).await?;
        let allowed = interaction.permissions.iter().any(|permission| caller.may(*permission).is_ok());
        if !allowed {
            return Err(ApiError::forbidden(caller.user.role.as_str()).to(&caller.user).into());
        }
        Some(caller)
    };
    let id = match interaction.kind {
        Kind::Read | Kind::Update | Kind::Operation(_) => Word::from_request_parts(&mut parts, &()).await?.0,
        _ => String::new(),
    };
    let unreadable = || ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", "the parameters cannot be read");
    let Query(mut parameters) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| unreadable())?;
    let posted_search = interaction.kind == Kind::Search && parts.method == Method::POST;
    let request = Request::from_parts(parts.clone(), body);
    let mut bytes = axum::body::Bytes::new();
    if posted_search {
        let Form(more) = Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|_| {
            let detail = "send the parameters as application/x-www-form-urlencoded";
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content", detail)
        })?;
        parameters.extend(more);
    } else if [Method::POST, Method::PUT].contains(&parts.method) {
        call::is_json(&parts.headers)?;
        bytes = axum::body::Bytes::from_request(request, &()).await.map_err(|rejection| super::body::refused(&rejection))?;
    }
    Call::checked(interaction, (service, caller), (id, parameters, bytes), &parts)
}

#[cfg(test)]
mod tests;
