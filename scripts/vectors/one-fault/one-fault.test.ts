import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { type FamilyFiles, type FileVector, readCorpusFiles } from "@tensorwire/conformance/corpus";
import { checkOneFault, ruleFaults } from "./one-fault.ts";

const { families } = readCorpusFiles(resolve(import.meta.dir, "../../../vectors"));

/** The families of one profile, with some of their vectors as told. */
function changed(profile: string, change: (vector: FileVector) => FileVector): FamilyFiles[] {
  return families
    .filter(({ family }) => family.profile === profile)
    .map((each) => ({ ...each, family: { ...each.family, vectors: each.family.vectors.map(change) } }));
}

const segments = (id: string, edit: (field: string, nth: number, hex: string) => string) => (vector: FileVector) => {
  if (vector.id !== id || vector.bytes === undefined) return vector;
  const seen = new Map<string, number>();
  const bytes = vector.bytes.map((segment) => {
    const nth = seen.get(segment.field) ?? 0;
    seen.set(segment.field, nth + 1);
    return segment.hex === undefined ? segment : { ...segment, hex: edit(segment.field, nth, segment.hex) };
  });
  return { ...vector, bytes };
};

describe("a vector that refuses breaks one rule", () => {
  test("so do all of the corpus, but those that say why not", () => {
    const { refusals, faults } = checkOneFault(families);
    expect(refusals).toBeGreaterThan(600);
    expect(faults).toEqual([]);
  }, 120_000);

  test.each([
    [
      "tp/part-short",
      (field: string, nth: number, hex: string) => (field === "record_length" && nth === 0 ? "8".padEnd(16, "0") : hex),
    ],
    [
      "tp/dtype-unknown",
      (field: string, _: number, hex: string) => (field === "manifest" ? hex.replace(/^0801/, "0802") : hex),
    ],
    // Both in one spec: float31 in the place of float32, and five elements where there is one.
    [
      "tp/dtype-unknown",
      (field: string, _: number, hex: string) => (field === "manifest" ? hex.replace(/220101$/, "220105") : hex),
    ],
  ])(
    "a second fault in %s is told",
    (id, edit) => {
      const { faults } = checkOneFault(changed("tp", segments(id, edit)));
      expect(faults.filter((fault) => !fault.includes("what is no vector"))).toEqual([
        expect.stringContaining(`${id}: no change`),
      ]);
    },
    60_000,
  );

  test("a second fault of a message to encode is told", () => {
    const twice = changed("grpc-lpm", (vector) =>
      vector.id === "grpc-lpm/encode-flag-2"
        ? ({ ...vector, value: { flag: 2, payload: { fill: { byte: 1, count: 5000 } } } } as FileVector)
        : vector,
    );
    const { faults } = checkOneFault(twice, {});
    expect(faults).toEqual([expect.stringContaining("grpc-lpm/encode-flag-2: no change")]);
  });

  test("a reason for what breaks one rule is told, and one for no vector", () => {
    const { faults } = checkOneFault(
      changed("len32", (vector) => vector),
      { "len32/limit-over": "x", "len32/gone": "x" },
    );
    expect(faults).toEqual([
      expect.stringMatching(/^len32\/limit-over: breaks one/),
      expect.stringMatching(/^len32\/gone: .*no vector$/),
    ]);
  });
});

describe("a vector that refuses names one rule", () => {
  test("so do all of the corpus, but for rules that say more of the same fault", () => {
    expect(ruleFaults(families)).toEqual([]);
  });

  test("a second rule is told, and a reason that nothing needs", () => {
    const two = changed("len32", (vector) =>
      vector.id === "len32/limit-over" ? { ...vector, rules: ["len32.limit.oversize", "len32.eof.mid-body"] } : vector,
    );
    expect(ruleFaults(two, { "len32.limit.allocation": "x", "len64.limit.allocation": "x" })).toEqual([
      "len32/limit-over: refuses, and names len32.limit.oversize and len32.eof.mid-body: it is to break one rule",
      "len64.limit.allocation: a reason to stand beside no rule",
    ]);
    const none = changed("len32", (vector) =>
      vector.id === "len32/limit-over" ? { ...vector, rules: ["len32.limit.allocation", "len32.limit.exact"] } : vector,
    );
    expect(ruleFaults(none, { "len32.limit.allocation": "x", "len32.limit.exact": "x" })).toEqual([
      "len32/limit-over: refuses, and names none of len32.limit.allocation, len32.limit.exact as the rule that it breaks",
    ]);
  });
});
