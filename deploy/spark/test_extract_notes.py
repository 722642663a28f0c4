"""Tests of the Spark job: on a small cluster of its own the results are those of one process, whoever is killed on the way.

    cargo build
    python3 -m venv target/spark && target/spark/bin/pip install --requirement deploy/spark/requirements.txt
    target/spark/bin/python -m unittest discover -s deploy/spark

Needs Java 17 (Debian: default-jre-headless). ABSTRACTOR_PROGRAM names another program than target/debug/abstractor.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pyspark
from pyarrow import parquet
from pyspark.sql import SparkSession

import extract_notes

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("ABSTRACTOR_PROGRAM", ROOT / "target/debug/abstractor")).resolve()
ARGUMENTS = ["--recognizers", "dictionary"]
os.environ["ABSTRACTOR_SIMILARITY"] = "off"
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

GOLD = [json.loads(line) for line in (ROOT / "eval/gold/notes.jsonl").read_text().splitlines()]
# Notes that the program refuses, and one that is no UTF-8: with the code that each gets.
REFUSED = {
    "empty": (b"", "empty_note"),
    "nul": (b"Asthma.\0", "nul_character"),
    "latin": (b"Sj\xf6gren syndrome.", "invalid_utf8"),
    "missing": (None, "invalid_json"),
}
NOTES = [
    {
        "id": note["id"],
        "text": note["text"].encode(),
        "day": date(2026, 3, 1 + number % 28),
        "class": ["inpatient", "outpatient", "emergency", None][number % 4],
        "note_type": note["note_type"],
        "ward": None if number % 3 else number,
        "written": datetime(2026, 3, 1, number % 24),
    }
    for number, note in enumerate(GOLD)
] + [
    {"id": name, "text": text, "day": None, "class": None, "note_type": None, "ward": 7, "written": None}
    for name, (text, _) in REFUSED.items()
]
SCHEMA = pyarrow.schema(
    [
        ("id", pyarrow.string()),
        ("text", pyarrow.binary()),
        ("day", pyarrow.date32()),
        ("class", pyarrow.string()),
        ("note_type", pyarrow.string()),
        ("ward", pyarrow.int32()),
        ("written", pyarrow.timestamp("us", "UTC")),
    ]
)
COLUMNS = ["--service-date", "day", "--encounter-class", "class", "--keep", "note_type,ward,written"]
PATIENCE = 60  # seconds until something that must happen has failed to


def single_process() -> list[dict]:
    """What one process of the program says of the gold notes, without Spark."""
    lines = [
        json.dumps({"id": note["id"], "text": note["text"].decode(), "service_date": str(note["day"]), "encounter_class": note["class"]})
        for note in NOTES[: len(GOLD)]
    ]
    command = [PROGRAM, "extract", "--format", "ndjson", *ARGUMENTS, "-"]
    run = subprocess.run(command, input="\n".join(lines).encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def rows_of(extractions: list[dict]) -> list[dict]:
    """The table of entries as the README has it, from the JSON of the program."""
    notes = {note["id"]: note for note in NOTES}
    rows = []
    for extraction in extractions:
        note, engine = notes[extraction["note_id"]], extraction["engine"]
        for entry in extraction["entries"]:
            code = (entry["codes"] or [{}])[0]
            row = {name: entry[name] for name in ("kind", "display", "assertion", "status", "scope")}
            row |= {name: entry[name] for name in ("confidence", "reportable", "not_reportable_because")}
            row |= {name: note[name] for name in ("note_type", "ward")}
            row |= {"note_id": note["id"], "entry_id": entry["id"], "written": note["written"]}
            row |= {"code_system": code.get("system"), "code": code.get("code")}
            row |= {"code_display": code.get("display"), "code_score": code.get("score")}
            row |= {"engine_version": engine["version"]}
            row |= {name: engine[name] for name in ("model", "vocabulary", "edition", "edition_exact")}
            names = ("start", "end", "text", "section", "assertion", "status", "confidence")
            row["evidence"] = [{name: evidence[name] for name in names} for evidence in entry["evidence"]]
            rows.append(row)
    return rows


def read(output: Path, table: str) -> list[dict]:
    """The rows of a table as somebody without Spark reads them."""
    rows = parquet.read_table(output / table).to_pylist()
    for row in rows:
        row.pop("wave")
        if row.get("written"):
            row["written"] = row["written"].replace(tzinfo=None)
    return rows


def files(output: Path) -> dict[str, int]:
    """Every file with the time of its last change."""
    return {str(path.relative_to(output)): path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}


def wait_for(happened) -> None:
    """Returns what is true at last, or fails."""
    end = time.monotonic() + PATIENCE
    while not (result := happened()):
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.05)
    return result


def alive(process: int) -> bool:
    """False for a zombie too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def executor_of(process: int) -> int:
    """The JVM of the executor under which a process runs."""
    while b"CoarseGrainedExecutorBackend" not in Path(f"/proc/{process}/cmdline").read_bytes():
        process = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
        if process <= 1:
            raise AssertionError("no executor above it")
    return process


