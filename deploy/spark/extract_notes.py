#!/usr/bin/env python3
"""A Spark job that has the program extract many notes: notes in from Parquet or JDBC, coded entries and refusals out as Parquet.

    spark-submit extract_notes.py --input NOTES --output OUTPUT

README.md beside this file says how to run it on a cluster, what it writes and what it guarantees.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import queue
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow
from pyspark import SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import StructType

# What the program takes of a note beside its id.
FIELDS = ["text", "service_date", "discharge_date", "encounter_class"]
# What the job adds to a note.
RESULTS = ["extraction", "error_code", "error_message"]
# Notes that travel together between Spark and Python: few, so that a batch of the longest notes fits in memory.
BATCH = 32
# What of the program's complaint stands in the message of a failed task. It never quotes a note.
COMPLAINT_BYTES = 500

# The part of the JSON contract that stands in the table of entries.
CONTRACT = """
    engine STRUCT<version: STRING, model: STRING, vocabulary: STRING, edition: STRING, edition_exact: BOOLEAN>,
    entries ARRAY<STRUCT<
        id: STRING, kind: STRING, display: STRING, assertion: STRING, status: STRING, scope: STRING,
        codes: ARRAY<STRUCT<system: STRING, code: STRING, display: STRING, score: DOUBLE>>,
        confidence: DOUBLE, reportable: BOOLEAN, not_reportable_because: STRING,
        evidence: ARRAY<STRUCT<
            start: BIGINT, `end`: BIGINT, text: STRING, section: STRING, assertion: STRING, status: STRING, confidence: DOUBLE>>>>
