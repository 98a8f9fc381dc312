import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadCorpus } from "./load.ts";
import { answer, BUGS, type Bug } from "./naive-decoder.ts";

const LARGE = /fill-|varied-|slow-|one-mib|mixed-sizes/;
/** The len32 cases without the large streams, which a decoder that copies its buffer would spend seconds on. */
const CASES = [...loadCorpus(join(import.meta.dir, "../../../vectors")).cases((id) => id.startsWith("len32/"))].filter(
  ({ role, vector, steps }) => role === "decode" && !LARGE.test(vector) && steps.length < 2000,
);

/** The ids of the cases that the decoder fails, in order. */
function caught(bug?: Bug): string[] {
  return CASES.filter((item) => !Bun.deepEquals(answer(item, bug), item.expected)).map(({ id }) => id);
}

test("a right decoder of the simplest kind passes", () => {
  expect(CASES.length).toBeGreaterThan(2000);
  expect(caught()).toEqual([]);
});

describe("the corpus catches a decoder with the bug:", () => {
  for (const [bug, description] of Object.entries(BUGS) as [Bug, string][]) {
    test(description, () => {
      expect(caught(bug)).not.toEqual([]);
    });
  }
});

describe("what no plain vector shows is shown by its sweep:", () => {
  const rows: [Bug, RegExp][] = [
    ["three-pieces", /#cuts=/],
    ["error-twice", /#after=/],
    ["empty-read-is-eof", /#empty=/],
    ["state-survives-reset", /#reset=/],
    ["offset-survives-reset", /#reset=/],
  ];
  for (const [bug, sweep] of rows) {
    test(BUGS[bug], () => {
      const ids = caught(bug);
      expect(ids.filter((id) => !id.includes("#"))).toEqual([]);
      expect(ids.filter((id) => sweep.test(id))).not.toEqual([]);
    });
  }
});
