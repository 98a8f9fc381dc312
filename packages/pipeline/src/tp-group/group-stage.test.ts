import { describe, expect, test } from "bun:test";
import { preparePpRequest } from "@tensorwire/pp-contract";
import { type Connection, memoryPair } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { idsTensor } from "../activations.ts";
import { Hop } from "../hop.ts";
import { idsOf, rejection } from "../testing.ts";
import { serveGroupStage } from "./group-stage.ts";
import type { GroupStageOptions } from "./group-stage-options.ts";
import { TpLeader } from "./leader.ts";
import { actionsOf, hear, pairs, turns } from "./testing.ts";

const lm = { position: 0, num_tokens: 2, init_cache: true };
const tensors = [idsTensor(Int32Array.of(3, 4))];
const logits = { key: "logits", dtype: "float32", shape: [1], data: Float32Array.of(9) };

function start(over: Partial<GroupStageOptions> = {}) {
  const [upstream, end] = memoryPair();
  const { members, ends } = pairs(2);
  const leader = new TpLeader(members, { deadlineMs: 1000, graceMs: 100, givenIds: true });
  const running = serveGroupStage(end, leader, {
    rank: 1,
    work: async () => ({ tensors: [logits] }),
    ...over,
  });
  running.catch(() => {});
  return { upstream, ends, leader, running };
}
const hopTo = (connection: Connection) => new Hop(connection, { rank: 1, deadlineMs: 2000 });
/** Calls of one sequence, all made at once. */
const callsOn = (hop: Hop, count: number) =>
  Array.from({ length: count }, (_, i) => {
    const ids = { ...idsOf(BigInt(i + 1)), chunk_index: BigInt(i) };
    return hop.infer(ids, { lm: { ...lm, position: i, init_cache: i === 0 } }, tensors);
  });
const infer = preparePpRequest({ header: { ...idsOf(1n), control_epoch: 1n, action: "INFER" }, step: { lm }, tensors });
const bytes = () => new Uint8Array(Buffer.concat(infer.buffers as Uint8Array[]));