"""


# ---- in a Python worker of an executor: one process of the program for the notes of a partition


def extractions(batches: Iterator[pyarrow.RecordBatch], command: list[str]) -> Iterator[pyarrow.RecordBatch]:
    """A batch of results for every batch of notes, row by row in the same order, from one process of the program.

    Whatever is not as it should be (the process ends early, another note is answered, a line too many) raises, so that Spark
    throws the partition away and tries it again.
    """
    first = next(batches, None)
    if first is None:
        return
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        asked: queue.SimpleQueue = queue.SimpleQueue()
        # The program answers a note only after more have come, so asking must not wait for answers. What is under way stays bounded:
        # the program reads no further while its answers are not taken, and then the pipe is full.
        threading.Thread(target=ask, args=(itertools.chain([first], batches), process.stdin, asked), daemon=True).start()
        try:
            yield from answers(process, asked, complaints)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def ask(batches: Iterator[pyarrow.RecordBatch], stdin: BinaryIO, asked: queue.SimpleQueue) -> None:
    """Writes the notes to the program and tells what was asked: what stays of each batch, its ids, its refusals; at the end None.

    After a failure it tells the error instead; what was asked before is answered all the same.
    """
    try:
        with stdin:
            for batch in batches:
                rest = batch.select([name for name in batch.schema.names if name not in FIELDS])
                notes = batch.select(["note_id", *FIELDS]).to_pylist()
                lines, refusals = zip(*map(line, notes), strict=True) if notes else ((), ())
                asked.put((rest, [note["note_id"] for note in notes], refusals))
                stdin.writelines(filter(None, lines))
        asked.put(None)
    except BaseException as error:
        asked.put(error)


def answers(process: subprocess.Popen, asked: queue.SimpleQueue, complaints: BinaryIO) -> Iterator[pyarrow.RecordBatch]:
    """The results of what is asked, until the program has ended as it should."""
    refused = False
    while (question := asked.get()) is not None:
        if isinstance(question, BrokenPipeError):
            raise ended(process, complaints)
        if isinstance(question, BaseException):
            raise question
        rest, ids, refusals = question
        results = []
        for note_id, refusal in zip(ids, refusals, strict=True):
            result = refusal or answer(process, note_id, complaints)
            refused = refused or (refusal is None and result[1] is not None)
            results.append(result)
        columns = [pyarrow.array([result[at] for result in results], pyarrow.string()) for at in range(len(RESULTS))]
        yield pyarrow.RecordBatch.from_arrays([*rest.columns, *columns], [*rest.schema.names, *RESULTS])
    if process.stdout.readline():
        raise RuntimeError("the program answered more notes than were asked")
    # its status is 1 when it refused a note
    if process.wait() != (1 if refused else 0):
        raise ended(process, complaints)


def line(note: dict) -> tuple[bytes | None, tuple | None]:
    """The line that asks about a note; or its result, when its text is not what a line can hold."""
    try:
        text = note["text"] if note["text"] is None else note["text"].decode()
    except UnicodeDecodeError as error:
        return None, (None, "invalid_utf8", f"not valid UTF-8 at byte {error.start}; convert the text to UTF-8")
    question = {"id": note["note_id"], **{name: note[name] for name in FIELDS}, "text": text}
    return json.dumps(question).encode() + b"\n", None


def answer(process: subprocess.Popen, note_id: str, complaints: BinaryIO) -> tuple[str | None, str | None, str | None]:
    """The next result: the extraction as JSON, or code and message of a refusal."""
    content = process.stdout.readline()
    if not content.endswith(b"\n"):
        raise ended(process, complaints)
    result = json.loads(content)
    if result["note_id"] != note_id:
        raise RuntimeError("the program answered another note than the one that was asked")
    if error := result.get("error"):
        return None, error["code"], error["message"]
    return content.decode().rstrip("\n"), None, None


def ended(process: subprocess.Popen, complaints: BinaryIO) -> RuntimeError:
    """How the process ended that should not have (it has, its pipes are closed), with the end of what it complained of."""
    status = process.wait()
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - COMPLAINT_BYTES))
    said = complaints.read().decode(errors="replace").strip()
    memory = "; SIGKILL is often the system out of memory: raise spark.executor.memoryOverhead" if status == -9 else ""
    return RuntimeError(f"the program ended {how} before all its notes were answered{memory}{': ' if said else ''}{said}")


def partition(program: str, arguments: list[str]):
    """The function that Spark calls with the batches of a partition."""

    def extract(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        # `--files` puts the program there
        shipped = Path(SparkFiles.getRootDirectory(), program)
        command = [str(shipped.absolute()) if shipped.is_file() else program, "extract", "--format", "ndjson", *arguments, "-"]
        return extractions(iter(batches), command)

    return extract


# ---- in the driver: what is to be done, wave by wave


def run(spark: SparkSession, options: argparse.Namespace) -> int:
    """Extracts every note of the input that has no result yet; how many have none after that."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
    source = read_notes(spark, options)
    check_ids(source)
    waves = list_waves(spark, f"{options.output}/notes")
    for name in [name for name, whole in waves.items() if not whole]:
        remove(spark, f"{options.output}/notes/{name}")
    for name in [name for name, whole in waves.items() if whole]:
        write_tables(spark, options.output, name)

    waiting = without_result(spark, source, options.output)
    count = waiting.count()
    number = max((int(name.removeprefix("wave=")) for name in waves), default=0)
    among = math.ceil(count / options.wave_notes)
    say(f"{count} notes wait, in {among} waves")
    for wave in range(among):
        # by hash, so that a note is of the same wave and partition however often the input is read
        notes = waiting.where(sql.pmod(sql.xxhash64("note_id"), sql.lit(among)) == wave)
        name = f"wave={number + wave + 1:06}"
        write(extract(spark, notes, math.ceil(count / among), options), f"{options.output}/notes/{name}")
        write_tables(spark, options.output, name)
        say(f"wave {wave + 1} of {among} is written")

    left = without_result(spark, source, options.output).count()
    check_results(spark, options.output)
    if left:
        say(f"{left} notes have come to the input meanwhile: run the job again")
    return left


def extract(spark: SparkSession, notes: DataFrame, count: int, options: argparse.Namespace) -> DataFrame:
    """The notes with what the program says of them, in place of their texts."""
    schema = StructType([field for field in notes.schema.fields if field.name not in FIELDS])
    for name in RESULTS:
        schema = schema.add(name, "string")
    parallelism = spark.sparkContext.defaultParallelism
    partitions = max(1, math.ceil(count / options.partition_notes), min(count, parallelism))
    threads = spark.conf.get("spark.task.cpus", "1")
    arguments = ["--threads", threads, *shlex.split(options.arguments)]
    return notes.repartition(partitions, "note_id").mapInArrow(partition(options.program, arguments), schema)


