//! Tests from outside: the built program, a running server, its pages.

mod golden;
mod layers;
mod server;
