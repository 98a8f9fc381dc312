import { describe, expect, test } from "bun:test";
import { OWED, pageFaults, readPage } from "./guarantees/faults.ts";
import { anchorOf, blocksOf, withTables } from "./guarantees/page.ts";
import { readSources } from "./guarantees/sources.ts";

const sources = readSources();
const page = readPage();

describe("spec/guarantees.md", () => {
  test("names nothing that is not there, and every rule of the sections that it owes", () => {
    expect(pageFaults(page, sources)).toEqual([]);
  });

  test("owes sections that are there, and has a table for each promise", () => {
    for (const [chapter, section] of OWED) {
      const rules = [...sources.rules].filter(
        ([id, { file }]) => file === chapter && (section ?? sources.section(id)) === sources.section(id),
      );
      expect(rules.length).toBeGreaterThan(2);
    }
    expect(blocksOf(page).length).toBe([...page.matchAll(/^## \d+\. /gm)].length);
  });

  test("leads to headings that are there", () => {
    const own = new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => `#${anchorOf(heading)}`));
    const inside = [...page.matchAll(/\]\((#[^)]+)\)/g)].map(([, anchor = ""]) => anchor);
    expect(inside.length).toBeGreaterThan(10);
    expect(inside.filter((anchor) => !own.has(anchor))).toEqual([]);
  });

  test("is written the same twice", () => {
    const once = withTables(page, sources);
    expect(withTables(once, sources)).toBe(once);
    expect(pageFaults(once, sources)).toEqual([]);
  });
});

describe("a page that has rotted", () => {
  const first = blocksOf(page)[0]!.rules[0]!;
  const rotten = (from: string | RegExp, to: string) => {
    const changed = page.replace(from, to);
    expect(changed).not.toBe(page);
    return pageFaults(changed, sources).join("\n");
  };
  for (const [name, faults, says] of [
    [
      "a rule that is left out",
      rotten(/ tp-session\.call-id\.duplicate/, ""),
      "tp-session.call-id.duplicate is not on the page",
    ],
    [
      "a rule that is none",
      rotten("rules: tp.send.order", "rules: tp.send.orders tp.send.order"),
      "tp.send.orders is no rule",
    ],
    ["a table without a rule's row", rotten(/^\| \[`tp\.send\.order`.*\n/m, ""), "tp.send.order has no row"],
    [
      "code that names another rule",
      rotten("tensor-spec/src/prepared-message.ts)", "tensor-spec/src/limits.ts)"),
      `${first}: no code that names it`,
    ],
    [
      "a vector that is in no file",
      rotten("[tp/encode-fault-last]", "[tp/encode-fault-gone]"),
      `${first}: no vector that names it is tp/encode-fault-gone`,
    ],
    [
      "a file that is gone",
      rotten("(evolution.md)", "(revolution.md)"),
      "leads to spec/revolution.md, which is not there",
    ],
    [
      "a check that the model does not have",
      rotten("model: tp HEADER_FIRST", "model: tp TENSORS_FIRST"),
      "no check tp TENSORS_FIRST",
    ],
    [
      "a fault that is not made",
      rotten("faults: leader killed *", "faults: leader promoted *"),
      "no row of the fault table is leader promoted *",
    ],
    ["a scenario of the source without a row", rotten(/^\| OM-07 .*\n/m, ""), "OM-07 has no row"],
    [
      "a scenario that is another",
      rotten(/(\| OM-09 .*?)\[wire\/[^\]]+\]/, "$1[wire/tp-session/leader-dtype-bool]"),
      "is not OM-09",
    ],
    [
      "a rule in the text that is none",
      rotten("Only the right peer", `r${"[tp.no-such.rule]"} Only the right peer`),
      "the text names tp.no-such.rule",
    ],
  ] as const) {
    test(`is told by ${name}`, () => expect(faults).toContain(says));
  }
});
