"""Writes fixtures/tiny-gpt2: a random GPT-2 of a few thousand weights, and its logits computed here in float64.

The second derivation of the decoder's numbers: Python's standard library only, one token at a time, no shared code with the
package, and with the tanh form of GELU as the paper writes it. Run once; the result is checked in:

    python3 packages/tensor-stage/scripts/golden-gpt2.py
"""

import json
import math
import pathlib
import random
import struct

CONFIG = {
    "model_type": "gpt2",
    "vocab_size": 19,
    "n_positions": 12,
    "n_embd": 12,
    "n_layer": 3,
    "n_head": 3,
    "n_inner": 20,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-3,
    "tie_word_embeddings": True,
    "eos_token_id": 0,
}
IDS = [3, 18, 0, 7, 7, 11, 1, 16, 5, 2, 9, 14]
OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "tiny-gpt2"

rng = random.Random(20260101)


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def normal(*shape, mean=0.0, std=0.4):
    if len(shape) == 1:
        return [f32(rng.gauss(mean, std)) for _ in range(shape[0])]
    return [normal(*shape[1:], mean=mean, std=std) for _ in range(shape[0])]


def make_weights():
    c, f = CONFIG["n_embd"], CONFIG["n_inner"]
    weights = {"wte.weight": normal(CONFIG["vocab_size"], c), "wpe.weight": normal(CONFIG["n_positions"], c)}
    for i in range(CONFIG["n_layer"]):
        for norm in ("ln_1", "ln_2"):
            weights[f"h.{i}.{norm}.weight"] = normal(c, mean=1.0)
            weights[f"h.{i}.{norm}.bias"] = normal(c)
        for name, rows, columns in (
            ("attn.c_attn", c, 3 * c), ("attn.c_proj", c, c), ("mlp.c_fc", c, f), ("mlp.c_proj", f, c),
        ):
            weights[f"h.{i}.{name}.weight"] = normal(rows, columns)
            weights[f"h.{i}.{name}.bias"] = normal(columns)
    weights["ln_f.weight"] = normal(c, mean=1.0)
    weights["ln_f.bias"] = normal(c)
    return weights


def linear(x, w, name):
    matrix, bias = w[name + ".weight"], w[name + ".bias"]
    return [b + math.fsum(x[i] * matrix[i][j] for i in range(len(x))) for j, b in enumerate(bias)]


def norm(x, w, name):
    mean = math.fsum(x) / len(x)
    variance = math.fsum((v - mean) ** 2 for v in x) / len(x)
    scale = 1 / math.sqrt(variance + CONFIG["layer_norm_epsilon"])
    return [(v - mean) * scale * g + b for v, g, b in zip(x, w[name + ".weight"], w[name + ".bias"])]


def gelu_new(v):
    return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))


def add(a, b):
    return [x + y for x, y in zip(a, b)]


def attend(query, keys, values):
    width = CONFIG["n_embd"] // CONFIG["n_head"]
    mixed = []
    for start in range(0, CONFIG["n_embd"], width):
        part = slice(start, start + width)
        scores = [math.fsum(a * b for a, b in zip(query[part], key[part])) / math.sqrt(width) for key in keys]
        weights = [math.exp(score) for score in scores]
        total = math.fsum(weights)
        mixed += [math.fsum(p * v[i] for p, v in zip(weights, values)) / total for i in range(start, start + width)]
    return mixed


def logits_of(w, ids):
    """The logits behind each token, the state of all layers carried from one token to the next."""
    c = CONFIG["n_embd"]
    seen = [([], []) for _ in range(CONFIG["n_layer"])]
    rows = []
    for position, token in enumerate(ids):
        x = add(w["wte.weight"][token], w["wpe.weight"][position])
        for i, (keys, values) in enumerate(seen):
            qkv = linear(norm(x, w, f"h.{i}.ln_1"), w, f"h.{i}.attn.c_attn")
            keys.append(qkv[c : 2 * c])
            values.append(qkv[2 * c :])
            x = add(x, linear(attend(qkv[:c], keys, values), w, f"h.{i}.attn.c_proj"))
            inner = [gelu_new(v) for v in linear(norm(x, w, f"h.{i}.ln_2"), w, f"h.{i}.mlp.c_fc")]
            x = add(x, linear(inner, w, f"h.{i}.mlp.c_proj"))
        x = norm(x, w, "ln_f")
        rows.append([math.fsum(a * b for a, b in zip(x, row)) for row in w["wte.weight"]])
    return rows


def write_safetensors(path, weights):
    header, data = {}, b""
    for name, value in weights.items():
        flat = [v for row in value for v in row] if isinstance(value[0], list) else value
        shape = [len(value), len(value[0])] if isinstance(value[0], list) else [len(value)]
        start = len(data)
        data += struct.pack(f"<{len(flat)}f", *flat)
        header["transformer." + name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    weights = make_weights()
    write_safetensors(OUT / "model.safetensors", weights)
    (OUT / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    rows = [[round(v, 9) for v in row] for row in logits_of(weights, IDS)]
    (OUT / "golden.json").write_text(json.dumps({"ids": IDS, "logits": rows}) + "\n")


main()
