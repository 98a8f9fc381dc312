import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GALLERY } from "../../liars/gallery.ts";
import { honest, honestHello } from "../../liars/honest.ts";
import { probed } from "../../liars/honest-probes.ts";
import { TOUCHES } from "../../liars/touches.ts";
import type { InProcessIut } from "../link/in-process.ts";
import { type ConformanceOptions, DEFAULT_CORPUS } from "../options.ts";
import type { Answer } from "../protocol.ts";
import { SAMPLE, sampleIut } from "../report/testing.ts";
import { runConformance } from "../run.ts";
import { testCase, testCorpus } from "../testing.ts";
import type { Verdict } from "../verdict.ts";
import { type RecordedEvent, RecordingError, type RecordingHeader, readRecording } from "./recording.ts";
import { Replay } from "./replay-link.ts";

// Most of them start processes, some nine times over, on a machine that may be busy.
setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
const file = (name: string) => join(folder, name);
const quiet = { log: () => {}, print: () => {}, corpus: SAMPLE } satisfies ConformanceOptions;

/** Records a run and judges the recording: both JSON reports. */
async function both(name: string, options: ConformanceOptions) {
  const link = file(`${name}.link`);
  const live = await runConformance({ ...quiet, ...options, record: link, json: file(`${name}.json`) });
  const { corpus = SAMPLE, baseline } = options;
  const again = await runConformance({
    ...{ ...quiet, corpus, replay: link, json: file(`${name}.again`) },
    ...(baseline !== undefined && { baseline }),
  });
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  return { live, again, first: read(file(`${name}.json`)), second: read(file(`${name}.again`)) };
}

const main = fileURLToPath(new URL("../../liars/main.ts", import.meta.url));

describe("a replay gives the report of the run that was recorded", () => {
  test("for a codec that fails", async () => {
    const { live, first, second } = await both("fails", {
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
    });
    expect(live.exitCode).toBe(1);
    expect(second).toEqual(first);
  });

  test("for connections that share a decoder", async () => {
    const { first, second } = await both("beside", {
      way: { kind: "in-process", iut: probed("shares-a-decoder") },
      ...{ corpus: DEFAULT_CORPUS, filter: "len32/hello#beside*" },
    });
    expect(first.summary.fail).toBeGreaterThan(3);
    expect(second).toEqual(first);
  });

  test("for crashes, restarts, and cases that were left unrun", async () => {
    const many = testCorpus(
      ...Array.from({ length: 14 }, (_, i) => testCase(`len32/${i}`)),
      SAMPLE.cases()[Symbol.iterator]().next().value,
    );
    const crash: InProcessIut = {
      hello: honestHello,
      handle: (request) => {
        if (request.op === "case" && !request.id.startsWith("link-check")) throw new Error("segfault");
        return honest(request);
      },
    };
    const { live, first, second } = await both("crash", { way: { kind: "in-process", iut: crash }, corpus: many });
    expect(live.report?.notRun.get("len32")).toBeGreaterThan(0);
    expect(second).toEqual(first);
  });

  test("for a narrowed run with a baseline", async () => {
    const baseline = file("baseline.json");
    writeFileSync(baseline, '{"entries":[{"pattern":"len32/cut","reason":"known"}]}');
    const { live, first, second } = await both("known", {
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
      filter: "len32/*",
      baseline,
    });
    expect(live.exitCode).toBe(0);
    expect(second).toEqual(first);
  });

  for (const name of [
    ...[
      "always-ok",
      "empty-result",
      "declines-everything",
      "prints-on-stdout",
      "wrong-seq",
      "answers-twice",
      "logs-between-answers",
    ],
    ...[
      "cuts-its-answer",
      "closes-early",
      "not-utf8",
      "hangs",
      "exits-before-hello",
      "dies-after-hello",
      "wrong-token",
    ],
  ]) {
    const liar = GALLERY.find((each) => each.name === name);
    if (liar === undefined) throw new Error(`no liar is named ${name}`);
    test(`for the liar ${name}`, async () => {
      const { live, again, first, second } = await both(name, {
        way: { kind: liar.way ?? "launch", command: `"${process.execPath}" "${main}" ${name}` },
        ...{ jobs: 1, seed: "liars", caseDeadline: 200 },
      });
      expect(live.exitCode).toBe(liar.exit as never);
      expect(again.exitCode).toBe(live.exitCode);
      expect(second).toEqual(first);
    });
  }
});