class Near(float):
    """A number that equals others within the tolerance of single precision."""

    def __eq__(self, other):
        return abs(self - other) < 1e-5

    __hash__ = None


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="abstractor-spark-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def script(self, name: str, content: str) -> Path:
        """An executable Python script."""
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n{content}")
        path.chmod(0o700)
        return path

    def same_entries(self, found: list[dict], expected: list[dict]) -> None:
        """The same rows in any order; numbers within the tolerance of single precision."""

        def name(row: dict) -> tuple[str, str]:
            return row["note_id"], row["entry_id"]

        found, expected = sorted(found, key=name), sorted(expected, key=name)
        self.assertEqual(list(map(name, found)), list(map(name, expected)))
        for one, other in zip(found, expected, strict=True):
            for row in (one, other):
                for part in (row, *row["evidence"]):
                    for number in ("confidence", "code_score"):
                        part[number] = None if part.get(number) is None else Near(part[number])
            self.assertEqual(one, other)


class OneProcess(Case):
    """The part that runs in a Python worker, without Spark."""

    def batches(self, notes: list[dict], size: int):
        schema = pyarrow.schema([(name, pyarrow.binary() if name == "text" else pyarrow.string()) for name in ["note_id", *extract_notes.FIELDS]])
        for at in range(0, len(notes), size):
            yield pyarrow.RecordBatch.from_pylist([{"note_id": note["id"], "text": note["text"]} for note in notes[at : at + size]], schema)

    def results(self, command: list, notes: list[dict], size: int = 7) -> list[dict]:
        return [row for batch in extract_notes.extractions(self.batches(notes, size), list(map(str, command))) for row in batch.to_pylist()]

    def fails(self, program: str, sentence: str) -> None:
        notes = [{"id": f"secret-{number}", "text": b"Zyxwatson has asthma."} for number in range(200)]
        with self.assertRaisesRegex(RuntimeError, sentence) as raised:
            self.results([self.script("program", program)], notes)
        self.assertNotRegex(str(raised.exception), "secret|Zyxwatson")

    def test_every_note_gets_one_result_in_its_place(self):
        # a batch a note: the program answers the first only after it has read dozens
        results = self.results([PROGRAM, "extract", "--format", "ndjson", *ARGUMENTS, "-"], NOTES, size=1)
        self.assertEqual([row["note_id"] for row in results], [note["id"] for note in NOTES])
        for row in results:
            if row["note_id"] in REFUSED:
                self.assertEqual((row["extraction"], row["error_code"]), (None, REFUSED[row["note_id"]][1]))
                self.assertTrue(row["error_message"])
            else:
                self.assertEqual(json.loads(row["extraction"])["note_id"], row["note_id"])
                self.assertEqual((row["error_code"], row["error_message"]), (None, None))

    def test_a_partition_without_notes_starts_no_process(self):
        self.assertEqual(self.results([self.folder / "not-there"], []), [])

    def test_answers_that_fill_the_pipe_many_times_over(self):
        program = self.script(
            "program",
            "import json, sys\n"
            "for line in sys.stdin: print(json.dumps({'note_id': json.loads(line)['id'], 'filler': 'x' * 300_000}))\n",
        )
        notes = [{"id": str(number), "text": b"x" * 300_000} for number in range(100)]
        self.assertEqual([row["note_id"] for row in self.results([program], notes)], [note["id"] for note in notes])

    def test_an_end_that_comes_early(self):
        five = "import json, os, sys\nfor _ in range(5): print(json.dumps({'note_id': json.loads(sys.stdin.readline())['id']}), flush=True)\n"
        self.fails(five, "ended with status 0 before")
        self.fails(five + "os.kill(os.getpid(), 9)", "ended by signal 9 before .*memoryOverhead")
        self.fails(five + "print('no such option', file=sys.stderr); sys.exit(2)", "status 2 .*: no such option")
        self.fails(five + "print('{\"note_id\": \"secr', end='')", "ended with status 0 before")

    def test_answers_that_are_not_those_asked_for(self):
        each = "import json, sys\nids = [json.loads(line)['id'] for line in sys.stdin]\n"
        self.fails(each + "for id in reversed(ids): print(json.dumps({'note_id': id}))", "another note")
        self.fails(each + "for id in ids + ids[:1]: print(json.dumps({'note_id': id}))", "more notes")
        self.fails(each + "for id in ids: print(json.dumps({'note_id': id}))\nsys.exit(1)", "ended with status 1")

    def test_a_failure_to_read_notes_is_told_as_it_is(self):
        def broken():
            yield from self.batches(NOTES[:10], 5)
            raise OSError("the source is gone")

        with self.assertRaisesRegex(OSError, "the source is gone"):
            list(extract_notes.extractions(broken(), [str(PROGRAM), "extract", "--format", "ndjson", *ARGUMENTS, "-"]))


