import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { loadCorpus } from "@tensorwire/conformance/corpus";

type Row = Readonly<Record<string, string>>;
type Axes = Readonly<Record<string, readonly string[]>>;

const missing = Bun.which("python3") === null && process.env.TENSORWIRE_REQUIRE_PORTS === undefined;
if (missing) console.log("no python3 on this machine: covering arrays are not checked");

/** Rows of the generator's covering array; `impossible` are values that never occur together. */
function covering(axes: Axes, impossible: readonly Row[], strength: number): Row[] {
  const program = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(import.meta.dir)})
from covering import covering
axes, impossible, strength = json.load(sys.stdin)
print(json.dumps(covering(axes, lambda row: not any(each.items() <= row.items() for each in impossible), strength)))
`;
  const { stdout, stderr } = Bun.spawnSync(["python3", "-c", program], {
    stdin: Buffer.from(JSON.stringify([axes, impossible, strength])),
    timeout: 30_000,
  });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

/** Combinations of values of so many axes that no row has, as `axis=value axis=value`. */
function uncovered(rows: readonly Row[], axes: Axes, strength: number): string[] {
  const has = (wanted: readonly (readonly [string, string])[]) =>
    rows.some((row) => wanted.every(([axis, value]) => row[axis] === value));
  const combinations = (rest: readonly string[], depth: number): (readonly [string, string])[][] => {
    if (depth === 0) return [[]];
    return rest.flatMap((axis, i) =>
      combinations(rest.slice(i + 1), depth - 1).flatMap((more) =>
        axes[axis]!.map((value) => [[axis, value] as const, ...more]),
      ),
    );
  };
  return combinations(Object.keys(axes), strength)
    .filter((wanted) => !has(wanted))
    .map((wanted) => wanted.map((pair) => pair.join("=")).join(" "));
}

describe.skipIf(missing)("a covering array", () => {
  const axes = { a: ["1", "2", "3"], b: ["1", "2", "3", "4"], c: ["1", "2"], d: ["1", "2", "3"] };

  test("has every pair of values of every two axes, in few rows, the same every time", () => {
    const rows = covering(axes, [], 2);
    expect(uncovered(rows, axes, 2)).toEqual([]);
    expect(rows.length).toBeLessThanOrEqual(15); // 12 at least, and 72 in all
    expect(covering(axes, [], 2)).toEqual(rows);
  });

  test("has every three of them where three are asked for", () => {
    const rows = covering(axes, [], 3);
    expect(uncovered(rows, axes, 3)).toEqual([]);
    expect(rows.length).toBeLessThan(72);
  });

  test("has nothing impossible, and all that is possible beside it", () => {
    const impossible = [
      { a: "1", b: "1" },
      { b: "2", c: "1", d: "3" },
    ];
    const rows = covering(axes, impossible, 2);
    expect(uncovered(rows, axes, 2)).toEqual(["a=1 b=1"]);
    for (const each of impossible) {
      expect(rows.filter((row) => Object.entries(each).every(([axis, value]) => row[axis] === value))).toEqual([]);
    }
  });

  test("leaves out what is impossible by two reasons together", () => {
    // With b=1, c can be neither.
    const rows = covering(
      { a: ["1", "2"], b: ["1", "2"], c: ["1", "2"] },
      [
        { b: "1", c: "1" },
        { b: "1", c: "2" },
      ],
      2,
    );
    expect(rows.map(({ b }) => b)).not.toContain("1");
  });
});

const AXES: Axes = {
  dials: ["harness", "iut"],
  over: ["tcp", "unix"],
  ends: ["end", "half", "reset", "ours", "drop"],
  where: ["boundary", "prefix", "body"],
  writes: ["whole", "glued", "cut", "bytes"],
  limit: ["default", "exact", "over"],
  beside: ["alone", "three"],
  size: ["zero", "one", "large"],
};
const IMPOSSIBLE = [
  "over=unix ends=reset",
  "over=unix ends=drop",
  "ends=half limit=over",
  "ends=drop limit=over",
  "where=prefix limit=over",
  "writes=bytes size=large",
  "limit=default size=large",
];

describe("the scenarios of pairs", () => {
  const { wire = [] } = loadCorpus(resolve(import.meta.dir, "../../vectors"));
  const all = wire.flatMap(({ profile, scenarios }) => scenarios.map(({ id }) => ({ profile, id })));
  const rowOf = (id: string): Row => {
    const values = id.split("/pairs-")[1]!.split("-");
    return Object.fromEntries(Object.keys(AXES).map((axis, i) => [axis, values[i]!]));
  };
  const pairs = Map.groupBy(
    all.filter(({ id }) => id.includes("/pairs-")),
    ({ profile }) => profile,
  );

  test("are there for every profile", () => {
    expect([...pairs.keys()].sort()).toEqual([
      ...["grpc-lpm", "len32", "len56-tagged", "len64", "multipart", "multipart-typed"],
      ...["pp-envelope", "pp-result", "pp-session", "tp", "tp-session"],
    ]);
  });

  test.each([...pairs])(
    "of %s have every pair of values of every two axes that can be together, in 40 at most",
    (_, of) => {
      expect(of.length).toBeLessThanOrEqual(40);
      expect(
        uncovered(
          of.map(({ id }) => rowOf(id)),
          AXES,
          2,
        ),
      ).toEqual(IMPOSSIBLE);
    },
  );
});
