"""Reading the releases and writing the compiled tables.

Every table is a gzip TSV with a header row: UTF-8, tab separated, no quoting,
so that no value may hold a tab or a line break. The bytes depend on the rows
alone (no time stamp, no file name), so that a rebuild can be compared.
"""

import csv
import gzip
import io
from pathlib import Path


def read_tsv(path):
    """Yield the rows of a TSV (plain or .gz) as dictionaries; nothing is unquoted."""
    path = Path(path)
    opened = gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else open(
        path, encoding="utf-8", newline="")
    with opened as lines:
        header = None
        for line in lines:
            line = line.rstrip("\r\n")
            if header is None:
                if line.startswith("#"):
                    continue
                header = line.split("\t")
                continue
            yield dict(zip(header, line.split("\t") + [""] * len(header)))


def read_csv(path):
    """Yield the rows of a gzip CSV as dictionaries."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def read_hand_table(name):
    """Rows of one of our own small tables, which stand beside this module."""
    return list(read_tsv(Path(__file__).with_name(name)))


def table_bytes(header, rows):
    """The compressed bytes of a table; the same rows give the same bytes."""
    text = io.StringIO()
    for row in [header, *rows]:
        values = [str(value) for value in row]
        if len(values) != len(header):
            raise ValueError(f"{len(values)} values under {len(header)} columns: {values}")
        for value in values:
            if "\t" in value or "\n" in value or "\r" in value:
                raise ValueError(f"a value holds a tab or a line break: {value!r}")
        text.write("\t".join(values) + "\n")
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as stream:
        stream.write(text.getvalue().encode("utf-8"))
    return packed.getvalue()