class Cluster(Case):
    """The job on two executors, each a JVM with Python workers of its own."""

    @classmethod
    def setUpClass(cls):
        cls.shipped = tempfile.TemporaryDirectory(prefix="abstractor-spark-")
        program = Path(cls.shipped.name, "abstractor")
        program.write_text(f'#!/bin/sh\nexec {PROGRAM} "$@"\n')
        builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("test")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": "UTC",
            "spark.executorEnv.ABSTRACTOR_SIMILARITY": "off",
            "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        }.items():
            builder = builder.config(name, value)
        cls.spark = builder.getOrCreate()
        cls.spark.sparkContext.setLogLevel("OFF")
        cls.spark.sparkContext.addPyFile(extract_notes.__file__)
        cls.spark.sparkContext.addFile(str(program))
        # where the executors of such a cluster write what they say
        cls.logs = Path(pyspark.__file__).parent / "work" / cls.spark.sparkContext.applicationId
        cls.expected = single_process()

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()
        shutil.rmtree(cls.logs)
        cls.shipped.cleanup()

    def store(self, notes: list[dict], name: str = "notes.parquet") -> None:
        (self.folder / "input").mkdir(exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(notes, SCHEMA), self.folder / "input" / name)

    def job(self, *more: str, program: Path | str = PROGRAM) -> int:
        words = ["--input", str(self.folder / "input"), "--output", str(self.folder / "output"), "--program", str(program)]
        words += ["--arguments", " ".join(ARGUMENTS), "--partition-notes", "30", *COLUMNS, *more]
        return extract_notes.run(self.spark, extract_notes.parse(words))

    def is_complete(self) -> None:
        """Every note has one result, and the entries are those of one process."""
        output = self.folder / "output"
        self.assertEqual(sorted(row["note_id"] for row in read(output, "notes")), sorted(note["id"] for note in NOTES))
        self.assertEqual({row["note_id"]: row["code"] for row in read(output, "errors")}, {name: code for name, (_, code) in REFUSED.items()})
        self.same_entries(read(output, "entries"), rows_of(self.expected))

    def kill(self, whom) -> SimpleNamespace:
        """A program whose first process answers five notes and then waits; that process, or what stands above it, is killed."""
        seen = SimpleNamespace(process=None, killed=None)
        marks = self.folder / "marks"
        marks.mkdir()
        seen.program = self.script(
            "program",
            "import os, pathlib, select, subprocess, sys\n"
            f"command, marks = [{str(PROGRAM)!r}, *sys.argv[1:]], pathlib.Path({str(marks)!r})\n"
            "try:\n"
            "    (marks / 'first').mkdir()\n"
            "except FileExistsError:\n"
            "    os.execv(command[0], command)\n"
            "lines = b''.join(sys.stdin.buffer.readline() for _ in range(5))\n"
            "subprocess.run(command, input=lines)\n"
            "(marks / 'written').write_text(str(os.getpid()))\n"
            "(marks / 'written').rename(marks / 'process')\n"
            # the program itself ends when nobody takes its answers
            "nobody = select.poll()\n"
            "nobody.register(1, 0)\n"
            "nobody.poll()\n",
        )

        def strike():
            wait_for((marks / "process").exists)
            seen.process = int((marks / "process").read_text())
            target = whom(seen.process)
            os.kill(target, signal.SIGKILL)
            seen.killed = target

        seen.thread = threading.Thread(target=strike, daemon=True)
        seen.thread.start()
        return seen

    def test_the_entries_are_those_of_one_process_and_nothing_is_done_twice(self):
        self.store(NOTES[:50])
        # this one comes by `--files`
        self.assertEqual(self.job("--wave-notes", "25", program="abstractor"), 0)
        output = self.folder / "output"
        self.assertEqual(len(read(output, "notes")), 50)
        self.assertEqual(sorted(path.name for path in (output / "notes").iterdir()), ["wave=000001", "wave=000002"])

        # what was added is done, and nothing else
        before = files(output)
        self.store(NOTES[50:], "more.parquet")
        self.assertEqual(self.job(), 0)
        self.assertEqual({name: when for name, when in files(output).items() if "wave=000003" not in name}, before)
        self.is_complete()
        before = files(output)
        self.assertEqual(self.job(program=self.folder / "not-there"), 0)
        self.assertEqual(files(output), before)

        # a driver that ended while it wrote: a wave that is not whole, and one whose entries are not
        shutil.copytree(output / "notes/wave=000001", output / "notes/wave=000009")
        (output / "notes/wave=000009/_SUCCESS").unlink()
        (output / "entries/wave=000002/_SUCCESS").unlink()
        max((output / "entries/wave=000002").glob("part-*"), key=lambda path: path.stat().st_size).unlink()
        self.assertEqual(self.job(program=self.folder / "not-there"), 0)
        self.is_complete()

    def test_a_process_that_is_killed_is_tried_again(self):
        self.store(NOTES)
        seen = self.kill(lambda process: process)
        self.assertEqual(self.job(program=seen.program), 0)
        seen.thread.join()
        self.assertEqual(seen.killed, seen.process)
        self.is_complete()

    def test_an_executor_that_is_killed_is_made_up_for(self):
        self.store(NOTES)
        seen = self.kill(executor_of)
        self.assertEqual(self.job(program=seen.program), 0)
        seen.thread.join()
        self.assertNotIn(seen.killed, (None, seen.process))
        self.is_complete()
        # the program does not outlive the executor
        wait_for(lambda: not alive(seen.process))

    def test_columns_with_names_of_the_tables_are_refused(self):
        self.store(NOTES)
        for name in ("wave", "text", "Confidence", "message"):
            with self.assertRaisesRegex(SystemExit, f"columns named {name} already"):
                self.job("--keep", name)

    def test_ids_that_do_not_name_notes_are_refused(self):
        self.store([NOTES[0], NOTES[1], {**NOTES[2], "id": NOTES[1]["id"]}, {**NOTES[3], "id": None}])
        with self.assertRaisesRegex(SystemExit, "1 notes have no id and 1 have the id of another"):
            self.job()
        self.assertFalse((self.folder / "output").exists())

    def test_a_note_stands_in_no_log(self):
        # a task that fails for good says so everywhere
        self.store(NOTES)
        broken = self.script("program", "import sys\nfor _ in range(3): sys.stdin.readline()\nsys.exit(3)")
        with self.assertRaisesRegex(Exception, "the program ended with status 3") as raised:
            self.job(program=broken)
        self.assertFalse((self.folder / "output/notes/wave=000001/_SUCCESS").exists())
        logs = {str(path): path.read_text(errors="replace") for path in self.logs.rglob("std*")}
        self.assertTrue(any("the program ended with status 3" in log for log in logs.values()))
        for name, log in [*logs.items(), ("exception", str(raised.exception))]:
            for note in NOTES[: len(GOLD)]:
                for words in [note["id"], *note["text"].decode().splitlines()]:
                    self.assertFalse(len(words) > 15 and words in log, f"{name} quotes the note {note['id']}")


