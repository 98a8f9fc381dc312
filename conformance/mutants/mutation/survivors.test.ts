import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { change, numbered, ROOT } from "./list.ts";
import { type Explanation, keyOf, readSurvivors, staleOf } from "./survivors.ts";

const FILE = "packages/framing/src/multipart.ts";
const SOURCE = "const a = b > 0;\nif (x) return `a > 0`;\n  const a = b > 0;\n";
const at = (line: number, column: number, length: number) => ({
  start: { line, column },
  end: { line, column: column + length },
});
const make = (line: number, column: number, length: number, replacement: string) =>
  change(
    { file: FILE, mutatorName: "EqualityOperator", replacement, location: at(line, column, length), ignored: false },
    SOURCE,
  );

describe("the name of a mutant", () => {
  test("is its file, the code of its line and the change, without a line number", () => {
    const [one] = numbered([make(0, 10, 5, "b >= 0")]);
    expect(keyOf(one!)).toBe("src/multipart.ts: ``const a = b > 0;``: ``b > 0 → b >= 0``");
    expect(one!.mutated).toBe(SOURCE.replace("b > 0", "b >= 0"));
  });

  test("tells apart what reads the same on lines that read the same, and files of one name", () => {
    const [first, second] = numbered([make(0, 10, 5, "true"), make(2, 12, 5, "true")]);
    expect(keyOf(second!)).toBe(`${keyOf(first!)} (2)`);
    const deeper = { ...first!, file: "packages/framing/src/deep/multipart.ts" };
    expect(keyOf(deeper)).not.toBe(keyOf(first!));
  });

  test("tells apart what reads the same on another line", () => {
    const keys = numbered([make(0, 10, 5, "true"), make(1, 15, 5, "true")]).map(keyOf);
    expect(keys[1]).toBe("src/multipart.ts: ``if (x) return 'a > 0';``: ``a > 0 → true``");
    expect(new Set(keys).size).toBe(2);
  });
});

describe("the file of explanations", () => {
  const KEY = "src/a.ts: ``if (a) b();``: ``a → true``";
  const read = (...lines: string[]) => readSurvivors(["# Survivors", "", "- text", ...lines].join("\n"), ["framing"]);

  test("has reasons, and below each of them what it explains", () => {
    expect(read("## framing", "", "No difference:", "", "- Both do.", `  - ${KEY}`, `  - ${KEY} (2)`)).toEqual([
      { package: "framing", key: KEY, reason: "Both do." },
      { package: "framing", key: `${KEY} (2)`, reason: "Both do." },
    ]);
  });

  for (const [name, says, ...lines] of [
    ["a section that is no package", "4: transport is no package", "## transport"],
    ["a mutant without a reason", "5: neither", "## framing", `  - ${KEY}`],
    ["a reason without a mutant, at the end", "5: a reason without", "## framing", "- Both do."],
    ["a reason without a mutant, before a section", "5: a reason without", "## framing", "- Both do.", "## framing"],
    [
      "a reason without a mutant, before another",
      "5: a reason without",
      "## framing",
      "- Both do.",
      "- So.",
      `  - ${KEY}`,
    ],
    ["a name that is none", "6: neither", "## framing", "- Both do.", "  - src/a.ts: ``a → true``"],
    ["a name with more behind it", "6: neither", "## framing", "- Both do.", `  - ${KEY}, and more`],
    ["a line of text", "5: neither", "## framing", "as I said"],
    ["a mutant named twice", "7: it is named twice", "## framing", "- Both do.", `  - ${KEY}`, `  - ${KEY}`],
  ] as const) {
    test(`refuses ${name}`, () => {
      expect(() => read(...lines)).toThrow(`SURVIVORS.md:${says}`);
    });
  }

  test("names places that stand in the sources", () => {
    const text = readFileSync(join(ROOT, "conformance/mutants/SURVIVORS.md"), "utf8");
    const missing = readSurvivors(text, ["framing", "tensor-spec", "tp-control", "pp-contract"]).filter(
      ({ package: name, key }) => {
        const [, file = "", code] = /^(\S+): ``(.*?)``: /.exec(key) ?? [];
        const lines = readFileSync(join(ROOT, "packages", name, file), "utf8")
          .replaceAll("`", "'")
          .split("\n");
        return !lines.some((line) => line.replaceAll(/\s+/g, " ").trim() === code);
      },
    );
    expect(missing).toEqual([]);
  });
});

describe("an explanation is stale", () => {
  const [one] = numbered([make(0, 10, 5, "true")]);
  const explanation: Explanation = { package: "framing", key: keyOf(one!), reason: "A test." };

  test("when its mutant was noticed, or is not made", () => {
    expect(staleOf([explanation], [one!], ["tests"])).toEqual([explanation]);
    expect(staleOf([explanation], [one!], ["corpus"])).toEqual([explanation]);
    expect(staleOf([explanation], [], [])).toEqual([explanation]);
    expect(staleOf([explanation], [{ ...one!, text: true }], ["survived"])).toEqual([explanation]);
  });

  test("not when it survives, or when a busy machine may have ended it", () => {
    expect(staleOf([explanation], [one!], ["survived"])).toEqual([]);
    expect(staleOf([explanation], [one!], ["timeout"])).toEqual([]);
  });
});