def read_notes(spark: SparkSession, options: argparse.Namespace) -> DataFrame:
    """The notes of the input: `note_id`, what the program takes, and the columns that are kept."""
    if options.input:
        source = spark.read.parquet(options.input)
    else:
        # the rows come in portions: some drivers hold the whole table in memory otherwise
        reader = spark.read.format("jdbc").option("fetchsize", 1000)
        for option in options.jdbc_option:
            name, _, value = option.partition("=")
            reader = reader.option(name, value)
        reader = reader.option("url", options.jdbc_url).option("dbtable", options.table)
        if options.user:
            reader = reader.option("user", options.user)
        if password := read_password(options):
            reader = reader.option("password", password)
        source = reader.load()
    if options.where:
        source = source.where(options.where)

    def word(name: str | None):
        return sql.col(f"`{name}`").cast("string") if name else sql.lit(None).cast("string")

    def day(name: str | None):
        kind = name and source.select(f"`{name}`").schema[0].dataType.typeName()
        return sql.date_format(f"`{name}`", "yyyy-MM-dd") if kind in ("date", "timestamp", "timestamp_ntz") else word(name)

    kept = [name for name in options.keep.split(",") if name]
    check_kept(spark, kept)
    return source.select(
        word(options.id).alias("note_id"),
        # as bytes: a text that is not UTF-8 is refused by itself, and does not fail the notes around it
        sql.col(f"`{options.text}`").cast("binary").alias("text"),
        day(options.service_date).alias("service_date"),
        day(options.discharge_date).alias("discharge_date"),
        word(options.encounter_class).alias("encounter_class"),
        *[sql.col(f"`{name}`").alias(name) for name in kept],
    )


def check_kept(spark: SparkSession, kept: list[str]) -> None:
    """Ends the job when a column that is kept has the name of one of a table's own; writing the table would fail, after all the work."""
    results = spark.createDataFrame([], ", ".join(f"{name} STRING" for name in ["note_id", *RESULTS]))
    own = {"wave", *FIELDS, *results.columns, *entries_of(results).columns, *errors_of(results).columns}
    if taken := [name for name in kept if name.lower() in own or kept.count(name) > 1]:
        sys.exit(f"extract_notes: the tables have columns named {', '.join(taken)} already: --keep needs other names, by a view or a query")


def read_password(options: argparse.Namespace) -> str | None:
    """The password of the database: of a file or of the environment, never of the command line."""
    if options.password_file:
        return Path(options.password_file).read_text().rstrip("\r\n")
    return os.environ.get("ABSTRACTOR_JDBC_PASSWORD")


def check_ids(source: DataFrame) -> None:
    """Ends the job when ids do not name notes: results could not be told apart."""
    rows, ids, different = source.agg(sql.count("*"), sql.count("note_id"), sql.count_distinct("note_id")).first()
    if rows != different:
        sys.exit(
            f"extract_notes: {rows - ids} notes have no id and {ids - different} have the id of another: choose with --id a column "
            "that names every note once, or leave some out with --where"
        )


def without_result(spark: SparkSession, source: DataFrame, output: str) -> DataFrame:
    """The notes of the input that no finished wave has."""
    paths = [f"{output}/notes/{name}" for name, whole in list_waves(spark, f"{output}/notes").items() if whole]
    return source.join(spark.read.parquet(*paths).select("note_id"), "note_id", "left_anti") if paths else source


def check_results(spark: SparkSession, output: str) -> None:
    """Tells how much there is, and ends the job when a note has two results: then two jobs wrote at once."""
    if not list_waves(spark, f"{output}/notes"):
        return
    notes = spark.read.parquet(f"{output}/notes")
    rows, different, refused = notes.agg(sql.count("*"), sql.count_distinct("note_id"), sql.count("error_code")).first()
    entries = spark.read.parquet(f"{output}/entries").count()
    say(f"the output has {rows} notes, {refused} of them refused, and {entries} entries")
    if rows != different:
        sys.exit(f"extract_notes: {rows - different} results are doubles: two jobs wrote to this output at the same time")


# ---- what is written


def write_tables(spark: SparkSession, output: str, name: str) -> None:
    """Writes the entries and the errors of a wave, from its notes, where they are not there yet."""
    for table, of in (("entries", entries_of), ("errors", errors_of)):
        if not list_waves(spark, f"{output}/{table}").get(name):
            write(of(spark.read.parquet(f"{output}/notes/{name}")), f"{output}/{table}/{name}")


def entries_of(notes: DataFrame) -> DataFrame:
    """One row an entry."""
    kept = [name for name in notes.columns if name not in RESULTS]
    # an extraction that is not as the contract has it must fail the job; by default Spark would make it null
    parsed = sql.from_json("extraction", CONTRACT, {"mode": "FAILFAST"})
    of_notes = notes.where("extraction IS NOT NULL").select(*kept, parsed.alias("extraction"))
    entries = of_notes.select(*kept, "extraction.engine", sql.explode("extraction.entries").alias("entry"))
    code = sql.get("entry.codes", sql.lit(0))
    return entries.select(
        *kept,
        sql.col("entry.id").alias("entry_id"),
        *[f"entry.{name}" for name in ("kind", "display", "assertion", "status", "scope")],
        code["system"].alias("code_system"),
        code["code"].alias("code"),
        code["display"].alias("code_display"),
        code["score"].alias("code_score"),
        *[f"entry.{name}" for name in ("confidence", "reportable", "not_reportable_because", "evidence")],
        sql.col("engine.version").alias("engine_version"),
        *[f"engine.{name}" for name in ("model", "vocabulary", "edition", "edition_exact")],
    )


