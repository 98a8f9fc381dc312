import { expect, test } from "bun:test";
import { splitLayers } from "./layers.ts";

test("every split covers all layers once, in order, in shares that differ by one at most, the larger first", () => {
  for (let layers = 1; layers <= 13; layers++) {
    for (let stages = 1; stages <= layers; stages++) {
      const ranges = splitLayers(layers, stages);
      expect(ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual([
        ...Array(layers).keys(),
      ]);
      const shares = ranges.map(({ from, to }) => to - from);
      expect(shares).toEqual(shares.toSorted((a, b) => b - a));
      expect(shares[0]! - shares.at(-1)!).toBeLessThanOrEqual(1);
    }
  }
});

test("a split that is told is taken as it is", () => {
  expect(splitLayers(6, 3, [1, 4, 1])).toEqual([
    { from: 0, to: 1 },
    { from: 1, to: 5 },
    { from: 5, to: 6 },
  ]);
});

test.each([[[4]], [[2, 1]], [[2, 3]], [[1, 1, 2]], [[0, 4]], [[-1, 5]], [[1.5, 2.5]], [[]]])(
  "%j is no split of four layers into two stages",
  (split) => {
    const message = `split: expected 2 numbers of layers, 4 together, ${split} came`;
    expect(() => splitLayers(4, 2, split)).toThrow(message);
  },
);

test.each([0, 5, 1.5, Number.NaN])("four layers do not go into %p stages", (stages) => {
  expect(() => splitLayers(4, stages)).toThrow(`stages: expected from 1 to 4, one layer each, ${stages} came`);
});
