//! The `abstractor` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match abstractor::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("abstractor: {}", abstractor::cli::sentence(&error));
            ExitCode::FAILURE
        }
    }
}
