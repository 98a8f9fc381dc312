import { describe, expect, test } from "bun:test";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "../src/corpus/types.ts";
import type { InProcessIut } from "../src/link/in-process.ts";
import type { Event, Events, Step } from "../src/protocol.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import { error, message, testCase, testCorpus } from "../src/testing.ts";
import { honest, honestHello } from "./honest.ts";

const HELLO = "0000000568656c6c6f";
const end: Event = { event: "end" };
const limits = { max_frame_length: "4" };
/** As if the specification left it open whether a frame that is one byte too long is read. */
const open = (id: string, steps: readonly Step[], refused: Events, read: Events, given: Partial<Case> = {}): Case =>
  testCase(id, {
    limits,
    steps,
    expected: refused,
    alternatives: [{ reason: "One byte is let pass.", expected: read }],
    ...given,
  });
const whole = (id: string, given?: Partial<Case>) =>
  open(
    id,
    [{ feed: HELLO }, { eof: true }],
    [[error("oversize.declared", 4)], []],
    [[message("68656c6c6f")], [end]],
    given,
  );
const cut = (id: string, given?: Partial<Case>) =>
  open(
    id,
    [{ feed: HELLO.slice(0, 10) }, { feed: HELLO.slice(10) }, { eof: true }],
    [[error("oversize.declared", 4)], [], []],
    [[], [message("68656c6c6f")], [end]],
    given,
  );
const corpus = testCorpus(
  whole("len32/over"),
  cut("len32/over#cut=5"),
  whole("len32/other", { level: "should" }),
  cut("len32/other#cut=5", { level: "should" }),
);

/** Honest, but for a frame one byte above its limit, which it reads where `lets` says so. */
const lets = (pass: (reads: number) => boolean): InProcessIut => ({
  hello: honestHello,
  handle: (request) => {
    const passes = request.limits?.max_frame_length === "4" && pass(request.steps.length - 1);
    return honest(passes ? { ...request, limits: { max_frame_length: "5" } } : request);
  },
});

const SAYS =
  'one stream, and an outcome that depends on the reads: 1 case takes what is expected (len32/over), 1 case takes the alternative "One byte is let pass." (len32/over#cut=5)';

describe("r[iut.judge.coherent]: a choice that is open", () => {
  test.each([
    ["the expected one", () => false],
    ["the other one", () => true],
  ])("may be taken: %s, for all reads", async (_, pass) => {
    const { exitCode, report } = await runInProcess(lets(pass), { corpus });
    expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", "pass", "pass", "pass"]);
    expect(exitCode).toBe(0);
  });

  test("is one choice: an implementation that makes it by the reads fails the vector, though each case is right", async () => {
    const { exitCode, report } = await runInProcess(
      lets((reads) => reads > 1),
      { corpus },
    );
    const told = report.outcomes.map(({ id, verdict }) => `${verdict} ${id}`);
    expect(told).toEqual([
      "pass len32/over",
      "pass len32/over#cut=5",
      "pass len32/other",
      "pass len32/other#cut=5",
      "warn len32/other#choice",
      "fail len32/over#choice",
    ]);
    expect(report.outcomes.at(-1)?.text).toStartWith(SAYS);
    expect(exitCode).toBe(1);
  });

  test("is not judged by cases that a filter leaves out", async () => {
    const { report } = await runInProcess(
      lets((reads) => reads > 1),
      { corpus, filter: "*#cut=5" },
    );
    expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", "pass"]);
  });

  test("is the same one in a replay, in the event stream, and by the command that repeats it", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "tensorwire-"));
    const file = (name: string) => join(folder.path, name);
    let page = "";
    const run = (options: object, name: string) =>
      runConformance({
        ...{ corpus, events: file(name), log: () => {}, print: (text: string) => (page = text) },
        ...options,
      });
    const way = { kind: "in-process", iut: lets((reads) => reads > 1) } as const;
    const live = await run({ way, record: file("link"), shrink: file("smaller") }, "live");
    const again = await run({ replay: file("link") }, "again");
    expect([live.exitCode, again.exitCode]).toEqual([1, 1]);
    expect(readFileSync(file("again"), "utf8")).toBe(readFileSync(file("live"), "utf8"));
    expect(readFileSync(file("live"), "utf8")).toContain('"id":"len32/over#choice","verdict":"fail"');
    expect(page).toContain(SAYS);
    expect(page).toMatch(/--filter '?len32\/over'? --seed/);
    const narrowed = await run({ way, filter: "len32/over" }, "narrowed");
    expect(narrowed.report?.outcomes.map(({ id }) => id)).toEqual([
      "len32/over",
      "len32/over#cut=5",
      "len32/over#choice",
    ]);
  });

  test("is open as far as the granularity tells its outcomes apart", async () => {
    const both = [{ reason: "Either word is right.", expected: [[error("version", 4)], []] as Events }];
    const cases = [
      testCase("len32/words", {
        limits,
        steps: [{ feed: HELLO }, { eof: true }],
        expected: [[error("oversize.declared", 4)], []],
        alternatives: both,
      }),
      testCase("len32/words#cut=9", {
        limits,
        steps: [{ feed: HELLO }, { eof: true }],
        expected: [[error("version", 4)], []],
        alternatives: [{ reason: "Either word is right.", expected: [[error("oversize.declared", 4)], []] }],
      }),
    ];
    const silent: InProcessIut = {
      hello: { ...honestHello, error_granularity: "none" },
      handle: (request) => {
        const answer = honest(request);
        if (answer.op !== "result") return answer;
        const bare = (event: Event): Event => {
          if (event.event !== "error") return event;
          const { class: _, ...rest } = event;
          return rest;
        };
        return { ...answer, steps: answer.steps.map((events) => events.map(bare)) };
      },
    };
    const { report } = await runInProcess(silent, { corpus: testCorpus(...cases) });
    expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", "pass"]);
  });
});
