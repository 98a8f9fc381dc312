import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Case, loadCorpus } from "../corpus/index.ts";
import { checkLine } from "../line-schemas.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import { type ExportedScenario, exportCases } from "./export.ts";

// Over the whole corpus, on a machine that may be busy.
setDefaultTimeout(60_000);

const corpus = loadCorpus(DEFAULT_CORPUS);

function exported(filter?: (id: string) => boolean): (Case | ExportedScenario)[] {
  const lines: string[] = [];
  const count = exportCases(corpus, { write: (text) => lines.push(text) }, filter);
  expect(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(true);
  expect(count).toBe(lines.length);
  return lines.map((line) => JSON.parse(line));
}

const all = exported((id) => /^(?:wire\/)?(?:grpc-lpm|tp-session)\//.test(id));
const scenarios = all.filter((line): line is ExportedScenario => "scenario" in line);

describe("the exported list", () => {
  test("has the cases of level 1 and of level 3 as the corpus expands them", () => {
    const only = (id: string) => /^(?:grpc-lpm|tp-session)\//.test(id);
    const expanded = [...corpus.cases(only), ...corpus.probes!(only)];
    expect(all.filter((line) => !("scenario" in line))).toEqual(JSON.parse(JSON.stringify(expanded)));
    expect(expanded.filter(({ requires }) => requires !== undefined).length).toBeGreaterThan(100);
  });

  test("has each scenario of level 2, with the cases that it plays written out", () => {
    const files = corpus.wire!.filter(({ profile }) => ["grpc-lpm", "tp-session"].includes(profile));
    const ids = files.flatMap((file) => file.scenarios.map(({ id }) => id));
    expect(new Set(scenarios.map(({ scenario }) => scenario))).toEqual(new Set(ids));
    for (const line of scenarios) {
      expect(line).not.toContainAnyKeys(["replay", "interleave"]);
      const played = line.cases ?? [];
      for (const about of played) expect(about.steps.length).toBe(about.expected.length);
      expect(played.length > 0 || "steps" in line).toBe(true);
    }
  });

  test("fits its schema, line by line", () => {
    let number = 0;
    exportCases(corpus, { write: (text) => checkLine("cases", JSON.parse(text), ++number) });
    expect(number).toBeGreaterThan(80_000);
  });

  test("loses no field of a scenario of steps", () => {
    const stated = corpus.wire!.flatMap((file) => file.scenarios).filter((scenario) => "steps" in scenario);
    const told = new Map(
      exported((id) => id.startsWith("wire/")).map((line) => [line.id, line as ExportedScenario] as const),
    );
    for (const scenario of stated) expect(told.get(scenario.id)).toMatchObject(JSON.parse(JSON.stringify(scenario)));
    expect(stated.length).toBeGreaterThan(10);
  });

  test("bears no id twice at one level", () => {
    for (const level of [scenarios, all.filter((line) => !("scenario" in line))]) {
      expect(new Set(level.map(({ id }) => id)).size).toBe(level.length);
    }
  });

  test("is narrowed by the ids of cases and scenarios", () => {
    expect(exported((id) => id === "len64/hello#poison").map(({ id }) => id)).toEqual(["len64/hello#poison"]);
    expect(exported((id) => id.startsWith("wire/tp/split")).every(({ id }) => id.startsWith("wire/tp/split/"))).toBe(
      true,
    );
    expect(exported(() => false)).toEqual([]);
  });
});
