import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempDisposableSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CorpusDefect } from "./defect.ts";
import { loadCorpus } from "./load.ts";

const CORPUS = join(import.meta.dir, "../../../vectors");
const PROFILE = {
  profile: "len8",
  about: "One byte of length.",
  fields: {
    length: { type: "u8", eof: "eof.in-prefix", about: "payload bytes" },
    payload: { type: "bytes", eof: "eof.in-body", about: "the message" },
  },
  derived: { chunking: ["len8.chunking"] },
};
const EMPTY = {
  id: "len8/empty",
  rules: ["len8.layout"],
  level: "must",
  role: "decode",
  why: "A frame of length 0.",
  limits: {},
  bytes: [{ field: "length", hex: "00" }],
  events: [{ at: 1, event: "message", value: { payload: "" } }],
  at_eof: "end",
  sweeps: { eof: true },
};

interface Options {
  readonly profile?: object;
  readonly history?: object;
  readonly tamper?: boolean;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function corpusOf(vectors: readonly object[], { profile = PROFILE, history, tamper = false }: Options = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "tensorwire-corpus-"));
  folders.push(directory);
  cpSync(join(CORPUS, "schema"), join(directory, "schema"), { recursive: true });
  mkdirSync(join(directory, "len8"));
  const family = { family: "frames", profile: "len8", about: "Frames of the test.", vectors };
  const files = {
    ...(history === undefined ? {} : { "history.json": JSON.stringify(history) }),
    "len8/frames.json": JSON.stringify(family),
    "len8/profile.json": JSON.stringify(profile),
  };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const hashes = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, sha256(text)]));
  const lines = Object.entries(hashes).map(([path, hash]) => `${hash}  ${path}\n`);
  const lock = { corpus: `sha256:${sha256(lines.join(""))}`, files: hashes };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(directory, path), tamper ? `${text}\n` : text);
  writeFileSync(join(directory, "lock.json"), JSON.stringify(lock));
  return directory;
}

function defect(directory: string): string {
  try {
    loadCorpus(directory);
  } catch (error) {
    if (error instanceof CorpusDefect) return error.message;
    throw error;
  }
  return "no defect";
}

