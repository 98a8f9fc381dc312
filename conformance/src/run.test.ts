import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { honest, honestHello } from "../liars/honest.ts";
import type { InProcessIut } from "./link/in-process.ts";
import type { Answer, CaseRequest, Event, Hello } from "./protocol.ts";
import { paint } from "./report/paint.ts";
import { jsonReport } from "./report/report.ts";
import { summary } from "./report/summary.ts";
import { runConformance, runInProcess } from "./run.ts";
import { error, message, testCase, testCorpus } from "./testing.ts";

const iut: InProcessIut = { hello: honestHello, handle: honest };
const hello = testCase("len32/hello");
const corpus = testCorpus(
  hello,
  testCase("len32/hello#cut=2", {
    steps: [{ feed: "0000" }, { feed: "000568656c6c6f" }, { eof: true }],
    expected: [[], [message("68656c6c6f")], [{ event: "end" }]],
  }),
  testCase("len64/hello", { profile: "len64" }),
  testCase("len32/encode", {
    role: "encode",
    steps: [{ encode: { payload: "" } }],
    expected: [[{ event: "bytes", hex: "00000000" }]],
  }),
  testCase("len32/huge", { limits: { max_frame_length: "65537" } }),
);
const verdicts = (report: { outcomes: readonly { id: string; verdict: string }[] }) =>
  Object.fromEntries(report.outcomes.map(({ id, verdict }) => [id, verdict]));
/** Honest, but for cases outside the link check. */
const but = (change: (answer: Answer, request: CaseRequest) => Answer | Promise<Answer>): InProcessIut => ({
  hello: honestHello,
  handle: (request) =>
    request.id?.startsWith("link-check") === false ? change(honest(request), request) : honest(request),
});

