import { expect, test } from "bun:test";
import { peerFault } from "@tensorwire/tensor-spec";
import { fromStruct, type StructObject, toStruct } from "./struct.ts";
import { refusalOf } from "./testing.ts";

const MANY = 65536;
const made = (kwargs: unknown, most = MANY) => toStruct(kwargs as StructObject, most);
const read = (value: object | null) => () =>
  fromStruct({ fields: [{ key: "a", value: value as never }] }, "kwargs", peerFault(88));

test("tp.kwargs.exact: names are judged too, and the path leads to the value", () => {
  expect(refusalOf(() => made({ a: { "\ud800": 1 } }))).toContain(
    "[header.field] kwargs.a.\ud800: expected a name of well",
  );
  expect(refusalOf(() => made({ s: "\ud800" }))).toContain("a lone surrogate came; a typed field");
  let deep: unknown = [];
  for (let i = 0; i < 31; i++) deep = [deep];
  expect(refusalOf(() => made({ deep }))).toContain("expected at most 30 levels, more came");
});

test("tp.kwargs.no-tensors: a shape and a dtype make a tensor where its elements stand beside them, and there alone", () => {
  const elements = [{ data: [1] }, { dataId: {} }, { values: [1] }, { buffer: [1] }];
  for (const plain of [{ shape: [1], dtype: "float32" }, ...elements.flatMap((one) => [{ shape: [1], ...one }])]) {
    expect(() => made({ plain })).not.toThrow();
    expect(() => made(plain)).not.toThrow();
  }
  for (const one of elements) {
    expect(() => made({ plain: { dtype: "float32", ...one } })).not.toThrow();
    const tensor = { shape: [1], dtype: "float32", ...one };
    expect(refusalOf(() => made({ tensor }))).toContain("[spec.mismatch] kwargs.tensor: nested tensors");
    expect(refusalOf(() => made(tensor))).toContain("[spec.mismatch] kwargs: nested tensors");
  }
});

test("tp.kwargs.no-tensors, tp.kwargs.exact: kwargs themselves are judged like what is in them", () => {
  for (const bytes of [new Float32Array(1), new Uint8Array(0), new ArrayBuffer(1), new SharedArrayBuffer(1)]) {
    expect(refusalOf(() => made(bytes))).toBe(
      "[spec.mismatch] kwargs: nested tensors are not allowed, tensors are parts",
    );
  }
  for (const other of [new Map([["a", 1]]), new Date(0), [1], [], "a", 5, null, undefined, () => 1]) {
    expect(refusalOf(() => made(other))).toBe("[header.field] kwargs: expected a plain object, another value came");
  }
  expect(made({})).toEqual({ fields: [] });
});

test("tp.kwargs.exact: a hole in a list is refused, by its place", () => {
  // biome-ignore lint/suspicious/noSparseArray: it is what is tested.
  expect(refusalOf(() => made({ a: [1, , 3] }))).toContain("[header.field] kwargs.a[1]: expected null, a boolean");
});

test("as many values as the limit are sent, at all levels together, and one more is not", () => {
  const six = { a: [1, { b: null }], c: {}, d: [] };
  expect(() => made(six, 6)).not.toThrow();
  expect(refusalOf(() => made(six, 5))).toBe("[oversize.declared] kwargs: expected at most 5 values, 6 or more came");
  expect(() => made({}, 0)).not.toThrow();
  expect(refusalOf(() => made({ a: 1 }, 0))).toContain("at most 0 values, 1 or more came");
});

test("one object in many places is refused before it is written out in each", () => {
  let wide: unknown = 1;
  for (let i = 0; i < 30; i++) wide = [wide, wide];
  expect(refusalOf(() => made({ wide }))).toContain("expected at most 65536 values");
});

test("a name is escaped and cut where a message leads along it", () => {
  const name = "\u202e\u2028";
  const shown = String.raw`kwargs.\u{202e}\u{2028}`;
  expect(refusalOf(() => made({ [name]: 1n }))).toContain(`[header.field] ${shown}: expected null`);
  expect(refusalOf(() => made({ [name]: new Uint8Array(1) }))).toContain(`[spec.mismatch] ${shown}: nested tensors`);
  expect(refusalOf(() => made({ [name]: { "\ud800": 1 } }))).toContain(
    `[header.field] ${shown}.\ud800: expected a name`,
  );
  let deep = {};
  for (let i = 0; i < 31; i++) deep = { [i === 30 ? name : "x"]: deep };
  expect(refusalOf(() => made(deep))).toContain(`[header.field] ${shown}.x.x`);
  const long = "n".repeat(5000);
  const cut = `kwargs.${"n".repeat(193)}…: `;
  expect(refusalOf(() => made({ [long]: 1n }))).toContain(`[header.field] ${cut}expected null`);
  const fields = (key: string, value: object) => () =>
    fromStruct({ fields: [{ key, value }] }, "kwargs", peerFault(88));
  for (const value of [{}, { bool_value: true, number_value: 1 }]) {
    expect(fields(name, value)).toThrow(`[header.length] ${shown}: expected a`);
    expect(fields(long, value)).toThrow(`[header.length] ${cut}expected a`);
  }
});

test("an object without a prototype is an object", () => {
  const bare = Object.assign(Object.create(null), { n: 1 });
  expect(made({ bare })).toEqual(made({ bare: { n: 1 } }));
});

test("tp.kwargs.value: what a peer's value must be, by its path", () => {
  expect(read({ number_value: 1e300 })()).toEqual({ a: 1e300 });
  expect(read({ list_value: { values: [] } })()).toEqual({ a: [] });
  const wrong: [object | null, string][] = [
    [null, "kwargs.a: expected a google.protobuf.Value, one without a kind came"],
    [{}, "kwargs.a: expected a google.protobuf.Value, one without a kind came"],
    [{ number_value: Number.NaN }, "kwargs.a: expected a google.protobuf.Value, NaN came"],
    [{ bool_value: true, number_value: 1 }, "kwargs.a: expected a value of one kind, one of 2 came"],
    [{ list_value: { values: [{ null_value: "NULL_VALUE" }, {}] } }, "kwargs.a[1]: expected a google.protobuf.Value"],
    [{ struct_value: { fields: [{ key: "b", value: {} }] } }, "kwargs.a.b: expected a google.protobuf.Value"],
  ];
  for (const [value, text] of wrong) expect(read(value)).toThrow(`[header.length] ${text}`);
});
