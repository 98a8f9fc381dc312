import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lastReleased, type UnsafeChange, unsafeChanges } from "./proto-breaking/compare.ts";

// It starts processes.
setDefaultTimeout(60_000);

const PROTOS = resolve(import.meta.dir, "../spec/proto");
const TP = "tp_control.proto";
const PP = "pp_contract.proto";
const LINK = "link.proto";
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "tensorwire-proto-test-"));
  // What is released is also what stands, so that each test sees its own change alone.
  cpSync(lastReleased(PROTOS), copy, { recursive: true });
  cpSync(lastReleased(PROTOS), join(copy, "released/0.1"), { recursive: true });
  cpSync(join(PROTOS, "buf.yaml"), join(copy, "buf.yaml"));
});
afterEach(() => rmSync(copy, { recursive: true }));

/** The rules that fail, once `from` is `to` in a file of the copy. */
async function after(file: string, from: string, to: string): Promise<string[]> {
  const text = readFileSync(join(copy, file), "utf8");
  if (!text.includes(from)) throw new Error(`expected ${JSON.stringify(from)} in ${file}`);
  writeFileSync(join(copy, file), text.replace(from, to));
  return [...new Set((await unsafeChanges(copy)).map(({ rule }) => rule))];
}

describe("what stands in spec/proto, against the last release", () => {
  let compared: Promise<readonly UnsafeChange[]> | undefined;
  const changes = () => (compared ??= unsafeChanges(PROTOS));
  /** What both contracts carry is in the third file. */
  const changesOf = async (file: string) =>
    (await changes()).filter(({ at }) => [file, "tensor.proto"].some((name) => at.startsWith(name)));

  test("is safe", async () => expect(await changes()).toEqual([]));

  for (const [file, contract] of [
    [TP, "tp"],
    [PP, "pp"],
  ] as const) {
    test(`${contract}.evolution.version-bump: no message of ${file} changes in a way that needs a new version`, async () => {
      expect(await changesOf(file)).toEqual([]);
    });

    test(`${contract}.evolution.reserved: no number of ${file} is used again, nor free for it`, async () => {
      expect((await changesOf(file)).filter(({ rule }) => NUMBERS.has(rule))).toEqual([]);
    });
  }
});

/** What buf says of a number that was released and now means something else, or may come to. */
const NUMBERS: ReadonlySet<string> = new Set([
  "FIELD_SAME_NAME",
  "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED",
  "ENUM_VALUE_SAME_NAME",
  "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED",
  "RESERVED_MESSAGE_NO_DELETE",
  "RESERVED_ENUM_NO_DELETE",
]);

test.each([
  ["a field with a new number", TP, "VideoStep video = 5;", "VideoStep video = 5;\n  string trace = 6;"],
  [
    "a field that goes, its number and name reserved",
    PP,
    "double noise_scale = 12;",
    'reserved 12;\n  reserved "noise_scale";',
  ],
  [
    "a new message, which is how a new version comes",
    TP,
    "message TPManifest",
    "message TPManifestV2 {}\nmessage TPManifest",
  ],
  ["a field of the handshake with a new number", LINK, "uint32 lane = 9;", "uint32 lane = 9;\n  string trace = 10;"],
  ["a comment", TP, "// Seed of the noise", "// The seed of the noise"],
])("safe: %s", async (_, file, from, to) => {
  expect(await after(file, from, to)).toEqual([]);
});

test.each([
  ["another type", TP, "string tp_plan = 4;", "uint32 tp_plan = 4;", "FIELD_SAME_TYPE"],
  ["a wider type", TP, "uint32 height = 1;", "uint64 height = 1;", "FIELD_SAME_TYPE"],
  [
    "another number",
    PP,
    "double noise_scale = 12;",
    "double noise_scale = 14;",
    "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED",
  ],
  ["a number used again", PP, "double noise_scale = 12;", "double guidance = 12;", "FIELD_SAME_NAME"],
  ["a field that goes without a trace", PP, "double noise_scale = 12;", "", "FIELD_NO_DELETE_UNLESS_NAME_RESERVED"],
  ["optional that goes", PP, "optional bool ok = 6;", "bool ok = 6;", "FIELD_SAME_CARDINALITY"],
  ["one that becomes many", TP, "string tp_plan = 4;", "repeated string tp_plan = 4;", "FIELD_SAME_CARDINALITY"],
  ["an enum renumbered", PP, "SHUTDOWN = 2;", "SHUTDOWN = 3;", "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED"],
  ["a new action", PP, "SHUTDOWN = 2;", "SHUTDOWN = 2;\n  ERROR = 3;", "ENUM_VALUE_ADDED"],
  ["a new kind of step", PP, "LmStep lm = 8;", "LmStep lm = 8;\n    string other = 9;", "ONEOF_FIELD_ADDED"],
  ["another type in the handshake", LINK, "uint32 rank = 4;", "uint64 rank = 4;", "FIELD_SAME_TYPE"],
  ["a field of the handshake that goes", LINK, "bytes instance = 8;", "", "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED"],
  ["a new role", LINK, "PP_STAGE = 4;", "PP_STAGE = 4;\n  PP_OBSERVER = 5;", "ENUM_VALUE_ADDED"],
  ["a message that goes", "tensor.proto", "message Versioned", "message Version", "MESSAGE_NO_DELETE"],
])("unsafe: %s", async (_, file, from, to, rule) => {
  expect(await after(file, from, to)).toContain(rule);
});

test("a text that does not compile is an error, not a safe change", async () => {
  await expect(after(TP, "string tp_plan = 4;", "strin tp_plan = 4;")).rejects.toThrow("buf build ended with");
});

test("the last release is the highest version, not the last name", () => {
  for (const version of ["0.2", "0.10"]) mkdirSync(join(copy, "released", version));
  expect(lastReleased(copy)).toBe(join(copy, "released/0.10"));
});
