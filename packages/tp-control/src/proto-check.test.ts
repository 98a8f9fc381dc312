import { expect, test } from "bun:test";
import { refusal } from "@tensorwire/framing";
import protobuf from "protobufjs";
import { toWireObject } from "./proto-check.ts";
import { refusalOf } from "./testing.ts";

const { root } = protobuf.parse(
  `syntax = "proto3";
  enum Kind { A = 0; B = 1; }
  message Inner { uint32 n = 1; }
  message All {
    uint32 u32 = 1; uint64 u64 = 2; int64 i64 = 3; double real = 4; bool flag = 5; string text = 6; bytes raw = 7; Kind kind = 8;
    Inner inner = 9; repeated uint32 list = 10; repeated Inner inners = 11; optional uint32 maybe = 12;
  }`,
  { keepCase: true },
);
const All = root.resolveAll().lookupType("All");
const made = (message: object) => toWireObject(All, message, refusal);

test("tp.encode.field-range: integers at the ends of their types pass exactly, and one more does not", () => {
  expect(made({ u32: 2 ** 32 - 1 })).toEqual({ u32: 2 ** 32 - 1 });
  expect(made({ u64: 2n ** 64n - 1n })).toEqual({ u64: "18446744073709551615" });
  expect(made({ i64: -(2n ** 63n) })).toEqual({ i64: "-9223372036854775808" });
  expect(made({ i64: 2n ** 63n - 1n })).toEqual({ i64: "9223372036854775807" });
  for (const [field, type, wrong] of [
    ["u32", "uint32", [-1, 2 ** 32, 0.5, "5", Number.NaN]],
    ["u64", "uint64", [-1n, 2n ** 64n, 2 ** 53]],
    ["i64", "int64", [-(2n ** 63n) - 1n, 2n ** 63n]],
  ] as const) {
    for (const value of wrong) {
      const came = typeof value === "string" ? JSON.stringify(value) : value;
      expect(refusalOf(() => made({ [field]: value }))).toBe(
        `[header.field] All.${field}: expected an integer of type ${type}, ${came} came`,
      );
    }
  }
});

test("tp.encode.field-range: every other type is judged, and the field is named", () => {
  const cases: [object, string][] = [
    [{ real: Number.NaN }, "All.real: expected a finite number, NaN came"],
    [{ real: "1" }, 'All.real: expected a finite number, "1" came'],
    [{ flag: 1 }, "All.flag: expected true or false, 1 came"],
    [{ text: 5 }, "All.text: expected a string of well-formed Unicode, 5 came"],
    [{ text: "\ud800" }, "All.text: expected a string of well-formed Unicode"],
    [{ raw: "00" }, 'All.raw: expected bytes, "00" came'],
    [{ raw: () => {} }, "All.raw: expected bytes, a value of type function came"],
    [{ kind: "C" }, 'All.kind: expected A or B, "C" came'],
    [{ kind: ["A"] }, "All.kind: expected A or B, a value of type object came"],
    [{ inner: "n" }, 'All.inner: expected an object, "n" came'],
    [{ inner: { n: -1 } }, "All.inner.n: expected an integer of type uint32, -1 came"],
    [{ list: 5 }, "All.list: expected a list, 5 came"],
    [{ list: [1, -1] }, "All.list[1]: expected an integer of type uint32, -1 came"],
    // biome-ignore lint/suspicious/noSparseArray: a hole is no element.
    [{ list: [1, , 3] }, "All.list[1]: expected an integer of type uint32, undefined came"],
    [{ text: 5n }, "All.text: expected a string of well-formed Unicode, 5 came"],
    [{ kind: "\u202e" }, String.raw`All.kind: expected A or B, "\u{202e}" came`],
    [{ inners: [{}, { n: "x" }] }, 'All.inners[1].n: expected an integer of type uint32, "x" came'],
  ];
  for (const [message, text] of cases) expect(refusalOf(() => made(message))).toContain(`[header.field] ${text}`);
});

test("tp.encode.canonical: what is absent, null or the default is left out, an optional field and elements of a list are not", () => {
  const defaults = { u32: 0, u64: 0n, real: 0, flag: false, text: "", raw: new Uint8Array(0) };
  expect(made({ ...defaults, i64: undefined, inner: null })).toEqual({});
  expect(made({ maybe: 0, list: [0], inner: {} })).toEqual({ maybe: 0, list: [0], inner: {} });
  // protobuf writes the double -0, and knows no other.
  expect(made({ real: -0, u32: -0, u64: -0, i64: -0 })).toEqual({ real: -0 });
});
