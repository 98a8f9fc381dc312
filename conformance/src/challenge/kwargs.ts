import type { Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import { drawDouble, Proto } from "./protobuf.ts";
import { drawWord } from "./tensors.ts";

/** Lists and objects inside each other. */
const DEPTH = 3;

type Kwargs = { readonly [name: string]: Json };

/** Arguments of every kind. `most`: entries of each object, elements of each list. */
export function drawKwargs(draw: Draw, most = 3, depth = 0): Kwargs {
  const names = Array.from({ length: draw.integer(0, most) }, () => drawWord(draw, 0));
  return Object.fromEntries(names.map((name) => [name, drawValue(draw, depth + 1)]));
}

function drawValue(draw: Draw, depth: number): Json {
  const plain = ["null", "bool", "number", "safe", "text"] as const;
  switch (draw.pick(depth < DEPTH ? ([...plain, "list", "object"] as const) : plain)) {
    case "null":
      return null;
    case "bool":
      return draw.chance(50);
    case "number":
      return drawDouble(draw);
    case "safe":
      return draw.pick([0, 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
    case "text":
      return drawWord(draw, 0);
    case "list":
      return Array.from({ length: draw.integer(0, 2) }, () => drawValue(draw, depth + 1));
    case "object":
      return drawKwargs(draw, 2, depth);
  }
}

/** google.protobuf.Struct: entries of name and value. */
export function struct(kwargs: Kwargs): Proto {
  const whole = new Proto();
  for (const [name, value] of Object.entries(kwargs)) {
    whole.message(1, new Proto().text(1, name).message(2, protoOf(value)));
  }
  return whole;
}

/** google.protobuf.Value: the kind is told by which field is there, its default or not. */
function protoOf(value: Json): Proto {
  const whole = new Proto();
  if (value === null) return whole.integer(1, 0n);
  if (typeof value === "number") return whole.double(2, value);
  if (typeof value === "string") return whole.text(3, value);
  if (typeof value === "boolean") return whole.integer(4, value ? 1n : 0n);
  if (!Array.isArray(value)) return whole.message(5, struct(value as Kwargs));
  return whole.message(
    6,
    value.reduce<Proto>((list, item: Json) => list.message(1, protoOf(item)), new Proto()),
  );
}