describe("a run", () => {
  test("r[iut.limits.declared]: puts an IUT only to what it declares", async () => {
    const { exitCode, report } = await runInProcess(iut, { corpus });
    expect(verdicts(report)).toEqual({
      "len32/hello": "pass",
      "len32/hello#cut=2": "pass",
      "len64/hello": "not applicable",
      "len32/encode": "not applicable",
      "len32/huge": "not applicable",
    });
    expect(exitCode).toBe(0);
    expect(report.outcomes.at(-1)?.text).toBe("max_frame_length 65537 is above the declared 65536");
  });

  test("a filter takes a case, or a vector with its sweeps", async () => {
    const run = async (filter: string) => Object.keys(verdicts((await runInProcess(iut, { corpus, filter })).report));
    expect(await run("len32/hello#cut=2")).toEqual(["len32/hello#cut=2"]);
    expect(await run("len32/hello")).toEqual(["len32/hello", "len32/hello#cut=2"]);
    expect(await run("*/hello")).toEqual(["len32/hello", "len32/hello#cut=2", "len64/hello"]);
  });

  test("with nothing selected is exit 5, and says so", async () => {
    const { exitCode, report } = await runInProcess(iut, { corpus, profiles: ["len46"] });
    expect(exitCode).toBe(5);
    expect(report.trouble).toBe(
      "no case has been selected: nothing was executed; the corpus has no profile len46, it has len32, len64",
    );
  });

  test("a SHOULD that is not met is a warning", async () => {
    const should = testCorpus(testCase("len32/should", { level: "should", expected: [[], []] }));
    const { exitCode, report } = await runInProcess(iut, { corpus: should });
    expect(verdicts(report)).toEqual({ "len32/should": "warn" });
    expect(exitCode).toBe(0);
  });

  test("r[iut.restart.limit]: goes on after a crash, eight times at most", async () => {
    const many = testCorpus(...Array.from({ length: 20 }, (_, i) => testCase(`len32/${i}`)));
    const crash = but(() => {
      throw new Error("segfault");
    });
    const { exitCode, report } = await runInProcess(crash, { corpus: many });
    expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 9 }, () => "crash"));
    expect(report.notRun.get("len32")).toBe(11);
    expect(report.restarts).toBe(8);
    expect(exitCode).toBe(1);
  });

  test("a silent IUT is a timeout in a case, and unusable in the link check", async () => {
    const never = new Promise<Answer>(() => {});
    const slow = await runInProcess(
      but(() => never),
      { corpus, caseDeadline: 20, filter: "len32/hello#cut=2" },
    );
    expect(verdicts(slow.report)).toEqual({ "len32/hello#cut=2": "timeout" });
    expect(slow.exitCode).toBe(1);
    const mute = await runInProcess({ hello: honestHello, handle: () => never }, { corpus, startDeadline: 20 });
    expect(mute.exitCode).toBe(3);
    expect(mute.report.trouble).toContain("adapter unusable");
  });

  test("an answer of the wrong shape is an adapter error, and the next case is still asked", async () => {
    const odd = but((answer, { id }) =>
      id === "len32/hello" ? ({ ...answer, took: 3 } as unknown as Answer) : answer,
    );
    const { exitCode, report } = await runInProcess(odd, { corpus, filter: "len32/hello" });
    expect(verdicts(report)).toEqual({ "len32/hello": "adapter error", "len32/hello#cut=2": "pass" });
    expect(report.restarts).toBe(0);
    expect(exitCode).toBe(3);
  });

  test("an unusable codec fails its profile, and the cases of that profile are left out", async () => {
    const deaf: InProcessIut = {
      hello: honestHello,
      handle: (request) => {
        const answer = honest(request);
        return answer.op === "result" ? { ...answer, steps: answer.steps.map(() => []) } : answer;
      },
    };
    const { exitCode, report } = await runInProcess(deaf, { corpus });
    expect(verdicts(report)["link-check/len32/frame"]).toBe("fail");
    expect(report.notRun.get("len32")).toBe(2);
    expect(exitCode).toBe(1);
  });

  /** Says another hello from its second link on, and crashes once. */
  const another = (change: Partial<Hello>): InProcessIut => {
    let crashed = false;
    return {
      get hello() {
        return crashed ? { ...honestHello, ...change } : honestHello;
      },
      handle: (request) => {
        if (crashed || request.id?.startsWith("link-check") !== false) return honest(request);
        crashed = true;
        throw new Error("segfault");
      },
    };
  };

  test("a link whose hello says otherwise than the first is not used", async () => {
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const { exitCode, report } = await runInProcess(another({ error_granularity: "none" }), { corpus, log });
    expect(verdicts(report)).toMatchObject({ "len32/hello": "crash" });
    expect(report.notRun.get("len32")).toBe(1);
    expect(exitCode).toBe(1);
    expect(said).toHaveLength(8);
    expect(said[0]).toContain('hello: error_granularity must be that of the first link, "class"; it is "none"');
  });

  test("neither the token of a hello nor the order of its lists is anything that it says", async () => {
    const first = { ...honestHello, capabilities: ["poison", "quota"] };
    let links = 0;
    const iut: InProcessIut = {
      get hello() {
        return links === 0 ? first : { ...first, token: `${links}`, capabilities: ["quota", "poison"] };
      },
      handle: (request) => {
        if (links > 0 || request.id?.startsWith("link-check") !== false) return honest(request);
        links++;
        throw new Error("segfault");
      },
    };
    const { report } = await runInProcess(iut, { corpus });
    expect(report.restarts).toBe(1);
    expect(report.notRun.size).toBe(0);
  });

  test("an adapter that never empties its list does not have the square of its cases kept", async () => {
    const all: Event[] = [];
    const hoards = but((answer) => {
      if (answer.op !== "result") return answer;
      const [first = [], ...others] = answer.steps;
      all.push(...first);
      return { ...answer, steps: [[...all], ...others] };
    });
    const many = testCorpus(...Array.from({ length: 50 }, (_, i) => testCase(`len32/${i}`)));
    const { report } = await runInProcess(hoards, { corpus: many });
    const last = report.outcomes.find(({ omitted }) => omitted === 44);
    expect(last).toMatchObject({ verdict: "fail", omitted: 44, difference: { step: 0, index: 1 } });
    expect(last?.actual?.map(({ length }) => length)).toEqual([6, 1]);
    expect(jsonReport(report).cases).toContainEqual(expect.objectContaining({ id: last?.id, omitted: 44 }));
    const omitted = jsonReport(report).failures.map((failure) => failure.omitted);
    expect(omitted).toContain("44 events behind those shown");
    expect(summary(report, paint(false))).toMatch(/ {2}omitted {2}(1 event|\d+ events) behind those shown\n/);
  });

  test("the coarser granularity is judged as declared, and named", async () => {
    const coarse: InProcessIut = {
      hello: { ...honestHello, error_granularity: "stage" },
      handle: (request) => {
        const answer = honest(request);
        if (answer.op !== "result") return answer;
        const steps = answer.steps.map((events) =>
          events.map((event) => ("class" in event ? { ...event, class: event.class?.split(".")[0] ?? "" } : event)),
        );
        return { ...answer, steps };
      },
    };
    const cut = testCase("len32/cut", {
      steps: [{ feed: "0000" }, { eof: true }],
      expected: [[], [error("eof.in-prefix", 2)]],
    });
    const { exitCode, report } = await runInProcess(coarse, { corpus: testCorpus(cut) });
    expect(exitCode).toBe(0);
    expect(report.granularity).toBe("stage");
  });
});

