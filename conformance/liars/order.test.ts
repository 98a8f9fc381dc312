import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeCase } from "../src/judge.ts";
import type { InProcessIut } from "../src/link/in-process.ts";
import type { Answer, CaseRequest, Hello } from "../src/protocol.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import { message, testCase, testCorpus } from "../src/testing.ts";
import { honest, honestHello } from "./honest.ts";

// The harness has deadlines of its own; this one catches a hang of the harness.
setDefaultTimeout(120_000);

const hello: Hello = { ...honestHello, profiles: { ...honestHello.profiles, len64: { roles: ["decode"] } } };
const frame = { len32: "0000000568656c6c6f", len64: "000000000000000568656c6c6f" };
type Profile = keyof typeof frame;
const cases = (["len32", "len64"] as const).flatMap((profile) =>
  Array.from({ length: 12 }, (_, i) =>
    testCase(`${profile}/${i}`, { profile, steps: [{ feed: frame[profile] }, { eof: true }] }),
  ),
);
const corpus = testCorpus(...cases);

const right = (request: CaseRequest) => (request.profile === "len64" ? honest(request, "len64", 8) : honest(request));
/** Right within a profile, whatever came before; wrong in the first case of `to` behind one of `from`. */
function leaks(from: Profile, to: Profile): InProcessIut {
  let before = "";
  return {
    hello,
    handle: (request) => {
      const answer: Answer = right(request);
      if (!(request.id ?? "").includes("/") || request.id?.startsWith("link-check") !== false) return answer;
      const leaked = before === from && request.profile === to;
      before = request.profile;
      return leaked && answer.op === "result" ? { ...answer, steps: [[message("00")], []] } : answer;
    },
  };
}

const SEEDS = ["a", "b", "c", "d", "7", "ee7301ee2612f893"];

describe("r[iut.order.shuffled] r[iut.case.stateless]: what one profile leaves to another", () => {
  test("is none of the honest one's", async () => {
    const { report } = await runInProcess({ hello, handle: right }, { corpus, seed: "a" });
    expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(cases.map(() => "pass"));
  });

  test("does not show in the order of the corpus, where len64 comes last", () => {
    const { handle } = leaks("len64", "len32");
    const wrong = cases.filter((about, seq) => {
      const answer = handle({ op: "case", seq, ...about }) as Answer;
      return answer.op !== "result" || judgeCase(about, answer.steps, "class") !== null;
    });
    expect(wrong).toEqual([]);
  });

  test.each(SEEDS)("shows in that of the seed %s, either way", async (seed) => {
    for (const [from, to] of [
      ["len64", "len32"],
      ["len32", "len64"],
    ] as const) {
      const { exitCode, report } = await runInProcess(leaks(from, to), { corpus, seed });
      expect(exitCode).toBe(1);
      const failed = report.outcomes.filter(({ verdict }) => verdict === "fail");
      expect(failed.length).toBeGreaterThan(0);
      expect(new Set(failed.map(({ profile }) => profile))).toEqual(new Set([to]));
    }
  });

  test("shows in the same cases again with the same seed", async () => {
    const verdicts = async () => {
      const { report } = await runInProcess(leaks("len64", "len32"), { corpus, seed: "a" });
      return report.outcomes.map(({ id, verdict }) => `${id} ${verdict}`);
    };
    expect(await verdicts()).toEqual(await verdicts());
  });
});

test("r[iut.events.order]: one link and two give the same bytes of the event stream, and so does a replay", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const file = (name: string) => join(folder, name);
  const run = async (name: string, options: object) => {
    const { exitCode } = await runConformance({ events: file(name), log: () => {}, print: () => {}, ...options });
    expect(exitCode).toBe(0);
    return readFileSync(file(name), "utf8");
  };
  // Without the probe that takes the time.
  const some = { filter: "*/in*#c*", profiles: ["tp", "pp-envelope", "tp-session"], seed: "a", startDeadline: 60_000 };
  const one = await run("one", { ...some, jobs: 1 });
  const two = await run("two", { ...some, jobs: 2, record: file("link") });
  expect(one.split("\n").length).toBeGreaterThan(100);
  expect(two).toBe(one);
  expect(await run("again", { replay: file("link") })).toBe(one);
});
