"""The canonical text of a vector file: two spaces, one line for what fits in 116 columns, LF, a final newline."""

import json
import re

WIDTH = 116


def canonical(value: object) -> str:
    return _text(value, 0) + "\n"


def _flat(value: object) -> str:
    """On one line. A surrogate alone has no UTF-8, so that it stands as an escape."""
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", json.dumps(value, ensure_ascii=False))


def _text(value: object, indent: int) -> str:
    flat = _flat(value)
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
    flat = _flat(value)
    return flat if len(flat) + indent + shift <= WIDTH else _text(value, indent)
