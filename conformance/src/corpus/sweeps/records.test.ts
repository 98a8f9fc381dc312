import { describe, expect, test } from "bun:test";
import { expand } from "../expand.ts";
import type { Case } from "../types.ts";
import { compileVector } from "../vector.ts";
import type { FileDecodeVector, FileSegment, ProfileFile } from "../vector-file.ts";

const FIELDS: ProfileFile["fields"] = {
  length: { type: "u64be", eof: "eof.in-prefix", about: "bytes of the frame" },
  body_length: { type: "u64be", eof: "eof.in-body", about: "bytes of the body" },
  body: { type: "bytes", eof: "eof.in-body", about: "the body" },
};
const UNTYPED: ProfileFile = {
  profile: "records",
  about: "Frames of one record.",
  fields: FIELDS,
  derived: {
    "record.cut": ["records.cut"],
    "record.wide": ["records.wide"],
    "record.top-bit": ["records.top-bit"],
    "record.hash-cut": ["records.hash-cut"],
  },
};
const TYPED: ProfileFile = {
  ...UNTYPED,
  fields: { ...FIELDS, typehash: { type: "u64be", eof: "eof.in-body", about: "the type", opaque: true } },
};

/** Frames of one record each, of so many bytes; the sweep takes the first. */
function vector(...sizes: number[]): FileDecodeVector {
  const word = (n: number) => n.toString(16).padStart(16, "0");
  const bytes: FileSegment[] = [];
  const events: FileDecodeVector["events"][number][] = [];
  let at = 0;
  for (const size of sizes) {
    bytes.push({ field: "length", hex: word(8 + size) }, { field: "body_length", hex: word(size) });
    bytes.push({ field: "body", hex: "2a".repeat(size) });
    at += 16 + size;
    events.push({ at, event: "message", value: { body: "2a".repeat(size), parts: [] } });
  }
  return {
    id: "records/one",
    role: "decode",
    rules: ["records.layout"],
    level: "must",
    limits: { max_frame_length: "64" },
    why: "An example for the tests.",
    bytes,
    events,
    at_eof: "end",
    sweeps: { ladder: ["body_length"] },
  };
}

function cases(file: FileDecodeVector, profile: ProfileFile): Map<bigint, Case> {
  const [, ...swept] = expand([compileVector(file, profile, () => new Uint8Array())]);
  return new Map(swept.map((item) => [BigInt(item.id.slice("records/one#body_length=".length)), item]));
}

describe("a record's length that does not fit its frame", () => {
  const untyped = cases(vector(5), UNTYPED);

  test("is eof.in-body at the end of the frame, told with its last byte and not before", () => {
    const item = untyped.get(6n);
    expect(item?.steps).toEqual([{ feed: "000000000000000d00000000000000062a2a2a2a" }, { feed: "2a" }, { eof: true }]);
    expect(item?.expected).toEqual([[], [{ event: "error", class: "eof.in-body", at: "21", fatal: true }], []]);
  });

  test("stands at the neighbours of every edge of an integer type, and where a low part would fit", () => {
    for (const bits of [31n, 32n, 53n, 63n])
      for (const off of [-1n, 0n, 1n, 5n]) expect(untyped.has((1n << bits) + off)).toBe(true);
    for (const word of [5n << 32n, 2n ** 64n - 8n, 2n ** 64n - 1n]) expect(untyped.has(word)).toBe(true);
  });

  test("is never one that fits", () => {
    expect([...untyped.keys()].filter((word) => word <= 5n)).toEqual([]);
  });

  test("names the rules of what it shows", () => {
    const rules = (word: bigint) => untyped.get(word)?.rules;
    expect(rules(6n)).toEqual(["records.cut"]);
    expect(rules(2n ** 31n - 1n)).toEqual(["records.cut"]);
    expect(rules(2n ** 31n)).toEqual(["records.wide"]);
    expect(rules(2n ** 63n)).toEqual(["records.top-bit"]);
  });
});

describe("where bit 63 announces a type hash", () => {
  test("a hash that does not fit comes before the length", () => {
    const item = cases(vector(5), TYPED).get(2n ** 63n + 1n);
    expect(item?.expected).toEqual([[], [{ event: "error", class: "eof.in-header", at: "21", fatal: true }], []]);
    expect(item?.rules).toEqual(["records.hash-cut"]);
  });

  test("the low 63 bits are compared with what is left behind the hash", () => {
    const found = cases(vector(10), TYPED);
    expect(found.has(2n ** 63n + 2n)).toBe(false);
    const item = found.get(2n ** 63n + 3n);
    expect(item?.expected[1]).toEqual([{ event: "error", class: "eof.in-body", at: "26", fatal: true }]);
    expect(item?.rules).toEqual(["records.top-bit"]);
    for (const low of [2n ** 31n, 2n ** 32n + 10n, 2n ** 53n + 1n, 2n ** 63n - 8n, 2n ** 63n - 1n])
      expect([low, found.has(low), found.has(2n ** 63n + low)]).toEqual([low, true, true]);
  });

  test("each case stands once", () => {
    const [, ...swept] = expand([compileVector(vector(10), TYPED, () => new Uint8Array())]);
    expect(new Set(swept.map(({ id }) => id)).size).toBe(swept.length);
  });
});

test("frames behind the replaced one are left out", () => {
  expect(cases(vector(5, 3), UNTYPED).get(6n)?.steps).toEqual(cases(vector(5), UNTYPED).get(6n)?.steps);
});

test("a field that no frame has, or a frame that is not accepted, is a defect of the corpus", () => {
  const expanded = (file: FileDecodeVector) => () => cases(file, UNTYPED);
  expect(expanded({ ...vector(5), sweeps: { ladder: ["part_length"] } })).toThrow('a whole field "part_length"');
  const cut = { ...vector(5), bytes: vector(5).bytes.slice(0, 2), events: [], at_eof: "eof.in-body" } as const;
  expect(expanded(cut)).toThrow("needs a frame that is whole and accepted");
});
