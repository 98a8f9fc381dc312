/** One rank of a fault run. Takes its part as one line of JSON on stdin, and says on stdout how it ended. */
import { writeSync } from "node:fs";
import { WireError } from "@tensorwire/framing";
import {
  Admission,
  greet,
  Hop,
  type Identity,
  type Peer,
  RankLostError,
  serveGroupStage,
  TpLeader,
  TpWorker,
} from "@tensorwire/pipeline/ranks";
import type { Tensor } from "@tensorwire/tensor-spec";
import { type Connection, connect, formatAddress, listen } from "@tensorwire/transport";
import { isWhole, makeTensor, type Origin } from "./content.ts";
import { LimitedConnection } from "./limited-connection.ts";
import { identityOf, LEADER, type RankConfig, type RankEnd, type RankLine, WAITS } from "./rank-config.ts";

const config = await firstLine();
const connections: Connection[] = [];
const seen = new Set<bigint>();
const count = { calls: 0, torn: 0, duplicated: 0, open: 0 };
let answered: RankEnd["answered"];

/** The config; the end of stdin behind it is the end of the parent. */
async function firstLine(): Promise<RankConfig> {
  const first = Promise.withResolvers<string>();
  let text = "";
  process.stdin.on("data", (chunk) => {
    text += chunk;
    if (text.includes("\n")) first.resolve(text);
  });
  process.stdin.on("end", () => process.exit(3));
  return JSON.parse(await first.promise) as RankConfig;
}

function print(line: RankLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** The connection to `peer`, with the fault on it when it is this rank's. */
function own(connection: Connection, peer: number): Connection {
  connections.push(connection);
  const { fault } = config;
  if (fault?.peer !== peer) return connection;
  return new LimitedConnection(connection, fault.quota, () => {
    if (fault.act === "kill") process.kill(process.pid, "SIGKILL");
    print({ event: "stalled" });
    process.kill(process.pid, "SIGSTOP");
  });
}

async function dial(address: string, identity: Identity, peer: Peer): Promise<Connection> {
  return own(await greet(await connect(address), identity, peer), peer.rank);
}

async function accept(identity: Identity, peer: Peer): Promise<Connection> {
  const admission = new Admission(identity, [peer]);
  const accepted = Promise.withResolvers<Connection>();
  const onConnection = async (connection: Connection) => {
    const admitted = await admission.admit(connection);
    if (admitted !== null) accepted.resolve(admitted.connection);
  };
  const listener = await listen(undefined, { onConnection });
  print({ event: "ready", address: formatAddress(listener.address) });
  const connection = await accepted.promise;
  listener.stop();
  return own(connection, peer.rank);
}

function note(tensors: readonly Tensor[], origin: Origin): void {
  count.calls++;
  if (seen.has(origin.call_id)) count.duplicated++;
  seen.add(origin.call_id);
  if (tensors.length !== 1 || !isWhole(tensors[0]!, origin)) count.torn++;
}

async function worker(): Promise<string> {
  const connection = await accept(identityOf("TP_WORKER", config.rank), { role: "TP_LEADER", rank: LEADER });
  await new TpWorker(connection, { leader: LEADER, ...WAITS, callMs: WAITS.deadlineMs }).run((message) => {
    if (!("tensors" in message)) return;
    note(message.tensors, { ...message.header, rank: 0 });
  });
  return "SHUTDOWN";
}

async function leader(): Promise<string> {
  const open = config.connect.map(async ({ rank, address }) => ({
    rank,
    connection: await dial(address, identityOf("TP_LEADER", LEADER), { role: "TP_WORKER", rank }),
  }));
  const group = new TpLeader(await Promise.all(open), { ...WAITS, givenIds: true });
  const upstream = await accept(identityOf("PP_STAGE", LEADER), { role: "PP_DRIVER", rank: 0 });
  await serveGroupStage(upstream, group, {
    rank: LEADER,
    ...WAITS,
    work: async ({ header, tensors }) => {
      note(tensors, { ...header, rank: 0 });
      return { tensors: [makeTensor("out", { ...header, rank: LEADER }, config.length)] };
    },
  });
  return "SHUTDOWN";
}

async function driver(): Promise<string> {
  const { calls, length, cutEvery, window } = config;
  const { address } = config.connect[0]!;
  const connection = await dial(address, identityOf("PP_DRIVER", 0), { role: "PP_STAGE", rank: LEADER });
  const hop = new Hop(connection, { rank: LEADER, deadlineMs: WAITS.resultMs, window });
  const ends = { ok: 0, error: 0, stale: 0, lost: 0 };
  answered = ends;
  let loss: RankLostError | null = null;
  let epoch = 0n;
  let chunk = 0n;
  let ids = { call_id: 0n, chunk_index: 0n, cache_epoch: 0n };
  const one = async (step: { position: number; num_tokens: number; init_cache: boolean }, origin: Origin) => {
    count.open++;
    try {
      const { result, tensors } = await hop.infer(ids, { lm: step }, [makeTensor("input_ids", origin, length)]);
      if (result.ok) note(tensors, { ...result, rank: LEADER });
      ends[result.ok ? "ok" : "error"]++;
      if (!result.ok) console.error(result.error_message);
    } catch (error) {
      if (error instanceof RankLostError) loss = error;
      ends[error instanceof RankLostError ? "lost" : "stale"]++;
    }
    count.open--;
  };
  const running = new Set<Promise<void>>();
  for (let call = 1; call <= calls && loss === null; call++) {
    const init_cache = call % cutEvery === 1 || cutEvery === 1;
    if (init_cache) epoch++;
    chunk = init_cache ? 0n : chunk + 1n;
    ids = { call_id: BigInt(call), chunk_index: chunk, cache_epoch: epoch };
    const end = one({ position: init_cache ? 0 : call, num_tokens: length, init_cache }, { ...ids, rank: 0 });
    const tracked = end.finally(() => running.delete(tracked));
    running.add(tracked);
    // Calls that a cut ends at once must not keep the socket from its turn.
    await new Promise((resolve) => setImmediate(resolve));
    // One more than the window, so that a hard cut finds calls in both queues.
    if (running.size > window) await Promise.race(running);
  }
  await Promise.all(running);
  if (loss !== null) throw loss;
  await hop.pass({ ...ids, call_id: ids.call_id + 1n, action: "SHUTDOWN" });
  await hop.close();
  return "done";
}

/** `rank 2: transport.reset`: who is blamed, and the code at the bottom of it. */
function describe(error: unknown): string {
  const blamed = error instanceof RankLostError ? `lost ${error.rank}: ` : "";
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof WireError) return `${blamed}${cause.code}`;
  }
  return `${blamed}${error instanceof RankLostError ? error.why : String(error)}`;
}

const part = config.rank === 0 ? driver : config.rank === LEADER ? leader : worker;
const saw = await part().catch(describe);
const peak = (name: "peakBufferedRead" | "peakBufferedWrite") =>
  Math.max(0, ...connections.map(({ counters }) => counters[name]));
print({
  event: "end",
  saw,
  ...count,
  ...(answered !== undefined && { answered }),
  peakRead: peak("peakBufferedRead"),
  peakWrite: peak("peakBufferedWrite"),
  rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
});
process.exit(0);
