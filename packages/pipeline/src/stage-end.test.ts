import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { preparePpRequest } from "@tensorwire/pp-contract";
import { type Connection, connect } from "@tensorwire/transport";
import { greet } from "./admission/greet.ts";
import type { StageOptions } from "./options.ts";
import { type RunningStage, runStage } from "./stage.ts";
import { StageLostError } from "./stage-lost.ts";
import {
  callOn,
  idsOf,
  openLane,
  patience,
  rejection,
  scriptedStage,
  shutDown,
  upstreamOf,
  writeTinyModel,
} from "./testing.ts";

let model: string;
beforeAll(() => {
  model = writeTinyModel();
});
afterAll(() => rmSync(model, { recursive: true }));

const start = (over: Partial<StageOptions> = {}) =>
  runStage({ rank: 0, stages: 1, model, backend: "cpu", ...patience, ...over });

describe("a lost next stage", () => {
  const inFlight = async (hang: (connections: Connection[]) => void, deadlineMs = 5000) => {
    const connections: Connection[] = [];
    await using next = await scriptedStage((_, connection) => {
      connections.push(connection);
      if (connections.length === 2) hang(connections);
    });
    const stage = await start({ stages: 2, next: next.address, deadlineMs });
    const hops = [await openLane(stage), await openLane(stage, 1)];
    const answers = await Promise.all(hops.map((hop, i) => callOn(hop, BigInt(i + 1))));
    for (const hop of hops) hop.abort("the test has its answers");
    const ended = await rejection(stage.ended);
    return { messages: answers.map(({ result }) => result.error_message), ended };
  };

  test("gives every call in flight, on every lane, an error result with rank and call_id, and ends the stage", async () => {
    const { messages, ended } = await inFlight(([first]) => first!.abort());
    expect(messages[0]).toMatch(/^rank 0, call 1: rank 1 is lost with call [12] in flight/);
    expect(messages[1]).toMatch(/^rank 0, call 2: rank 1 is lost with call [12] in flight/);
    expect(ended).toBeInstanceOf(StageLostError);
    expect(ended).toMatchObject({ rank: 1 });
  });

  test("is one that does not answer in time", async () => {
    const { messages, ended } = await inFlight(() => {}, 50);
    for (const message of messages) expect(message).toContain("rank 1 is lost");
    expect((ended as Error).message).toContain("[transport.deadline]");
  });

  test("is one that never listens", async () => {
    const stage = await start({ stages: 2, next: "unix:/no/such/stage.sock", startDeadlineMs: 0 });
    const hop = await openLane(stage);
    expect((await callOn(hop, 1n)).result.error_message).toContain("rank 1 is lost");
    hop.abort("the test has its answer");
    expect(await rejection(stage.ended)).toMatchObject({ rank: 1 });
  });
});

describe("the end of a stage", () => {
  test("a port probe, which sends no byte, is no lane", async () => {
    const stage = await start();
    await (await connect(stage.ready.address)).close();
    const hop = await openLane(stage);
    expect((await callOn(hop, 1n)).result.ok).toBeTrue();
    await shutDown(hop);
    await stage.ended;
  });

  test("a lane that breaks the contract is dropped, the others go on, and the end says so", async () => {
    const stage = await start();
    const good = await openLane(stage);
    const bad = await greet(await connect(stage.ready.address), upstreamOf(stage), stage.identity, { lane: 1 });
    for (const call_id of [5n, 4n]) {
      const header = { ...idsOf(call_id), control_epoch: call_id, action: "NOOP" } as const;
      await bad.write(preparePpRequest({ header }).buffers);
    }
    expect((await bad.closed).kind).not.toBe("ended");
    expect((await callOn(good, 1n)).result.ok).toBeTrue();
    await shutDown(good);
    const error = await rejection(stage.ended);
    expect((error as Error).message).toContain("[sequence] call_id: expected at least 6, 4 came");
  });

  test("an upstream that leaves without SHUTDOWN is lost", async () => {
    const stage = await start();
    const hop = await openLane(stage);
    await callOn(hop, 1n);
    await hop.close();
    expect((await rejection(stage.ended)) as Error).toMatchObject({
      message: "rank 0 has lost the driver: it ended the connection without SHUTDOWN",
    });
  });

  test("an upstream stage that is lost is named by its rank", async () => {
    const stage = await start({ rank: 1, stages: 2 });
    const hop = await openLane(stage);
    await callOn(hop, 1n);
    await hop.close();
    expect(await rejection(stage.ended)).toMatchObject({ name: "StageLostError", rank: 0 });
  });

  test("when nothing comes for too long", async () => {
    const stage = await start({ idleDeadlineMs: 20 });
    expect(await rejection(stage.ended)).toMatchObject({ message: "rank 0 got no message for 20 ms" });
  });

  test("a lane that waits for the next stage to listen does not wait on", async () => {
    const stage = await start({
      stages: 2,
      next: "unix:/no/such/stage.sock",
      startDeadlineMs: 60_000,
      idleDeadlineMs: 50,
    });
    const hop = await openLane(stage);
    expect((await callOn(hop, 1n)).result).toMatchObject({ ok: false, call_id: 1n });
    hop.abort("the test has its answer");
    expect(await rejection(stage.ended)).toMatchObject({ message: "rank 0 got no message for 50 ms" });
  });

  test("stop answers the call in flight, and is no failure", async () => {
    let stage: RunningStage | null = null;
    await using next = await scriptedStage(() => stage?.stop("somebody said so"));
    stage = await start({ stages: 2, next: next.address });
    const hop = await openLane(stage);
    const { result } = await callOn(hop, 1n);
    expect(result.error_message).toBe("rank 0, call 1: rank 0 ends: somebody said so");
    hop.abort("the test has its answer");
    await stage.ended;
  });
});
