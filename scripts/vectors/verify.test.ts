import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import {
  type FileDecodeVector,
  type FileVector,
  loadCorpus,
  type ProfileFile,
  readCorpusFiles,
} from "@tensorwire/conformance/corpus";
import type { Json } from "@tensorwire/conformance/protocol";
import { indexRules } from "../rules.ts";
import { bodiesIn, places, type Scalar } from "./body-values.ts";
import { coverageFaults, sidesOf, wireRules } from "./coverage.ts";
import { checkEncoders } from "./encoders.ts";
import { fieldFaults, positionFaults, valueFaults } from "./position.ts";
import { acceptedBodies, CORPUS, defectFaults, generatorFaults, positionProof } from "./verify.ts";

// The generator has a deadline of its own; this one catches a hang.
setDefaultTimeout(180_000);

const { families } = readCorpusFiles(CORPUS);

describe("two derivations of the golden bytes", () => {
  test("the TypeScript encoders give the stored bytes and refuse what the vectors refuse", () => {
    const { messages, refusals, faults } = checkEncoders(families);
    expect(messages).toBeGreaterThan(500);
    expect(refusals).toBeGreaterThan(40);
    expect(faults).toEqual([]);
  });

  test("one changed byte is a fault of its vector, and of no other", () => {
    const sabotaged = families.map((each) => ({
      ...each,
      family: { ...each.family, vectors: each.family.vectors.map(changeLastByte) },
    }));
    const { faults } = checkEncoders(sabotaged);
    expect(faults.map((fault) => fault.split(":")[0])).toEqual(["len64/encode-hello"]);
  });

  const missing = Bun.which("python3") === null && process.env.TENSORWIRE_REQUIRE_PORTS === undefined;
  if (missing) console.log("no python3 on this machine: the generator is not checked");
  test.skipIf(missing)("the Python generator gives the stored files, bit for bit", () => {
    expect(generatorFaults()).toEqual([]);
  });
});

test("every rule that a vector or a profile names is in the spec", () => {
  const { rules } = indexRules();
  expect([...loadCorpus(CORPUS).rules].filter((id) => !rules.has(id))).toEqual([]);
});

test("each defect that a vector names is told, and no other", () => {
  const files = readCorpusFiles(CORPUS);
  expect(defectFaults(files)).toEqual([]);
  const { "tokio-rs/tokio#333": _, ...fewer } = files.defects;
  expect(defectFaults({ ...files, defects: { ...fewer, "a/b#1": "x" } })).toEqual([
    "tokio-rs/tokio#333: a vector names it, and defects.json does not tell what was wrong",
    "a/b#1: stands in defects.json, and no vector names it",
  ]);
});

test("every sweep of bytes is declared in every layout, and the schema knows no other", async () => {
  const schema = await Bun.file(resolve(CORPUS, "schema/vector-file.schema.json")).json();
  const sweeps = Object.keys(schema.$defs.decodeSweeps.properties);
  expect(sweeps.length).toBeGreaterThan(10);
  const declared = new Map<string, Set<string>>();
  for (const { family } of families) {
    const own = declared.get(family.profile) ?? new Set();
    for (const { role, sweeps } of family.vectors)
      if (role === "decode") for (const name of Object.keys(sweeps)) own.add(name);
    declared.set(family.profile, own);
  }
  // A session is no row of streams: what may follow depends on what came before.
  const without = (profile: string) =>
    profile.endsWith("-session") ? ["pairs", "prefix", "glue", "repeat", "ladder"] : [];
  for (const [profile, own] of declared) {
    expect({ profile, lacks: sweeps.filter((name) => !own.has(name)) }).toEqual({ profile, lacks: without(profile) });
  }
});

describe("every rule of the chapters on the wire", () => {
  const sides = sidesOf(CORPUS);

  test("has a vector that keeps it and one that breaks it, or a reason why not", () => {
    expect(wireRules().length).toBeGreaterThan(250);
    expect(coverageFaults(sides)).toEqual([]);
  });

  test("a rule without vectors, one with a side less, and a reason that is out of date are each found", () => {
    const reasons = { accepted: { "a.kept": "why", "a.both": "why" }, refused: {}, untested: { "a.gone": "why" } };
    const given = { accepted: new Set(["a.kept", "a.both", "a.half"]), refused: new Set(["a.both"]) };
    expect(coverageFaults(given, ["a.kept", "a.both", "a.half", "a.none"], reasons as never)).toEqual([
      "a.both: has both sides, and a reason why it has not",
      "a.half: only accepted, and no reason says so",
      "a.none: only untested, and no reason says so",
      "a.gone: a reason for what is no rule of these chapters",
    ]);
  });
});

