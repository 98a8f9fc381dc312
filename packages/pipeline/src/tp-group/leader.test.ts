import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import type { TpHeader } from "@tensorwire/tp-control";
import { type CloseReason, ConnectionOver } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { RankLostError } from "../stage-lost.ts";
import { rejection } from "../testing.ts";
import { TpLeader } from "./leader.ts";
import { actionsOf, callOf, hear, pairs, turns } from "./testing.ts";
import { TpWorker } from "./worker.ts";

const MIB = 1024 * 1024;
const video = {
  height: 8,
  width: 8,
  current_start_frame: 0n,
  init_cache: false,
  manage_cache: true,
  tp_reset_kv_cache: false,
  tp_reset_crossattn_cache: false,
  conditioning_embeds_updated: true,
  kv_cache_attention_bias: 0,
  tp_do_kv_recompute: false,
  tp_num_denoise_steps: 1,
  tp_expected_generator_calls: 1,
  base_seed: 1n,
};

describe("a broadcast", () => {
  test("reaches every worker whole, encoded once", async () => {
    const { members, ends } = pairs(3);
    const heard = ends.map(hear);
    const leader = new TpLeader(members);
    let made = 0;
    const data = () => {
      made++;
      return Float32Array.of(5, 6);
    };
    await leader.infer({ ...callOf(), tensors: [{ key: "x", dtype: "float32", shape: [2], data }] });
    await leader.noop();
    await leader.infer(callOf(1n, [7]));
    await leader.shutdown();
    for (const one of await Promise.all(heard)) {
      expect(actionsOf(one)).toEqual(["INFER", "NOOP", "INFER", "SHUTDOWN"]);
      expect(one.headers.map(({ call_id }) => call_id)).toEqual([1n, 2n, 3n, 4n]);
      expect(one.headers.map(({ control_epoch }) => control_epoch)).toEqual([1n, 2n, 3n, 4n]);
      expect(one.messages[0]).toMatchObject({
        tensors: [{ key: "x", data: new Uint8Array(Float32Array.of(5, 6).buffer) }],
      });
      expect(one.end).toBe("clean");
    }
    expect(made).toBe(1);
    expect(await leader.ended).toBeNull();
  });

  test("tp.action.header-only: NOOP and SHUTDOWN are 40 bytes each", async () => {
    const { members, ends } = pairs(1);
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members);
    await leader.noop();
    await leader.shutdown();
    await heard;
    expect(ends[0]!.counters.bytesIn).toBe(80);
  });

  test("calls that are made at once leave one after the other, and a bounded number waits", async () => {
    const { members, ends } = pairs(2);
    const heard = ends.map(hear);
    const leader = new TpLeader(members, { maxQueued: 2 });
    const calls = [0n, 1n, 2n, 3n].map((chunk) => leader.infer(callOf(chunk)));
    expect(await rejection(calls[3]!)).toMatchObject({ code: "transport.full", fatal: false });
    expect((await Promise.all(calls.slice(0, 3))).map(({ call_id }) => call_id)).toEqual([1n, 2n, 3n]);
    await leader.shutdown();
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toHaveLength(4);
  });

  test("tp.send.nothing: what is refused leaves no byte anywhere and uses no ids", async () => {
    const { members, ends } = pairs(2);
    const heard = ends.map(hear);
    const leader = new TpLeader(members);
    await leader.infer(callOf(3n));
    const before = members.map(({ connection }) => connection.counters.bytesOut);
    const broken = () => {
      throw new Error("device lost");
    };
    const tensor = { key: "x", dtype: "float32", shape: [1], data: new Float32Array(1) };
    const bad = [
      { ...callOf(3n), tensors: [{ ...tensor, dtype: "fp8" }] },
      { ...callOf(3n), tensors: [{ ...tensor, dtype: "float64" }] },
      { ...callOf(3n), tensors: [{ ...tensor, data: broken }] },
      { ...callOf(3n), manifest: { kwargs: { a: new Float32Array(1) as never } } },
      { ...callOf(3n), manifest: { tp_plan: "v1_generator_only" as const } },
      callOf(2n),
      callOf(3n, [1], { manifest: { tp_plan: "v1_generator_only", video: { ...video, init_cache: true } } }),
    ];
    for (const call of bad) await rejection(leader.infer(call));
    expect(members.map(({ connection }) => connection.counters.bytesOut)).toEqual(before);
    expect(await leader.infer(callOf(3n))).toMatchObject({ call_id: 2n, control_epoch: 2n });
    await leader.shutdown();
    for (const one of await Promise.all(heard)) expect(one.end).toBe("clean");
  });

  test("tp-session.cache-epoch.step: a hard cut adds one, and chunk_index may start again", async () => {
    const { members, ends } = pairs(1);
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members);
    await leader.infer(callOf(5n));
    await leader.infer(callOf(0n, [1], { hard_cut: true }));
    await leader.shutdown();
    const { headers, end } = await heard;
    expect(headers).toMatchObject([{ cache_epoch: 0n }, { cache_epoch: 1n, call_id: 2n }, { call_id: 3n }]);
    expect(end).toBe("clean");
  });
});

