import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { disagreements } from "./disagree.ts";
import { kaitaiText } from "./kaitai.ts";
import { type KaitaiEnding, kaitaiReader } from "./kaitai-read.ts";
import { readLayouts } from "./layout.ts";
import { mutants } from "./mutants.ts";
import { type Ending, type Stated, statedBy } from "./stated.ts";

// Kaitai's compiler is slow where much else runs.
setDefaultTimeout(60_000);

const layouts = readLayouts();
const vectors = statedBy(layouts);
const of = (profile: string) => vectors.filter(({ layout }) => layout.profile === profile);

/** How reading ends: a description knows no limit, and what another layer refuses it reads to the end. */
const ENDS: Readonly<Record<Ending, KaitaiEnding | "any">> = {
  end: "end",
  eof: "eof",
  cut: "eof",
  value: "value",
  limit: "any",
  above: "any",
};

async function faultsOf(text: string, stated: readonly Stated[]): Promise<string[]> {
  const read = await kaitaiReader(text, stated[0]!.layout);
  return stated.flatMap((vector) => {
    const { seen, ending } = read(vector.bytes);
    const ends = ENDS[vector.ending];
    return [
      ...disagreements(vector, seen),
      ...(ends === "any" || ends === ending ? [] : [`${vector.id}: reading ends with ${ending}, not ${ends}`]),
    ];
  });
}

describe.each(layouts)("the Kaitai description of $profile", (layout) => {
  test("reads every field, number and end of every decode vector", async () => {
    const stated = of(layout.profile);
    expect(stated.length).toBeGreaterThan(30);
    expect(new Set(stated.map(({ ending }) => ending)).size).toBeGreaterThanOrEqual(3);
    expect(await faultsOf(kaitaiText(layout), stated)).toEqual([]);
  });

  test.each(mutants(layout))("shows when $name", async ({ layout: broken }) => {
    expect((await faultsOf(kaitaiText(broken), of(layout.profile))).length).toBeGreaterThan(0);
  });
});
