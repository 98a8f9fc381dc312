import { loadCorpus } from "../src/corpus/index.ts";
import type { Case } from "../src/corpus/types.ts";
import { exportCases } from "../src/explain/export.ts";
import { DEFAULT_CORPUS } from "../src/options.ts";
import type { CaseRequest, Events } from "../src/protocol.ts";
import type { Liar } from "./gallery.ts";
import { honest } from "./honest.ts";

let table: ReadonlyMap<string, Events> | undefined;

/** What `--export-cases` gives away: what must come of the steps of each case. */
function answers(): ReadonlyMap<string, Events> {
  if (table !== undefined) return table;
  let written = "";
  const stream = {
    write: (text: string) => {
      written += text;
    },
  };
  exportCases(loadCorpus(DEFAULT_CORPUS), stream, (id) => id.startsWith("len32/"));
  const cases = written.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Case]));
  table = new Map(cases.filter(({ role }) => role === "decode").map((one) => [keyOf(one), one.expected]));
  return table;
}

const keyOf = ({ limits, steps }: Pick<Case, "limits" | "steps">) => JSON.stringify([limits, steps]);

/** It decodes nothing: what it has no answer for it takes for silence. */
function lookedUp(request: CaseRequest) {
  const { op, seq, profile, steps } = request;
  if (op !== "case" || profile !== "len32") return honest(request);
  return { op: "result", seq, steps: answers().get(keyOf(request)) ?? steps.map(() => []) };
}

/** They know every answer of the corpus by its steps, and have no codec: only fresh bytes find them out. */
export const TABLES: readonly Liar[] = [
  {
    name: "echoes-the-expectation",
    rules: ["iut.challenge.seed"],
    answer: lookedUp,
    exit: 1,
    verdict: "fail",
    says: /link-check\/len32\/frame/,
  },
  {
    name: "echoes-the-expectation-of-cases",
    rules: ["iut.challenge.seed"],
    answer: (request) =>
      request.op === "case" && !request.id.startsWith("link-check") ? lookedUp(request) : honest(request),
    exit: 1,
    verdict: "fail",
    says: /challenge\/len32\//,
  },
];
