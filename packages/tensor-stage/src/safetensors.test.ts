import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { encodeSafetensors, parseSafetensorsHeader, SafetensorsFile } from "./safetensors.ts";

const dir = mkdtempSync(join(tmpdir(), "tensorwire-"));
let files = 0;

function save(bytes: Uint8Array): string {
  const path = join(dir, `${files++}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}

/** A file with any header length, header text and data. */
function raw(length: bigint, header: string, data: number): Uint8Array {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length + data);
  bytes.writeBigUInt64LE(length);
  text.copy(bytes, 8);
  return bytes;
}

describe("round trip", () => {
  test("any tensors come back, in every dtype that is read", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.array(fc.integer({ min: -128, max: 128 })), fc.constantFrom("float32", "float16", "bfloat16")),
        ),
        async (tensors) => {
          const stored = tensors.map(([numbers, dtype], i) => {
            return { name: `t${i}`, shape: [1, numbers.length], values: Float32Array.from(numbers), dtype } as const;
          });
          const file = await SafetensorsFile.open(save(encodeSafetensors(stored)));
          expect(file.entries.size).toBe(stored.length);
          for (const { name, shape, values } of stored) expect(await file.read(name)).toEqual({ values, shape });
        },
      ),
      { numRuns: 30 },
    ));

  test("a name that is not there, and a dtype that does not become float32", async () => {
    const header = JSON.stringify({ mask: { dtype: "BOOL", shape: [2], data_offsets: [0, 2] } });
    const file = await SafetensorsFile.open(save(raw(BigInt(header.length), header, 2)));
    await expect(file.read("mask")).rejects.toThrow("mask is BOOL, expected F32, F16 or BF16");
    await expect(file.read("weight")).rejects.toThrow("has no tensor weight");
  });
});

describe("a file that lies about its lengths is refused on opening", () => {
  const cases: [string, Uint8Array, string][] = [
    ["fewer than 8 bytes", new Uint8Array(7), "has 7 bytes, expected at least 8"],
    ["a header longer than the file", raw(9n, "{}", 6), "declares a header of 9 bytes, the file has 16"],
    ["a header of 2^64 - 1 bytes", raw(2n ** 64n - 1n, "{}", 0), "declares a header of 18446744073709552000 bytes"],
    ["a header that is no JSON", raw(2n, "{]", 0), "the header is no JSON"],
    ["a header that is no object", raw(2n, "[]", 0), "the header is no JSON object"],
    ["a header that is no UTF-8", new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0xff]), "not valid"],
  ];
  for (const [name, bytes, message] of cases) {
    test(name, async () => {
      await expect(SafetensorsFile.open(save(bytes))).rejects.toThrow(message);
    });
  }
});

describe("a header whose entries do not add up is refused", () => {
  const f32 = (shape: unknown, data_offsets: unknown) => ({ dtype: "F32", shape, data_offsets });
  const cases: [string, Record<string, unknown>, number, string][] = [
    ["unknown dtype", { a: { dtype: "F31", shape: [1], data_offsets: [0, 4] } }, 4, 'a has dtype "F31"'],
    [
      "a dtype from the prototype",
      { a: { dtype: "toString", shape: [], data_offsets: [0, 4] } },
      4,
      'dtype "toString"',
    ],
    ["negative size", { a: f32([-1], [0, 4]) }, 4, "a has shape [-1]"],
    ["fractional size", { a: f32([0.5], [0, 2]) }, 2, "a has shape [0.5]"],
    ["shape that is no list", { a: f32("1", [0, 4]) }, 4, 'a has shape "1"'],
    ["offsets in reverse", { a: f32([1], [4, 0]) }, 4, "a has data_offsets [4,0]"],
    ["one offset", { a: f32([1], [4]) }, 4, "a has data_offsets [4]"],
    ["an entry that is no object", { a: null }, 0, "a has dtype undefined"],
    ["offsets that do not span the shape", { a: f32([2], [0, 4]) }, 4, "of 8 bytes, but its offsets span 4"],
    ["a product beyond any memory", { a: f32([2 ** 52, 2 ** 52], [0, 8]) }, 8, "but its offsets span 8"],
    ["overlap", { a: f32([2], [0, 8]), b: f32([1], [4, 8]) }, 8, "b starts at 4 and overlaps the tensor before it"],
    ["gap", { a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12, "b starts at 8 and leaves a gap before it"],
    ["end behind the file", { a: f32([2], [0, 8]) }, 4, "the tensors cover 8 bytes, the file holds 4"],
    ["bytes that belong to nothing", { a: f32([1], [0, 4]) }, 5, "the tensors cover 4 bytes, the file holds 5"],
  ];
  for (const [name, header, data, message] of cases) {
    test(name, () => {
      expect(() => parseSafetensorsHeader(JSON.stringify(header), data)).toThrow(message);
    });
  }

  test("entries in any order, empty tensors and metadata are fine", () => {
    const header = {
      b: f32([1], [4, 8]),
      __metadata__: { format: "pt" },
      empty: f32([0, 3], [4, 4]),
      a: f32([], [0, 4]),
    };
    expect([...parseSafetensorsHeader(JSON.stringify(header), 8).keys()]).toEqual(["b", "empty", "a"]);
  });
});
