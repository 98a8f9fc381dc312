import { describe, expect, test } from "bun:test";
import { refusal, WireError } from "@tensorwire/framing";
import fc from "fast-check";
import { DTYPE_SIZES, type Dtype } from "./dtype.ts";
import { messageLimits } from "./limits.ts";
import { byteLengthOf, checkSpecs, compareSpecs, peerFault, type RawSpec } from "./spec.ts";

const limits = messageLimits();
const spec = (over: Partial<RawSpec> = {}): RawSpec => ({ key: "x", dtype: "float32", shape: [2, 3], ...over });

function verdict(specs: readonly RawSpec[], options = limits): string {
  try {
    checkSpecs(specs, options, refusal);
    return "accepted";
  } catch (error) {
    if (error instanceof WireError && error.code === "spec.mismatch") return error.message;
    throw error;
  }
}

describe("tp.spec.dtype", () => {
  test("tp.spec.dtype-known: names off the table are refused, JavaScript's own among them", () => {
    for (const dtype of ["", "Float32", "float8", "torch.float32", "constructor", "__proto__"]) {
      expect(verdict([spec({ dtype })])).toContain(`expected a known dtype, ${JSON.stringify(dtype)} came`);
    }
  });

  test("tp.spec.dtype-supported: four by default, the rest are known but not supported", () => {
    const supported = Object.keys(DTYPE_SIZES).filter((dtype) => verdict([spec({ dtype })]) === "accepted");
    expect(supported).toEqual(["int64", "float16", "bfloat16", "float32"]);
    expect(verdict([spec({ dtype: "bool" })])).toContain("bool, which is known but not supported");
    expect(verdict([spec({ dtype: "bool" })], messageLimits({ dtypes: new Set<Dtype>(["bool"]) }))).toBe("accepted");
  });
});

describe("tp.spec.order and tp.spec.unique", () => {
  test("an absent index comes first, then numbers by value", () => {
    const sorted = [spec(), spec({ index: 0 }), spec({ index: 2 }), spec({ index: 10 }), spec({ key: "y" })];
    expect(verdict(sorted)).toBe("accepted");
    expect(verdict(sorted.toReversed())).toContain(`"x"[10] came after "y"`);
    expect(sorted.toReversed().toSorted(compareSpecs)).toEqual(sorted);
  });

  test("the same key and index twice is refused, an absent index and 0 are two", () => {
    expect(verdict([spec(), spec()])).toContain(`expected one spec "x", two came`);
    expect(verdict([spec({ index: 4 }), spec({ index: 4 })])).toContain(`expected one spec "x"[4], two came`);
    expect(verdict([spec(), spec({ index: 0 })])).toBe("accepted");
  });

  test("keys are compared as UTF-8 bytes", () => {
    const key = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(key, key, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareSpecs({ key: a }, { key: b }))).toBe(bytes);
      }),
    );
    expect(compareSpecs({ key: "\uffff" }, { key: "\u{10000}" })).toBeLessThan(0);
  });
});

describe("tp.spec.key, index, rank, dimension", () => {
  test.each<[string, Partial<RawSpec>]>([
    ["expected a key, an empty one came", { key: "" }],
    ["a lone surrogate", { key: "\ud800" }],
    ["an index from 0 to 2^32 - 1, -1 came", { index: -1 }],
    ["an index from 0 to 2^32 - 1, 0.5 came", { index: 0.5 }],
    ["an index from 0 to 2^32 - 1, 4294967296 came", { index: 2 ** 32 }],
    ["at most 8 dimensions, 9 came", { shape: Array(9).fill(1) }],
    ["dimensions from 0 to 2^53 - 1, -1 came", { shape: [-1] }],
    ["dimensions from 0 to 2^53 - 1, 1.5 came", { shape: [1.5] }],
    ["dimensions from 0 to 2^53 - 1, NaN came", { shape: [Number.NaN] }],
    // biome-ignore lint/suspicious/noSparseArray: a hole is no dimension.
    ["dimensions from 0 to 2^53 - 1, undefined came", { shape: [2, , 3] as number[] }],
    ["dimensions from 0 to 2^53 - 1, 9007199254740992 came", { shape: [0n, 2n ** 53n] }],
    ["dimensions from 0 to 2^53 - 1, 18446744073709551615 came", { shape: [0n, 2n ** 64n - 1n] }],
  ])("%s", (message, over) => {
    expect(verdict([spec(over)])).toContain(message);
  });

  test("rank 8, a scalar, a zero dimension beside the largest one are accepted", () => {
    for (const shape of [Array(8).fill(1), [], [0], [0n, 2n ** 53n - 1n, 2n ** 53n - 1n]]) {
      expect(verdict([spec({ shape })])).toBe("accepted");
    }
    expect(byteLengthOf({ dtype: "int64", shape: [] })).toBe(8);
    expect(byteLengthOf({ dtype: "int64", shape: [0, 2 ** 53 - 1] })).toBe(0);
  });
});

