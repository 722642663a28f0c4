"""The same weights in ONNX Runtime (fp32, int8) and CTranslate2 (int8), in turns with our own encoder; one thread each.

    python3 -m venv target/benches && target/benches/bin/pip install -r eval/benches/requirements.txt
    cargo build --release -p abstractor-encoder --example bench
    target/benches/bin/python eval/benches/encoder.py [--lengths 180,256] [--rounds 9]

The ONNX graph is written as an export writes it and fused by ONNX Runtime's own
optimizer; both the plain and the fused one run, and the better counts.
Figures are wordpieces a second of the process's own CPU time, medians over the rounds; ratios are of the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import ctranslate2
import numpy
import onnx
import onnxruntime
from ctranslate2 import specs
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

BATCH = 8
BATCHES = 2


def read_tensors(path: Path) -> dict[str, numpy.ndarray]:
    """Tensors of a safetensors file as f32."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    kinds = {"F16": numpy.float16, "F32": numpy.float32}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            values = numpy.frombuffer(content[start:end], kinds[entry["dtype"]])
            tensors[name] = values.astype(numpy.float32).reshape(entry["shape"])
    return tensors


class Graph:
    """An ONNX graph as the usual export of a BERT writes it, so that the optimizer's fusions find their patterns."""

    def __init__(self) -> None:
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, values, name: str | None = None) -> str:
        self.count += 1
        name = name or f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes) -> str:
        self.count += 1
        output = f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def linear(self, tensors, name: str, states: str) -> str:
        weight = self.constant(tensors[f"{name}.weight"].T, f"{name}.weight")
        return self.add("Add", self.constant(tensors[f"{name}.bias"], f"{name}.bias"), self.add("MatMul", states, weight))

    def norm(self, tensors, name: str, states: str, epsilon: float) -> str:
        weight = self.constant(tensors[f"{name}.weight"], f"{name}.weight")
        bias = self.constant(tensors[f"{name}.bias"], f"{name}.bias")
        return self.add("LayerNormalization", states, weight, bias, axis=-1, epsilon=epsilon)

    def gelu(self, states: str) -> str:
        root = self.constant(numpy.array(2**0.5, numpy.float32))
        one = self.constant(numpy.array(1.0, numpy.float32))
        half = self.constant(numpy.array(0.5, numpy.float32))
        error = self.add("Add", self.add("Erf", self.add("Div", states, root)), one)
        return self.add("Mul", self.add("Mul", states, error), half)


