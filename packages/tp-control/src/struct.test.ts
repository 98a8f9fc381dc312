import { expect, test } from "bun:test";
import { peerFault } from "@tensorwire/tensor-spec";
import { fromStruct, type StructObject, toStruct } from "./struct.ts";
import { refusalOf } from "./testing.ts";

const made = (kwargs: unknown) => toStruct(kwargs as StructObject, "kwargs");
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

test("tp.kwargs.no-tensors: what has a shape or a dtype, and not both, is an object like any other", () => {
  for (const plain of [{ shape: [1] }, { dtype: "float32" }]) {
    expect(() => made({ plain })).not.toThrow();
    expect(refusalOf(() => made({ plain: { ...plain, shape: [], dtype: "x" } }))).toContain("nested tensors");
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