def errors_of(notes: DataFrame) -> DataFrame:
    """One row a note that was refused."""
    kept = [name for name in notes.columns if name not in RESULTS]
    return notes.where("error_code IS NOT NULL").select(
        *kept, sql.col("error_code").alias("code"), sql.col("error_message").alias("message")
    )


def write(table: DataFrame, path: str) -> None:
    """Writes a folder that counts only when Spark has put _SUCCESS into it; what was left there before goes."""
    writer = table.write.mode("overwrite")
    writer = writer.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "true")
    # version 2 lets files of a task be seen that fails afterwards
    writer.option("mapreduce.fileoutputcommitter.algorithm.version", "1").parquet(path)


def list_waves(spark: SparkSession, folder: str) -> dict[str, bool]:
    """The waves in a folder, and whether each is whole."""
    files, path = hadoop(spark, folder)
    if not files.exists(path):
        return {}
    names = sorted(status.getPath().getName() for status in files.listStatus(path))
    waves = [name for name in names if name.startswith("wave=")]
    return {name: files.exists(hadoop(spark, f"{folder}/{name}/_SUCCESS")[1]) for name in waves}


def remove(spark: SparkSession, folder: str) -> None:
    """Removes a folder with what is in it."""
    files, path = hadoop(spark, folder)
    files.delete(path, True)


def hadoop(spark: SparkSession, path: str):
    """A path as Hadoop has it, and the file system that it lies in."""
    path = spark._jvm.org.apache.hadoop.fs.Path(path)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path


def say(sentence: str) -> None:
    print(f"extract_notes: {sentence}", flush=True)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", metavar="PATH", help="notes as Parquet: a folder or a pattern, in any file system that Spark reads")
    source.add_argument("--jdbc-url", metavar="URL", help="notes in a database; its JDBC driver comes by spark-submit --jars")
    parser.add_argument("--table", metavar="TABLE", help="table or view of the database, or a query in brackets with a name")
    parser.add_argument("--user", metavar="NAME", help="user of the database")
    parser.add_argument("--password-file", metavar="FILE", help="file with the password; else ABSTRACTOR_JDBC_PASSWORD of the driver")
    parser.add_argument(
        "--jdbc-option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="option of Spark's JDBC source, such as partitionColumn, lowerBound, upperBound and numPartitions",
    )
    parser.add_argument("--output", metavar="PATH", required=True, help="folder of the results; what has a result there is not done again")
    parser.add_argument("--id", metavar="COLUMN", default="id", help="names a note (default: id)")
    parser.add_argument("--text", metavar="COLUMN", default="text", help="its text (default: text)")
    parser.add_argument("--service-date", metavar="COLUMN", help="its day of service: a date, a timestamp, or a string such as 2026-05-31")
    parser.add_argument("--discharge-date", metavar="COLUMN", help="the day of discharge, likewise")
    parser.add_argument("--encounter-class", metavar="COLUMN", help="inpatient, outpatient or emergency")
    parser.add_argument("--keep", metavar="COLUMNS", default="", help="columns that stand in the results too, such as note_type,department")
    parser.add_argument("--where", metavar="CONDITION", help="SQL condition on the input: which notes are meant")
    parser.add_argument("--program", metavar="PATH", default="abstractor", help="the program on the executors (default: abstractor)")
    parser.add_argument("--arguments", metavar="WORDS", default="", help="options of `abstractor extract`, in one word")
    parser.add_argument("--wave-notes", metavar="N", type=int, default=500_000, help="notes that are written at a time (default: 500000)")
    parser.add_argument("--partition-notes", metavar="N", type=int, default=2_000, help="notes of one process at most (default: 2000)")
    options = parser.parse_args(words)
    if options.jdbc_url and not options.table:
        parser.error("--jdbc-url needs --table")
    if options.wave_notes < 1 or options.partition_notes < 1:
        parser.error("--wave-notes and --partition-notes are at least 1")
    if any(option.lower().startswith("password=") for option in options.jdbc_option):
        parser.error("a password on the command line is seen by others: use --password-file")
    return options


def main() -> None:
    options = parse()
    spark = SparkSession.builder.appName("abstractor extract").getOrCreate()
    try:
        left = run(spark, options)
    finally:
        spark.stop()
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
