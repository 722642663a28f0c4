"""How many notes a second the Spark job does on this machine, with one and with two workers, and what a cluster would do if it scaled so.

    cargo build --release
    target/spark/bin/python deploy/spark/bench.py [--arguments "--recognizers dictionary"] [--executors 10] [--cores 8]

The notes are those of eval/gold, over and over; every worker gets the same number. The time is that of the whole job, from reading to
the last table, after a small job that starts Spark and its workers. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyarrow
from pyarrow import parquet
from pyspark.sql import SparkSession

import extract_notes

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [json.loads(line)["text"] for line in (ROOT / "eval/gold/notes.jsonl").read_text().splitlines()]


def notes(count: int) -> list[dict]:
    return [{"id": str(number), "text": TEXTS[number % len(TEXTS)]} for number in range(count)]


def without_spark(options: argparse.Namespace, folder: Path) -> float:
    """Seconds of one process with one thread for the notes of one worker."""
    path = folder / "notes.ndjson"
    path.write_text("\n".join(map(json.dumps, notes(options.notes))))
    command = [options.program, "extract", "--format", "ndjson", "--threads", "1", *shlex.split(options.arguments), path]
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


def with_workers(options: argparse.Namespace, folder: Path, workers: int) -> float:
    """Seconds of the job with so many workers, each with the notes of one."""
    builder = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", workers).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.addPyFile(extract_notes.__file__)

    def job(name: str, count: int) -> float:
        parquet.write_table(pyarrow.Table.from_pylist(notes(count)), folder / f"{name}.parquet")
        words = ["--input", str(folder / f"{name}.parquet"), "--output", str(folder / name)]
        words += ["--program", options.program, "--arguments", options.arguments]
        started = time.monotonic()
        extract_notes.run(spark, extract_notes.parse(words))
        return time.monotonic() - started

    try:
        job(f"warm-{workers}", 10 * workers)
        return job(f"measured-{workers}", options.notes * workers)
    finally:
        spark.stop()


def most_memory(program: str, most: list[int], done: threading.Event) -> None:
    """Keeps the most memory that a process of the program has had, in KiB."""
    while not done.wait(0.2):
        for process in Path("/proc").iterdir():
            try:
                if os.readlink(process / "exe") == program:
                    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
                    most[0] = max(most[0], int(status["VmHWM"].split()[0]))
            except (OSError, KeyError):
                continue  # no process, another's, or one that has just ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "target/release/abstractor"))
    parser.add_argument("--arguments", default="", help="options of `abstractor extract`, in one word")
    parser.add_argument("--notes", type=int, default=1_000, help="notes of each worker (default: 1000)")
    parser.add_argument("--executors", type=int, default=10, help="executors of the cluster to project to (default: 10)")
    parser.add_argument("--cores", type=int, default=8, help="cores of each (default: 8)")
    options = parser.parse_args()
    options.program = str(Path(options.program).resolve(strict=True))
    os.environ["PYSPARK_PYTHON"] = sys.executable

    most, done = [0], threading.Event()
    watch = threading.Thread(target=most_memory, args=(options.program, most, done))
    watch.start()
    rows = []
    try:
        with tempfile.TemporaryDirectory(prefix="abstractor-spark-") as folder:
            rows.append(("one process, no Spark", 1, without_spark(options, Path(folder))))
            for workers in (1, 2):
                rows.append((f"Spark, workers: {workers}", workers, with_workers(options, Path(folder), workers)))
    finally:
        done.set()
        watch.join()

    print(f"\n{'':24}{'notes':>8}{'seconds':>10}{'notes/s':>10}{'a core':>10}")
    for name, workers, seconds in rows:
        count = options.notes * workers
        rate = count / seconds
        print(f"{name:24}{count:8}{seconds:10.1f}{rate:10.1f}{rate / workers:10.1f}")
    print(f"memory of one process at most: {most[0] / 1024:.0f} MiB")
    cores = options.executors * options.cores
    rate *= cores / workers
    print(f"if {options.executors} executors with {options.cores} cores scaled so: {rate:.0f} notes/s, {1e6 / rate / 3600:.1f} hours a million notes")


if __name__ == "__main__":
    main()
