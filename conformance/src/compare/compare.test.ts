import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { honest, honestHello } from "../../liars/honest.ts";
import type { Bug } from "../corpus/naive-decoder.ts";
import type { Case } from "../corpus/types.ts";
import type { InProcessIut } from "../link/in-process.ts";
import type { Way } from "../link/ways.ts";
import type { Answer, CaseRequest } from "../protocol.ts";
import { paint } from "../report/paint.ts";
import { jsonReport } from "../report/report.ts";
import { SAMPLE, sampleIut } from "../report/testing.ts";
import { runInProcess } from "../run.ts";
import { error, testCase, testCorpus } from "../testing.ts";
import { compare } from "./compare.ts";
import { runCompare } from "./run.ts";
import { comparisonText } from "./text.ts";

setDefaultTimeout(60_000);

const quiet = () => {};
const way = (iut: InProcessIut): Way => ({ kind: "in-process", iut });
const sample = (name: string, bug?: Bug) => way(sampleIut(name, bug));
const named = (name: string, lie: (answer: Answer, request: CaseRequest) => Answer): Way =>
  way({
    hello: { ...honestHello, iut: { ...honestHello.iut, name } },
    handle: (request) => (request.id?.startsWith("len32/") ? lie(honest(request), request) : honest(request)),
  });
const same = (ways: readonly Way[], corpus = SAMPLE) => runCompare({ ways, corpus, seed: "5eed", log: quiet });
const shown = async (ways: readonly Way[], corpus = SAMPLE) => {
  const { comparison } = await same(ways, corpus);
  return comparisonText(comparison, paint(false));
};