describe("a slow worker", () => {
  test("makes the broadcast wait, and costs no more than its connection's buffer", async () => {
    const limits = { maxBufferedWrite: 64 * 1024 };
    const { members, ends } = pairs(2, { limits, capacity: 64 * 1024 });
    const quick = hear(ends[0]!);
    const leader = new TpLeader(members);
    const large = leader.infer(callOf(0n, new Array(MIB).fill(1)));
    let done = false;
    void large.then(() => {
      done = true;
    });
    await turns(200);
    expect(done).toBeFalse();
    for (const { connection } of members) expect(connection.counters.peakBufferedWrite).toBeLessThanOrEqual(64 * 1024);
    const slow = hear(ends[1]!);
    await large;
    await leader.shutdown();
    for (const one of await Promise.all([quick, slow])) expect(actionsOf(one)).toEqual(["INFER", "SHUTDOWN"]);
  });

  test("tp.send.poison: past the deadline it is lost by rank and call, and the others get SHUTDOWN", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(3, { clock });
    const heard = [hear(ends[0]!), hear(ends[2]!)];
    const leader = new TpLeader(members, { deadlineMs: 50, clock });
    const lost = rejection(leader.infer(callOf(0n, new Array(MIB).fill(1))));
    await turns(200);
    clock.advance(50);
    const error = await lost;
    expect(error).toBeInstanceOf(RankLostError);
    expect(error).toMatchObject({ rank: 2, calls: [1n] });
    expect((error as Error).message).toContain("[transport.deadline]");
    for (const one of await Promise.all(heard)) {
      expect(actionsOf(one)).toEqual(["INFER", "SHUTDOWN"]);
      expect(one.end).toBe("clean");
    }
    expect((await hear(ends[1]!)).end).toStartWith("transport.");
    expect(await rejection(leader.noop())).toBe(error);
    expect(await leader.ended).toBe(error as RankLostError);
  });

  test("that takes not even SHUTDOWN is reset: nobody is left in silence", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(2, { clock });
    const leader = new TpLeader(members, { deadlineMs: 500, graceMs: 20, clock });
    const lost = rejection(leader.infer(callOf(0n, new Array(MIB).fill(1))));
    await turns();
    ends[0]!.abort();
    await turns();
    clock.advance(20);
    expect(await lost).toMatchObject({ rank: 1, calls: [1n] });
    await leader.ended;
    expect(await members[1]!.connection.closed).toMatchObject({ kind: "aborted" });
  });

  // Room for one header under way and one in the slab.
  const tight = { capacity: 40, limits: { maxBufferedWrite: 40 } };

  test("tp.send.nothing: a broadcast that no connection took a byte of is withdrawn, and the group lives", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(2, { clock, ...tight, limits: { ...tight.limits, maxBufferedRead: 1 } });
    const leader = new TpLeader(members, { deadlineMs: 50, clock });
    let sent = 0n;
    let error: unknown = null;
    while (error === null) {
      const noop = leader.noop().then(
        ({ call_id }) => {
          sent = call_id;
        },
        (why: unknown) => {
          error = why;
        },
      );
      await turns();
      clock.advance(50);
      await noop;
    }
    expect(error).toMatchObject({ code: "transport.deadline", fatal: false });
    const heard = ends.map(hear);
    expect(await leader.noop()).toMatchObject({ call_id: sent + 1n, control_epoch: sent + 1n });
    await leader.shutdown();
    for (const one of await Promise.all(heard)) {
      expect(one.headers).toHaveLength(Number(sent) + 2);
      expect(one.end).toBe("clean");
    }
  });

  test("that missed what another one has can never follow again: it is lost", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(2, { clock, ...tight, limits: { ...tight.limits, maxBufferedRead: 1 } });
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members, { deadlineMs: 50, clock });
    let error: unknown = null;
    while (error === null) {
      const noop = leader.noop().catch((why: unknown) => {
        error = why;
      });
      await turns();
      clock.advance(50);
      await noop;
    }
    expect(error).toMatchObject({ name: "RankLostError", rank: 2 });
    expect(actionsOf(await heard).at(-1)).toBe("SHUTDOWN");
    expect((await heard).end).toBe("clean");
  });
});

