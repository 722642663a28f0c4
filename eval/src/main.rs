//! The `abstractor-eval` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match abstractor_eval::cli::run(std::env::args()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("abstractor-eval: {error:#}");
            ExitCode::FAILURE
        }
    }
}
