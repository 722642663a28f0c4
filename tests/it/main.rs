//! Tests from outside: the built program, a running server, its pages.

mod allergy_links;
mod api;
mod browser;
mod codes;
mod commands;
mod context;
mod contract;
mod documents;
mod edits;
mod endpoints;
mod fhir;
mod gold;
mod golden;
mod hl7;
mod hl7_many;
mod intake;
mod kill;
mod layers;
mod leak;
mod model;
mod openapi;
mod pages;
mod server;
mod vocabularies;
mod webhooks;
