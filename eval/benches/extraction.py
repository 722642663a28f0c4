"""Words a second of whole extractions on one core, beside medspaCy and spaCy's phrase matcher with the same vocabularies on the same notes.

    cargo build --release
    python3 -m venv target/peers-nlp/venv && target/peers-nlp/venv/bin/pip install -r eval/peers/requirements.txt
    target/peers-nlp/venv/bin/python eval/benches/extraction.py [--program target/release/abstractor] [--rounds 5] [--json]

The notes are those of eval/gold. All run on one thread and take turns; figures are words a second of processor time, medians over the rounds, and
ratios are of the medians. What loading costs is not counted: the program reads the notes once and nine times, and the difference counts; the others
are loaded before. medspaCy and the phrase matcher are those of eval/peers/predict.py.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "eval/peers"))
import predict  # noqa: E402

VARIANTS = {
    "abstractor": [],
    "abstractor, dictionary and rules": ["--recognizers", "dictionary"],
}


def processor_seconds(program: Path, options: list[str], notes: Path) -> float:
    """What a run over a file of notes costs, of all its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(program), "extract", "--format", "ndjson", "--threads", "1", "--similarity", "off", *options, str(notes)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/abstractor")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    texts = [json.loads(line)["text"] for line in (ROOT / "eval/gold/notes.jsonl").read_text().splitlines()]
    words = sum(len(text.split()) for text in texts)
    known = predict.terms()
    medspacy = predict.medspacy(known)
    nlp = __import__("spacy").blank("en")
    matcher = predict.matcher_of(nlp, known)
    peers = {
        "medspaCy": medspacy,
        "spaCy's phrase matcher": lambda text: predict.spans_of(matcher, nlp(text), known),
    }
    speeds: dict[str, list[float]] = {name: [] for name in [*VARIANTS, *peers]}
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for times in (1, 9):
            files[times] = Path(folder) / f"{times}.jsonl"
            files[times].write_text("".join(json.dumps({"text": text}) + "\n" for text in texts * times))
        for _ in range(given.rounds):
            for name, options in VARIANTS.items():
                once, often = (processor_seconds(given.program, options, files[times]) for times in (1, 9))
                speeds[name].append(8 * words / (often - once))
            for name, read in peers.items():
                begun = time.process_time()
                # medspaCy prints some notes
                with contextlib.redirect_stdout(open(os.devnull, "w")):
                    for text in texts:
                        read(text)
                speeds[name].append(words / (time.process_time() - begun))
    medians = {name: median(values) for name, values in speeds.items()}
    if given.json:
        print(json.dumps({name: round(value) for name, value in medians.items()}))
        return
    print(f"{len(texts)} notes of {words // len(texts)} words in the middle, {given.rounds} rounds, one thread")
    for name, value in medians.items():
        print(f"{name:34} {value:>9,.0f} words/s   {value / medians['medspaCy']:.2f} of medspaCy")


if __name__ == "__main__":
    main()
