import type { Mutant } from "../mutant.ts";
import { byTests } from "./by-tests.ts";

const BODY = "packages/tp-control/src/body.ts";
const CODEC = "packages/tp-control/src/proto-codec.ts";
const WALK = "packages/tp-control/src/wire-walk.ts";
const PLAN = "packages/tp-control/src/plan.ts";
const MESSAGE = "packages/tp-control/src/message.ts";

/** Manifests, envelopes and results as protobuf messages with a version and a limit. */
export const MANIFESTS: readonly Mutant[] = [
  {
    id: "manifest/limit-ignored",
    rules: ["tp.manifest.limit", "pp.manifest.limit"],
    file: BODY,
    find: "if (body.length > limits.maxManifestLength) {",
    replace: "if (body.length > limits.maxFrameLength) {",
    why: "A manifest above its limit is accepted.",
  },
  byTests("packages/tp-control/src/message.test.ts", {
    id: "manifest/limit-behind-version",
    rules: ["tp.manifest.several-faults"],
    file: BODY,
    find: "if (body.length > limits.maxManifestLength) {",
    replace: "if (body.length > limits.maxManifestLength && versionedCodec.decode(body, blame).version === version) {",
    why: "Of a manifest that is too long and of another version the version is told.",
  }),
  {
    id: "manifest/limit-exclusive",
    rules: ["tp.manifest.limit", "pp.manifest.limit"],
    file: BODY,
    find: "if (body.length > limits.maxManifestLength) {",
    replace: "if (body.length >= limits.maxManifestLength) {",
    why: "A manifest as long as its limit is refused.",
  },
  {
    id: "manifest/version-last",
    rules: ["tp.manifest.version-first", "pp.manifest.version-first"],
    file: BODY,
    find: "const { version: came } = versionedCodec.decode(body, blame);",
    replace: "codec.decode(body, blame);\n  const { version: came } = versionedCodec.decode(body, blame);",
    why: "The message is parsed before its version is known.",
  },
  {
    id: "manifest/newer-version-accepted",
    rules: ["tp.manifest.version", "pp.manifest.version"],
    file: BODY,
    find: "if (came !== version) throw",
    replace: "if (came < version) throw",
    why: "A newer version is read as version 1.",
  },
  {
    id: "manifest/no-version-accepted",
    rules: ["tp.manifest.version", "pp.manifest.version"],
    file: BODY,
    find: "if (came !== version) throw",
    replace: "if (came > version) throw",
    why: "An absent version is read as version 1.",
  },
  {
    id: "manifest/version-is-field-error",
    rules: ["tp.manifest.version", "pp.manifest.version"],
    file: BODY,
    find: 'throw blame("version",',
    replace: 'throw blame("header.field",',
    why: "A wrong version is reported as a wrong field.",
  },
  {
    id: "manifest/not-utf8-replaced",
    rules: ["tp.manifest.message", "pp.manifest.message"],
    file: CODEC,
    find: "{ fatal: true, ignoreBOM: true }",
    replace: "{ ignoreBOM: true }",
    why: "Bytes that are not UTF-8 become replacement characters.",
  },
  {
    id: "manifest/unparsable-is-field-error",
    rules: ["tp.manifest.message", "pp.manifest.message", "tp.manifest.several-faults"],
    file: CODEC,
    find: 'throw blame("header.length",',
    replace: 'throw blame("header.field",',
    why: "A body that is not the message is reported as a wrong field.",
  },
  {
    id: "manifest/bytes-unwalked",
    rules: ["tp.manifest.message", "pp.manifest.message"],
    file: CODEC,
    find: "walkWire(table, bytes, tally);",
    replace: "",
    why: "What the protobuf library is lenient about gets by.",
  },
  {
    id: "manifest/endless-varint",
    rules: ["tp.manifest.message", "pp.manifest.message"],
    file: WALK,
    find: "const MAX_VARINT = 10;",
    replace: "const MAX_VARINT = 12;",
    why: "A varint of more than ten bytes is accepted.",
  },
  {
    id: "manifest/field-number-zero",
    rules: ["tp.manifest.message", "pp.manifest.message"],
    file: WALK,
    find: "if (number === 0 || tag > 0xffffffff) throw",
    replace: "if (tag > 0xffffffff) throw",
    why: "Field number 0 is accepted.",
  },
  {
    id: "manifest/wire-type-ignored",
    rules: ["tp.manifest.wire-type", "pp.manifest.wire-type"],
    file: WALK,
    find: "} else if (wireType !== field.wireType) {\n      throw new Error(",
    replace:
      "} else if (wireType !== field.wireType) {\n      skip(cursor, number, wireType, end, depth);\n      continue;\n      throw new Error(",
    why: "A known field is read as what it is declared to be, whatever its wire type.",
  },
  {
    id: "manifest/uint32-not-cut",
    rules: ["tp.manifest.varint", "pp.manifest.protobuf"],
    file: CODEC,
    find: "value = (value | ((byte & 0x7f) << shift)) >>> 0;",
    replace: "value += (byte & 0x7f) * 2 ** shift;\n      else value += byte & 0x7f;",
    why: "A varint above 32 bits is read as a larger uint32.",
  },
  {
    id: "manifest/bool-of-32-bits",
    rules: ["tp.manifest.varint", "pp.manifest.protobuf"],
    file: CODEC,
    find: "override bool(): boolean {",
    replace: "override bool(): boolean {\n    if (this.pos >= 0) return this.uint32() !== 0;",
    why: "A bool whose low 32 bits are 0 is read as false.",
  },
  {
    id: "manifest/bool-of-one-byte",
    rules: ["tp.manifest.varint", "pp.manifest.protobuf"],
    file: CODEC,
    find: "bits |= byte & 0x7f;",
    replace: "bits = byte & 0x7f;",
    why: "Of a bool only the last byte is looked at.",
  },
  {
    id: "manifest/sub-message-replaced",
    rules: ["tp.manifest.twice", "pp.manifest.protobuf"],
    file: WALK,
    find: "else if (field.message !== null && elements > 1) throw",
    replace: "else if (field.message !== null && elements > 1e9) throw",
    why: "A sub-message that stands twice replaces the first one.",
  },
  {
    id: "manifest/scalar-twice-refused",
    rules: ["tp.manifest.twice", "pp.manifest.protobuf"],
    file: WALK,
    find: "else if (field.message !== null && elements > 1) throw",
    replace: "else if (elements > 1) throw",
    why: "A scalar field that stands twice is refused.",
  },
  {
    id: "manifest/doubles-unjudged",
    rules: ["tp.manifest.finite", "pp.manifest.protobuf"],
    file: PLAN,
    find: "if (!Number.isFinite(number)) throw",
    replace: 'if (typeof number !== "number") throw',
    why: "A double field may be NaN or infinite.",
  },
  {
    id: "manifest/unknown-field-refused",
    rules: ["tp.manifest.unknown-fields", "pp.manifest.unknown-fields"],
    file: WALK,
    find: "if (field === undefined) {\n",
    replace: 'if (field === undefined) {\n      if (table.size > 1) throw new Error("an unknown field");\n',
    why: "A field that is not known is refused.",
  },
  {
    id: "manifest/errors-in-frame",
    rules: ["tp.manifest.judged.frame-end"],
    file: MESSAGE,
    find: "payload.parts, limits, peerFault(at));",
    replace: "payload.parts, limits, peerFault(at - payload.body.bytes.length));",
    why: "Errors of a manifest are not placed at the end of its frame.",
  },
  {
    id: "manifest/kwargs-left-over",
    rules: ["tp.boundary.glued"],
    file: MESSAGE,
    find: "super((header, payload, at) => readTp(header, payload, at, all), all);",
    replace: `let left = {};
    super((header, payload, at) => {
      const read = readTp(header, payload, at, all) as { manifest?: { kwargs: object } };
      if (read.manifest) read.manifest.kwargs = left = { ...left, ...read.manifest.kwargs };
      return read as TpMessage;
    }, all);`,
    why: "kwargs of earlier messages on the connection stand in later ones.",
  },
  {
    id: "manifest/plan-left-over",
    rules: ["tp.boundary.glued"],
    file: MESSAGE,
    find: "super((header, payload, at) => readTp(header, payload, at, all), all);",
    replace: `let left = {};
    super((header, payload, at) => {
      const read = readTp(header, payload, at, all) as { manifest?: { tp_plan: string; video?: object } };
      if (read.manifest?.tp_plan === "") Object.assign(read.manifest, left);
      else if (read.manifest) left = { tp_plan: read.manifest.tp_plan, video: read.manifest.video };
      return read as TpMessage;
    }, all);`,
    why: "A message without a plan has the plan and the video step of the last one that had one.",
  },
];
