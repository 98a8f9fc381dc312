import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { preparePpRequest } from "@tensorwire/pp-contract";
import { type Clock, type Connection, connect } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { greet } from "./admission/greet.ts";
import type { StageOptions } from "./options.ts";
import { type RunningStage, runStage, type StageObserver } from "./stage.ts";
import { StageLostError } from "./stage-lost.ts";
import {
  answering,
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

const start = (over: Partial<StageOptions> = {}, observer: StageObserver = {}) =>
  runStage({ rank: 0, stages: 1, model, backend: "cpu", ...patience, ...over }, observer);

/** A clock that says when a timer is set. */
function clockOf(clock: ManualClock, set: () => void): Clock {
  return {
    now: () => clock.now(),
    setTimeout: (fire, ms) => {
      set();
      return clock.setTimeout(fire, ms);
    },
    clearTimeout: (timer) => clock.clearTimeout(timer),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets the event loop turn until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

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

test("a call that was on its way to an idle lane when the stage ended is answered with the reason", async () => {
  const stage = await start({ stages: 1 });
  const hops = [await openLane(stage), await openLane(stage, 1)];
  for (const [i, hop] of hops.entries()) expect((await callOn(hop, BigInt(i + 1))).result.ok).toBeTrue();
  stage.stop("the test stops it");
  const answers = await Promise.all(hops.map((hop, i) => callOn(hop, BigInt(i + 3), 2, 1)));
  for (const { result } of answers) {
    expect(result.ok).toBeFalse();
    expect(result.error_message).toContain("the test stops it");
  }
  expect(await stage.ended).toBeUndefined();
});

describe("a next stage that is idle", () => {
  test("is missed when it dies, though nobody asks it for anything", async () => {
    const next = await scriptedStage(answering);
    const stage = await start({ stages: 2, next: next.address });
    const hops = [await openLane(stage), await openLane(stage, 1)];
    expect((await callOn(hops[0]!, 1n)).result.ok).toBeTrue();
    await next[Symbol.asyncDispose]();
    expect(await rejection(stage.ended)).toMatchObject({ name: "StageLostError", rank: 1, calls: [] });
    // Nobody upstream waits for its deadline.
    for (const hop of hops) expect(await hop.lost).toMatchObject({ rank: 0 });
  });

  test("is not lost with a lane whose upstream is: the others go on", async () => {
    await using next = await scriptedStage(answering);
    const stage = await start({ stages: 2, next: next.address });
    const hops = [await openLane(stage), await openLane(stage, 1)];
    for (const [i, hop] of hops.entries()) expect((await callOn(hop, BigInt(i + 1))).result.ok).toBeTrue();
    hops[1]!.abort("the test lets go of it");
    for (const position of [2, 3, 4]) {
      await turn();
      expect((await callOn(hops[0]!, BigInt(position + 1), position, 1)).result).toMatchObject({ error_message: "" });
    }
    await shutDown(hops[0]!);
    const error = await rejection(stage.ended);
    expect(error).not.toBeInstanceOf(StageLostError);
    expect((error as Error).message).toStartWith("rank 0 has lost the driver");
  });

  test("and does not end behind SHUTDOWN strands no upstream, though another lane lives", async () => {
    await using next = await scriptedStage((request, connection) => {
      if (request.header.action === "SHUTDOWN") return new Promise(() => {});
      return answering(request, connection);
    });
    const stage = await start({ stages: 2, next: next.address, deadlineMs: 1500 });
    const hops = [await openLane(stage), await openLane(stage, 1)];
    for (const [i, hop] of hops.entries()) expect((await callOn(hop, BigInt(i + 1))).result.ok).toBeTrue();
    const began = performance.now();
    await shutDown(hops[0]!);
    // By the stage's deadline, not by this side's own.
    expect(performance.now() - began).toBeLessThan(patience.deadlineMs - 1000);
    expect((await callOn(hops[1]!, 3n, 2, 1)).result.error_message).not.toContain("rank 0 ends");
    hops[1]!.abort("the test is over");
    expect(await rejection(stage.ended)).toMatchObject({ name: "StageLostError", rank: 1 });
  });
});

test("link.hello.refusal.told: a peer whose lane is still at its last call is told of", async () => {
  await using next = await scriptedStage(() => {});
  const refused: string[] = [];
  const stage = await start(
    { stages: 2, next: next.address },
    { onRefused: ({ message }) => void refused.push(message) },
  );
  const gone = await openLane(stage);
  void rejection(callOn(gone, 1n));
  await until(() => next.requests.length === 1);
  gone.abort("it goes in the middle of its call");
  // The stage may see the new one before it has seen the end of the old one, whose place it wants.
  while (!refused.some((why) => why.includes("lane 0 is still at its last call"))) {
    const again = await openLane(stage).catch(() => null);
    again?.abort("done");
    await turn();
  }
  expect(refused.at(-1)).toStartWith("[sequence] handshake with tcp://127.0.0.1:");
  stage.stop("the test is over");
  await stage.ended;
});

describe("a wait that is no deadline", () => {
  test.each(["deadlineMs", "startDeadlineMs", "handshakeMs", "idleDeadlineMs"])("%s", async (name) => {
    for (const ms of [Number.NaN, -1]) {
      const error = await rejection(start({ [name]: ms }));
      expect((error as Error).message).toContain(`${name}: expected 0 or more milliseconds, or Infinity, ${ms} came`);
    }
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
    const clock = new ManualClock();
    const stage = await start({ idleDeadlineMs: 20_000 }, { clock });
    const hop = await openLane(stage);
    clock.advance(19_999);
    expect((await callOn(hop, 1n)).result.ok).toBeTrue();
    clock.advance(19_999);
    expect((await callOn(hop, 2n, 2)).result.ok).toBeTrue();
    clock.advance(20_000);
    expect(await rejection(stage.ended)).toMatchObject({
      message: "[transport.deadline] rank 0 got no message for 20000 ms",
    });
    expect(clock.pending).toBe(0);
  });

  test("in order leaves no timer behind", async () => {
    const clock = new ManualClock();
    const stage = await start({}, { clock });
    const hop = await openLane(stage);
    await callOn(hop, 1n);
    expect(clock.pending).toBe(1);
    await shutDown(hop);
    await stage.ended;
    expect(clock.pending).toBe(0);
  });

  test("a lane that waits for the next stage to listen does not wait on", async () => {
    const clock = new ManualClock();
    let taken = 0;
    const next = { next: "unix:/no/such/stage.sock", startDeadlineMs: 60_000 };
    const active = clockOf(clock, () => taken++);
    const stage = await start({ stages: 2, ...next, idleDeadlineMs: 50 }, { clock: active });
    const hop = await openLane(stage);
    const call = callOn(hop, 1n);
    // Once when it began to listen, once for the call.
    await until(() => taken === 2);
    clock.advance(50);
    expect((await call).result).toMatchObject({ ok: false, call_id: 1n });
    hop.abort("the test has its answer");
    const message = "[transport.deadline] rank 0 got no message for 50 ms";
    expect(await rejection(stage.ended)).toMatchObject({ message });
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
