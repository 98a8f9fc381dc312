import type { Mutant } from "../mutant.ts";
import { byTests } from "./by-tests.ts";

const STRUCT = "packages/tp-control/src/struct.ts";
const STRUCT_TESTS = "packages/tp-control/src/struct.test.ts";
const EXECUTABLE_TESTS = "packages/tp-control/src/nothing-executable.test.ts";

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
  byTests(STRUCT_TESTS, {
    id: "kwargs-encode/typed-array-is-any-object",
    rules: ["tp.kwargs.no-tensors"],
    file: STRUCT,
    find: "if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer",
    replace: "if (value instanceof ArrayBuffer",
    why: "A typed array is not told from any other object.",
  }),
  byTests(STRUCT_TESTS, {
    id: "kwargs-encode/tensor-object-sent",
    rules: ["tp.kwargs.no-tensors"],
    file: STRUCT,
    find: 'return "shape" in value && "dtype" in value && ELEMENTS.some((name) => name in value);',
    replace: "return false;",
    why: "A tensor in kwargs is sent, number by number.",
  }),
  byTests(STRUCT_TESTS, {
    id: "kwargs-encode/tensor-as-kwargs",
    rules: ["tp.kwargs.no-tensors"],
    file: STRUCT,
    find: '  refuseTensor(kwargs, "kwargs");\n',
    replace: "",
    why: "A tensor is refused inside kwargs, and not in their place.",
  }),
  byTests(STRUCT_TESTS, {
    id: "kwargs-encode/tensor-without-path",
    rules: ["tp.kwargs.no-tensors"],
    file: STRUCT,
    find: "printable(path)}: nested tensors",
    replace: 'printable("kwargs")}: nested tensors',
    why: "Who is refused is not told where the tensor stands.",
  }),
  byTests(EXECUTABLE_TESTS, {
    id: "kwargs/name-looked-up",
    rules: ["tp.manifest.nothing-executable"],
    file: STRUCT,
    find: "if (string_value !== undefined) return string_value;",
    replace: "if (string_value !== undefined) return (globalThis as never)[string_value] ?? string_value;",
    why: "A text that names something of this process becomes it.",
  }),
  byTests(EXECUTABLE_TESTS, {
    id: "kwargs/module-imported",
    rules: ["tp.manifest.nothing-executable"],
    file: STRUCT,
    find: "if (string_value !== undefined) return string_value;",
    replace:
      'if (string_value !== undefined) {\n    if (string_value.includes(":")) import(string_value).catch(() => {});\n    return string_value;\n  }',
    why: "A text that names a module loads it.",
  }),
  byTests(EXECUTABLE_TESTS, {
    id: "kwargs/text-evaluated",
    rules: ["tp.manifest.nothing-executable"],
    file: STRUCT,
    find: "if (string_value !== undefined) return string_value;",
    replace:
      'if (string_value !== undefined) {\n    if (/[()]/.test(string_value)) new Function("return " + string_value)();\n    return string_value;\n  }',
    why: "A text that is code is run.",
    defect: "luin/serialize#4",
  }),
  byTests(EXECUTABLE_TESTS, {
    id: "kwargs/hook-of-the-key",
    rules: ["tp.manifest.nothing-executable"],
    file: STRUCT,
    find: "return Object.fromEntries(fields.map(",
    replace: "for (const { key } of fields) Reflect.get(globalThis, key);\n  return Object.fromEntries(fields.map(",
    why: "The name of an argument chooses what is called for it.",
  }),
];
