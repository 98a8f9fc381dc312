import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCorpusFiles } from "@tensorwire/conformance/corpus";
import { indexRules } from "../rules.ts";
import { CORPUS } from "../vectors/verify.ts";
import { generated, stale } from "./generate.ts";
import { fieldsOf, isNumber, LAYOUTS, type Layout, readLayouts, rulesOf } from "./layout.ts";

const layouts = readLayouts();
const { profiles } = readCorpusFiles(CORPUS);
const { rules } = indexRules();

test("every profile of the corpus has a layout", () => {
  expect(layouts.flatMap(({ streams }) => streams).sort()).toEqual(profiles.map(({ profile }) => profile).sort());
});

describe.each(layouts)("the layout of $profile", (layout) => {
  const fields = fieldsOf(layout.message);

  test.each(layout.streams)("has the fields, types and classes of an end of %s in the corpus", (name) => {
    const profile = profiles.find((known) => known.profile === name)!;
    const here = new Map(fields.map(({ field, type, eof }) => [field, { type, eof: eof.class }]));
    const there = new Map(Object.entries(profile.fields).map(([field, { type, eof }]) => [field, { type, eof }]));
    expect(new Map([...here].sort())).toEqual(new Map([...there].sort()) as typeof here);
  });

  test("names rules that the specification has, and for an end or a limit one that the corpus names for it", () => {
    expect([...rulesOf(layout)].filter((rule) => !rules.has(rule))).toEqual([]);
    const { derived } = profiles.find(({ profile }) => profile === layout.profile)!;
    for (const field of fields) {
      expect(derived[field.eof.class as keyof typeof derived]).toContain(field.eof.rule);
      if (isNumber(field) && field.limit) expect(derived["limit.refuse"]).toContain(field.limit.rule);
    }
  });
});

test("a layout that contradicts itself does not load, and says where", () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-layouts-"));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const schema = "layout.schema.json";
  write(schema, readFileSync(join(LAYOUTS, schema), "utf8"));
  const len64 = readFileSync(join(LAYOUTS, "len64.json"), "utf8");
  const refusal = (text: string, name = "len64.json") => {
    write(name, text);
    return () => readLayouts(folder);
  };
  expect(refusal(len64)).not.toThrow();
  expect(refusal(len64.replace('"length": "length"', '"length": "size"'))).toThrow(
    'len64: no number "size" stands in front',
  );
  expect(refusal(len64.replace('"counts": "payload"', '"counts": "body"'))).toThrow(
    'len64: "length" does not count "payload"',
  );
  expect(refusal(len64.replace("u64be", "u64le"))).toThrow("len64.json: /message/0");
  write("len64.json", len64);
  expect(refusal(len64, "len65.json")).toThrow("len65.json: it is the layout of len64");
  rmSync(folder, { recursive: true });
});

test("what is generated from the layouts stands as they make it", () => {
  expect(stale(generated(layouts))).toEqual([]);
});

test("what is generated changes with the layouts", () => {
  const changed = layouts.map((layout): Layout => ({ ...layout, message: [...layout.message].reverse() }));
  const files = stale(generated(changed));
  expect(files).toContain("spec/layouts/wireshark/tensorwire.lua");
  expect(files).toContain("spec/layouts/kaitai/tensorwire_len32.ksy");
  expect(files).toContain("spec/tp-control.md");
});
