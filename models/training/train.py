"""Train the clinical tagger.

    python train.py --work WORK --output ../clinical-ner

Stages, each resumable (a checkpoint is written to --work after an epoch, at most one a minute):

  corpora   one shared encoder with a softmax BIO head per corpus family; what a corpus does not
            label is masked, not taught as absent
  notes     nine tenths of gold/train, our annotations of open corpora, our own notes, and (with --soft) plain notes with
            what teachers say of each wordpiece: tags, assertion and status together, varied anew each epoch, with an
            exponential moving average of the weights
  finish    scores and temperature on the held-out tenth, final.pt, export

--encoder FOLDER names another encoder to start from (what pretrain.py wrote, or a larger one for a teacher).
--initial FOLDER starts from an exported model instead, and leaves the corpora stage out.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig

from annotations import annotated_corpora, corpus_texts, is_measuring, join_sections, own_notes
from augment import vary, vary_layout
from calibrate import fit_temperature
from data import HEAD_TYPES, NOTES_HEAD, Document, OverlapGuard, load_corpora, load_notes, measuring_guard
from evaluate import format_scores, predict_documents, score_contexts, score_documents
from export import export_model
from model import CONTEXT_HEADS, Tagger, base_folder, base_tokenizer, special_pieces, tagger_forward
from spans import (
    CONTEXT_LABELS, IGNORED_LABEL, NOTE_LABELS, WINDOW_PIECES, bio_labels, encode_contexts, encode_labels, layout_types,
)
from synthetic import make_sections

DEFAULT_SHARED = Path(__file__).resolve().parents[3] / "shared"
MINIMUM_WINDOW = 8
SECONDS_BETWEEN_CHECKPOINTS = 60
HEAD_SEED = 7
# Weight of the losses of assertion and status beside that of the tags.
CONTEXT_WEIGHT = 0.3
# No added document shares so long a run with a note of the held-out tenth (templates share shorter ones).
HELD_OUT_RUN = 150
CALIBRATION_SOURCE = (
    "mentions found in the held-out tenth of gold/train (notes whose identifier's SHA-256 is 0 modulo 10), "
    "which the weights never saw; binary cross entropy against relaxed matches"
)


@dataclass
class Example:
    """A text as wordpieces with its labels; `open_labels` may stand behind an O.

    `soft` is (identifier, first wordpiece) where teachers' probabilities take the place of labels.
    """

    head: str
    ids: list[int]
    types: list[int]
    labels: list[int]
    contexts: list[tuple[int, int]]
    open_labels: tuple[int, ...] = ()
    soft: tuple[str, int] | None = None


@dataclass
class StageSettings:
    """Settings of one training stage."""

    name: str
    epochs: int
    encoder_rate: float
    head_rate: float
    batch_pieces: int
    stride: int
    mask_rate: float
    average_decay: float


def encode_documents(documents: list[Document], tokenizer: Tokenizer) -> list[Example]:
    """Wordpieces with their layout, BIO labels and contexts of documents."""
    examples = []
    for document in documents:
        label_ids = {label: index for index, label in enumerate(bio_labels(HEAD_TYPES[document.head]))}
        encoding = tokenizer.encode(document.text, add_special_tokens=False)
        types = layout_types(document.text, encoding.offsets, [token.startswith("##") for token in encoding.tokens])
        labels = encode_labels(encoding.offsets, document.spans, label_ids)
        contexts = encode_contexts(encoding.offsets, document.spans)
        open_labels = tuple(label_ids[f"{prefix}-{name}"] for name in document.unlabelled for prefix in "BI")
        examples.append(Example(document.head, encoding.ids, types, labels, contexts, open_labels))
    return examples


def encode_soft(documents: list[Document], soft: dict[str, torch.Tensor], tokenizer: Tokenizer) -> list[Example]:
    """Wordpieces of texts that teachers have read; a text that no longer has as many wordpieces is left out."""
    examples = []
    for document in documents:
        encoding = tokenizer.encode(document.text, add_special_tokens=False)
        count = len(encoding.ids)
        if count == len(soft[document.id]):
            types = layout_types(document.text, encoding.offsets, [token.startswith("##") for token in encoding.tokens])
            none = [IGNORED_LABEL] * count
            contexts = [(IGNORED_LABEL, IGNORED_LABEL)] * count
            examples.append(Example(NOTES_HEAD, encoding.ids, types, none, contexts, (), (document.id, 0)))
    return examples


def cut_windows(examples: list[Example], stride: int, generator: random.Random) -> list[Example]:
    """Windows of every example, from a random start."""
    windows = []
    for example in examples:
        count = len(example.ids)
        start = 0 if count <= WINDOW_PIECES else -generator.randrange(stride)
        while True:
            first, last = max(0, start), min(count, start + WINDOW_PIECES)
            if last - first >= min(MINIMUM_WINDOW, count) and count:
                parts = (part[first:last] for part in (example.ids, example.types, example.labels, example.contexts))
                soft = (example.soft[0], first) if example.soft else None
                windows.append(Example(example.head, *parts, example.open_labels, soft))
            if start + WINDOW_PIECES >= count:
                break
            start += stride
    return windows


def make_batches(windows: list[Example], pieces: int, generator: random.Random) -> list[list[Example]]:
    """Batches of one head, one kind of label and similar lengths, of about `pieces` wordpieces, in random order."""
    groups: dict[tuple, list[Example]] = {}
    for window in windows:
        groups.setdefault((window.head, window.open_labels, window.soft is None), []).append(window)
    batches = []
    for key in sorted(groups):
        group = groups[key]
        generator.shuffle(group)
        group.sort(key=lambda window: len(window.ids) // 32)
        batch: list[Example] = []
        for window in group:
            if batch and (len(batch) + 1) * (len(window.ids) + 2) > pieces:
                batches.append(batch)
                batch = []
            batch.append(window)
        batches.append(batch)
    generator.shuffle(batches)
    return batches


def collate(batch: list[Example], tokenizer: Tokenizer, mask_rate: float, generator: random.Random):
    """Tensors of a batch: ids, types, attention, labels, contexts. Some pieces become the mask so that context has to carry them."""
    classification, separator, mask = special_pieces(tokenizer)
    longest = max(len(window.ids) for window in batch) + 2
    input_ids, types, attention = (torch.zeros(len(batch), longest, dtype=torch.long) for _ in range(3))
    labels = torch.full((len(batch), longest), IGNORED_LABEL, dtype=torch.long)
    contexts = torch.full((len(batch), longest, 2), IGNORED_LABEL, dtype=torch.long)
    for row, window in enumerate(batch):
        ids = [mask if generator.random() < mask_rate else piece for piece in window.ids]
        length = len(ids)
        input_ids[row, : length + 2] = torch.tensor([classification, *ids, separator])
        types[row, 1 : length + 1] = torch.tensor(window.types)
        attention[row, : length + 2] = 1
        labels[row, 1 : length + 1] = torch.tensor(window.labels)
        contexts[row, 1 : length + 1] = torch.tensor(window.contexts)
    return input_ids, types, attention, labels, contexts


def tagging_loss(logits: torch.Tensor, labels: torch.Tensor, open_labels: tuple[int, ...]) -> torch.Tensor:
    """Cross entropy; behind an O any of `open_labels` may stand, so their probability counts with O's."""
    logits, labels = logits.float().flatten(0, 1), labels.flatten()
    kept = labels != IGNORED_LABEL
    log_probabilities = torch.log_softmax(logits[kept], dim=-1)
    labels = labels[kept]
    chosen = log_probabilities.gather(1, labels[:, None])[:, 0]
    if open_labels:
        outside = torch.logsumexp(log_probabilities[:, [0, *open_labels]], dim=-1)
        chosen = torch.where(labels == 0, outside, chosen)
    return -chosen.mean()