describe("a worker that is lost between calls", () => {
  const ways: [string, (end: ReturnType<typeof pairs>["ends"][0]) => unknown, string][] = [
    ["hangs up", (end) => end.end(), "hung up"],
    ["is reset", (end) => end.abort(), "[transport.reset]"],
    ["sends a byte", (end) => end.write([Uint8Array.of(1)]), "a worker sends nothing"],
  ];
  test.each(ways)("one that %s is named, and the others get SHUTDOWN", async (_, act, why) => {
    const { members, ends } = pairs(3);
    const heard = [hear(ends[0]!), hear(ends[1]!)];
    const leader = new TpLeader(members);
    await leader.infer(callOf());
    await act(ends[2]!);
    const lost = await leader.ended;
    expect(lost).toMatchObject({ rank: 3, calls: [1n] });
    expect(lost!.message).toContain(why);
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["INFER", "SHUTDOWN"]);
    expect(await rejection(leader.infer(callOf(1n)))).toBe(lost);
  });
});

describe("a leader whose ids are given", () => {
  const header = (call_id: bigint, over: Partial<TpHeader> = {}): TpHeader => ({
    ...{ call_id, chunk_index: 0n, control_epoch: call_id, cache_epoch: 4n, action: "INFER" },
    ...over,
  });
  const { manifest, tensors = [] } = callOf();

  test("broadcasts each message with its own ids", async () => {
    const { members, ends } = pairs(2);
    const heard = ends.map(hear);
    const leader = new TpLeader(members, { givenIds: true });
    const headers = [
      header(77n, { chunk_index: 9n }),
      header(80n, { control_epoch: 78n, cache_epoch: 5n }),
      header(81n, { control_epoch: 79n, cache_epoch: 5n, action: "NOOP" }),
      header(90n, { control_epoch: 80n, cache_epoch: 5n, action: "SHUTDOWN" }),
    ];
    for (const each of headers) {
      expect(await leader.broadcast({ header: each, ...(each.action === "INFER" && { manifest, tensors }) })).toEqual(
        each,
      );
    }
    for (const one of await Promise.all(heard)) expect([one.headers, one.end]).toEqual([headers, "clean"]);
  });

  test("tp.send.nothing: ids that a worker would refuse leave no byte, and may be mended", async () => {
    const { members, ends } = pairs(1);
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members, { givenIds: true });
    await leader.broadcast({ header: header(5n, { chunk_index: 3n }), manifest, tensors });
    const { bytesOut } = members[0]!.connection.counters;
    const wrong = [
      header(5n),
      header(4n),
      header(6n, { control_epoch: 7n, chunk_index: 3n }),
      header(6n, { cache_epoch: 6n }),
      header(6n, { chunk_index: 2n }),
    ];
    for (const each of wrong) {
      const refused = await rejection(leader.broadcast({ header: each, manifest, tensors }));
      expect(refused).toMatchObject({ code: "sequence", fatal: false });
    }
    expect(members[0]!.connection.counters.bytesOut).toBe(bytesOut);
    await leader.broadcast({ header: header(6n, { cache_epoch: 5n }), manifest, tensors });
    await leader.shutdown();
    expect((await heard).headers.map(({ call_id }) => call_id)).toEqual([5n, 6n, 7n]);
  });

  test("tp-session.call-id.duplicate: its sign of life is the last ids again, and there is none before the first", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(1);
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members, { givenIds: true, heartbeatMs: 100, clock });
    clock.advance(100);
    await turns();
    expect(ends[0]!.counters.bytesIn).toBe(0);
    await leader.broadcast({ header: header(3n), manifest, tensors });
    await turns();
    const { bytesIn } = ends[0]!.counters;
    for (let beat = 0; beat < 2; beat++) {
      clock.advance(100);
      await turns();
    }
    expect(ends[0]!.counters.bytesIn).toBe(bytesIn + 2 * 40);
    await leader.broadcast({ header: header(4n), manifest, tensors });
    await leader.shutdown();
    const { headers, end } = await heard;
    expect([headers.map(({ call_id }) => call_id), end]).toEqual([[3n, 4n, 5n], "clean"]);
  });

  test("its sign of life costs a worker nothing that is at work and reads nothing", async () => {
    const clock = new ManualClock();
    const { members, ends } = pairs(2, { clock, capacity: 64, limits: { maxBufferedRead: 1, maxBufferedWrite: 4096 } });
    const heard = hear(ends[0]!);
    const leader = new TpLeader(members, { givenIds: true, heartbeatMs: 100, deadlineMs: 300, graceMs: 50, clock });
    const more = callOf(0n, new Array(500).fill(1));
    await leader.broadcast({ header: header(3n), manifest, tensors: more.tensors! });
    await turns(200);
    const waits = members[1]!.connection.counters.bufferedWrite;
    expect(waits).toBeGreaterThan(0);
    const { bytesIn } = ends[0]!.counters;
    for (let beat = 0; beat < 20; beat++) {
      clock.advance(100);
      await turns();
    }
    expect(ends[0]!.counters.bytesIn).toBe(bytesIn + 20 * 40);
    expect(members[1]!.connection.counters.bufferedWrite).toBe(waits);
    const slow = hear(ends[1]!);
    await leader.broadcast({ header: header(4n), manifest, tensors });
    await leader.shutdown();
    for (const one of await Promise.all([heard, slow])) {
      expect(one.headers.map(({ call_id }) => call_id)).toEqual([3n, 4n, 5n]);
      expect(one.end).toBe("clean");
    }
  });
});

