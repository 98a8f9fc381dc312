import { expect, test } from "bun:test";
import type { Holders } from "@tensorwire/scripts/protocol-rules";
import type { Rule, RuleIndex } from "@tensorwire/scripts/rules";
import type { Gate } from "./gate.ts";
import { coveragePage } from "./page.ts";

const rule = (file: string): Rule => ({ file, line: 1, text: "A MUST.", level: "must" });
const index: RuleIndex = {
  rules: new Map([
    ["len32.some", rule("spec/framing.md")],
    ["iut.lied", rule("spec/iut-protocol.md")],
    ["iut.played", rule("spec/iut-protocol.md")],
    ["iut.said", rule("spec/iut-protocol.md")],
  ]),
  inCode: new Map([["iut.said", ["b.ts", "a.ts", "b.ts"].map((file) => ({ file, line: 1 }))]]),
  inVectors: new Map([["len32.some", ["len32/two"]]]),
  doubled: [],
};
const gate: Gate = {
  control: {
    passed: 2,
    declined: 0,
    failed: [],
    checks: { "len32.some": { accepting: 1, refusing: 1, tests: 0 } },
  },
  verdicts: [],
  faults: [],
};
const scenarios = Array.from({ length: 8 }, (_, i) => `wire/len32/s${i + 1}`);
const holders = new Map<string, Holders>([
  ["iut.lied", { liars: ["errs", "says a, and b"], tests: ["conformance/src/x.test.ts"], scenarios: [] }],
  ["iut.played", { liars: [], tests: [], scenarios }],
  ["iut.said", { liars: [], tests: [], scenarios: [] }],
]);
const page = coveragePage(index, gate, holders, {});
/** The cells of the line that begins with this one. */
const row = (first: string, of = page) =>
  of
    .split("\n")
    .filter((line) => line.startsWith(`| ${first} `))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );

test("a rule of the IUT protocol has its liars, other tests and scenarios, a few of many", () => {
  const few = scenarios.slice(0, 6).join(", ");
  const text = row("`len32.some`")[0]![1]!;
  expect(row("`iut.lied`")).toEqual([
    ["`iut.lied`", text, "must", "errs; says a, and b", "conformance/src/x.test.ts", ""],
  ]);
  expect(row("`iut.played`")).toEqual([["`iut.played`", text, "must", "", "", `${few}, 2 scenarios more`]]);
  expect(row("`iut.said`")).toEqual([["`iut.said`", text, "must", "", "", ""]]);
});

test("the head and the summary say how many of them are shown, and the others' summary counts none of them", () => {
  expect(page.slice(0, page.indexOf("\n## "))).toContain("2 of 3 are shown.");
  expect(row("[iut-protocol.md](iut-protocol.md)")).toEqual([
    ["[iut-protocol.md](iut-protocol.md)", "3", "1", "1", "1", "2"],
  ]);
  expect(row("all")).toEqual([["all", "1", "1", "0", "0", "0"]]);
});

test("one that only a comment names is where the corpus is weak, with the files of the comment", () => {
  const weak = page.slice(page.indexOf("## Where the corpus is weak"), page.indexOf("\n## framing.md"));
  expect(weak).toContain(
    "### Rules of the IUT protocol that only a comment names (1)\n\n- `iut.said`: In a comment of a.ts, b.ts.\n",
  );
  const shown = new Map([...holders].filter(([id]) => id !== "iut.said"));
  expect(coveragePage(index, gate, shown, {})).toContain("only a comment names (0)\n\nNone.\n");
});

test("the same sources give the same page", () => {
  expect(coveragePage(index, gate, holders, {})).toBe(page);
});
