"""The JSON form of tp, pp-envelope, pp-result and the sessions; the other profiles are those of values.py."""

import math
from functools import partial
from typing import Any, Callable

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.struct_pb2 import Value

import contracts
import values
from contracts import Call, Limits, PPEnvelopeV1, PPResultV1, TPManifest
from framing import WireError, encode_multipart
from sessions import Session
from tp import encode_tp
from values import MAX_BUILT, MAX_FRAME, Declined, load, show, tp_value

BODIES = {"tp": TPManifest, "pp-envelope": PPEnvelopeV1, "pp-result": PPResultV1}
SESSIONS = {"tp-session": TPManifest, "pp-session": PPEnvelopeV1}
LIMITS = set(Limits.__dataclass_fields__)
VERSION = {TPManifest: "tp_envelope_version", PPEnvelopeV1: "pp_envelope_version", PPResultV1: "pp_result_version"}


def codec(profile: str, limits: dict[str, int]) -> tuple[Any, Callable[[Any], Any], Any]:
    """As in values.py. Each call gives a reader of one connection: sessions have a state."""
    if profile not in BODIES and profile not in SESSIONS:
        return values.codec(profile, limits)
    of = Limits(**{"max_frame_length": MAX_FRAME, **limits})
    of.max_tensor_length = limits.get("max_tensor_length", of.max_frame_length)
    kind = BODIES.get(profile) or SESSIONS[profile]
    read = partial(contracts.read_result, of) if profile == "pp-result" else partial(contracts.read_call, kind, of)
    if profile in SESSIONS:
        return Session(read, of.max_frame_length).read, show_call, None
    return read, show_call, partial(encode, kind, of)


def show_call(call: Call) -> Any:
    value = tp_value((call.header, [])) if call.header else {}
    if call.body is None:
        return value
    body = show_body(call.body)
    shown = {"manifest": body} if isinstance(call.body, TPManifest) else body
    return {**value, **shown, "tensors": [show(data) for data in call.tensors]}


def show_body(body: Any) -> Any:
    """By the proto's names; the library already shows 64-bit integers as decimal strings."""
    kind, kwargs = type(body), {}
    if kind is TPManifest:
        kwargs = {name: plain(value) for name, value in body.kwargs.fields.items()}
        body = kind.FromString(body.SerializeToString())
        body.ClearField("kwargs")
    shown = MessageToDict(body, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    for spec in shown["tensor_specs"]:
        spec["shape"] = [int(dimension) for dimension in spec["shape"]]
    if kind is TPManifest:
        shown["kwargs"] = kwargs
        if not shown["tp_plan"]:
            del shown["tp_plan"]
    if kind is PPResultV1:
        shown["ok"] = contracts.is_ok(body)
    return shown


def plain(value: Value) -> Any:
    """The library would make an integer of -0.0."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: plain(inner) for name, inner in value.struct_value.fields.items()}
    if kind == "list_value":
        return [plain(inner) for inner in value.list_value.values]
    return None if kind == "null_value" else getattr(value, kind)


def encode(kind: type, limits: Limits, value: Any) -> bytes:
    value = dict(value)
    header, tensors = value.pop("header", None), value.pop("tensors", None)
    fields = value.pop("manifest", None) if kind is TPManifest else value or None
    infer = header is None or header["action"] == "INFER"
    if infer != (fields is not None) or (tensors and not infer):
        raise WireError("header.field")
    if not infer:
        return encode_tp(header, [], limits.max_frame_length)
    if kind is PPEnvelopeV1:
        if len(fields.keys() & {"lm", "video"}) != 1:
            raise WireError("header.field")
        fields = {**fields, **header}
        del fields["control_epoch"]
    body, tensors = load_body(kind, fields, tensors or [])
    lengths = [tensor["fill"]["count"] if isinstance(tensor, dict) else len(tensor) // 2 for tensor in tensors]
    ids = header and {name: int(text) if name != "action" else text for name, text in header.items()}
    contracts.judge(body, lengths, limits, ids)
    data = body.SerializeToString(deterministic=True)
    total = 8 * (1 + len(lengths)) + len(data) + sum(lengths)
    if len(data) > limits.max_manifest_length or total > limits.max_frame_length:
        raise WireError("oversize.declared")
    if total > MAX_BUILT:
        raise Declined("limit")
    records = [(data, None), *(load(tensor, MAX_BUILT) for tensor in tensors)]  # built last
    limit = limits.max_frame_length
    return encode_multipart(records, False, limit) if header is None else encode_tp(header, records, limit)


def load_body(kind: type, fields: Any, tensors: list[Any]) -> tuple[Any, list[Any]]:
    check_exact(fields.get("kwargs", {}), 0)
    if fields.get(VERSION[kind], contracts.VERSION_1) != contracts.VERSION_1:
        raise WireError("version")
    specs = fields.get("tensor_specs", [])
    try:
        body = ParseDict({VERSION[kind]: contracts.VERSION_1, **fields, "tensor_specs": []}, kind())
    except (ParseError, ValueError):  # a field cannot carry its value
        raise WireError("header.field") from None
    try:
        loaded = [ParseDict(spec, contracts.TensorSpec()) for spec in specs]
    except (ParseError, ValueError):  # nor can one of a spec
        raise WireError("spec.mismatch") from None
    if len(loaded) == len(tensors):
        order = sorted(range(len(loaded)), key=lambda i: contracts.spec_order(loaded[i]))
        loaded, tensors = [loaded[i] for i in order], [tensors[i] for i in order]
    body.tensor_specs.extend(loaded)
    if kind is PPResultV1 and body.ok:
        body.ClearField("ok")  # canonical, as are no kwargs at all for empty ones
    if kind is TPManifest and not body.kwargs.fields:
        body.ClearField("kwargs")
    return body, tensors


def check_exact(value: Any, depth: int) -> None:
    """What a Struct would change is refused: it has doubles, and parsers stop at some depth."""
    if isinstance(value, (dict, list)):
        if depth > contracts.MAX_SENT_DEPTH:
            raise WireError("header.field")
        for inner in value.values() if isinstance(value, dict) else value:
            check_exact(inner, depth + 1)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        whole = math.isfinite(value) and value == math.trunc(value)
        if not math.isfinite(value) or (whole and abs(value) > contracts.MAX_EXACT):
            raise WireError("header.field")
