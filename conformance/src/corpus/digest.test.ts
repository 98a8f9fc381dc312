import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { cpSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestFaults, scenarioText, vectorText } from "./digest.ts";
import type { FileDecodeVector, FileEncodeVector, ProfileFile } from "./vector-file.ts";
import type { StepsScenario } from "./wire-file.ts";

const CORPUS = join(import.meta.dir, "../../../vectors");
const PROFILE: ProfileFile = {
  profile: "len8",
  about: "One byte of length.",
  fields: {
    length: { type: "u8", eof: "eof.in-prefix", about: "payload bytes" },
    size: { type: "u8", eof: "eof.in-prefix", about: "the same by another name" },
    payload: { type: "bytes", eof: "eof.in-body", about: "the message" },
  },
  derived: {},
};
const VECTOR: FileDecodeVector = {
  id: "len8/two",
  rules: ["len8.layout", "len8.end"],
  level: "must",
  role: "decode",
  why: "A frame of two bytes.",
  limits: { max_frame_length: "9" },
  bytes: [
    { field: "length", hex: "02" },
    { field: "payload", hex: "aaaa" },
  ],
  events: [{ at: 3, event: "message", value: { payload: "aaaa" } }],
  at_eof: "end",
  sweeps: {},
};
const bins = () => Uint8Array.of(7, 0xaa, 0xaa);
const textOf = (more: Partial<FileDecodeVector> = {}) => vectorText({ ...VECTOR, ...more }, PROFILE, bins);

describe("the digest of a vector", () => {
  test("is of a text that anyone can write down", () => {
    expect(textOf()).toBe(
      '{"at_eof":"end","bytes":"02aaaa","ends":[["eof.in-prefix",1],["eof.in-body",2]],' +
        '"events":[{"at":3,"event":"message","value":{"payload":"aaaa"}}],"level":"must",' +
        '"limits":{"max_frame_length":"9"},"profile":"len8","role":"decode","rules":["len8.end","len8.layout"]}',
    );
  });

  test.each<[string, Partial<FileDecodeVector>]>([
    ["its name, its prose and its sweeps", { id: "len8/other", why: "Another sentence.", sweeps: { eof: true } }],
    [
      "its sibling, its defects and the marks of lints",
      { sibling: "len8/x", defects: ["a/b#1"], position_proof: true },
    ],
    ["the order of its rules", { rules: ["len8.end", "len8.layout"] }],
    [
      "where its bytes are stored, and in how many pieces",
      {
        bytes: [
          { field: "size", hex: "02", note: "2" },
          { field: "payload", bin: { file: "x.bin", offset: 1, length: 1 } },
          { field: "payload", fill: { byte: 0xaa, count: 1 } },
        ],
        events: [{ at: 3, event: "message", value: { payload: { fill: { byte: 0xaa, count: 2 } } } }],
      },
    ],
  ])("is the same whatever %s", (_, more) => {
    expect(textOf(more)).toBe(textOf());
  });

  test.each<[string, Partial<FileDecodeVector>]>([
    ["a rule", { rules: ["len8.layout"] }],
    ["the level", { level: "should" }],
    ["a limit", { limits: {} }],
    ["a byte", { bytes: [VECTOR.bytes[0]!, { field: "payload", hex: "aaab" }] }],
    [
      "what an end in a byte is called",
      {
        bytes: [
          { field: "length", hex: "02aa" },
          { field: "payload", hex: "aa" },
        ],
      },
    ],
    ["when an event comes", { events: [{ ...VECTOR.events[0]!, at: 2 }] }],
    ["the end", { at_eof: "eof.in-body" }],
    ["what else is right", { alternatives: [{ reason: "It may.", events: [], at_eof: "end" }] }],
  ])("is another with %s", (_, more) => {
    expect(textOf(more)).not.toBe(textOf());
  });

  test("builds no fill that is larger than memory, and writes every number in one way", () => {
    const encode = (value: FileEncodeVector["value"]) =>
      vectorText(
        { ...VECTOR, role: "encode", value, bytes: undefined, refusal: "oversize.declared" } as never,
        PROFILE,
        bins,
      );
    expect(encode({ payload: { fill: { byte: 1, count: 2 ** 40 } } })).toContain('{"byte":1,"length":1099511627776}');
    expect(encode({ 10: 1, 9: -0, "\u{1d11e}": 0.25, "～": 1e300 })).toContain(
      '{"10":1,"9":0,"\u{1d11e}":{"f64":"3fd0000000000000"},"～":{"f64":"7e37e43c8800759c"}}',
    );
  });
});

test("the digest of a scenario is of all but its name and its prose, however its bytes are written", () => {
  const scenario: StepsScenario = {
    id: "wire/len8/x",
    rules: ["iut.wire.sync"],
    level: "must",
    why: "Because it is so.",
    limits: {},
    connections: ["a"],
    steps: [{ conn: "a", write: { parts: ["02", { fill: { byte: 170, count: 2 } }] } }],
  };
  const text = scenarioText(scenario, "len8");
  expect(scenarioText({ ...scenario, id: "y", why: "So.", steps: [{ conn: "a", write: "02aaaa" }] }, "len8")).toBe(
    text,
  );
  expect(scenarioText({ ...scenario, opened_by: "iut" }, "len8")).not.toBe(text);
  expect(scenarioText(scenario, "len9")).not.toBe(text);
});

describe("the digests of the corpus", () => {
  test("are those of history.json, which another language wrote", () => {
    expect(digestFaults(CORPUS)).toEqual([]);
  });

  test("show a vector that came to mean something else under its name", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-digest-"));
    const directory = folder.path;
    cpSync(CORPUS, directory, { recursive: true });
    rewrite(directory, "len32/frames.json", (text) => text.replace('"level": "must"', '"level": "should"'));
    expect(digestFaults(directory)).toEqual([expect.stringMatching(/^len32\/[a-z-]+: history\.json has the digest /)]);
  });
});

/** Changes a file and what lock.json says of it. */
function rewrite(directory: string, path: string, change: (text: string) => string): void {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const text = change(readFileSync(join(directory, path), "utf8"));
  writeFileSync(join(directory, path), text);
  const { files } = JSON.parse(readFileSync(join(directory, "lock.json"), "utf8"));
  files[path] = sha256(text);
  const lines = Object.entries(files).map(([name, digest]) => `${digest}  ${name}\n`);
  writeFileSync(join(directory, "lock.json"), JSON.stringify({ corpus: `sha256:${sha256(lines.join(""))}`, files }));
}
