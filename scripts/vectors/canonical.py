"""The canonical text of a vector file: two spaces, one line for what fits in 116 columns, LF, a final newline."""

import json

WIDTH = 116


def canonical(value: object) -> str:
    return _text(value, 0) + "\n"


def _text(value: object, indent: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value:
        return flat
    if indent > 0 and len(flat) + indent <= WIDTH:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        # The key shifts its value to the right, so it counts against the width.
        rows = [f"{inner}{json.dumps(k)}: {_value(v, indent + 2, len(k) + 4)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [inner + _text(v, indent + 2) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"


def _value(value: object, indent: int, shift: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    return flat if len(flat) + indent + shift <= WIDTH else _text(value, indent)