def soft_loss(tagger: Tagger, batch: list[Example], hidden: torch.Tensor, soft: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross entropy against the teachers' probabilities; what is said of a mention counts where they see one."""
    inside = torch.zeros(hidden.shape[:2], dtype=torch.bool)
    for row, window in enumerate(batch):
        inside[row, 1 : len(window.ids) + 1] = True
    hidden = hidden[inside.to(hidden.device)]
    parts = [soft[name][first : first + len(window.ids)].float() for window in batch for name, first in [window.soft]]
    wanted = torch.cat(parts).to(hidden.device)
    loss, first = torch.zeros((), device=hidden.device), 0
    for name, size in {NOTES_HEAD: len(NOTE_LABELS), **CONTEXT_HEADS}.items():
        target = wanted[:, first : first + size]
        entropy = -(target * torch.log_softmax(tagger.heads[name](hidden).float(), dim=-1)).sum(-1)
        if name == NOTES_HEAD:
            loss = loss + entropy.mean()
        else:
            types = [kind for kind, labels in CONTEXT_LABELS.items() if len(labels) == size]
            columns = [index for index, label in enumerate(NOTE_LABELS) if label[2:] in types]
            weight = wanted[:, columns].sum(-1)
            loss = loss + CONTEXT_WEIGHT * (entropy * weight).sum() / weight.sum().clamp(min=1.0)
        first += size
    return loss


def batch_loss(tagger: Tagger, batch: list[Example], tensors, soft: dict[str, torch.Tensor]) -> torch.Tensor:
    """Loss of the tags, and of assertion and status where they are known."""
    input_ids, types, attention, labels, contexts = tensors
    head = batch[0].head
    hidden = tagger.hidden(input_ids, types, attention)
    if batch[0].soft:
        return soft_loss(tagger, batch, hidden, soft)
    loss = tagging_loss(tagger.heads[head](hidden), labels, batch[0].open_labels)
    for column, name in enumerate(CONTEXT_HEADS):
        known = contexts[..., column] != IGNORED_LABEL
        if name in tagger.heads and known.any():
            logits = tagger.heads[name](hidden[known]).float()
            loss = loss + CONTEXT_WEIGHT * torch.nn.functional.cross_entropy(logits, contexts[..., column][known])
    return loss


def one_cycle(progress: float, warm_up: float = 0.1) -> float:
    """Factor of the learning rate: linear rise over a tenth of the stage, cosine fall to zero; `progress` from 0 to 1."""
    if progress < warm_up:
        return max(progress, 0.001) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


# What makes the batches of an epoch; read by the processes that work ahead of the training.
_plan_of_epoch = None


def _plan(epoch: int) -> list[list[Example]]:
    return _plan_of_epoch(epoch)


def plans(plan_of_epoch, first: int, epochs: int):
    """Batches of each epoch, made ahead by other processes."""
    global _plan_of_epoch
    _plan_of_epoch = plan_of_epoch
    workers = min(epochs - first, max(1, (os.cpu_count() or 1) // 4))
    if workers < 1:
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_plan, range(first, epochs))


def train_stage(
    tagger: Tagger,
    examples_of_epoch,
    settings: StageSettings,
    tokenizer: Tokenizer,
    work: Path,
    seed: int,
    device: torch.device,
    soft: dict[str, torch.Tensor] | None = None,
) -> float:
    """Train in place (the averaged weights stay in the tagger at the end); gives seconds spent."""
    checkpoint_path = work / f"{settings.name}.pt"

    def plan_of_epoch(epoch: int) -> list[list[Example]]:
        generator = random.Random(f"{seed}-{settings.name}-{epoch}")
        windows = cut_windows(examples_of_epoch(epoch), settings.stride, generator)
        return make_batches(windows, settings.batch_pieces, generator)

    optimizer = torch.optim.AdamW(
        [
            {"params": list(tagger.encoder.parameters()), "lr": settings.encoder_rate},
            {"params": [p for name, p in tagger.named_parameters() if not name.startswith("encoder.")], "lr": settings.head_rate},
        ],
        weight_decay=0.01,
        fused=True,
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    averaged = {name: value.detach().clone() for name, value in tagger.state_dict().items()}
    done_epochs, step, seconds = 0, 0, 0.0
    if checkpoint_path.exists():
        saved = torch.load(checkpoint_path, map_location=device, weights_only=True)
        tagger.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        averaged, done_epochs, step, seconds = saved["averaged"], saved["epochs"], saved["step"], saved["seconds"]
        print(f"{settings.name}: resumed after epoch {done_epochs}", flush=True)
    moving = [name for name, value in averaged.items() if value.is_floating_point()]

    tagger.train()
    saved_at = time.time()
    for epoch, plan in zip(range(done_epochs, settings.epochs), plans(plan_of_epoch, done_epochs, settings.epochs)):
        torch.manual_seed(seed * 1000 + epoch)
        generator = random.Random(f"{seed}-{settings.name}-{epoch}-masking")
        began, losses = time.time(), []
        for number, batch in enumerate(plan):
            factor = one_cycle((epoch + number / len(plan)) / settings.epochs)
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * factor
            tensors = [
                tensor.to(device, non_blocking=True) for tensor in collate(batch, tokenizer, settings.mask_rate, generator)
            ]
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast_bfloat16(device)):
                loss = batch_loss(tagger, batch, tensors, soft or {})
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            losses.append(loss.detach())
            decay = min(settings.average_decay, step / (step + 10))
            with torch.no_grad():
                current = tagger.state_dict()
                torch._foreach_lerp_([averaged[name] for name in moving], [current[name] for name in moving], 1 - decay)
            if number % 100 == 99 or number + 1 == len(plan):
                print(
                    f"{settings.name} epoch {epoch + 1}/{settings.epochs} batch {number + 1}/{len(plan)} "
                    f"loss {torch.stack(losses[-100:]).mean().item():.4f} {time.time() - began:.0f} s",
                    flush=True,
                )
        seconds += time.time() - began
        if epoch + 1 == settings.epochs or time.time() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            saved = {
                "model": tagger.state_dict(), "optimizer": optimizer.state_dict(), "averaged": averaged,
                "epochs": epoch + 1, "step": step, "seconds": seconds,
            }
            torch.save(saved, checkpoint_path.with_suffix(".partial"))
            checkpoint_path.with_suffix(".partial").replace(checkpoint_path)
            saved_at = time.time()
    tagger.load_state_dict(averaged)
    tagger.eval()
    print(f"{settings.name}: {step} steps, {seconds:.0f} s", flush=True)
    return seconds


def fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere it is emulated, many times slower."""
    return device.type == "cuda" or torch.backends.cpu.get_cpu_capability() in ("AVX512", "AMX")


def added_documents(shared: Path, guard: OverlapGuard, held_out: list[Document]):
    """Our annotations and notes that may be trained on, as (document, section), and the identifiers refused."""
    held_out_guard = OverlapGuard([document.text for document in held_out], length=HELD_OUT_RUN)
    own = [(document, "") for document in own_notes() if not is_measuring(document)]
    kept, refused = [], []
    for document, section in annotated_corpora(shared) + own:
        shared_run = guard.shared_run(document.text) or held_out_guard.shared_run(document.text)
        if shared_run is None:
            kept.append((document, section))
        else:
            refused.append(document.id)
    return kept, refused


def load_soft(files: list[Path], part: str) -> dict[str, torch.Tensor]:
    """The mean of what several teachers say; `part` is "notes" or "held_out"."""
    mean: dict[str, torch.Tensor] = {}
    for file in files:
        for name, table in torch.load(file, map_location="cpu", weights_only=True)[part].items():
            share = table.float() / len(files)
            mean[name] = mean[name] + share if name in mean else share
    return {name: table.half() for name, table in mean.items()}


def unlabelled_notes(shared: Path, guard: OverlapGuard, held_out: list[Document], names: set[str] | None = None):
    """Plain notes for teachers to read: none near a measuring note, none that shares 60 characters with a held-out one."""
    near = OverlapGuard([document.text for document in held_out])
    texts = corpus_texts(shared, ("mtsamples_text",))
    documents = [Document(name, text, ()) for name, (text, _) in texts.items() if names is None or name in names]
    return near.admit(guard.admit(documents)[0])[0]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=DEFAULT_SHARED, help="folder with corpora/ and gold/")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints; a rerun resumes from them")
    parser.add_argument("--output", type=Path, default=None, help="folder to export to, for example ../clinical-ner")
    parser.add_argument("--encoder", type=Path, default=None, help="encoder to start from instead of the base encoder")
    parser.add_argument("--initial", type=Path, default=None, help="exported model to start from")
    parser.add_argument("--soft", type=Path, nargs="+", default=[], help="what soft_labels.py wrote, of each teacher")
    parser.add_argument("--soft-share", type=float, default=1.0, help="share of the teachers' notes in an epoch")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--corpus-epochs", type=int, default=1, help="0 leaves the stage out")
    parser.add_argument("--note-epochs", type=int, default=6)
    parser.add_argument("--note-rate", type=float, default=2e-4, help="encoder's highest learning rate")
    parser.add_argument("--batch", type=int, default=2912, help="wordpieces of a batch")
    parser.add_argument("--gold-repeats", type=int, default=2, help="times that an epoch sees each note of gold/train")
    parser.add_argument("--mask-rate", type=float, default=0.05)
    parser.add_argument("--average-decay", type=float, default=0.995, help="of the moving average of the weights")
    parser.add_argument("--synthetic", type=int, default=100, help="synthetic sections per epoch on notes")
    parser.add_argument("--no-added", action="store_true", help="gold/train and synthetic sections only (ablation)")
    parser.add_argument("--limit", type=int, default=0, help="so many documents of each source only, to try the command")
    arguments = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    arguments.work.mkdir(parents=True, exist_ok=True)
    random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    limit = arguments.limit or None
    folder = arguments.encoder or base_folder()
    tokenizer = base_tokenizer(folder)
    guard = measuring_guard(arguments.shared)
    training, held_out, refused = load_notes(arguments.shared, guard)
    held_out = held_out[:limit]
    print(f"notes: {len(training)} to train on, {len(held_out)} held out, {len(refused)} refused", flush=True)
    report: dict = {"arguments": {name: str(value) for name, value in vars(arguments).items()}}
    report["notes"] = {"training": len(training), "held_out": len(held_out), "refused": len(refused)}

    encoder_state = None
    if arguments.corpus_epochs and not arguments.initial:
        documents, dropped = load_corpora(arguments.shared, guard)
        print(f"corpora: {len(documents)} documents, {len(dropped)} refused", flush=True)
        sizes = {name: 1 + 2 * len(types) for name, types in HEAD_TYPES.items() if name != NOTES_HEAD}
        corpora_tagger = Tagger(sizes, folder=folder).to(device)
        examples = encode_documents(documents[:limit], tokenizer)
        settings = StageSettings(
            "corpora", arguments.corpus_epochs, arguments.note_rate, 2e-3, arguments.batch, WINDOW_PIECES, 0.0, 0.99
        )
        report["corpora_seconds"] = train_stage(
            corpora_tagger, lambda epoch: examples, settings, tokenizer, arguments.work, arguments.seed, device
        )
        encoder_state = corpora_tagger.encoder.state_dict()

    # The same first heads whatever the seed: runs then differ in order and masking only, and can be averaged.
    torch.manual_seed(HEAD_SEED)
    tagger = Tagger({NOTES_HEAD: len(NOTE_LABELS), **CONTEXT_HEADS}, folder=folder).to(device)
    if encoder_state is not None:
        tagger.encoder.load_state_dict(encoder_state)
    if arguments.initial:
        tagger.load_token_classification_state(load_file(str(arguments.initial / "model.safetensors"), device=str(device)))

    added, dropped = ([], []) if arguments.no_added else added_documents(arguments.shared, guard, held_out)
    print(f"added: {len(added)} documents, {len(dropped)} refused", flush=True)
    report["added"] = {"documents": len(added), "refused": len(dropped)}
    soft, soft_documents = {}, []
    if arguments.soft:
        soft = load_soft(arguments.soft, "notes")
        soft_documents = unlabelled_notes(arguments.shared, guard, held_out, set(soft))
        print(f"soft: {len(soft_documents)} of {len(soft)} documents", flush=True)

    def examples_of_epoch(epoch: int) -> list[Example]:
        generator = random.Random(f"{arguments.seed}-notes-{epoch}-varied")
        documents = training[:limit] * arguments.gold_repeats + join_sections(added[:limit], generator)
        documents = [vary(document, generator) for document in documents]
        sections = make_sections(arguments.synthetic, arguments.seed * 1000 + epoch)
        read = generator.sample(soft_documents, int(len(soft_documents) * arguments.soft_share))[:limit]
        plain = [vary_layout(document, generator) for document in read]
        return encode_documents(documents + guard.admit(sections)[0], tokenizer) + encode_soft(plain, soft, tokenizer)

    settings = StageSettings(
        "notes", arguments.note_epochs, arguments.note_rate, 1e-3, arguments.batch, 150, arguments.mask_rate, arguments.average_decay
    )
    report["notes_seconds"] = train_stage(
        tagger, examples_of_epoch, settings, tokenizer, arguments.work, arguments.seed, device, soft
    )

    forward = tagger_forward(tagger, device)
    report["held_out"] = score_documents(held_out, predict_documents(forward, tokenizer, held_out))
    report["held_out_contexts"] = score_contexts(forward, tokenizer, held_out)
    temperature, mentions = fit_temperature(forward, tokenizer, held_out)
    calibration = {"temperature": round(temperature, 4), "fitted_on": CALIBRATION_SOURCE, "n": mentions}
    report["calibration"] = calibration
    print(format_scores(report["held_out"]))
    print(json.dumps(report["held_out_contexts"]))
    print(json.dumps(calibration))
    small = tagger.encoder.config.model_type == "bert"
    state = tagger.token_classification_state(NOTES_HEAD) if small else tagger.state_dict()
    torch.save({"model": state, "calibration": calibration, "encoder": str(folder)}, arguments.work / "final.pt")
    (arguments.work / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if arguments.output:
        export_model(state, BertConfig.from_pretrained(base_folder()), arguments.output, calibration)
        print(f"exported to {arguments.output}")


if __name__ == "__main__":
    main()