describe("tp.spec.product and tp.spec.size", () => {
  test("products that would wrap in 32 or 64 bits, or round in a double, are refused with the exact size", () => {
    for (const [shape, size] of [
      [[2 ** 16, 2 ** 16], 2n ** 34n],
      [[2 ** 32, 2 ** 30], 2n ** 64n],
      [[2 ** 32, 2 ** 32, 2 ** 32], 2n ** 98n],
      [Array(8).fill(2 ** 53 - 1), 4n * (2n ** 53n - 1n) ** 8n],
    ] as const) {
      expect(verdict([spec({ shape })])).toContain(`expected at most 16777216 bytes, ${size} came`);
    }
  });

  test("a tensor of exactly the limit is accepted, one element more is not", () => {
    const small = messageLimits({ maxTensorLength: 24 });
    expect(verdict([spec({ shape: [2, 3] })], small)).toBe("accepted");
    expect(verdict([spec({ shape: [7] })], small)).toContain("expected at most 24 bytes, 28 came");
  });
});

test("tp.spec.count: 64 specs are accepted, 65 refused before any of them is looked at", () => {
  const many = (n: number) => Array.from({ length: n }, (_, index) => spec({ index }));
  expect(verdict(many(64))).toBe("accepted");
  expect(verdict([...many(64), spec({ dtype: "nonsense" })])).toContain("at most 64 tensor specs, 65 came");
});

test("a peer's spec is the peer's fault, at the offset given, and fatal; a caller's is neither", () => {
  const raised = (blame: typeof refusal) => {
    try {
      checkSpecs([spec({ key: "" })], limits, blame);
    } catch (error) {
      if (error instanceof WireError) return { fault: error.fault, offset: error.offset, fatal: error.fatal };
    }
    return null;
  };
  expect(raised(peerFault(77))).toEqual({ fault: "peer", offset: 77, fatal: true });
  expect(raised(refusal)).toEqual({ fault: "caller", offset: 0, fatal: false });
});

test("tp.spec.order: keys that differ in their last surrogate alone are in the order of their code points", () => {
  expect(compareSpecs({ key: "\u{103fe}" }, { key: "\u{103ff}" })).toBeLessThan(0);
  expect(compareSpecs({ key: "\u{103ff}" }, { key: "\u{103fe}" })).toBeGreaterThan(0);
});

test("a refusal names the tensor, and what is supported", () => {
  expect(verdict([spec({ key: "latents", index: 2, dtype: "int8" })])).toBe(
    '[spec.mismatch] tensor "latents"[2]: expected a supported dtype (bfloat16, float16, float32, int64), int8, which is known but not supported, came',
  );
});

test("a peer's key and dtype are escaped and cut where a message quotes them", () => {
  const hostile = "\u202e\u2028\u0085";
  const escaped = String.raw`"\u{202e}\u{2028}\u{85}"`;
  expect(verdict([spec({ key: hostile, shape: [-1] })])).toContain(`tensor ${escaped}: expected dimensions`);
  expect(verdict([spec({ dtype: hostile })])).toContain(`expected a known dtype, ${escaped} came`);
  expect(verdict([spec({ key: "k".repeat(5000), dtype: "d".repeat(5000) })]).length).toBeLessThan(500);
});