describe("who joins", () => {
  test("before the first broadcast hears all of it, behind it nobody may", async () => {
    const { members, ends } = pairs(2);
    const heard = ends.map(hear);
    const leader = new TpLeader([]);
    for (const member of members) leader.join(member);
    await leader.noop();
    expect(() => leader.join(pairs(1).members[0]!)).toThrow(
      "expected no worker behind the first broadcast, rank 1 came",
    );
    await leader.shutdown();
    for (const one of await Promise.all(heard)) expect(actionsOf(one)).toEqual(["NOOP", "SHUTDOWN"]);
  });

  test("a group that has lost a worker already is released like the others, and the loss names no call", async () => {
    const { members, ends } = pairs(2);
    const leader = new TpLeader([members[0]!]);
    ends[0]!.abort();
    expect(await leader.lost).toMatchObject({ rank: 1, calls: [] });
    const heard = hear(ends[1]!);
    leader.join(members[1]!);
    expect(actionsOf(await heard)).toEqual(["SHUTDOWN"]);
  });
});

test("tp-session.shutdown.last: what ends a group that is ending costs nobody a second SHUTDOWN", async () => {
  const clock = new ManualClock();
  const { members, ends } = pairs(2, { clock });
  const leader = new TpLeader(members, { deadlineMs: 50, graceMs: 20, clock });
  await leader.noop();
  const ended = rejection(leader.shutdown());
  await turns();
  const terminated = leader.terminate(new RankLostError(0, [], "upstream is gone"));
  const heard = await hear(ends[0]!);
  expect([actionsOf(heard), heard.end]).toEqual([["NOOP", "SHUTDOWN"], "clean"]);
  await turns();
  clock.advance(20);
  await terminated;
  // The other one never ended its side.
  expect(await ended).toMatchObject({ rank: 2 });
});

test("a group that is ended while it shuts down waits for nobody longer than the grace", async () => {
  const clock = new ManualClock();
  const { members } = pairs(1, { clock });
  const leader = new TpLeader(members, { deadlineMs: 30_000, graceMs: 20, clock });
  const ended = rejection(leader.shutdown());
  await turns();
  const terminated = leader.terminate(new RankLostError(0, [], "upstream is gone"));
  clock.advance(20);
  await terminated;
  expect(await ended).toMatchObject({ rank: 1, why: expect.stringContaining("did not end its side in 20 ms") });
});

test("a worker that ends behind SHUTDOWN is not lost, though another one has not taken it yet", async () => {
  const { members, ends } = pairs(2, { capacity: 8, limits: { maxBufferedWrite: 8, maxBufferedRead: 1 } });
  const leader = new TpLeader(members);
  const quick = new TpWorker(ends[0]!).run(() => {});
  const down = leader.shutdown();
  await turns();
  const slow = hear(ends[1]!);
  await down;
  await quick;
  expect(await slow).toMatchObject({ headers: [{ action: "SHUTDOWN" }], end: "clean" });
  expect(await leader.ended).toBeNull();
});