describe("the corpus of the repository", () => {
  const corpus = loadCorpus(CORPUS);
  const all = [...corpus.cases()];

  test("loads, with unique case ids", () => {
    expect(corpus.hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(20_000);
    expect(all.length).toBeLessThan(100_000);
  });

  test("gives one list of events for each step, and none after a fatal error until a reset", () => {
    const wrong = all.filter(({ role, steps, expected }) => {
      if (steps.length !== expected.length) return true;
      let dead = false;
      return steps.some((step, i) => {
        if ("reset" in step) dead = false;
        const events = expected[i]!;
        if (dead && role === "decode" && events.length > 0) return true;
        dead ||= events.some((event) => event.event === "error" && event.fatal);
        return false;
      });
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  test("r[iut.link.line-limit]: has no case whose bytes would not fit into a line", () => {
    const digits = (steps: readonly object[]) =>
      steps.reduce((sum, step) => sum + ("feed" in step ? String(step.feed).length : 0), 0);
    expect(all.filter(({ steps }) => digits(steps) > 8_000_000).map(({ id }) => id)).toEqual([]);
  });

  test("ends every connection of a decoder with the end of its stream or a reset", () => {
    const last = all.filter(({ role, steps }) => role === "decode" && !("eof" in (steps.at(-1) ?? {})));
    expect(last.map(({ id }) => id)).toEqual([]);
  });
});

describe("a corpus with a defect is refused:", () => {
  test("none: a small corpus loads", () => {
    const corpus = loadCorpus(corpusOf([EMPTY]));
    expect([...corpus.cases()].map(({ id }) => id)).toEqual(["len8/empty", "len8/empty#eof=0"]);
    expect([...corpus.rules]).toEqual(["len8.layout", "len8.chunking"]);
  });

  const rows: [string, readonly object[], RegExp][] = [
    ["an unknown field", [{ ...EMPTY, comment: "hi" }], /must NOT have additional properties/],
    ["an unknown sweep", [{ ...EMPTY, sweeps: { slices: true } }], /must NOT have additional properties/],
    ["an id that stands twice", [EMPTY, EMPTY], /stands twice/],
    ["an id of another profile", [{ ...EMPTY, id: "len9/empty" }], /not of its profile/],
    ["a field that the profile lacks", [{ ...EMPTY, bytes: [{ field: "tag", hex: "00" }] }], /has no field "tag"/],
    ["an event behind the bytes", [{ ...EMPTY, events: [{ ...EMPTY.events[0], at: 2 }] }], /an event at 2 of 1 bytes/],
    ["an end that the events contradict", [{ ...EMPTY, at_eof: "eof.in-body" }], /ends elsewhere|at_eof is/],
    ["a refusal without a sibling", [refusal({})], /names no accepting sibling/],
    ["a sibling that is not there", [refusal({ sibling: "len8/none" })], /is no vector/],
    ["a sibling that refuses", [refusal({ sibling: "len8/over" })], /does not accept/],
    ["a sibling of other limits", [refusal({ sibling: "len8/wide" }), WIDE], /its sibling len8\/wide has other limits/],
    ["an end inside a message without a sibling", [cut(["len8.eof.mid-body"])], /names no accepting sibling/],
    ["another of the names of such an end", [cut(["len8.body.cut-late"])], /names no accepting sibling/],
  ];
  for (const [name, vectors, message] of rows) {
    test(name, () => {
      expect(defect(corpusOf(vectors))).toMatch(message);
    });
  }

  test("none: a length that is waited for is accepted, and needs no sibling", () => {
    expect(defect(corpusOf([EMPTY, cut(["len8.hard-cut", "len8.length"])]))).toBe("no defect");
  });

  test("a file that is not the locked one", () => {
    expect(defect(corpusOf([EMPTY], { tamper: true }))).toMatch(/is not the file that lock.json names/);
  });

  test("a profile that its schema refuses", () => {
    expect(defect(corpusOf([EMPTY], { profile: { ...PROFILE, fields: {} } }))).toMatch(/len8\/profile.json/);
  });

  const buried = { id: "len8/old", until: "0.2", reason: "It tested what len8/empty tests." };
  const [one, other] = ["1".repeat(64), "2".repeat(64)];
  const released = { "0.1": `sha256:${one}` };
  const why = [{ id: "len8/empty", in: "0.2", reason: "The specification now allows it." }];
  const ids = (...names: string[]) => Object.fromEntries(names.map((name) => [name, one]));
  const both = { "0.1": ids("len8/empty"), "0.2": { "len8/empty": other } };
  test.each<[string, object, string | RegExp]>([
    ["none: a tombstone", { digests: { "0.1": ids("len8/empty", "len8/old") }, removed: [buried] }, "no defect"],
    ["a vector that the history lacks", { digests: {} }, /not in it: len8\/empty/],
    [
      "a scenario that is gone without a tombstone",
      { digests: { "0.1": ids("len8/empty", "wire/len8/old") } },
      /no tombstone says why: wire\/len8\/old/,
    ],
    [
      "none: a scenario with a tombstone",
      { digests: { "0.1": ids("len8/empty", "wire/len8/old") }, removed: [{ ...buried, id: "wire/len8/old" }] },
      "no defect",
    ],
    [
      "a vector that is gone without a tombstone",
      { digests: { "0.1": ids("len8/empty", "len8/old") } },
      /no tombstone says why: len8\/old/,
    ],
    ["an id that is used again", { removed: [{ ...buried, id: "len8/empty" }] }, /a tombstone for what is there/],
    ["a tombstone of nothing", { removed: [buried] }, /or never was: len8\/old/],
    ["a tombstone without a reason", { removed: [{ ...buried, reason: "" }] }, /history.json: /],
    ["another meaning than in a release, without a reason", { digests: both }, /no reason: len8\/empty in 0\.2/],
    ["none: another meaning, with its reason", { digests: both, changed: why }, "no defect"],
    ["a reason for what means the same", { changed: why }, /has not changed: len8\/empty in 0\.2/],
    [
      "a change to the same meaning",
      { digests: { ...both, "0.2": ids("len8/empty") }, changed: why },
      /0\.2 changed nothing of len8\/empty/,
    ],
    ["a version that nobody released", { released: {} }, /neither released nor 0\.2: 0\.1/],
    ["a release that is yet to come", { released: { ...released, "0.10": released["0.1"] } }, /not before 0\.2: 0\.10/],
  ])("%s", (_, more, message) => {
    const history = {
      version: "0.2",
      released,
      digests: { "0.1": ids("len8/empty") },
      changed: [],
      removed: [],
      ...more,
    };
    expect(defect(corpusOf([EMPTY], { history }))).toMatch(message);
  });

  test("a folder without a lock", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-corpus-"));
    expect(defect(folder.path)).toMatch(/^lock.json: /);
  });
});

const WIDE = { ...EMPTY, id: "len8/wide", limits: { max_frame_length: "9" } };

/** A length and no body. */
function cut(rules: readonly string[]): object {
  return {
    ...EMPTY,
    id: "len8/cut",
    rules,
    bytes: [{ field: "length", hex: "01" }],
    events: [],
    at_eof: "eof.in-body",
    sweeps: {},
  };
}

function refusal(more: object): object {
  const { at_eof: _, ...rest } = EMPTY;
  return {
    ...rest,
    id: "len8/over",
    bytes: [{ field: "length", hex: "ff" }],
    events: [{ at: 1, event: "error", class: "oversize.declared" }],
    sweeps: {},
    ...more,
  };
}
