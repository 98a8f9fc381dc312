import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromWire, toWire, type WireDtype } from "./wire-dtype.ts";

const words = (bytes: Uint8Array) => [...new Uint16Array(new Uint8Array(bytes).buffer)];
const narrow = (dtype: WireDtype, ...values: number[]) => words(toWire(new Float32Array(values), dtype));
const bitsOf = (value: number) => new Uint32Array(new Float32Array([value]).buffer)[0]!;
const fromBits = (bits: number) => new Float32Array(new Uint32Array([bits]).buffer)[0]!;
const widen = (dtype: WireDtype, word: number) => fromWire(new Uint8Array(new Uint16Array([word]).buffer), dtype)[0]!;
const every16 = Array.from({ length: 0x10000 }, (_, word) => word);

describe("bfloat16", () => {
  test("known values", () => {
    expect(narrow("bfloat16", 0, -0, 1, -2, Infinity, -Infinity)).toEqual([0, 0x8000, 0x3f80, 0xc000, 0x7f80, 0xff80]);
  });

  test("ties go to the even neighbour, anything beyond a tie goes up", () => {
    const at = (bits: number) => narrow("bfloat16", fromBits(bits))[0];
    expect(at(0x3f808000)).toBe(0x3f80);
    expect(at(0x3f818000)).toBe(0x3f82);
    expect(at(0x3f808001)).toBe(0x3f81);
    expect(at(0x3f807fff)).toBe(0x3f80);
    expect(at(0xbf818000)).toBe(0xbf82);
  });

  test("a carry runs through the exponent, and past the largest value to infinity", () => {
    expect(narrow("bfloat16", fromBits(0x3fffffff))).toEqual([0x4000]);
    expect(narrow("bfloat16", fromBits(0x7f7fffff), fromBits(0xff7fffff))).toEqual([0x7f80, 0xff80]);
    expect(narrow("bfloat16", fromBits(0x7f7f7fff))).toEqual([0x7f7f]);
  });

  test("subnormals round like the rest", () => {
    const at = (bits: number) => narrow("bfloat16", fromBits(bits))[0];
    expect([at(0x00000001), at(0x00008000), at(0x00008001), at(0x00018000), at(0x007fffff)]).toEqual([
      0, 0, 1, 2, 0x80,
    ]);
  });

  test("every NaN stays a NaN of the same sign", () => {
    for (const bits of [0x7f800001, 0x7fffffff, 0x7fc00000, 0xff800001, 0xffffffff]) {
      const values = new Float32Array(new Uint32Array([bits]).buffer);
      const word = words(toWire(values, "bfloat16"))[0]!;
      expect(word & 0x7fff).toBeGreaterThan(0x7f80);
      expect(word >>> 15).toBe(bits >>> 31);
    }
  });

  test("any float32 goes to a nearest bfloat16, the even one of two", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const word = narrow("bfloat16", value)[0]!;
        const below = bitsOf(value) >>> 16;
        expect([below, below + 1]).toContain(word);
        const miss = (w: number) =>
          Math.abs((w & 0x7fff) === 0x7f80 ? 2 ** 128 - Math.abs(value) : widen("bfloat16", w) - value);
        const other = word === below ? below + 1 : below;
        expect(miss(word)).toBeLessThanOrEqual(miss(other));
        if (miss(word) === miss(other)) expect(word & 1).toBe(0);
      }),
    );
  });
});

describe("float16", () => {
  test("known values, subnormals and ties", () => {
    expect(narrow("float16", 1, -2, 65504, 65519, 65520, Infinity)).toEqual([
      0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0x7c00,
    ]);
    expect(narrow("float16", 2 ** -24, 2 ** -25, 2 ** -25 + 2 ** -40, 3 * 2 ** -25)).toEqual([1, 0, 1, 2]);
    expect(narrow("float16", 1 + 2 ** -11, 1 + 3 * 2 ** -11)).toEqual([0x3c00, 0x3c02]);
  });

  test("NaN stays NaN", () => {
    expect(fromWire(toWire(new Float32Array([NaN]), "float16"), "float16")[0]).toBeNaN();
  });
});

describe("every 16-bit value survives widening and narrowing", () => {
  for (const dtype of ["float16", "bfloat16"] as const) {
    test(dtype, () => {
      const bytes = new Uint8Array(new Uint16Array(every16).buffer);
      const values = fromWire(bytes, dtype);
      const back = words(toWire(values, dtype));
      for (const word of every16) {
        if (Number.isNaN(values[word])) expect(widen(dtype, back[word]!)).toBeNaN();
        else expect(back[word]).toBe(word);
      }
    });
  }
});

describe("memory", () => {
  test("float32 leaves as a view of the values, at their offset", () => {
    const values = new Float32Array([0, 1, 2, 3]).subarray(1, 3);
    const bytes = toWire(values, "float32");
    expect(bytes.buffer).toBe(values.buffer);
    expect([bytes.byteOffset, bytes.length]).toEqual([4, 8]);
  });

  for (const dtype of ["float32", "float16", "bfloat16"] as const) {
    test(`${dtype} arrives from an unaligned view in memory of its own`, () => {
      const source = new Float32Array([1.5, -0.25, 96]);
      const bytes = toWire(source, dtype);
      const odd = new Uint8Array(bytes.length + 1);
      odd.set(bytes, 1);
      const values = fromWire(odd.subarray(1), dtype);
      odd.fill(0xff);
      expect([...values]).toEqual([1.5, -0.25, 96]);
    });

    test(`${dtype} refuses a length that is no multiple of its size`, () => {
      expect(() => fromWire(new Uint8Array(7), dtype)).toThrow(`7 bytes are no whole number of ${dtype} values`);
    });
  }
});
