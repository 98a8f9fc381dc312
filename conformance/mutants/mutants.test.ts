import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DEFAULT_CORPUS } from "@tensorwire/conformance";
import type { Case } from "@tensorwire/conformance/corpus";
import { globMatcher } from "@tensorwire/conformance/glob";
import { indexRules } from "@tensorwire/scripts/rules";
import { killingSet } from "./cover.ts";
import { runGate, type Verdict, verdictOf, zooFaults } from "./gate.ts";
import { choose, Level2Trials } from "./level2.ts";
import { jsonReport } from "./matrix.ts";
import { type Mutant, MutantDefect, mutate } from "./mutant.ts";
import { buildReference } from "./overlay.ts";
import { Sandbox } from "./sandbox.ts";
import { put, tryMutant } from "./trial.ts";
import { controlByTests, TestsTimeout, tryByTests } from "./unit-tests.ts";
import { MUTANTS } from "./zoo/index.ts";

// A run of the gate has deadlines of its own; this one catches a hang of the gate.
setDefaultTimeout(120_000);

const ROOT = resolve(import.meta.dir, "../..");
const SCAN = "packages/framing/src/scan.ts";
const mutant = (init: Partial<Mutant>): Mutant => ({
  id: "test/mutant",
  rules: ["len32.length.zero"],
  file: SCAN,
  find: "const frameEnd = start + low;",
  replace: "const frameEnd = start + low + 1;",
  why: "A test.",
  ...init,
});

describe("the zoo", () => {
  test("has at least 120 mutants, many of them of real defects", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(120);
    expect(MUTANTS.filter(({ defect }) => defect !== undefined).length).toBeGreaterThanOrEqual(15);
  });

  test("each mutant fits the sources, and says what is wrong in a sentence", () => {
    for (const each of MUTANTS) {
      expect(mutate(each, readFileSync(join(ROOT, each.file), "utf8"))).toBeString();
      expect(each.why).toMatch(/^\S.+\.$/);
    }
  });

  test("every rule has a mutant", () => {
    expect(zooFaults(MUTANTS, indexRules())).toEqual([]);
  });

  test("a name that stands twice, a rule that is none and a rule without a mutant are faults", () => {
    const faults = zooFaults(
      [
        mutant({}),
        mutant({ rules: ["len32.no-such"] }),
        mutant({ id: "b", rules: [] }),
        mutant({ id: "c", at: "tests" }),
      ],
      indexRules(),
    );
    expect(faults).toContain("two mutants are named test/mutant");
    expect(faults).toContain("test/mutant breaks len32.no-such, which is no rule");
    expect(faults).toContain("b breaks no rule");
    expect(faults).toContain("c names no file of unit tests");
    expect(faults).toContain("len64.limit.exact has no mutant");
    expect(faults.filter((fault) => fault.startsWith("iut."))).toEqual([]);
  });
});

describe("an overlay", () => {
  test("is refused where its text is missing, stands twice, or changes nothing", async () => {
    for (const [init, says] of [
      [{ find: "no such text" }, "does not hold"],
      [{ find: "buffer[i" }, "more than once"],
      [{ find: "let i = from;", replace: "let i = from;" }, "changes nothing"],
    ] as const) {
      expect(() => mutate(mutant(init), readFileSync(join(ROOT, SCAN), "utf8"))).toThrow(says);
    }
    const unused = mutant({ file: "packages/framing/src/testing.ts" });
    expect(buildReference(unused)).rejects.toThrow(MutantDefect);
  });

  test("leaves the sources and the control alone", async () => {
    const before = readFileSync(join(ROOT, SCAN), "utf8");
    const item: Case = {
      id: "len32/empty",
      vector: "len32/empty",
      rules: ["len32.length.zero"],
      level: "must",
      profile: "len32",
      role: "decode",
      limits: {},
      steps: [{ feed: "00000000" }],
      expected: [[{ event: "message", value: { payload: "" } }]],
      why: "A test.",
      marks: [],
    };
    expect((await put(await buildReference(mutant({})), item)).kind).toBe("fail");
    expect((await put(await buildReference(null), item)).kind).toBe("pass");
    expect(readFileSync(join(ROOT, SCAN), "utf8")).toBe(before);
    const crashing = mutant({ replace: 'throw new TypeError("a crash");' });
    expect(await tryMutant(await buildReference(crashing), [item], item.rules)).toEqual({
      kills: { "len32.length.zero": [] },
      elsewhere: [],
      crashes: 1,
    });
  });
});