describe("the position-proof lint", () => {
  test("finds nothing in the corpus", () => {
    const { vectors, faults } = positionProof();
    expect(vectors).toBeGreaterThan(8);
    expect(faults).toEqual([]);
  });

  test("finds a reversed field, a swap and a double that change nothing, and a byte that stands twice", () => {
    expect(faultsOf({ a: "0102030405060708", b: "0102030405060708" })).toContain("p/v: a and b swapped are the same");
    expect(faultsOf({ a: "0102030404030201", b: "1112131415161718" })).toContain("p/v: a reversed is the same");
    expect(faultsOf({ a: "0100000000000020", b: "0000000000000020" })).toContain(
      "p/v: b survives a trip through a double",
    );
    expect(faultsOf({ a: "0102030405060708", b: "1112131415161708" })).toContain(
      "p/v: the byte 0x8 stands in a and in b",
    );
  });

  test("looks into the values of protobuf bodies, but not into kwargs", () => {
    const message = (video: object) =>
      ({
        ...PROOF,
        events: [{ at: 1, event: "message", value: { manifest: { kwargs: { base_seed: "5" }, video } as never } }],
      }) as const;
    const tp = places().get("tp")!;
    const twins = message({ current_start_frame: "9007199254740993", base_seed: "9007199254740993" });
    const others = [message({ current_start_frame: "-9007199254740993" }), message({ base_seed: "-4" })];
    expect(valueFaults("p", tp, [twins, ...others])).toEqual([
      "p/v: manifest.video.current_start_frame and manifest.video.base_seed swapped are the same",
      "p/v: manifest.video.base_seed survives a trip through a double",
    ]);
    expect(valueFaults("p", tp, [{ ...twins, position_proof: undefined } as never])).toContain(
      "p: no position-proof vector has a value above 2^53 in manifest.video.base_seed",
    );
  });

  test("finds a field without a value above 2^53, without a negative one, and without any", () => {
    expect(faultsOf({ a: "0102030405060708" })).toEqual([
      "p: no position-proof vector has a negative value in a",
      "p: no position-proof vector has a value in b",
      "p: no position-proof vector has a value above 2^53 in b",
      "p: no position-proof vector has a negative value in b",
    ]);
  });
});

describe("the fields of protobuf bodies", () => {
  const told = (type: Scalar, ...values: readonly Json[]) => {
    const scalars = [
      { name: "a", type },
      { name: "b", type },
    ];
    return fieldFaults(
      [{ profile: "p", role: "encode", place: { body: { name: "M", scalars, inner: [] } }, values }],
      {},
    );
  };

  test("are told apart by the corpus, in each message of each profile, read and written", () => {
    const accepted = acceptedBodies();
    expect(
      accepted.map(({ profile, role, place }) => [profile, role, bodiesIn(place.body).map(({ name }) => name)]),
    ).toEqual([
      ["tp", "decode", ["TPManifest", "TensorSpec", "VideoStep"]],
      ["tp", "encode", ["TPManifest", "TensorSpec", "VideoStep"]],
      ["pp-envelope", "decode", ["PPEnvelopeV1", "TensorSpec", "VideoStep", "LmStep"]],
      ["pp-envelope", "encode", ["PPEnvelopeV1", "TensorSpec", "VideoStep", "LmStep"]],
      ["pp-result", "decode", ["PPResultV1", "TensorSpec"]],
      ["pp-result", "encode", ["PPResultV1", "TensorSpec"]],
    ]);
    expect(fieldFaults(accepted)).toEqual([]);
  });

  test.each<[Scalar, readonly Json[]]>([
    ["bool", [true, false]],
    ["uint32", [1, 2]],
    ["int64", ["1", "2"]],
    ["double", [0.1, 0.3]],
  ])("of type %s: two that are always alike are a fault, also where one of them is absent", (type, [one, other]) => {
    const fault = `p, encode: M.a and M.b, both ${type}, are told apart by no vector`;
    const alike = [{ a: one!, b: one! }, { a: other!, b: other! }, { a: one! }, { b: other! }];
    expect(told(type, ...alike)).toEqual([fault]);
    expect(told(type, ...alike, { a: one!, b: other! })).toEqual([]);
  });

  test("a bool that is never true, one that is never false, and one that nobody has", () => {
    expect(told("bool", { a: true, b: false })).toEqual([
      "p, encode: M.a is never false",
      "p, encode: M.b is never true",
    ]);
    expect(told("bool", { a: true }, { a: false })).toContain("p, encode: M.b has no value");
  });

  test("a number that has one value, and one that nobody has", () => {
    expect(told("uint32", { a: 3, b: 4 }, { a: 3, b: 5 })).toEqual(["p, encode: M.a has no other value than 3"]);
    expect(told("int64", { a: "3" }, { a: "-3" })).toContain("p, encode: M.b has no value");
  });

  test("a double that float32 holds wherever it stands", () => {
    expect(told("double", { a: 0.25, b: 0.1 }, { a: 41.5, b: 0.2 })).toEqual([
      "p, encode: M.a has no value that float32 does not hold",
    ]);
  });

  test("a field that is fixed needs no second value, and its reason has to be true", () => {
    const place = { body: { name: "M", scalars: [{ name: "version", type: "uint32" }], inner: [] } } as const;
    const reasons = { "M.version": "There is one.", "M.gone": "It was." };
    const of = (...values: Json[]) => fieldFaults([{ profile: "p", role: "decode", place, values }], reasons);
    const gone = "M.gone: a reason for what is no field of a message";
    expect(of({ version: 1 })).toEqual([gone]);
    expect(of({ version: 1 }, { version: 2 })).toEqual([
      "p, decode: M.version has several values, and a reason says that it has one",
      gone,
    ]);
    expect(of({})).toEqual(["p, decode: M.version has no value", gone]);
  });
});

function changeLastByte(vector: FileVector): FileVector {
  if (vector.id !== "len64/encode-hello" || vector.role !== "encode") return vector;
  const [length, payload] = vector.bytes!;
  return { ...vector, bytes: [length!, { ...payload!, hex: payload!.hex!.replace(/..$/, "00") }] };
}

const PROOF: FileDecodeVector = {
  id: "p/v",
  rules: ["p.layout"],
  level: "must",
  role: "decode",
  limits: {},
  why: "An example for the tests.",
  bytes: [],
  events: [],
  position_proof: true,
  sweeps: {},
};

function faultsOf(fields: Record<string, string>): string[] {
  const field = { type: "i64le", eof: "eof.in-header", opaque: true, about: "a counter" } as const;
  const profile: ProfileFile = { profile: "p", about: "Two counters.", fields: { a: field, b: field }, derived: {} };
  const bytes = Object.entries(fields).map(([name, hex]) => ({ field: name, hex }));
  return positionFaults(profile, [{ ...PROOF, bytes }]);
}
