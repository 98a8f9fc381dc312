import type { Mutant } from "../mutant.ts";

const STRUCT = "packages/tp-control/src/struct.ts";

/** Free-form arguments. */
export const KWARGS: readonly Mutant[] = [
  {
    id: "kwargs/not-finite-accepted",
    rules: ["tp.kwargs.value"],
    file: STRUCT,
    find: "if (number_value === undefined || !Number.isFinite(number_value)) {",
    replace: "if (number_value === undefined) {",
    why: "NaN and the infinities are accepted.",
  },
  {
    id: "kwargs/kindless-is-null",
    rules: ["tp.kwargs.value"],
    file: STRUCT,
    find: "if (number_value === undefined || !Number.isFinite(number_value)) {",
    replace: "if (number_value === undefined) return null;\n  if (!Number.isFinite(number_value)) {",
    why: "A value without a kind is taken for null.",
  },
  {
    id: "kwargs/false-is-absent",
    rules: ["tp.kwargs.value"],
    file: STRUCT,
    find: "if (bool_value !== undefined) return bool_value;",
    replace: "if (bool_value) return bool_value;",
    why: "false is not told from a value without a kind.",
  },
  {
    id: "kwargs/prototype-key",
    rules: ["tp.kwargs.value"],
    file: STRUCT,
    find: "return Object.fromEntries(fields.map(",
    replace:
      "const set = (all: Record<string, StructValue>, [key, value]: [string, StructValue]) => {\n    all[key] = value;\n    return all;\n  };\n  return ((entries: [string, StructValue][]) => entries.reduce(set, {}))(fields.map(",
    why: "The key __proto__ changes an object's prototype.",
  },
  {
    id: "kwargs-encode/wide-integer-rounded",
    rules: ["tp.kwargs.exact"],
    file: STRUCT,
    find: "if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw",
    replace: "if (Number.isNaN(value)) throw",
    why: "An integer beyond 2^53 - 1 is sent, rounded.",
  },
  {
    id: "kwargs-encode/depth-unlimited",
    rules: ["tp.kwargs.depth"],
    file: STRUCT,
    find: "const MAX_DEPTH = 30;",
    replace: "const MAX_DEPTH = 3000;",
    why: "kwargs of any depth are sent.",
  },
  {
    id: "kwargs-encode/depth-of-twenty-nine",
    rules: ["tp.kwargs.depth"],
    file: STRUCT,
    find: "const MAX_DEPTH = 30;",
    replace: "const MAX_DEPTH = 29;",
    why: "kwargs of 30 levels are refused.",
  },
];