def write_onnx(tensors, config: dict, path: Path) -> None:
    graph = Graph()
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    width, epsilon = hidden // heads, config["layer_norm_eps"]
    words = graph.add("Gather", graph.constant(tensors["bert.embeddings.word_embeddings.weight"], "words"), "input_ids")
    types = graph.add("Gather", graph.constant(tensors["bert.embeddings.token_type_embeddings.weight"], "types"), "token_types")
    position = graph.add("Gather", graph.constant(tensors["bert.embeddings.position_embeddings.weight"], "positions"), "position_ids")
    states = graph.add("Add", graph.add("Add", words, types), position)
    states = graph.norm(tensors, "bert.embeddings.LayerNorm", states, epsilon)
    split = graph.constant(numpy.array([0, 0, heads, width], numpy.int64))
    join = graph.constant(numpy.array([0, 0, hidden], numpy.int64))
    scale = graph.constant(numpy.array(width**0.5, numpy.float32))
    for index in range(config["num_hidden_layers"]):
        prefix = f"bert.encoder.layer.{index}"
        part = {}
        for name in ("query", "key", "value"):
            own = graph.linear(tensors, f"{prefix}.attention.self.{name}", states)
            own = graph.add("Reshape", own, split)
            part[name] = graph.add("Transpose", own, perm=[0, 2, 3, 1] if name == "key" else [0, 2, 1, 3])
        scores = graph.add("Div", graph.add("MatMul", part["query"], part["key"]), scale)
        weights = graph.add("Softmax", scores, axis=-1)
        context = graph.add("Transpose", graph.add("MatMul", weights, part["value"]), perm=[0, 2, 1, 3])
        context = graph.add("Reshape", context, join)
        attended = graph.add("Add", graph.linear(tensors, f"{prefix}.attention.output.dense", context), states)
        states = graph.norm(tensors, f"{prefix}.attention.output.LayerNorm", attended, epsilon)
        wide = graph.gelu(graph.linear(tensors, f"{prefix}.intermediate.dense", states))
        states = graph.norm(tensors, f"{prefix}.output.LayerNorm", graph.add("Add", graph.linear(tensors, f"{prefix}.output.dense", wide), states), epsilon)
    heads_of = [name for name in ("classifier", "assertion_classifier", "status_classifier") if f"{name}.weight" in tensors]
    joined = {f"head.{kind}": numpy.concatenate([tensors[f"{name}.{kind}"] for name in heads_of]) for kind in ("weight", "bias")}
    logits = graph.linear(joined, "head", states)
    graph.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in ("input_ids", "token_types", "position_ids")]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "length", joined["head.bias"].size])
    whole = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.constants)
    onnx.save(helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def write_ctranslate2(tensors, config: dict, folder: Path) -> None:
    spec = specs.TransformerEncoderSpec(
        config["num_hidden_layers"], config["num_attention_heads"], pre_norm=False, activation=specs.common_spec.Activation.GELU,
        layernorm_embedding=True, num_source_embeddings=2, embeddings_merge=specs.common_spec.EmbeddingsMerge.ADD,
    )

    def linear(target, *names: str) -> None:
        target.weight = numpy.concatenate([tensors[f"{name}.weight"] for name in names])
        target.bias = numpy.concatenate([tensors[f"{name}.bias"] for name in names])

    def norm(target, name: str) -> None:
        target.gamma, target.beta = tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    spec.scale_embeddings = False
    spec.embeddings[0].weight = tensors["bert.embeddings.word_embeddings.weight"]
    spec.embeddings[1].weight = tensors["bert.embeddings.token_type_embeddings.weight"]
    spec.position_encodings.encodings = tensors["bert.embeddings.position_embeddings.weight"]
    norm(spec.layernorm_embedding, "bert.embeddings.LayerNorm")
    for index, layer in enumerate(spec.layer):
        prefix = f"bert.encoder.layer.{index}"
        linear(layer.self_attention.linear[0], *(f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")))
        linear(layer.self_attention.linear[1], f"{prefix}.attention.output.dense")
        norm(layer.self_attention.layer_norm, f"{prefix}.attention.output.LayerNorm")
        linear(layer.ffn.linear_0, f"{prefix}.intermediate.dense")
        linear(layer.ffn.linear_1, f"{prefix}.output.dense")
        norm(layer.ffn.layer_norm, f"{prefix}.output.LayerNorm")
    model = specs.TransformerEncoderModelSpec(spec)
    vocabulary = [f"w{index}" for index in range(config["vocab_size"])]
    model.register_vocabulary(vocabulary)
    model.config.unk_token = vocabulary[0]
    model.config.layer_norm_epsilon = config["layer_norm_eps"]
    model.validate()
    model.optimize()
    folder.mkdir()
    model.save(str(folder))


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def batch(windows: list, length: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """As `examples/bench` cuts them: windows of one length from all wordpieces one after the other."""
    ids = [piece for window in windows for piece in window["ids"]][: BATCH * length]
    types = [piece for window in windows for piece in window["types"]][: BATCH * length]
    return numpy.array(ids).reshape(-1, length), numpy.array(types).reshape(-1, length)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=Path("models/clinical-ner"))
    parser.add_argument("--binary", type=Path, default=Path("target/release/examples/bench"))
    parser.add_argument("--windows", type=Path, default=Path("encoder/tests/fixtures/windows.json"))
    parser.add_argument("--lengths", default="180,256")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precisions", default="f32,bf16,int8")
    arguments = parser.parse_args()
    config = json.loads((arguments.model / "config.json").read_text())
    tensors = read_tensors(arguments.model / "model.safetensors")
    windows = json.loads(arguments.windows.read_text())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_onnx(tensors, config, folder / "plain.onnx")
        options = FusionOptions("bert")
        options.enable_embed_layer_norm = False
        fused = optimizer.optimize_model(
            str(folder / "plain.onnx"), "bert", config["num_attention_heads"], config["hidden_size"], optimization_options=options, opt_level=0
        )
        print("fused:", {kind: count for kind, count in fused.get_fused_operator_statistics().items() if count})
        fused.save_model_to_file(str(folder / "fused.onnx"))
        for kind in ("plain", "fused"):
            quantize_dynamic(folder / f"{kind}.onnx", folder / f"{kind}-int8.onnx", weight_type=QuantType.QInt8, per_channel=True, extra_options={"DefaultTensorType": TensorProto.FLOAT})
        write_ctranslate2(tensors, config, folder / "ct2")
        sessions = {f"onnxruntime {kind}": session(folder / f"{kind}.onnx") for kind in ("plain", "fused", "plain-int8", "fused-int8")}
        translator = ctranslate2.Encoder(str(folder / "ct2"), compute_type="int8", inter_threads=1, intra_threads=1)
        environment = os.environ | {"ABSTRACTOR_MODEL": str(arguments.model)}
        own = subprocess.Popen(
            [arguments.binary, "--serve", "--windows", arguments.windows], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

        def ours(precision: str, length: int):
            own.stdin.write(f"{precision} {length}\n")
            own.stdin.flush()
            return float(own.stdout.readline())

        def timed(run, pieces: int) -> float:
            start = time.process_time()
            for _ in range(BATCHES):
                run()
            return BATCHES * pieces / (time.process_time() - start)

        for length in map(int, arguments.lengths.split(",")):
            ids, types = batch(windows, length)
            feed = {"input_ids": ids, "token_types": types, "position_ids": numpy.broadcast_to(numpy.arange(length), ids.shape).copy()}
            listed, listed_types = ids.tolist(), types.tolist()
            runs = {name: (lambda name=name: timed(lambda: sessions[name].run(["logits"], feed), ids.size)) for name in sessions}
            runs["ctranslate2 int8"] = lambda: timed(lambda: translator.forward_batch(listed, token_type_ids=listed_types).last_hidden_state, ids.size)
            for precision in arguments.precisions.split(","):
                runs[f"ours {precision}"] = lambda precision=precision: ours(precision, length)
            speeds = {name: [] for name in runs}
            for turn in range(arguments.rounds + 1):
                for name, run in runs.items():
                    speed = run()
                    if turn:
                        speeds[name].append(speed)
            medians = {name: statistics.median(values) for name, values in speeds.items()}
            single = max(speed for name, speed in medians.items() if name in ("onnxruntime plain", "onnxruntime fused"))
            eight = max(speed for name, speed in medians.items() if name.endswith("int8") and not name.startswith("ours"))
            print(f"windows of {length}, {BATCH} a batch; against ONNX Runtime fp32 and against the best int8 of the others")
            for name, speed in medians.items():
                low, high = min(speeds[name]), max(speeds[name])
                print(f"  {name:24} {speed:8.0f} ({low:.0f} to {high:.0f})   {speed / single:5.2f}   {speed / eight:5.2f}")
        own.stdin.close()
        own.wait()


if __name__ == "__main__":
    main()