describe("a stage that leads a group", () => {
  test("pp.result.exactly-one: broadcasts each call, answers it once, and ends with SHUTDOWN", async () => {
    const { upstream, ends, running } = start();
    const heard = ends.map(hear);
    const hop = hopTo(upstream);
    const { result } = await hop.infer(idsOf(1n), { lm }, tensors);
    expect(result).toMatchObject({ call_id: 1n, ok: true });
    await hop.infer(idsOf(2n, 2n), { lm }, tensors);
    await hop.pass({ ...idsOf(3n, 2n), action: "NOOP" });
    await hop.pass({ ...idsOf(4n, 2n), action: "SHUTDOWN" });
    await hop.close();
    await running;
    for (const one of await Promise.all(heard)) {
      expect(actionsOf(one)).toEqual(["INFER", "INFER", "NOOP", "SHUTDOWN"]);
      expect(one.headers.map(({ call_id }) => call_id)).toEqual([1n, 2n, 3n, 4n]);
      expect(one.end).toBe("clean");
    }
  });

  test("a call that its own part cannot do gets an error result, and the group lives", async () => {
    let calls = 0;
    const work = async () => {
      if (calls++ === 0) throw new Error("device lost");
      return { tensors: [logits] };
    };
    const { upstream, ends, running } = start({ work });
    const heard = ends.map(hear);
    const hop = hopTo(upstream);
    const first = await hop.infer(idsOf(1n), { lm }, tensors);
    expect(first.result).toMatchObject({ ok: false, error_message: "rank 1, call 1: device lost" });
    expect((await hop.infer(idsOf(2n, 2n), { lm }, tensors)).result.ok).toBeTrue();
    hop.abort("done");
    expect(await rejection(running)).toMatchObject({ rank: 0 });
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["INFER", "INFER", "SHUTDOWN"]);
  });

  test("pp-session.rebroadcast: a bad byte anywhere ends the group with SHUTDOWN, and no byte of the call reaches it", async () => {
    const whole = bytes();
    for (const at of [32, 41, 48, 60, 70]) {
      const bad = whole.slice();
      bad[at]! ^= 0xff;
      const { upstream, ends, running } = start({ deadlineMs: 50 });
      const heard = ends.map(hear);
      await upstream.write([bad]);
      await upstream.end();
      expect(await rejection(running)).toMatchObject({ name: "RankLostError", rank: 0 });
      for (const one of await Promise.all(heard)) {
        expect([at, ...actionsOf(one), one.end]).toEqual([at, "SHUTDOWN", "clean"]);
      }
    }
  });

  test("an upstream that stops inside a request ends the group with SHUTDOWN, by its end or by the deadline", async () => {
    for (const end of [true, false]) {
      const { upstream, ends, running } = start({ deadlineMs: 30 });
      const heard = ends.map(hear);
      await upstream.write([bytes().subarray(0, 60)]);
      if (end) await upstream.end();
      expect(await rejection(running)).toMatchObject({ rank: 0 });
      for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["SHUTDOWN"]);
    }
  });

  test("a worker that is lost during a call: upstream gets an error result that names it, the others SHUTDOWN", async () => {
    const gate = Promise.withResolvers<never>();
    const { upstream, ends, running } = start({ work: () => gate.promise });
    const heard = hear(ends[0]!);
    const hop = hopTo(upstream);
    const call = hop.infer(idsOf(1n), { lm }, tensors);
    await ends[1]!.read();
    ends[1]!.abort();
    const { result } = await call;
    expect(result).toMatchObject({ ok: false });
    expect(result.error_message).toStartWith("rank 1, call 1: rank 2 is lost with call 1 in flight");
    expect(await rejection(running)).toMatchObject({ rank: 2, calls: [1n] });
    expect(actionsOf(await heard)).toEqual(["INFER", "SHUTDOWN"]);
  });

  test("work that does not end is this rank's loss: upstream and group both hear of it", async () => {
    const { upstream, ends, running } = start({ work: () => new Promise(() => {}), deadlineMs: 30 });
    const heard = ends.map(hear);
    const { result } = await hopTo(upstream).infer(idsOf(1n), { lm }, tensors);
    expect(result.error_message).toContain("rank 1 is lost with call 1 in flight: call 1 was not done within 30 ms");
    expect(await rejection(running)).toMatchObject({ rank: 1 });
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["INFER", "SHUTDOWN"]);
  });

  test("a worker that is lost while nothing is asked ends the stage", async () => {
    const { upstream, ends, running } = start();
    const heard = hear(ends[0]!);
    const hop = hopTo(upstream);
    ends[1]!.abort();
    expect(await rejection(running)).toMatchObject({ rank: 2 });
    expect(await hop.lost).toMatchObject({ rank: 1 });
    expect(actionsOf(await heard)).toEqual(["SHUTDOWN"]);
  });

  test("r[iut.rank.stage-group]: the group gets upstream's ids and tensors as they are, without kwargs", async () => {
    const { upstream, ends, running } = start();
    const heard = hear(ends[0]!);
    const hop = hopTo(upstream);
    const ids = { ...idsOf(40n, 7n), chunk_index: 3n };
    await hop.infer({ ...ids, control_epoch: 12n }, { lm }, tensors);
    hop.abort("done");
    await rejection(running);
    const { messages, headers } = await heard;
    expect(headers[0]).toEqual({ ...ids, control_epoch: 12n, action: "INFER" });
    expect(messages[0]).toMatchObject({
      manifest: { kwargs: {}, tp_plan: "" },
      tensors: [{ key: "input_ids", data: new Uint8Array(BigInt64Array.of(3n, 4n).buffer) }],
    });
    expect(headers[1]).toMatchObject({ call_id: 41n, control_epoch: 13n, action: "SHUTDOWN" });
  });

  test("calls that come before a result are broadcast at once, and answered in their order", async () => {
    const gates = [1, 2].map(() => Promise.withResolvers<{ tensors: (typeof logits)[] }>());
    const begun: bigint[] = [];
    const { upstream, ends, leader, running } = start({
      work: ({ header }) => gates[begun.push(header.call_id) - 1]!.promise,
    });
    const heard = ends.map(hear);
    const hop = new Hop(upstream, { rank: 1, deadlineMs: 2000, window: 2 });
    const calls = callsOn(hop, 2);
    await hop.pass({ ...idsOf(3n), action: "SHUTDOWN" });
    const closed = hop.close();
    await turns();
    // The leader's own part is done one call at a time; the group has both of them.
    expect(begun).toEqual([1n]);
    expect(leader.last.call_id).toBe(2n);
    for (const { resolve } of gates.toReversed()) resolve({ tensors: [logits] });
    expect((await Promise.all(calls)).map(({ result }) => result.call_id)).toEqual([1n, 2n]);
    await closed;
    await running;
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["INFER", "INFER", "SHUTDOWN"]);
  });

  test("pp.result.exactly-one: a result that cannot be sent becomes an error result, and is told", async () => {
    const told: unknown[] = [];
    const { upstream, running } = start({
      work: async () => ({ tensors: [{ ...logits, dtype: "bool" }] }),
      unsent: (why) => told.push(why),
    });
    const hop = hopTo(upstream);
    const { result } = await hop.infer(idsOf(1n), { lm }, tensors);
    expect(result).toMatchObject({
      ok: false,
      error_message: expect.stringContaining("rank 1, call 1: [spec.mismatch]"),
    });
    expect(told).toMatchObject([{ code: "spec.mismatch", fatal: false }]);
    hop.abort("done");
    await rejection(running);
  });

  test("an error of any length and content fits its result", async () => {
    const { upstream, running } = start({
      work: () => Promise.reject(new Error(`${"x".repeat(999)}\u{1F600}${"y".repeat(2 ** 21)}`)),
    });
    const hop = hopTo(upstream);
    const { result } = await hop.infer(idsOf(1n), { lm }, tensors);
    expect(result.error_message).toEndWith("x\uFFFD");
    hop.abort("done");
    await rejection(running);
  });

  test("r[iut.rank.stage-lost]: each call that is owed gets an error result when a worker is lost", async () => {
    const { upstream, ends, running } = start({ work: () => new Promise(() => {}) });
    const hop = new Hop(upstream, { rank: 1, deadlineMs: 2000, window: 3 });
    const calls = callsOn(hop, 3);
    await turns();
    ends[1]!.abort();
    const results = await Promise.all(calls);
    expect(results.map(({ result }) => [result.call_id, result.ok])).toEqual([
      [1n, false],
      [2n, false],
      [3n, false],
    ]);
    expect(await rejection(running)).toMatchObject({ rank: 2, calls: [3n] });
  });

  test("an upstream that takes nothing of what it is owed is cut off after the grace, when a worker is lost", async () => {
    const clock = new ManualClock();
    const [upstream, end] = memoryPair({ clock, limits: { maxBufferedRead: 1 } });
    const { members, ends } = pairs(2, { clock });
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members, { graceMs: 100, givenIds: true, clock });
    const large = { ...logits, shape: [2 ** 20], data: new Float32Array(2 ** 20) };
    const running = serveGroupStage(end, leader, {
      ...{ rank: 1, graceMs: 100, deadlineMs: 30_000, clock },
      work: async () => ({ tensors: [large] }),
    });
    const lost = rejection(running);
    await upstream.write([bytes()]);
    await turns();
    ends[1]!.abort();
    await turns();
    clock.advance(100);
    expect(await lost).toMatchObject({ rank: 2 });
    expect(await end.closed).toMatchObject({ kind: "aborted" });
    expect(clock.pending).toBe(0);
    expect(actionsOf(await heard)).toEqual(["INFER", "SHUTDOWN"]);
  });

  test("a bounded number of calls is taken before one is answered", async () => {
    const { upstream, ends, running } = start({ work: () => new Promise(() => {}), maxOwed: 2 });
    const hop = new Hop(upstream, { rank: 1, deadlineMs: 2000, window: 5 });
    const calls = callsOn(hop, 1).map(rejection);
    await turns();
    const one = ends[0]!.counters.bytesIn;
    for (let id = 2n; id <= 5n; id++) {
      const again = { lm: { ...lm, position: 2, init_cache: false } };
      calls.push(rejection(hop.infer({ ...idsOf(id), chunk_index: id }, again, tensors)));
      await turns();
    }
    expect(ends[0]!.counters.bytesIn).toBeLessThan(3 * one);
    hop.abort("done");
    await Promise.all(calls);
    for (const end of ends) end.abort();
    await rejection(running);
  });

  test.each(["abort", "end"] as const)(
    "an upstream that is gone, by %s, is seen while a worker takes nothing",
    async (act) => {
      const clock = new ManualClock();
      const [upstream, end] = memoryPair({ clock });
      const { members, ends } = pairs(2, { clock, limits: { maxBufferedWrite: 8, maxBufferedRead: 1 }, capacity: 8 });
      const heard = hear(ends[0]!);
      const leader = new TpLeader(members, { graceMs: 100, givenIds: true, clock });
      const work = () => new Promise<never>(() => {});
      const lost = rejection(serveGroupStage(end, leader, { rank: 1, work, clock }));
      await upstream.write([bytes()]);
      await turns(200);
      void upstream[act]();
      await turns();
      clock.advance(100);
      expect(await lost).toMatchObject({ rank: 0, calls: [] });
      expect(await heard).toMatchObject({ headers: [{ call_id: 1n }, { action: "SHUTDOWN" }], end: "clean" });
      expect(await members[1]!.connection.closed).toMatchObject({ kind: "aborted" });
      expect(clock.pending).toBe(0);
    },
  );

  test("upstream has its deadline while it is its turn, and none while it is owed a result", async () => {
    const clock = new ManualClock();
    const gate = Promise.withResolvers<{ tensors: (typeof logits)[] }>();
    const { upstream, running } = start({ clock, silenceMs: 100, work: () => gate.promise });
    const hop = hopTo(upstream);
    const call = hop.infer(idsOf(1n), { lm }, tensors);
    await turns();
    clock.advance(1000);
    gate.resolve({ tensors: [logits] });
    expect((await call).result.ok).toBeTrue();
    await turns();
    clock.advance(99);
    await turns();
    expect(hop.inFlight).toEqual([]);
    clock.advance(1);
    expect(await rejection(running)).toMatchObject({ rank: 0, message: expect.stringContaining("in 100 ms") });
    expect(await hop.lost).toMatchObject({ rank: 1 });
  });

  test("pp-session.shutdown.last: a byte behind SHUTDOWN is a breach, while a result is still owed too", async () => {
    const { upstream, ends, running } = start({ work: () => new Promise(() => {}) });
    const heard = ends.map(hear);
    const header = { ...idsOf(2n), control_epoch: 2n, action: "SHUTDOWN" } as const;
    const shutdown = preparePpRequest({ header }).buffers;
    await upstream.write([bytes(), ...shutdown, Uint8Array.of(0)]);
    const { length } = bytes();
    expect(await rejection(running)).toMatchObject({ rank: 0, cause: { code: "state", offset: length + 41 } });
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["INFER", "SHUTDOWN"]);
  });

  test("pp.acceptance.digest: a stage that is told to puts the digest in", async () => {
    const { upstream, running } = start({ digest: true });
    const hop = new Hop(upstream, { rank: 1, deadlineMs: 2000, checkDigest: true });
    expect((await hop.infer(idsOf(1n), { lm }, tensors)).result.ok).toBeTrue();
    hop.abort("done");
    await rejection(running);
  });

  test("a leader that counts its own ids is no leader for a stage", async () => {
    const [, end] = memoryPair();
    const work = () => new Promise<never>(() => {});
    const refused = serveGroupStage(end, new TpLeader([]), { rank: 1, work });
    expect(await rejection(refused)).toMatchObject({ code: "state", fatal: false });
  });

  test("a wait that is no deadline, and a bound that is no count, are refused at once", async () => {
    const [, end] = memoryPair();
    const work = () => new Promise<never>(() => {});
    const leader = new TpLeader([], { givenIds: true });
    for (const name of ["silenceMs", "deadlineMs", "workMs", "graceMs"]) {
      for (const ms of [Number.NaN, -1]) {
        const refused = await rejection(serveGroupStage(end, leader, { rank: 1, work, [name]: ms }));
        expect((refused as Error).message).toContain(
          `${name}: expected 0 or more milliseconds, or Infinity, ${ms} came`,
        );
      }
    }
    const refused = await rejection(serveGroupStage(end, leader, { rank: 1, work, maxOwed: 0 }));
    expect((refused as Error).message).toContain("limit maxOwed cannot be 0");
  });
});
