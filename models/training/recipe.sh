#!/usr/bin/env bash
# The whole recipe: from the data to a folder for `abstractor --model`. Minutes on one GPU, where runs share the device;
# days on a CPU (there, `python train.py` alone is the sensible part of it).
#
#   ./recipe.sh WORK OUTPUT [TEACHER]
#
# TEACHER is a folder with all-mpnet-base-v2 (teacher.sh makes it). LIMIT=1 tries every step on one document of each source.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$1 output=$2 teacher=${3:-$1/teacher}
python=${PYTHON:-python3} shared=${SHARED:-../../../shared} limit=${LIMIT:-0}
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
mkdir -p "$work"

step() { # NAME COMMAND...: a step with its log; a finished one is not run again
    local name=$1
    shift
    [ -e "$work/$name.done" ] && return 0
    "$python" "$@" --shared "$shared" >"$work/$name.log" 2>&1 && touch "$work/$name.done" || { tail -20 "$work/$name.log"; return 1; }
    echo "$SECONDS s: $name"
}
all() { local pid; for pid in "$@"; do wait "$pid"; done; }
# Runs share a GPU; on a CPU they wait for each other, or memory would not suffice.
take_turns() { command -v nvidia-smi >/dev/null || wait "$!"; }

step pretrain-pupil pretrain.py --output "$work/pupil" --epochs "${PUPIL_EPOCHS:-20}" --rate 5e-4 --limit "$limit" & pupil=$!
take_turns
step pretrain-teacher pretrain.py --encoder "$teacher" --output "$work/teacher-encoder" --epochs "${TEACHER_EPOCHS:-8}" \
    --rate 1e-4 --limit "$limit" & all $! $pupil

running=()
for seed in ${TEACHER_SEEDS:-1 2 3 4}; do
    {
        step "teacher-$seed" train.py --encoder "$work/teacher-encoder" --work "$work/t$seed" --seed $seed --note-rate 6e-5 \
            --note-epochs 6 --limit "$limit" &&
            step "read-$seed" soft_labels.py --run "$work/t$seed" --output "$work/t$seed/soft.pt" --limit "$limit" &&
            rm -f "$work/t$seed"/{corpora,notes}.pt # 3.5 GB of a run that is finished: its weights are in final.pt
    } & running+=($!)
    take_turns
done
step corpora train.py --encoder "$work/pupil" --work "$work/plain" --seed 7 --note-epochs 8 --limit "$limit" & running+=($!)
all "${running[@]}"
step score-teachers soft_labels.py --score "$work"/t?/soft.pt --limit "$limit"

# every pupil goes on from the same corpora stage, so that their weights can be averaged
running=()
for seed in ${PUPIL_SEEDS:-7 8 9}; do
    mkdir -p "$work/s$seed" && cp -n "$work/plain/corpora.pt" "$work/s$seed/"
    step "pupil-$seed" train.py --encoder "$work/pupil" --work "$work/s$seed" --seed $seed --soft "$work"/t?/soft.pt --batch 4368 \
        --note-epochs "${NOTE_EPOCHS:-6}" --note-rate 3e-4 --limit "$limit" & running+=($!)
    take_turns
done
all "${running[@]}"
step average average.py "$work"/s? --output-work "$work/mean" --limit "$limit"
"$python" export.py --checkpoint "$work/mean/final.pt" --output "$output"
