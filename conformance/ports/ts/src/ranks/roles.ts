import { refusal } from "@tensorwire/framing";
import {
  Hop,
  type InferRequest,
  type Outcome,
  type RankLostError,
  serveGroupStage,
  type TpLeader,
  TpWorker,
} from "@tensorwire/pipeline/ranks";
import { type PpStep, preparePpRequest } from "@tensorwire/pp-contract";
import type { Connection } from "@tensorwire/transport";
import { readRequest, readResult, showRequest, showResult } from "../pp.ts";
import { showMessage } from "../tp.ts";
import type { Rank, Value } from "./rank.ts";
import type { RankSpoken } from "./spoken.ts";

/** The roles that the library's classes play on one connection. Each resolves when it has told its last. */

/** Waits of 30 seconds and more are the library's own. */
const LONG_MS = 30_000;
/** The harness may take its time to say what a stage is to answer. */
const WORK_MS = 600_000;

export async function runWorker(rank: Rank, connection: Connection, spoken: RankSpoken): Promise<void> {
  const { limits, deadlineMs } = spoken;
  const waits = deadlineMs === undefined ? {} : { silenceMs: deadlineMs, messageMs: deadlineMs };
  const worker = new TpWorker(connection, {
    ...waits,
    leader: spoken.rank,
    limits,
    taken: (message) => rank.message(showMessage(message)),
  });
  await worker.run(() => {}).catch((why: RankLostError) => rank.lost(why, why.calls));
}

export async function runDriver(rank: Rank, connection: Connection, spoken: RankSpoken): Promise<void> {
  const { limits, window, checkDigest, deadlineMs = LONG_MS } = spoken;
  const hop = new Hop(connection, {
    ...{ rank: spoken.rank, deadlineMs, window, checkDigest, limits },
    judged: (message, verdict) => {
      if (verdict.accepted) rank.message(showResult(message));
      else rank.dropped(verdict.reason === "late" ? "late" : "stale", message.result.call_id);
    },
  });
  const closed = Promise.withResolvers<RankLostError | null>();
  rank.act = (value) => {
    const request = readRequest(value);
    const { header, step, tensors = [] } = request;
    if (header.action === "INFER") return hop.infer(header, step as PpStep, tensors);
    // What does not belong behind such a header is refused with it.
    preparePpRequest(request, limits);
    const passed = hop.pass({ ...header, action: header.action });
    if (header.action === "SHUTDOWN") passed.then(() => hop.close()).then(() => closed.resolve(null), closed.resolve);
    return passed;
  };
  const lost = await Promise.race([hop.lost, closed.promise]);
  if (lost !== null) rank.lost(lost, lost.calls);
  rank.act = () => {
    throw refusal("state", "expected a stage to send to, it is gone");
  };
}

export async function runStage(
  rank: Rank,
  connection: Connection,
  spoken: RankSpoken,
  leader: TpLeader,
): Promise<void> {
  const { limits, deadlineMs } = spoken;
  const waits =
    deadlineMs === undefined ? {} : { silenceMs: deadlineMs, deadlineMs, graceMs: Math.min(1000, deadlineMs) };
  /** Calls that upstream is owed a result for, and what the harness has said of the oldest ones. */
  let owed = 0;
  const values: Value[] = [];
  let said = Promise.withResolvers<void>();
  rank.act = (value) => {
    // r[iut.rank.send-stage]
    if (owed === 0) throw refusal("state", "expected a call that is owed a result, there is none");
    owed--;
    values.push(value);
    said.resolve();
    said = Promise.withResolvers();
  };
  const work = async (request: InferRequest): Promise<Outcome> => {
    while (values.length === 0) await said.promise;
    try {
      return outcomeOf(request, values.shift() as Value);
    } catch (why) {
      rank.refused(why);
      throw why;
    }
  };
  const serving = serveGroupStage(connection, leader, {
    ...waits,
    ...{ rank: spoken.rank + 1, workMs: WORK_MS, limits, work },
    taken: (request) => {
      if ("envelope" in request) owed++;
      rank.message(showRequest(request));
    },
    unsent: (why) => rank.refused(why),
  });
  // A worker that is lost is told on its own connection.
  await serving.catch((why: RankLostError) => why.rank === spoken.rank && rank.lost(why, []));
  owed = 0;
}

/** The ids of a result are its call's. */
function outcomeOf({ header }: InferRequest, value: Value): Outcome {
  const { call_id, chunk_index, cache_epoch, ...outcome } = readResult(value);
  for (const [name, came] of Object.entries({ call_id, chunk_index, cache_epoch })) {
    const expected = header[name as "call_id"];
    if (came !== expected) {
      throw refusal("header.field", `${name}: expected ${expected} of the oldest call, ${came} came`);
    }
  }
  return outcome;
}