describe("runConformance", () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const way = { kind: "in-process", iut } as const;

  test("writes the reports that it is asked for, and prints one", async () => {
    let printed = "";
    const [json, junit, html] = ["report.json", "report.xml", "report.html"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const { exitCode } = await runConformance({
      way,
      corpus: testCorpus(hello, testCase("len32/<b>&#cut=1", { expected: [[], [{ event: "end" }]] })),
      json,
      junit,
      html,
      seed: "seed-7",
      log: () => {},
      print: (text) => {
        printed += text;
      },
    });
    expect(exitCode).toBe(1);
    expect(printed).toContain("a message in step 0 should not be there");
    expect(printed).toContain("--filter 'len32/<b>&#cut=1' --seed seed-7");
    expect(printed).toContain("2 cases in");
    expect(printed).not.toContain("\u001b");
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report.summary).toMatchObject({ exit: 1, pass: 1, fail: 1, total: 2, seed: "seed-7" });
    expect(report.cases).toEqual([
      { id: "len32/hello", verdict: "pass" },
      {
        id: "len32/<b>&#cut=1",
        verdict: "fail",
        expected: [[], [{ event: "end" }]],
        actual: [[message("68656c6c6f")], [{ event: "end" }]],
        text: "a message in step 0 should not be there",
      },
    ]);
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain('<testsuite name="len32" tests="2" failures="1" errors="0" skipped="0">');
    expect(xml).toContain('name="len32/&lt;b&gt;&amp;#cut=1"');
    const page = readFileSync(html, "utf8");
    expect(page).toContain("len32/&lt;b&gt;&amp;#cut=1");
    expect(page).not.toContain("<b>&");
  });

  test("a corpus that cannot be loaded is exit 4", async () => {
    const broken = mkdtempSync(join(tmpdir(), "tensorwire-"));
    writeFileSync(join(broken, "lock.json"), '{"corpus":"sha256:0","files":{}}');
    const { exitCode, report } = await runConformance({ way, corpus: broken, log: () => {}, print: () => {} });
    expect(exitCode).toBe(4);
    expect(report?.trouble).toContain("the corpus cannot be loaded");
  });

  test("a bad baseline is a usage error, exit 64", async () => {
    const baseline = join(folder, "baseline.json");
    writeFileSync(baseline, "[]");
    const said: string[] = [];
    const { exitCode } = await runConformance({
      way,
      corpus,
      baseline,
      log: (line) => said.push(line),
      print: () => {},
    });
    expect(exitCode).toBe(64);
    expect(said.join()).toContain(baseline);
  });

  test("a report that cannot be written is exit 64, and the readable one is printed all the same", async () => {
    let printed = "";
    const said: string[] = [];
    const { exitCode } = await runConformance({
      way,
      corpus,
      json: join(folder, "no", "such", "folder.json"),
      log: (line) => said.push(line),
      print: (text) => {
        printed += text;
      },
    });
    expect(exitCode).toBe(64);
    expect(said.join()).toContain("folder.json");
    expect(printed).toContain("conformant");
  });

  test("a stale baseline is exit 2, and is not judged by a narrowed run", async () => {
    const baseline = join(folder, "stale.json");
    writeFileSync(baseline, '{"entries":[{"pattern":"len32/gone","reason":"was broken"}]}');
    const run = (more: object) => runConformance({ way, corpus, baseline, log: () => {}, print: () => {}, ...more });
    expect((await run({})).exitCode).toBe(2);
    expect((await run({ filter: "len32/hello" })).exitCode).toBe(0);
    const crash = but(() => {
      throw new Error("segfault");
    });
    const many = testCorpus(...Array.from({ length: 10 }, (_, i) => testCase(`len32/${i}`)));
    const dies = { kind: "in-process", iut: crash } as const;
    // All are asked, and then: one is left.
    expect((await run({ way: dies, corpus: testCorpus(...[...many.cases()].slice(1)) })).exitCode).toBe(2);
    expect((await run({ way: dies, corpus: many })).exitCode).toBe(1);
  });
});
