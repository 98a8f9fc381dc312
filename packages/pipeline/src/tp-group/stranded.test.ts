import { expect, test } from "bun:test";
import { type Connection, memoryPair } from "@tensorwire/transport";
import fc from "fast-check";
import { idsTensor } from "../activations.ts";
import { Hop } from "../hop.ts";
import { within } from "../within.ts";
import { serveGroupStage } from "./group-stage.ts";
import { TpLeader } from "./leader.ts";
import { turns } from "./testing.ts";
import { TpWorker } from "./worker.ts";

/** Deadlines are for those who fall silent alone: what a death or an end can tell must be told without one. */
const SHORT_MS = 40;
const LONG_MS = 20_000;
/** For everyone to end. */
const LIMIT_MS = 15_000;
const WORKERS = 2;
const logits = { key: "logits", dtype: "float32", shape: [1], data: Float32Array.of(9) };

/** What one rank does at a moment of its own: it dies, hangs up, or says nothing any more and reads nothing. */
const fault = fc.record({
  /** 0 is the link of driver and stage; the others are those of the workers. */
  link: fc.integer({ min: 0, max: WORKERS }),
  side: fc.integer({ min: 0, max: 1 }),
  act: fc.constantFrom("abort", "end", "stall", "none"),
  /** Chunks that the side has read or written before. */
  after: fc.integer({ min: 0, max: 150 }),
});
type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never;

/** A connection on which the fault falls at the read or write whose turn it is. */
function faulty(connection: Connection, { act, after }: Fault): Connection {
  let left = after;
  const strike = () => {
    if (left-- !== 0 || act === "none") return undefined;
    if (act === "abort") connection.abort("the test kills it");
    if (act === "end") connection.end(LONG_MS).catch(() => {});
    return act === "stall" ? new Promise<never>(() => {}) : undefined;
  };
  const stalled = () => act === "stall" && left < 0;
  const never = new Promise<never>(() => {});
  return new Proxy(connection, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name === "read" || name === "write") {
        return (...args: unknown[]) => {
          if (stalled()) return never;
          return strike() ?? value.apply(target, args);
        };
      }
      if (stalled() && (name === "end" || name === "close")) return () => never;
      return value.bind(target);
    },
  });
}

test("nobody is stranded, whoever dies, hangs up or falls silent, and each call has one end", async () => {
  const property = fc.asyncProperty(fault, fc.integer({ min: 1, max: 64 }), fc.boolean(), async (fault, size, cut) => {
    const chunking = () => size;
    const MS = fault.act === "stall" ? SHORT_MS : LONG_MS;
    const links = Array.from({ length: 1 + WORKERS }, () => memoryPair({ chunking }));
    const sides = links.map((pair, link) =>
      pair.map((connection, side) =>
        fault.link === link && fault.side === side ? faulty(connection, fault) : connection,
      ),
    );
    const hop = new Hop(sides[0]![0]!, { rank: 1, deadlineMs: 6 * MS, window: 3 });
    const members = sides.slice(1).map(([connection], i) => ({ rank: 2 + i, connection: connection! }));
    const leader = new TpLeader(members, { deadlineMs: MS, graceMs: MS, heartbeatMs: Infinity, givenIds: true });
    const stage = serveGroupStage(sides[0]![1]!, leader, {
      ...{ rank: 1, silenceMs: 4 * MS, deadlineMs: MS, graceMs: MS },
      work: () => turns(3).then(() => ({ tensors: [logits] })),
    });
    const workers = sides.slice(1).map(([, connection]) => {
      const taken: bigint[] = [];
      const waits = { silenceMs: 4 * MS, messageMs: 2 * MS, callMs: MS };
      const run = new TpWorker(connection!, waits).run(({ header }) => void taken.push(header.call_id));
      // One that stands still is nobody's to wait for, and may give up on its own.
      run.catch(() => {});
      return { taken, run };
    });
    const calls = Array.from({ length: 6 }, (_, i) => {
      const init_cache = i === 0 || (cut && i === 3);
      const cache_epoch = cut && i >= 3 ? 2n : 1n;
      const lm = { position: init_cache ? 0 : i, num_tokens: 1, init_cache };
      return hop.infer({ call_id: BigInt(i + 1), chunk_index: BigInt(i), cache_epoch }, { lm }, [
        idsTensor(Int32Array.of(i)),
      ]);
    });
    const driver = Promise.allSettled(calls)
      .then(() => hop.pass({ call_id: 9n, chunk_index: 9n, cache_epoch: cut ? 2n : 1n, action: "SHUTDOWN" }))
      .then(() => hop.close());
    // A rank that stands still is not stranded, it is the fault: only the others have to end.
    const still = (rank: string) => fault.act === "stall" && rank === stillRank(fault);
    const ranks: [string, Promise<unknown>][] = [
      ["driver", driver],
      ["stage", stage],
      ...workers.map(({ run }, i): [string, Promise<unknown>] => [`worker ${i}`, run]),
    ];
    const stranded: string[] = [];
    const wait = ([rank, run]: [string, Promise<unknown>]) =>
      within(
        run.catch(() => {}),
        LIMIT_MS,
        rank,
      ).catch(() => stranded.push(rank));
    await Promise.all(ranks.filter(([rank]) => !still(rank)).map(wait));
    expect(stranded).toEqual([]);
    // Whole messages, each at most once, in their order.
    for (const { taken } of workers) expect(taken).toEqual(taken.map((_, i) => BigInt(i + 1)));
    if (fault.act === "none") for (const { taken } of workers) expect(taken).toHaveLength(6);
    for (const pair of links) for (const connection of pair) connection.abort();
    for (const [, run] of ranks) run.catch(() => {});
  });
  await fc.assert(property, { numRuns: 60 });
}, 60_000);

/** Who stands still when a side of a link does. */
function stillRank({ link, side }: Fault): string {
  if (link === 0) return side === 0 ? "driver" : "stage";
  return side === 0 ? "stage" : `worker ${link - 1}`;
}