describe("a comparison", () => {
  test("of implementations that agree shows nothing but who they are, and is exit 0", async () => {
    const { exitCode, comparison } = await same([sample("one"), sample("two")]);
    expect([exitCode, comparison.differences]).toEqual([0, []]);
    expect(comparison).toMatchObject({ compared: 3, agreed: 3, alone: 0, against: [] });
    expect(await shown([sample("one"), sample("two")])).toBe(
      [
        "one 1 (typescript) · in process · 3 answers · exit 0",
        "two 1 (typescript) · in process · 3 answers · exit 0",
        "",
        "3 cases that two or more answered",
        "they agree",
        "",
      ].join("\n"),
    );
  });

  test("shows the one case that they answer otherwise, with what each said, its rules, and where", async () => {
    const ways = [sample("good"), sample("early", "eof-in-prefix-clean"), sample("fine")];
    const { exitCode, comparison } = await same(ways);
    expect(exitCode).toBe(1);
    expect(comparison.differences).toMatchObject([
      {
        ...{ id: "len32/cut", vector: "len32/cut", profile: "len32", more: [], rules: ["len32.prefix.layout"] },
        answers: [
          { testees: ["good", "fine"], verdict: "pass", key: "as expected" },
          { testees: ["early"], verdict: "fail", events: [[], [{ event: "end" }]] },
        ],
      },
    ]);
    expect(comparison.rules).toEqual([{ rule: "len32.prefix.layout", vectors: 1 }]);
    const text = await shown(ways);
    expect(text).toContain("len32/cut\n  why      A frame is a message.\n  rules    r[len32.prefix.layout]\n");
    expect(text).toContain("  step 1   end of the stream\n");
    expect(text).toContain("    good, fine  error eof.in-prefix at 3, fatal  as expected\n");
    expect(text).toContain("    early       end  fail\n");
    expect(text).toEndWith("they differ in 1 case of 1 vector\n");
  });

  test("counts the sweeps of a vector that part them alike, and shows the first", async () => {
    const silent = named("silent", (answer) =>
      answer.op === "result" ? { ...answer, steps: answer.steps.map(() => []) } : answer,
    );
    const { comparison } = await same([way({ hello: honestHello, handle: honest }), silent]);
    expect(comparison.differences.map(({ id, more }) => [id, more])).toEqual([
      ["len32/hello", ["len32/hello#cut=2"]],
      ["len32/cut", []],
    ]);
  });

  test("takes two that fail alike for agreed, and says that the corpus is against them", async () => {
    const ways = [sample("one", "eof-in-prefix-clean"), sample("two", "eof-in-prefix-clean")];
    const { exitCode, comparison } = await same(ways);
    expect([exitCode, comparison.differences, comparison.against]).toEqual([0, [], ["len32/cut"]]);
    expect(await shown(ways)).toContain("all alike, and not as the corpus expects: len32/cut");
  });

  test("shows two that are both right, each by another alternative of the vector", async () => {
    const either: Case = testCase("len32/either", {
      steps: [{ feed: "000000" }, { eof: true }],
      expected: [[], [error("eof.in-prefix", 3)]],
      alternatives: [{ reason: "The end may be called clean.", expected: [[], [{ event: "end" }]] }],
    });
    const ways = [sample("strict"), sample("mild", "eof-in-prefix-clean")];
    const { exitCode, comparison } = await same(ways, testCorpus(either));
    expect(comparison.testees.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(exitCode).toBe(1);
    expect(comparison.differences[0]?.answers.map(({ verdict, alternative }) => [verdict, alternative])).toEqual([
      ["pass", undefined],
      ["pass", "The end may be called clean."],
    ]);
    expect(await shown(ways, testCorpus(either))).toContain("    mild    end  allowed: The end may be called clean.\n");
  });

  test("holds no words against words, and no decline against an answer", async () => {
    const says = (name: string, text: string) => named(name, (answer) => ({ op: "errored", seq: answer.seq, text }));
    expect((await same([says("one", "KeyError"), says("two", "panic: key")])).exitCode).toBe(0);
    const declines = named("shy", ({ seq }) => ({ op: "declined", seq, reason: "step" }));
    const { exitCode, comparison } = await same([sample("one"), declines]);
    expect([exitCode, comparison.compared, comparison.alone]).toEqual([5, 0, 3]);
  });

  test("gives the second of one name a name of its own", async () => {
    const { comparison } = await same([sample("port"), sample("port", "eof-in-prefix-clean")]);
    expect(comparison.testees.map(({ name }) => name)).toEqual(["port", "port #2"]);
  });

  test("of one that does not start is exit 3, whatever the others say, and tells why", async () => {
    const { exitCode, troubles } = await same([sample("one"), sample("two"), { kind: "stdio", command: "exit 7" }]);
    expect(exitCode).toBe(3);
    expect(troubles.join()).toContain("status 7");
  });
});

describe("reports of runs that have been", () => {
  const report = async (name: string, bug?: Bug, seed = "5eed", corpus = SAMPLE) =>
    jsonReport((await runInProcess(sampleIut(name, bug), { corpus, seed })).report);

  test("give the same comparison as the runs", async () => {
    const reports = [await report("good"), await report("early", "eof-in-prefix-clean")];
    const { comparison } = await same([sample("good"), sample("early", "eof-in-prefix-clean")]);
    expect(compare(JSON.parse(JSON.stringify(reports)), () => SAMPLE)).toEqual(comparison);
    const mixed = await runCompare({
      reports: [reports[0]!],
      ways: [sample("early", "eof-in-prefix-clean")],
      corpus: SAMPLE,
      log: quiet,
    });
    expect(mixed.comparison).toEqual(comparison);
  });

  const OTHER = { ...SAMPLE, hash: `sha256:${"1".repeat(64)}` };

  test("of another corpus than the one to explain them by are refused, before any run", async () => {
    const reports = [await report("good", undefined, "5eed", OTHER), await report("early", undefined, "5eed", OTHER)];
    const refused = `expected reports of the corpus that is here, ${SAMPLE.hash}; they are of ${OTHER.hash}; --corpus names`;
    await expect(runCompare({ reports, corpus: SAMPLE, log: quiet })).rejects.toThrow(refused);
    let asked = 0;
    const counting = way({
      hello: honestHello,
      handle: (request) => {
        asked++;
        return honest(request);
      },
    });
    const mixed = { reports: [reports[0]!], ways: [counting], log: quiet };
    await expect(runCompare({ ...mixed, corpus: SAMPLE })).rejects.toThrow(refused);
    expect(asked).toBe(0);
    const { exitCode } = await runCompare({ reports, corpus: OTHER, log: quiet });
    expect(exitCode).toBe(0);
  });

  test("that tell of more steps than the case has are shown without what was sent", async () => {
    const reports = [await report("good"), await report("early", "eof-in-prefix-clean")];
    const told = reports.map(({ cases, ...rest }, i) => ({
      ...rest,
      cases: cases.map((one) =>
        one.id === "len32/cut"
          ? { ...one, verdict: "fail" as const, actual: [[], [], [], i ? [{ event: "end" as const }] : []] }
          : one,
      ),
    }));
    const text = comparisonText(
      compare(told, () => SAMPLE),
      paint(false),
    );
    expect(text).toContain("    early  end  fail\n");
    expect(text).not.toContain("  step ");
  });

  test("of other corpora are refused, and so is one alone", async () => {
    const other = await report("good", undefined, "5eed", OTHER);
    const reports = [await report("good"), other];
    expect(runCompare({ reports, corpus: SAMPLE, log: quiet })).rejects.toThrow("expected reports of one corpus");
    expect(runCompare({ reports: [other], corpus: SAMPLE, log: quiet })).rejects.toThrow("expected two or more");
  });

  test("of other seeds are compared without what follows from the seed", async () => {
    const corpus = testCorpus(testCase("challenge/len32/frame-1", { profile: "len32" }), testCase("len32/hello"));
    const reports = [await report("one", undefined, "1", corpus), await report("two", undefined, "2", corpus)];
    expect(compare(reports, () => corpus).compared).toBe(1);
    expect(compare([reports[0]!, reports[0]!], () => corpus).compared).toBe(2);
  });
});

test("two liars over sockets differ in what each lies about", async () => {
  const main = fileURLToPath(new URL("../../liars/main.ts", import.meta.url));
  const liar = (name: string): Way => ({ kind: "launch", command: `"${process.execPath}" "${main}" ${name}` });
  const { exitCode, comparison } = await runCompare({
    ...{ ways: [liar("late-by-a-step"), liar("errs"), way({ hello: honestHello, handle: honest })], jobs: 1 },
    ...{ corpus: SAMPLE, seed: "liars", caseDeadline: 20_000, log: quiet },
  });
  expect(exitCode).toBe(1);
  const texts = comparison.differences.flatMap(({ answers }) => answers.map(({ text }) => text));
  expect(texts).toContain("caught a KeyError");
  expect(comparison.differences[0]?.answers.map(({ testees }) => testees.join())).toEqual([
    "liar #3",
    "liar",
    "liar #2",
  ]);
});
