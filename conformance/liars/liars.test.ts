import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { Case, Corpus } from "../src/corpus/types.ts";
import type { Event, Step } from "../src/protocol.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import { GALLERY, type Liar, MUTE_CODEC } from "./gallery.ts";
import { honest, honestHello } from "./honest.ts";

// The harness has deadlines of its own; this one catches a hang of the harness.
setDefaultTimeout(60_000);

const hello: Event = { event: "message", value: { payload: "68656c6c6f" } };
const end: Event = { event: "end" };
const make = (id: string, steps: Step[], expected: Event[][]): Case => ({
  id: `len32/${id}`,
  vector: `len32/${id}`,
  rules: ["len32.test"],
  level: "must",
  profile: "len32",
  role: "decode",
  limits: { max_frame_length: "1024" },
  steps,
  expected,
  why: "A case of the liars' test.",
  marks: [],
});
const CASES = [
  make("whole", [{ feed: "0000000568656c6c6f" }, { eof: true }], [[hello], [end]]),
  make("cut", [{ feed: "000000" }, { feed: "0568656c6c6f" }, { feed: "" }, { eof: true }], [[], [hello], [], [end]]),
  make(
    "eof",
    [{ feed: "0000000568" }, { eof: true }],
    [[], [{ event: "error", class: "eof.in-body", at: "5", fatal: true }]],
  ),
];
const corpus: Corpus = {
  hash: `sha256:${"0".repeat(64)}`,
  vectors: CASES.length,
  rules: new Set(["len32.test"]),
  cases: (filter = () => true) => CASES.filter(({ id }) => filter(id)),
};

const named = ({ rules }: Liar) => rules.map((rule) => `r[${rule}]`).join(" ");

const main = fileURLToPath(new URL("main.ts", import.meta.url));

async function meet({ name, way, verdict }: Liar) {
  const command = `"${process.execPath}" "${main}" ${name}`;
  let printed = "";
  const result = await runConformance({
    way: { kind: way ?? "launch", command },
    corpus,
    jobs: 1,
    seed: "liars",
    caseDeadline: verdict === "timeout" ? 200 : 20_000,
    startDeadline: 20_000,
    log: () => {},
    print: (text) => {
      printed += text;
    },
  });
  return { ...result, printed };
}

test("the honest one, that the liars differ from, is conformant", async () => {
  const { exitCode, report } = await runInProcess({ hello: honestHello, handle: honest }, { corpus });
  expect(report.outcomes.map(({ verdict }) => verdict)).toEqual(["pass", "pass", "pass"]);
  expect(exitCode).toBe(0);
});

describe("a liar is found out", () => {
  for (const liar of GALLERY) {
    test.concurrent(`${named(liar)}: ${liar.name}`, async () => {
      const { exitCode, report, printed } = await meet(liar);
      expect(printed).toMatch(liar.says);
      expect(exitCode).toBe(liar.exit as typeof exitCode);
      const verdicts = report?.outcomes.map(({ verdict }) => verdict) ?? [];
      if (liar.verdict !== undefined) expect(verdicts).toContain(liar.verdict);
      else expect(verdicts).toEqual([]);
    });
  }
});

test("an IUT that hangs in the link check is ended, since another takes its place", async () => {
  const lines: string[] = [];
  const { exitCode, report } = await runConformance({
    way: { kind: "launch", command: `echo "pid $$"; exec "${process.execPath}" "${main}" ${MUTE_CODEC.name}` },
    corpus,
    jobs: 1,
    seed: "liars",
    // Of the start of each process too.
    startDeadline: 12_000,
    log: (line) => lines.push(line),
    print: () => {},
  });
  expect(report?.outcomes.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual(["timeout link-check/len32/frame"]);
  expect(exitCode).toBe(1);
  const pids = lines.flatMap((line) => (line.includes("pid ") ? [Number(line.split("pid ")[1])] : []));
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});
