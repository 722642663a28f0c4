//! Tests from outside: the built program, a running server, its pages.

mod documents;
mod golden;
mod layers;
mod openapi;
mod server;