describe("a mutant is killed by checks of all of its rules, and by nothing else", () => {
  const rules = ["len32.length.zero", "len64.length.zero"];
  const kill = { vector: "len32/empty", case: "len32/empty", problem: "" };
  const fate = (len32: boolean, len64: boolean, elsewhere: string[] = [], crashes = 0) => {
    const kills = { "len32.length.zero": len32 ? [kill] : [], "len64.length.zero": len64 ? [kill] : [] };
    return verdictOf(mutant({ rules }), {
      trial: { kills, crashes, elsewhere: elsewhere.map((id) => ({ case: id, rules: ["other"] })) },
    }).fate;
  };
  for (const [name, given, expected] of [
    ["checks of both", fate(true, true), "killed"],
    ["a check of one", fate(true, false), "wrong rule"],
    ["a check of another rule", fate(false, false, ["len32/hello"]), "wrong rule"],
    ["nothing", fate(false, false), "survived"],
    ["crashes alone", fate(false, false, [], 3), "crashed"],
    ["its deadline", verdictOf(mutant({}), { lost: "timeout" }).fate, "timeout"],
    ["its process' end", verdictOf(mutant({}), { lost: "died" }).fate, "crashed"],
    ["what it was built from", verdictOf(mutant({}), { stillborn: "" }).fate, "stillborn"],
  ] as const) {
    test(name, () => expect(given).toBe(expected));
  }
});

test("the killing set takes the vector that kills most first", () => {
  const kill = (vector: string) => ({ vector, case: vector, problem: "" });
  const verdict = (id: string, ...vectors: string[]): Verdict => ({
    mutant: mutant({ id }),
    fate: "killed",
    text: "",
    kills: { rule: vectors.map(kill) },
  });
  expect(killingSet([verdict("a", "x", "y"), verdict("b", "y"), verdict("c", "z", "y"), verdict("d", "z")])).toEqual([
    { vector: "y", mutants: ["a", "b", "c"] },
    { vector: "z", mutants: ["d"] },
  ]);
});

describe("the scenarios of a mutant of level 2", () => {
  const scenario = (n: number, ...rules: string[]) => ({ id: `wire/x/s-${n}`, rules, ranks: [] });
  const many = Array.from({ length: 40 }, (_, n) => scenario(n, n % 2 === 0 ? "even" : "odd"));
  const of = (init: Partial<Mutant>, all: readonly ReturnType<typeof scenario>[] = many) =>
    [...choose(mutant({ rules: ["even"], at: "ranks", ...init }), all)].map(({ id }) => id).sort();

  test("are a few that name one of its rules, for each rule", () => {
    expect(of({})).toHaveLength(4);
    expect(of({}).every((id) => Number(id.slice("wire/x/s-".length)) % 2 === 0)).toBe(true);
    expect(of({ rules: ["even", "odd"] })).toHaveLength(8);
    expect(of({ rules: ["none"] })).toEqual([]);
  });

  test("do not change with the place of a scenario, nor by more than the one that is added", () => {
    expect(of({}, many.toReversed())).toEqual(of({}));
    for (let n = 40; n < 60; n += 2) {
      const [before, after] = [of({}), of({}, [scenario(n, "even"), ...many])];
      expect(after.filter((id) => !before.includes(id)).length).toBeLessThanOrEqual(1);
    }
  });

  test("are first those that it names", () => {
    expect(of({ by: ["wire/x/s-3?"] }).every((id) => id.startsWith("wire/x/s-3"))).toBe(true);
    expect(of({ by: ["wire/x/s-6"] })).toContain("wire/x/s-6");
    expect(of({ by: ["wire/x/s-6"] })).toHaveLength(4);
  });

  test("are none of another place", () => {
    expect(of({ at: "wire" })).toEqual([]);
  });

  test("a name that chooses nothing is a defect of the mutant", () => {
    for (const by of [["wire/x/no-such"], ["wire/x/s-7"], ["wire/x/s-6", "wire/x/s-9"]])
      expect(() => of({ by })).toThrow(MutantDefect);
  });
});

