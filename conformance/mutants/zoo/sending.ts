import type { Mutant } from "../mutant.ts";

const PREPARED = "packages/tensor-spec/src/prepared-message.ts";
const CHECK = "packages/tp-control/src/proto-check.ts";
const STRUCT = "packages/tp-control/src/struct.ts";
const MESSAGE = "packages/tp-control/src/message.ts";

/** Messages made for sending: TP, and what PP shares with it. */
export const SENDING: readonly Mutant[] = [
  {
    id: "send/header-stranded",
    rules: ["tp.send.nothing", "pp.send.nothing"],
    file: PREPARED,
    find: "const specs = checkSpecs(sources, limits, refusal);",
    replace:
      "try {\n    checkSpecs(sources, limits, refusal);\n  } catch {\n    return make(parts.subject, header);\n  }\n  const specs = checkSpecs(sources, limits, refusal);",
    why: "The header of a message is sent though its specs are refused.",
  },
  {
    id: "send/tensor-judged-after-header",
    rules: ["tp.send.order", "tp.send.nothing", "pp.send.nothing"],
    file: PREPARED,
    find: "const data = sources.map((source, i) => materialise(source, specs[i]!));",
    replace:
      "let data: Uint8Array[];\n  try {\n    data = sources.map((source, i) => materialise(source, specs[i]!));\n  } catch {\n    return make(parts.subject, header);\n  }",
    why: "The header of a message is sent though a tensor has the wrong length.",
  },
  {
    id: "tp-encode/header-last",
    rules: ["tp.encode.layout", "pp.encode.layout"],
    file: PREPARED,
    find: "[...header, ...encoder.encode(payload)]",
    replace: "[...encoder.encode(payload), ...header]",
    why: "The header is sent behind the frame.",
  },
  {
    id: "tp-encode/tensors-unsorted",
    rules: ["tp.encode.layout", "pp.encode.layout"],
    file: PREPARED,
    find: "(parts.tensors ?? []).toSorted(compareSpecs);",
    replace: "parts.tensors ?? [];",
    why: "Tensors that are not in the order of their specs are refused.",
  },
  {
    id: "tp-encode/specs-sorted-alone",
    rules: ["tp.encode.layout", "pp.encode.layout"],
    file: PREPARED,
    find: "const data = sources.map((source, i) => materialise(source, specs[i]!));",
    replace: "const data = (parts.tensors ?? []).map((source) => materialise(source, source as never));",
    why: "The specs are sorted and the tensors are not.",
  },
  {
    id: "tp-encode/frame-limit-ignored",
    rules: ["tp.encode.oversize", "pp.encode.oversize"],
    file: PREPARED,
    find: 'new FrameEncoder("len64", limits);',
    replace: 'new FrameEncoder("len64", { maxFrameLength: 2 ** 53 - 1 });',
    why: "A frame above the limit is sent.",
  },
  {
    id: "tp-encode/manifest-limit-ignored",
    rules: ["tp.encode.oversize", "pp.encode.oversize"],
    file: PREPARED,
    find: "if (body.length > limits.maxManifestLength) {",
    replace: "if (body.length > limits.maxFrameLength) {",
    why: "A manifest above its limit is sent.",
  },
  {
    id: "tp-encode/defaults-written",
    rules: ["tp.encode.layout", "pp.encode.canonical"],
    file: CHECK,
    find: "if (field.partOf !== null || !isDefault(field.type, value)) result[field.name] = wire;",
    replace: "result[field.name] = wire;",
    why: "Fields are written though they have their default value.",
  },
  {
    id: "tp-encode/kwargs-unsorted",
    rules: ["tp.encode.canonical"],
    file: STRUCT,
    find: "return { fields: fields.sort(compareSpecs) };",
    replace: "return { fields };",
    why: "The entries of kwargs are written in the order in which they were set.",
  },
  {
    id: "tp-encode/kwargs-sorted-by-utf16",
    rules: ["tp.encode.canonical"],
    file: STRUCT,
    find: "return { fields: fields.sort(compareSpecs) };",
    replace: "return { fields: fields.sort((a, b) => (a.key < b.key ? -1 : 1)) };",
    why: "The entries of kwargs are ordered by UTF-16 units.",
  },
  {
    id: "tp-encode/field-wraps",
    rules: ["tp.encode.field-range", "pp.encode.field-range"],
    file: CHECK,
    find: "if (exact === null || exact < range[0] || exact > range[1]) throw",
    replace: "if (exact === null) throw",
    why: "A field of 32 bits is written modulo 2^32.",
  },
  {
    id: "tp-encode/field-wraps-below",
    rules: ["tp.encode.field-range", "pp.encode.field-range"],
    file: CHECK,
    find: "if (exact === null || exact < range[0] || exact > range[1]) throw",
    replace: "if (exact === null || exact > range[1]) throw",
    why: "A number below 0 is written as a large one.",
  },
  {
    id: "tp-encode/field-truncated",
    rules: ["tp.encode.field-range", "pp.encode.field-range"],
    file: CHECK,
    find: "Number.isSafeInteger(value) ? BigInt(value as bigint | number) : null;",
    replace:
      'Number.isFinite(value) ? BigInt(typeof value === "number" ? Math.trunc(value) : (value as bigint)) : null;',
    why: "A fraction is written without what stands behind its point.",
  },
  {
    id: "tp-encode/double-through-float",
    rules: ["tp.encode.layout", "pp.encode.layout"],
    file: CHECK,
    find: 'throw fail("a finite number");',
    replace: 'throw fail("a finite number");\n  if (type === "double") return Math.fround(value as number);',
    why: "A double is written with the precision of float32.",
  },
  {
    id: "tp-encode/payload-with-noop-dropped",
    rules: ["tp.encode.payload-matches-action"],
    file: MESSAGE,
    find: "if (manifest === undefined && tensors.length === 0) {",
    replace: "if (tensors !== undefined) {",
    why: "A manifest or tensors with NOOP are dropped in silence.",
  },
  {
    id: "tp-encode/infer-without-manifest",
    rules: ["tp.encode.payload-matches-action"],
    file: MESSAGE,
    find: 'if (manifest === undefined) throw refusal("header.field", "expected a manifest with INFER, none came");\n  const serialise = manifestSerialiser(manifest, all);',
    replace: "const serialise = manifestSerialiser(manifest ?? {}, all);",
    why: "INFER without a manifest is sent with an empty one.",
  },
];
