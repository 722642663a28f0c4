//! Speed of one thread: wordpieces a second for each precision, and what part of the CPU's own peak that is.
//!
//! `bench [--windows FILE] [--lengths 180,256] [--seconds 2] [--rounds 5] [--instructions avx512bf16]`. With `--serve` it reads
//! lines `precision length` and answers each with one line, the wordpieces a second of one batch, so that another program can
//! take turns with it.

#[path = "../../tests/common/mod.rs"]
mod common;
mod peak;

use std::{io::BufRead, time::Instant};

use abstractor_encoder::{Encoder, Instructions, Precision, Scratch};
use common::{Model, Window, inputs, windows};

/// Windows of a batch.
const BATCH: usize = 8;

struct Options {
    windows: Vec<Window>,
    lengths: Vec<usize>,
    rounds: usize,
    serve: bool,
    instructions: Instructions,
}

fn options() -> Options {
    let mut own = Options {
        windows: windows(include_bytes!("../../tests/fixtures/windows.json")),
        lengths: vec![180, 256],
        rounds: 9,
        serve: false,
        instructions: Instructions::detect(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--windows" => own.windows = windows(&std::fs::read(value()).expect("the file")),
            "--lengths" => own.lengths = value().split(',').map(|length| length.parse().expect("a number")).collect(),
            "--rounds" => own.rounds = value().parse().expect("a number"),
            "--serve" => own.serve = true,
            "--instructions" => {
                let name = value();
                let named = |instructions: &Instructions| format!("{instructions:?}").eq_ignore_ascii_case(&name);
                own.instructions = Instructions::ALL.into_iter().find(named).expect("such instructions");
            }
            other => panic!("unknown argument {other}"),
        }
    }
    own
}

/// A batch of windows of one length, from the wordpieces of all windows one after the other.
fn batch(of: &[Window], length: usize) -> Vec<Window> {
    let pieces: Vec<(u32, u32)> =
        of.iter().flat_map(|window| window.ids.iter().copied().zip(window.types.iter().copied())).collect();
    pieces
        .chunks_exact(length)
        .take(BATCH)
        .map(|chunk| chunk.iter().copied().unzip())
        .map(|(ids, types)| Window { ids, types })
        .collect()
}

/// Nanoseconds that this thread has run, where the system tells: on a machine shared with others, waiting is not counted.
fn ran() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Wordpieces a second of the thread's own time, over so many batches.
fn run(encoder: &Encoder, scratch: &mut Scratch, windows: &[Window], batches: usize) -> f64 {
    let (start, ran_before) = (Instant::now(), ran());
    let mut count = 0;
    for _ in 0..batches {
        let logits = encoder.logits(scratch, &inputs(windows)).expect("runs");
        count += logits.values().len() / logits.columns();
    }
    let seconds = match (ran_before, ran()) {
        (Some(before), Some(after)) if after > before => (after - before) as f64 / 1e9,
        _ => start.elapsed().as_secs_f64(),
    };
    count as f64 / seconds
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Multiplications of the products with weights and of attention for one wordpiece.
fn multiplications(encoder: &Encoder, length: usize) -> (f64, f64) {
    let shape = encoder.shape();
    let weights = shape.layers * (4 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.intermediate);
    ((weights + shape.columns * shape.hidden) as f64, (shape.layers * 2 * length * shape.hidden) as f64)
}

fn main() {
    let options = options();
    let model = Model::read();
    let encoders: Vec<(Precision, Encoder, f64)> = Precision::ALL
        .into_iter()
        .map(|precision| {
            let start = Instant::now();
            let encoder = model.encoder(precision, options.instructions);
            (precision, encoder, start.elapsed().as_secs_f64())
        })
        .filter(|(precision, encoder, _)| encoder.precision_used() == *precision)
        .collect();
    let mut scratch = Scratch::new();
    if options.serve {
        for line in std::io::stdin().lock().lines() {
            let line = line.expect("a line");
            let (name, length) = line.split_once(' ').expect("precision and length");
            let named = |own: &&(Precision, Encoder, f64)| format!("{:?}", own.0).eq_ignore_ascii_case(name);
            let (_, encoder, _) = encoders.iter().find(named).expect("a precision");
            println!("{}", run(encoder, &mut scratch, &batch(&options.windows, length.parse().expect("a length")), 2));
        }
        return;
    }
    println!("{:?}", options.instructions);
    for (precision, encoder, seconds) in &encoders {
        let (products, tables) = encoder.bytes();
        println!(
            "{precision:?}: packed in {:.0} ms; products {:.1} MB, tables {:.1} MB",
            seconds * 1e3,
            products as f64 / 1e6,
            tables as f64 / 1e6
        );
    }
    for length in options.lengths {
        let windows = batch(&options.windows, length);
        let mut speeds = vec![Vec::new(); encoders.len()];
        let mut peaks = vec![Vec::new(); 3];
        for round in 0..=options.rounds {
            for (own, (_, encoder, _)) in speeds.iter_mut().zip(&encoders) {
                let speed = run(encoder, &mut scratch, &windows, 2);
                if round > 0 {
                    own.push(speed);
                }
            }
            for (own, peak) in peaks.iter_mut().zip(peak::measure(options.instructions)) {
                own.push(peak);
            }
        }
        let peaks: Vec<f64> = peaks.into_iter().map(median).collect();
        println!(
            "windows of {length}; peak in 10^9 multiplications a second: f32 {:.0}, bf16 {:.0}, int8 {:.0}",
            peaks[0] / 1e9,
            peaks[1] / 1e9,
            peaks[2] / 1e9
        );
        for ((precision, encoder, _), own) in encoders.iter().zip(speeds) {
            let speed = median(own);
            let (weights, attention) = multiplications(encoder, length);
            let peak = match precision {
                Precision::F32 => peaks[0],
                Precision::Bf16 => peaks[1],
                Precision::Int8 => peaks[2],
            };
            println!(
                "{precision:?}: {speed:.0} wordpieces/s; {:.1} % of peak, {:.1} % counting products with weights only",
                speed * (weights + attention) / peak * 100.0,
                speed * weights / peak * 100.0
            );
        }
    }
    println!("scratch {:.1} MB", scratch.bytes() as f64 / 1e6);
}
