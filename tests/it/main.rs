//! Tests from outside: the built program, a running server, its pages.

mod browser;
mod documents;
mod golden;
mod layers;
mod openapi;
mod pages;
mod server;