test("a loss is known before the others have ended", async () => {
  const { members, ends } = pairs(2);
  const leader = new TpLeader(members, { graceMs: 60_000 });
  let over = false;
  void leader.ended.then(() => {
    over = true;
  });
  ends[1]!.abort();
  const why = await leader.lost;
  await turns();
  expect([why.rank, over]).toEqual([2, false]);
  expect(actionsOf(await hear(ends[0]!))).toEqual(["SHUTDOWN"]);
  expect(await leader.ended).toBe(why);
});

test("an idle leader is heard: a NOOP after each heartbeat, and none behind SHUTDOWN", async () => {
  const clock = new ManualClock();
  const { members, ends } = pairs(2);
  const heard = ends.map(hear);
  const leader = new TpLeader(members, { heartbeatMs: 100, clock });
  await leader.infer(callOf());
  for (let beat = 0; beat < 3; beat++) {
    clock.advance(100);
    await turns();
  }
  await leader.shutdown();
  clock.advance(1000);
  for (const one of await Promise.all(heard)) {
    expect(actionsOf(one)).toEqual(["INFER", "NOOP", "NOOP", "NOOP", "SHUTDOWN"]);
  }
});

test("a second shutdown has the end of the first", async () => {
  const { members } = pairs(1);
  const leader = new TpLeader(members, { deadlineMs: 30 });
  const first = rejection(leader.shutdown());
  await turns();
  expect(await rejection(leader.shutdown())).toBe(await first);
});

test("shutdown waits for the workers, and names one that does not end", async () => {
  const clock = new ManualClock();
  const { members, ends } = pairs(2, { clock });
  const heard = hear(ends[0]!);
  const leader = new TpLeader(members, { deadlineMs: 30, clock });
  const ended = rejection(leader.shutdown());
  expect((await heard).end).toBe("clean");
  await turns();
  clock.advance(30);
  expect(await ended).toMatchObject({ rank: 2 });
  expect(await rejection(leader.noop())).toMatchObject({ code: "state", fatal: false });
});

describe("a worker that is gone behind SHUTDOWN", () => {
  test("by a reset, as one that crashes in its last call, is lost", async () => {
    const { members, ends } = pairs(2);
    const leader = new TpLeader(members);
    const good = hear(ends[1]!);
    const crashing = new TpWorker(ends[0]!).run(async () => {
      await turns();
      throw new Error("device lost");
    });
    void rejection(crashing);
    await leader.infer(callOf());
    const error = await rejection(leader.shutdown());
    expect(error).toMatchObject({ name: "RankLostError", rank: 1, calls: [2n], cause: { code: "transport.reset" } });
    expect(await leader.ended).toBe(error as RankLostError);
    expect((await good).end).toBe("clean");
  });

  class Left extends ConnectionOver {
    kind: CloseReason["kind"] = "ended";

    override async close(): Promise<CloseReason> {
      await this.inner.close();
      const error = new WireError({ code: "transport.closed", message: this.kind, fault: "transport" });
      return { kind: this.kind, error };
    }
  }

  test.each(["ended", "peer-closed", "failed", "aborted"] as const)("by `%s`", async (kind) => {
    const { members, ends } = pairs(1);
    const heard = hear(ends[0]!);
    const connection = new Left(members[0]!.connection);
    connection.kind = kind;
    const leader = new TpLeader([{ rank: 1, connection }]);
    const shutdown = leader.shutdown();
    // Only the last two were cut off.
    if (kind === "failed" || kind === "aborted") expect(await rejection(shutdown)).toMatchObject({ rank: 1 });
    else await shutdown;
    expect((await heard).end).toBe("clean");
  });
});

test("a wait that is no deadline, and a heartbeat without a pause, are refused at once", () => {
  for (const name of ["deadlineMs", "graceMs", "heartbeatMs"]) {
    for (const ms of [Number.NaN, -1]) {
      expect(() => new TpLeader([], { [name]: ms })).toThrow(`${name}: expected 0 or more milliseconds, or Infinity`);
    }
  }
  for (const heartbeatMs of [0, 0.9]) {
    expect(() => new TpLeader([], { heartbeatMs })).toThrow(
      "heartbeatMs: expected 1 or more milliseconds, or Infinity",
    );
  }
  for (const heartbeatMs of [1, Number.POSITIVE_INFINITY]) {
    new TpLeader([], { heartbeatMs, clock: new ManualClock() });
  }
});
