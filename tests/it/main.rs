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
mod fhir_api;
mod gold;
mod golden;
mod intake;
mod kill;
mod layers;
mod leak;
mod model;
mod openapi;
mod pages;
mod server;
mod vocabularies;