class Database(Case):
    """Notes of a database, with the job started as a person starts it."""

    def test_notes_come_by_jdbc(self):
        # Derby comes with Spark
        url = f"jdbc:derby:{self.folder}/database"
        (self.folder / "password").write_text("s3cret\n")
        # makes the database, then is the job
        job = self.script(
            "job.py",
            "import runpy, sys\n"
            "from pyspark.sql import SparkSession\n"
            "spark = SparkSession.builder.getOrCreate()\n"
            f"connection = spark._jvm.java.sql.DriverManager.getConnection('{url};create=true;user=reader;password=s3cret')\n"
            "statement = connection.createStatement()\n"
            "statement.execute('CREATE TABLE note (number BIGINT, day DATE, words CLOB)')\n"
            "statement.execute(\"INSERT INTO note VALUES (1, '2026-03-01', 'ASSESSMENT: Asthma.'), (2, NULL, ''), (3, NULL, 'Gout.')\")\n"
            "connection.close()\n"
            f"runpy.run_path({extract_notes.__file__!r}, run_name='__main__')\n",
        )
        words = ["--jdbc-url", url, "--table", "(SELECT * FROM note) AS notes", "--user", "reader", "--password-file", "password"]
        words += ["--jdbc-option", "partitionColumn=NUMBER", "--jdbc-option", "lowerBound=1", "--jdbc-option", "upperBound=4"]
        words += ["--jdbc-option", "numPartitions=2", "--id", "number", "--text", "words", "--service-date", "day", "--where", "number < 3"]
        words += ["--output", "output", "--program", PROGRAM, "--arguments", " ".join(ARGUMENTS)]
        settings = "--master local[2] --conf spark.sql.shuffle.partitions=2 --driver-java-options -XX:TieredStopAtLevel=1 pyspark-shell"
        environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": settings}
        run = subprocess.run([sys.executable, job, *words], env=environment, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("the output has 2 notes, 1 of them refused, and 1 entries", run.stdout)
        self.assertNotIn("s3cret", run.stdout + run.stderr)
        [entry] = read(self.folder / "output", "entries")
        self.assertEqual((entry["note_id"], entry["code"]), ("1", "J45.909"))
        [error] = read(self.folder / "output", "errors")
        self.assertEqual((error["note_id"], error["code"]), ("2", "empty_note"))


if __name__ == "__main__":
    unittest.main()
