import { describe, expect, test } from "bun:test";
import { preparePpRequest } from "@tensorwire/pp-contract";
import { type Connection, memoryPair } from "@tensorwire/transport";
import { idsTensor } from "../activations.ts";
import { Hop } from "../hop.ts";
import { idsOf, rejection } from "../testing.ts";
import { serveGroupStage } from "./group-stage.ts";
import type { GroupStageOptions } from "./group-stage-options.ts";
import { TpLeader } from "./leader.ts";
import { actionsOf, hear, pairs } from "./testing.ts";

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
});