test("a mutant of a connection dies by the scenarios of its rules, and the others pass", async () => {
  const shared = MUTANTS.find(({ id }) => id === "wire/prefix-shared")!;
  const trials = Level2Trials.load(DEFAULT_CORPUS);
  const { kills, crashes } = await trials.try(shared);
  for (const rule of shared.rules) {
    expect(kills[rule]!.length).toBeGreaterThan(0);
    expect(new Set(kills[rule]!.map(({ vector }) => vector)).size).toBe(kills[rule]!.length);
  }
  expect(crashes).toBe(0);
});

test("a mutant of a rank dies by a scenario in which the harness plays the others", async () => {
  const rank = MUTANTS.find(({ id }) => id === "hello/rest-lost")!;
  const { kills, crashes } = await Level2Trials.load(DEFAULT_CORPUS).try(rank);
  expect(kills["link.hello.behind"]?.length).toBeGreaterThan(0);
  expect(crashes).toBe(0);
});

describe("a mutant that unit tests judge", () => {
  const by = ["packages/tp-control/src/struct.test.ts"];
  const init: Partial<Mutant> = {
    ...{ at: "tests", by, rules: ["tp.kwargs.value"], file: "packages/tp-control/src/struct.ts" },
    find: "if (number_value === undefined || !Number.isFinite(number_value)) {",
  };
  let sandbox: Sandbox;
  beforeAll(() => {
    sandbox = new Sandbox();
  });
  afterAll(() => sandbox[Symbol.dispose]());
  const judged = async (replace: string, over: Partial<Mutant> = {}, deadline = 60_000.5) => {
    const value = mutant({ ...init, replace, ...over });
    return verdictOf(value, { trial: await tryByTests(value, sandbox, deadline) });
  };

  test("dies by an expectation that fails in a test whose title names its rule", async () => {
    const { fate, kills } = await judged("if (number_value === undefined) {");
    expect(fate).toBe("killed");
    expect(kills["tp.kwargs.value"]).toHaveLength(1);
    expect(kills["tp.kwargs.value"]![0]!.case).toStartWith("packages/tp-control/src/struct.test.ts: tp.kwargs.value: ");
  });

  test("survives where it breaks what tests of other rules hold", async () => {
    expect((await judged("if (number_value === undefined) {", { rules: ["tp.kwargs.exact"] })).fate).toBe("survived");
  });

  test("does not die by a crash alone", async () => {
    expect((await judged('{\n    throw new TypeError("a crash");')).fate).toBe("crashed");
  });

  test("does not die by a file that does not load, nor by a loop that has no end", async () => {
    await expect(judged("if (")).rejects.toThrow("no test ran: ");
    await expect(judged("for (;;);\n  if (true) {", {}, 2000)).rejects.toThrow(TestsTimeout);
  });

  test("is refused where no test names its rule", async () => {
    await expect(judged("if (true) {", { rules: ["tp.kwargs"] })).rejects.toThrow(
      `test/mutant: no test of ${by[0]} names tp.kwargs in its title`,
    );
    await expect(judged("if (true) {", { rules: ["tp.kwargs.value", "len32.length.zero"] })).rejects.toThrow(
      MutantDefect,
    );
  });

  test("leaves no trace: the control passes in the same copy, and the copy goes", async () => {
    const control = await controlByTests([mutant(init)], sandbox, 60_000);
    expect(control).toMatchObject({ passed: 1, failed: [], checks: { "tp.kwargs.value": { tests: 1 } } });
    const { folder } = sandbox;
    sandbox[Symbol.dispose]();
    expect(existsSync(folder)).toBe(false);
  });
});

test("a slice of the gate: each mutant dies by a check of its rule, and the control passes", async () => {
  const some = ["prefix/zero-length-*", "spec/reserved-without-parts"].map((pattern) => globMatcher(pattern));
  const gate = await runGate({ only: (id) => some.some((matches) => matches(id)), jobs: 2 });
  expect(gate.faults).toEqual([]);
  expect(gate.control.passed).toBeGreaterThan(20_000);
  expect(jsonReport(gate).summary).toEqual({ total: 3, killed: 3, survived: 0 });
  expect(gate.control.checks["tp.spec.before-allocation"]!.tests).toBeGreaterThan(0);
});