describe("a recording", () => {
  test("holds every line of the link, both ways, with its number", async () => {
    await both("lines", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const { header, events, footer } = readRecording(file("lines.link"));
    expect(header).toMatchObject({ recording: 1, corpus: SAMPLE.hash, wire: false });
    const said = events.map(({ link, ...event }) => [link, Object.keys(event)[0], Object.values(event)[0]]);
    expect(said[0]?.slice(0, 2)).toEqual([1, "received"]);
    expect(JSON.parse(said[0]?.[2] as string)).toEqual({ ...honestHello, iut: { ...honestHello.iut, name: "sample" } });
    expect(said[1]?.slice(0, 2)).toEqual([1, "sent"]);
    expect(JSON.parse(said[1]?.[2] as string).op).toBe("welcome");
    const asked = events.filter((event) => "sent" in event && event.sent.includes('"id":"len32/cut"'));
    expect(asked).toHaveLength(1);
    expect(footer).toMatchObject({ links: 1, restarts: 0 });
  });

  test("says when it is none, or of another corpus, or asked for what it fixes", async () => {
    writeFileSync(file("no.link"), '{"recording":2}\n');
    expect(() => readRecording(file("no.link"))).toThrow(RecordingError);
    expect(() => readRecording(file("missing.link"))).toThrow(RecordingError);
    await both("mine", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const replay = file("mine.link");
    const other = { ...SAMPLE, hash: `sha256:${"1".repeat(64)}` };
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    expect((await runConformance({ ...quiet, corpus: other, replay, log })).exitCode).toBe(64);
    expect((await runConformance({ ...quiet, replay, seed: "7", log })).exitCode).toBe(64);
    expect(said.join()).toMatch(/was recorded with the corpus .* takes its seed from the recording/s);
  });

  test.each<[string, number, object, string]>([
    ["a header without a seed", 1, { seed: undefined }, "line 1: must have required property 'seed'"],
    ["another version", 1, { recording: 2 }, "line 1 at /recording: must be 1; it is 2"],
    ["a link that is no number", 2, { link: "1" }, 'line 2 at /link: must be integer; it is "1"'],
    ["an event of no kind", 2, { received: undefined }, "line 2: must have required property 'sent'"],
    ["a line that is nothing", 3, { link: undefined }, "line 3: must have required property 'recording'"],
    [
      "an outcome of a verdict of its own",
      3,
      { link: undefined, outcome: { id: "x", profile: "len32", verdict: "good" } },
      'line 3 at /outcome/verdict: must be one of ["',
    ],
    [
      "a footer in the middle",
      3,
      { link: undefined, links: 1, restarts: 0, seconds: 1 },
      "line 3 is no event of a link",
    ],
  ])("with %s is refused, and the line and the place are named", async (name, number, change, says) => {
    const from = file(`${number}.link`);
    await runConformance({ ...quiet, way: { kind: "in-process", iut: sampleIut("sample") }, record: from });
    const lines = readFileSync(from, "utf8").split("\n");
    lines[number - 1] = JSON.stringify({ ...JSON.parse(lines[number - 1] ?? ""), ...change });
    const replay = file(`${name}.link`);
    writeFileSync(replay, lines.join("\n"));
    expect(() => readRecording(replay)).toThrow(`${replay}: ${says}`);
    const said: string[] = [];
    expect((await runConformance({ ...quiet, replay, log: (line) => void said.push(line) })).exitCode).toBe(64);
    expect(said.join()).toContain(says);
  });

  test("that was cut short is judged as far as it goes", async () => {
    await both("cut", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const lines = readFileSync(file("cut.link"), "utf8").split("\n");
    const before = lines.findIndex((line) => line.includes('\\"id\\":\\"len32/cut\\"'));
    writeFileSync(file("short.link"), `${lines.slice(0, before).join("\n")}\n`);
    const { report } = await runConformance({ ...quiet, replay: file("short.link") });
    // Itself, and what the seed puts behind it.
    const left = lines.slice(before).filter((line) => line.includes('\\"id\\":\\"len32/'));
    expect(report?.notRun.get("len32")).toBe(left.length);
    expect(report?.exit).toBe(1);
  });

  test("answers the same case, asked on two links, in the order in which it was asked", () => {
    const header = { recording: 1, wire: true, way: "", command: "" } as unknown as RecordingHeader;
    const asked = (link: number, seq: number): RecordedEvent[] => [
      { link, sent: JSON.stringify({ op: "case", seq, id: "len32/a", profile: "len32" }) },
      { link, received: JSON.stringify({ op: "errored", seq, text: `link ${link}` }) },
    ];
    const opened: RecordedEvent[] = [1, 2].map((link) => ({ link, received: JSON.stringify(honestHello) }));
    const replay = new Replay({
      header,
      events: [...opened, ...asked(2, 0), ...asked(1, 0)],
      outcomes: [],
      footer: undefined,
    });
    const answers = [0, 1].map(() => replay.take({ op: "case", id: "len32/a", profile: "len32" }).answer);
    expect(answers.map((answer) => JSON.parse(answer ?? "").text)).toEqual(["link 2", "link 1"]);
  });
});

const repeated = (verdict: Verdict, times: number) => Array.from({ length: times }, () => verdict);

/** Of level 3: a pass by its answer, with more to be measured. */
const measured = testCase("len32/hello#memory=1", { requires: ["memory"] });
const withMemory = { ...honestHello, capabilities: ["memory"] };

describe("r[iut.record.complete]: what no answer shows is in the recording", () => {
  test.if(existsSync("/proc/self/clear_refs"))("how far the process grew", async () => {
    const { live, first, second } = await both("grew", {
      way: { kind: "launch", command: `"${process.execPath}" "${main}" ${TOUCHES.name}` },
      ...{ corpus: testCorpus(measured, testCase("len32/hello")), jobs: 1, seed: "liars" },
    });
    expect(live.report?.outcomes.map(({ verdict }) => verdict)).toEqual(["fail", "pass"]);
    expect(live.report?.outcomes[0]?.text).toContain("the process grew by");
    expect(second).toEqual(first);
  });

  test("that the time grows with more than the bytes", async () => {
    const whole = { ...measured, half: [{ eof: true }] as const };
    const slow: InProcessIut = {
      hello: withMemory,
      handle: async (request) => {
        if (request.id?.startsWith("len32/") && request.steps.length > 1) await Bun.sleep(120);
        return honest(request);
      },
    };
    const { live, first, second } = await both("slow", {
      way: { kind: "in-process", iut: slow },
      corpus: testCorpus(whole),
    });
    expect(live.report?.outcomes.map(({ verdict }) => verdict)).toEqual(["warn"]);
    expect(second).toEqual(first);
  });

  test("that the time could not be taken", async () => {
    const whole = { ...measured, half: [{ eof: true }] as const };
    const dies: InProcessIut = {
      hello: withMemory,
      handle: (request) => {
        if (request.steps?.length === 1 && request.id?.startsWith("len32/")) throw new Error("out of memory");
        return honest(request);
      },
    };
    const { live, first, second } = await both("dies", {
      way: { kind: "in-process", iut: dies },
      corpus: testCorpus(whole, testCase("len32/hello")),
    });
    expect(live.report?.outcomes.map(({ verdict }) => verdict)).toEqual(["crash", "pass"]);
    expect(second).toEqual(first);
  });

  test("an answer that is wrong all the same is judged again, whatever is recorded beside it", async () => {
    const iut: InProcessIut = { hello: withMemory, handle: (request) => sampleIut("x").handle(request) };
    const corpus = testCorpus(testCase("len32/hello#memory=1", { requires: ["memory"], expected: [[], []] }));
    await both("judged", { way: { kind: "in-process", iut }, corpus });
    const lines = readFileSync(file("judged.link"), "utf8").trimEnd().split("\n");
    const claim = JSON.stringify({ outcome: { id: "len32/hello#memory=1", profile: "len32", verdict: "pass" } });
    writeFileSync(file("claimed.link"), lines.toSpliced(-1, 0, claim).join("\n"));
    const { report } = await runConformance({ ...quiet, corpus, replay: file("claimed.link") });
    expect(report?.outcomes.map(({ verdict }) => verdict)).toEqual(["fail"]);
  });

  test("the scenarios on connections that no link was left for", async () => {
    const scenarios = Array.from({ length: 12 }, (_, i) => ({
      ...{ id: `wire/len32/idle-${i}`, rules: [], level: "must" as const, why: "Nothing happens." },
      ...{ limits: {}, connections: ["a"], steps: [] },
    }));
    const corpus = { ...testCorpus(testCase("len32/hello")), wire: [{ profile: "len32", about: "", scenarios }] };
    const dies: InProcessIut = {
      hello: { ...honestHello, capabilities: ["wire"] },
      handle: (request) => {
        if ((request.op as string) === "listen") throw new Error("segfault");
        return honest(request);
      },
    };
    const { live, first, second } = await both("left", { way: { kind: "in-process", iut: dies }, corpus });
    expect(live.report?.notRun.get("len32")).toBe(3);
    expect(live.report?.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", ...repeated("crash", 9)]);
    expect(second).toEqual(first);
  });

  test("an IUT that leaves between two cases, in the words of the one that it did not answer", async () => {
    const recorded = file("leaves.link");
    const { report: live } = await runConformance({
      ...quiet,
      way: { kind: "in-process", iut: sampleIut("x") },
      record: recorded,
    });
    expect(live?.exit).toBe(0);
    const lines = readFileSync(recorded, "utf8").trimEnd().split("\n");
    const asked = lines.findIndex((line) => line.includes('\\"id\\":\\"len32/cut\\"'));
    // The end was seen before the request was sent.
    const failed = JSON.stringify({ link: 1, failed: { kind: "closed", message: "the IUT closed the connection" } });
    writeFileSync(
      file("left-early.link"),
      lines
        .toSpliced(asked + 1, 1)
        .toSpliced(asked, 0, failed)
        .join("\n"),
    );
    const { report } = await runConformance({ ...quiet, replay: file("left-early.link") });
    expect(report?.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", "pass", "crash", "not applicable"]);
    expect(report?.outcomes[2]?.text).toBe("the IUT closed the connection");
  });
});

test("an answer with a wrong seq is wrong again, in the same words", async () => {
  const off: InProcessIut = {
    hello: honestHello,
    handle: (request) => {
      const answer = honest(request) as Answer;
      return request.id?.startsWith("len32/") ? { ...answer, seq: answer.seq + 1 } : answer;
    },
  };
  const { live, first, second } = await both("seq", { way: { kind: "in-process", iut: off } });
  expect(live.exitCode).toBe(3);
  expect(second).toEqual(first);
});
