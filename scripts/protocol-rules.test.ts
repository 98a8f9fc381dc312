import { expect, test } from "bun:test";
import { holdersOf, protocolFaults, unknownNames } from "./protocol-rules.ts";
import type { Rule } from "./rules.ts";

const rule = (file: string): Rule => ({ file, line: 1, text: "A MUST.", level: "must" });
const IUT = rule("spec/iut-protocol.md");
const index = {
  rules: new Map([
    ["iut.lied", IUT],
    ["iut.lied.more", IUT],
    ["iut.tested", IUT],
    ["iut.played", IUT],
    ["iut.said", IUT],
    ["len32.other", rule("spec/framing.md")],
  ]),
  inVectors: new Map([["iut.played", ["wire/len32/split", "vectors/len32/profile.json"]]]),
};
const r = (id: string) => `r[${id}]`;
const told = [
  {
    file: "conformance/liars/a.test.ts",
    titles: ["a liar is found out", `${r("iut.lied")} ${r("iut.tested")}: lies, and more`],
  },
  { file: "conformance/liars/a.test.ts", titles: [`${r("iut.tested")}: a table is found out`, "at once"] },
  { file: "conformance/liars/a.test.ts", titles: [`${r("iut.tested")}: the honest one passes`] },
  { file: "conformance/src/b.test.ts", titles: ["what is found out", `${r("iut.tested")}: of x`] },
  { file: "conformance/src/c.test.ts", titles: ["it says iut.said"] },
];
const gallery = [
  { name: "lies-early", rules: ["iut.lied"] },
  { name: "lies, and more", rules: ["iut.lied"] },
];

test("liars are those of the gallery and of tables in tests; a test that meets one is no other test", () => {
  const nothing = { liars: [], tests: [], scenarios: [] };
  expect(Object.fromEntries(holdersOf(index, told, gallery))).toEqual({
    "iut.lied": { ...nothing, liars: ["lies, and more", "lies-early"] },
    "iut.lied.more": nothing,
    "iut.tested": {
      ...nothing,
      liars: ["lies, and more"],
      tests: ["conformance/liars/a.test.ts", "conformance/src/b.test.ts"],
    },
    "iut.played": { ...nothing, scenarios: ["wire/len32/split"] },
    "iut.said": nothing,
  });
});

test("a rule that nothing holds is a fault, unless there is a reason; a reason too many is one as well", () => {
  const holders = holdersOf(index, told, gallery);
  const missing = (id: string) => `${id} is named by no liar, no title of a test and no scenario`;
  expect(protocolFaults(holders, {})).toEqual([missing("iut.lied.more"), missing("iut.said")]);
  expect(protocolFaults(holders, { "iut.said": "Why.", "iut.lied": "Why.", "len32.other": "Why." })).toEqual([
    missing("iut.lied.more"),
    "iut.lied has a reason not to be shown, and is",
    "len32.other has a reason and is no rule of spec/iut-protocol.md",
  ]);
});

test("a name that no rule bears is found in titles and in the gallery", () => {
  const liars = [...gallery, { name: "errs", rules: ["iut.lie"] }];
  const titles = [
    ...told,
    { file: "x.test.ts", titles: [`${r("iut.tested")} ${r("iut.test")}: one`, `${r("iut.test")}: two`] },
  ];
  expect(unknownNames(index, titles, liars)).toEqual(["iut.test in x.test.ts", "iut.lie in liar errs"]);
});
