import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import {
  type FileDecodeVector,
  type FileVector,
  loadCorpus,
  type ProfileFile,
  readCorpusFiles,
} from "@tensorwire/conformance/corpus";
import { indexRules } from "../rules.ts";
import { coverageFaults, sidesOf, wireRules } from "./coverage.ts";
import { checkEncoders } from "./encoders.ts";
import { positionFaults, valueFaults } from "./position.ts";
import { CORPUS, defectFaults, generatorFaults, positionProof } from "./verify.ts";

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
    const message = (value: object) =>
      ({ ...PROOF, events: [{ at: 1, event: "message", value: value as never }] }) as const;
    const body = {
      manifest: { kwargs: { base_seed: "5" } },
      call_id: "9007199254740993",
      chunk_index: "9007199254740993",
    };
    expect(
      valueFaults("p", [message(body), message({ call_id: "-9007199254740993" }), message({ chunk_index: "-4" })]),
    ).toEqual([
      "p/v: call_id and chunk_index swapped are the same",
      "p/v: chunk_index survives a trip through a double",
    ]);
    expect(valueFaults("p", [{ ...message(body), position_proof: undefined } as never])).toContain(
      "p: no position-proof vector has a value above 2^53 in call_id",
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
