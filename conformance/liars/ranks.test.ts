import { expect, setDefaultTimeout, test } from "bun:test";
import { loadCorpus } from "../src/corpus/load.ts";
import type { InProcessIut } from "../src/link/in-process.ts";
import type { Answer, CaseRequest } from "../src/protocol.ts";
import { runInProcess } from "../src/run.ts";
import type { WireRequest } from "../src/wire/protocol.ts";
import { HonestRanks, ranksHello } from "./honest-ranks.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(60_000);

const corpus = loadCorpus(new URL("../../vectors", import.meta.url).pathname);

type Asked = CaseRequest | (WireRequest & { readonly seq: number });

function meet(liar: HonestRanks, filter: string, caseDeadline = 5000) {
  const iut: InProcessIut = {
    hello: ranksHello,
    handle: (request) => liar.handle(request as Asked) as Promise<Answer>,
  };
  return runInProcess(iut, { corpus, filter, caseDeadline });
}

const RANKS = "wire/?p-session/{leader,worker,stage,driver}-*";

test("the honest one, that the liars differ from, strands nobody", async () => {
  const { report } = await meet(new HonestRanks(), process.env.F ?? "wire/?p-session/[!s]*");
  const ranks = report.outcomes.filter(
    ({ id }) => !id.endsWith("stage-worker-stalls") && /session\/(leader|worker|stage|driver)-/.test(id),
  );
  const told = ranks.filter(({ verdict }) => verdict !== "pass" && verdict !== "declined");
  expect(
    told.map(({ id, verdict, text, timeline }) => [id, verdict, text, process.env.TL && timeline?.slice(-20)]),
  ).toEqual([]);
  console.log(ranks.length, RANKS);
});
