import { honest, honestHello } from "../../liars/honest.ts";
import { answer, type Bug } from "../corpus/naive-decoder.ts";
import type { InProcessIut } from "../link/in-process.ts";
import { runInProcess } from "../run.ts";
import { error, message, testCase, testCorpus } from "../testing.ts";
import type { Report } from "./report.ts";

/** Reports of small runs. For tests only. */

const STEPS = [{ feed: "0000" }, { feed: "000568656c6c6f" }, { eof: true }] as const;
export const SAMPLE = testCorpus(
  testCase("len32/hello"),
  testCase("len32/hello#cut=2", { steps: STEPS, expected: [[], [message("68656c6c6f")], [{ event: "end" }]] }),
  testCase("len32/cut", {
    steps: [{ feed: "000000" }, { eof: true }],
    expected: [[], [error("eof.in-prefix", 3)]],
    marks: [{ field: "length", start: 0, end: 3 }],
    sibling: "len32/hello",
  }),
  testCase("len64/hello", { profile: "len64" }),
);

/** An IUT with a bug, or without one, that may bear any name. */
export function sampleIut(name: string, bug?: Bug): InProcessIut {
  return {
    hello: { ...honestHello, iut: { ...honestHello.iut, name } },
    handle: (request) =>
      request.op === "case" && !request.id.startsWith("link-check")
        ? { op: "result", seq: request.seq, steps: answer(request as never, bug) }
        : honest(request),
  };
}

export async function sampleReport(name: string, bug?: Bug): Promise<Report> {
  return (await runInProcess(sampleIut(name, bug), { corpus: SAMPLE, seed: "5eed" })).report;
}
