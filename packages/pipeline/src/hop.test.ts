import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PpCallIds, preparePpResult } from "@tensorwire/pp-contract";
import type { Connection } from "@tensorwire/transport";
import { idsTensor, logitsOf } from "./activations.ts";
import { dial } from "./dial.ts";
import { Hop, type HopOptions } from "./hop.ts";
import { StageLostError } from "./stage-lost.ts";
import { answering, patience, rejection, type Script, scriptedStage, somebody } from "./testing.ts";

const step = { lm: { position: 0, num_tokens: 1, init_cache: true } };
const tensors = [idsTensor(Int32Array.of(1))];
const ids = (call_id: bigint, cache_epoch = call_id) => ({ call_id, chunk_index: 0n, cache_epoch });
const ignore = () => {};

const open = (address: string, over: Partial<typeof patience> = {}) =>
  Hop.open({ address, rank: 1, identity: somebody, ...patience, ...over });

describe("a hop", () => {
  test("sends a call and takes its result, those bytes counted and not the Hello's", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
    expect(hop.bytes).toEqual({ out: 0, in: 0 });
    const { result, tensors: came } = await hop.infer(ids(7n), step, tensors, ignore);
    expect(result).toMatchObject({ call_id: 7n, ok: true });
    expect(logitsOf(came)).toEqual(new Float32Array(4).fill(7));
    expect(hop.bytes.out).toBeGreaterThan(48);
    expect(hop.bytes.in).toBeGreaterThan(16);
    hop.abort("done");
  });

  test("waits for a stage that does not listen yet", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tensorwire-hop-"));
    const address = `unix:${join(folder, "late.sock")}`;
    const opening = open(address);
    await using stage = await scriptedStage(answering, address);
    const hop = await opening;
    await hop.infer(ids(1n), step, tensors, ignore);
    expect(stage.requests).toHaveLength(1);
    hop.abort("done");
    await rm(folder, { recursive: true });
  });

  test("gives up on one that never does", async () => {
    const error = await rejection(open("unix:/no/such/stage.sock", { startDeadlineMs: 0 }));
    expect(error).toBeInstanceOf(StageLostError);
    expect((error as Error).message).toStartWith("rank 1 is lost: [transport.refused]");
  });

  test("pp.send.nothing: what the stage would refuse leaves no byte, and the ids are free", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
    await hop.infer(ids(1n), step, tensors, ignore);
    const out = hop.bytes.out;
    const again = { lm: { position: 1, num_tokens: 1, init_cache: false } };
    const refused: [string, Promise<unknown>][] = [
      ["spec.mismatch", hop.infer(ids(2n), { lm: { ...step.lm, num_tokens: 2 } }, tensors)],
      ["spec.mismatch", hop.infer(ids(2n), step, [{ ...tensors[0]!, dtype: "fp8" }])],
      ["header.field", hop.infer({ ...ids(2n), chunk_index: 2n ** 63n }, step, tensors)],
      ["sequence", hop.infer(ids(1n), step, tensors)],
      ["sequence", hop.infer(ids(2n, 1n), step, tensors)],
      ["sequence", hop.infer({ ...ids(2n, 1n), chunk_index: -1n }, again, tensors)],
      ["sequence", hop.infer({ ...ids(2n), control_epoch: 3n }, step, tensors)],
      ["sequence", hop.pass({ ...ids(1n), action: "NOOP" })],
    ];
    for (const [code, end] of refused) expect(await rejection(end)).toMatchObject({ code, fatal: false });
    expect(hop.bytes.out).toBe(out);
    await hop.infer(ids(2n), step, tensors);
    expect(stage.requests.map(({ header }) => header)).toEqual([
      { ...ids(1n), control_epoch: 1n, action: "INFER" },
      { ...ids(2n), control_epoch: 2n, action: "INFER" },
    ]);
    hop.abort("done");
  });

  test("a first control_epoch that is given is counted on", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
    await hop.pass({ ...ids(3n), control_epoch: 41n, action: "NOOP" });
    await hop.infer(ids(4n), step, tensors);
    expect(stage.requests.map(({ header }) => header.control_epoch)).toEqual([41n, 42n]);
    hop.abort("done");
  });

  const faults: [string, Script, string][] = [
    ["hangs up", (_, connection) => connection.abort(), "in flight: [transport."],
    ["ends its side", (_, connection) => connection.end(), "ended the connection before the result"],
    [
      "answers a call to come",
      (_, connection) => connection.write(result(9n)),
      "[sequence] call_id: expected the result",
    ],
    ["sends no result", (_, connection) => connection.write([new Uint8Array(8).fill(255)]), "[oversize.declared]"],
    [
      "stops inside a result",
      async (_, connection) => {
        await connection.write([result(1n)[0]!.subarray(0, 5)]);
        await connection.end();
      },
      "[eof.in-prefix]",
    ],
  ];
  const result = (call_id: bigint) => [
    ...preparePpResult({ ...ids(call_id, 1n), ok: false, error_message: "no" }).buffers,
  ];

  test.each(faults)("a stage that %s is lost, with the call", async (_, script, why) => {
    await using stage = await scriptedStage(script);
    const hop = await open(stage.address);
    const error = await rejection(hop.infer(ids(1n), step, tensors, ignore));
    expect(error).toBeInstanceOf(StageLostError);
    expect(error).toMatchObject({ rank: 1, calls: [1n] });
    expect((error as Error).message).toContain(why);
    expect(await rejection(hop.infer(ids(2n), step, tensors, ignore))).toBeInstanceOf(StageLostError);
  });

  test("a stage that does not answer in time is lost", async () => {
    await using stage = await scriptedStage(ignore);
    const connection = await dial({ address: stage.address, rank: 1, identity: somebody, ...patience });
    const hop = new Hop(connection, { rank: 1, deadlineMs: 30 });
    const error = await rejection(hop.infer(ids(1n), step, tensors, ignore));
    expect((error as Error).message).toStartWith("rank 1 is lost with call 1 in flight: [transport.deadline]");
  });

  test("waits as long as it takes where it is told to, which is longer than any timer", async () => {
    await using stage = await scriptedStage(async (request, connection) => {
      await new Promise((turn) => setImmediate(turn));
      await answering(request, connection);
    });
    for (const deadlineMs of [2 ** 31, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      const hop = await open(stage.address, { deadlineMs, startDeadlineMs: deadlineMs });
      const { result } = await hop.infer(ids(1n), step, tensors, ignore);
      expect(result.ok).toBeTrue();
      await hop.pass({ ...ids(2n, 1n), action: "SHUTDOWN" });
      await hop.close();
    }
  });

  test("refuses a deadline that is none and a bound that is no count, and leaves no connection behind", async () => {
    await using stage = await scriptedStage(answering);
    const refused: [Partial<HopOptions & typeof patience>, string][] = [
      [{ deadlineMs: Number.NaN }, "deadlineMs: expected 0 or more milliseconds"],
      [{ deadlineMs: -1 }, "deadlineMs: expected 0 or more milliseconds"],
      [{ startDeadlineMs: Number.NaN }, "startDeadlineMs: expected 0 or more milliseconds"],
      [{ window: 0 }, "window: expected an integer from 1"],
      [{ maxQueued: 0 }, "limit maxQueued cannot be 0"],
    ];
    for (const [over, words] of refused) {
      const error = await rejection(
        Hop.open({ address: stage.address, rank: 1, identity: somebody, ...patience, ...over }),
      );
      expect((error as Error).message).toContain(words);
    }
    const connection = await dial({ address: stage.address, rank: 1, identity: somebody, ...patience });
    expect(() => new Hop(connection, { rank: 1, deadlineMs: Number.NaN })).toThrow("deadlineMs: expected 0 or more");
    connection.abort("done");
  });

  test("that is aborted by this side has lost nobody", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
    let lost = false;
    void hop.lost.then(() => {
      lost = true;
    });
    hop.abort("done");
    expect(await rejection(hop.infer(ids(1n), step, tensors, ignore))).toBeInstanceOf(StageLostError);
    expect(lost).toBeFalse();
  });

  test("a late result before the one that is due is dropped", async () => {
    await using stage = await scriptedStage(async (request, connection) => {
      if (request.header.call_id === 2n) await connection.write(result(1n));
      await answering(request, connection);
    });
    const hop = await open(stage.address);
    await hop.infer(ids(1n, 1n), step, tensors, ignore);
    const decode = { lm: { position: 1, num_tokens: 1, init_cache: false } };
    const again = await hop.infer(ids(2n, 1n), decode, tensors, ignore);
    expect(again.result).toMatchObject({ call_id: 2n, ok: true });
    hop.abort("done");
  });
});

describe("a window of calls", () => {
  const epoch1 = (call_id: bigint, chunk_index = call_id) => ({ call_id, chunk_index, cache_epoch: 1n });
  const decodeStep = { lm: { position: 1, num_tokens: 1, init_cache: false } };
  const answer = (ids: PpCallIds, connection: Connection) =>
    connection.write([...preparePpResult({ ...ids, ok: false, error_message: "no" }).buffers]);
  /** A stage that answers nothing by itself. */
  async function held(window: number, over: Partial<HopOptions> = {}) {
    const stage = await scriptedStage((_, connection) => {
      lane.resolve(connection);
    });
    const lane = Promise.withResolvers<Connection>();
    const hop = await Hop.open({ address: stage.address, rank: 1, identity: somebody, ...patience, window, ...over });
    const arrived = async (count: number) => {
      while (stage.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
    };
    return { stage, hop, arrived, lane: lane.promise };
  }

  test("pp.acceptance.window: no more than that are in flight, and the next leaves when one is answered", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const calls = [1n, 2n, 3n].map((id) => hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors));
    await arrived(2);
    expect(hop.inFlight).toEqual([1n, 2n]);
    await answer(epoch1(1n), await lane);
    expect((await calls[0]!).result).toMatchObject({ call_id: 1n });
    await arrived(3);
    expect(hop.inFlight).toEqual([2n, 3n]);
    for (const id of [2n, 3n]) await answer(epoch1(id), await lane);
    expect((await Promise.all(calls)).map(({ result }) => result.call_id)).toEqual([1n, 2n, 3n]);
    hop.abort("done");
  });

  test("pp.acceptance.hard-cut: what waits goes as a NOOP, what is in flight is received and dropped", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const old = [1n, 2n, 3n, 4n].map((id) => hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors));
    const ends = Promise.all(old.map(rejection));
    await arrived(2);
    const cut = hop.infer(ids(5n, 2n), step, tensors);
    for (const [i, error] of (await ends).entries()) {
      expect(error).toMatchObject({ code: "state", fatal: false, fault: "caller" });
      expect((error as Error).message).toContain(`call ${i + 1} of cache epoch 1 is stale`);
    }
    // The window is still taken by what the stage owes.
    expect(hop.inFlight).toEqual([1n, 2n]);
    for (const id of [1n, 2n]) await answer(epoch1(id), await lane);
    await arrived(5);
    expect(stage.requests.map(({ header }) => [header.call_id, header.action])).toEqual([
      [1n, "INFER"],
      [2n, "INFER"],
      [3n, "NOOP"],
      [4n, "NOOP"],
      [5n, "INFER"],
    ]);
    expect(stage.requests.map(({ header }) => header.control_epoch)).toEqual([1n, 2n, 3n, 4n, 5n]);
    await answer(ids(5n, 2n), await lane);
    expect((await cut).result).toMatchObject({ call_id: 5n, cache_epoch: 2n });
    expect(hop.dropped).toEqual({ "stale-epoch": 2, late: 0 });
    hop.abort("done");
  });

  test("pp.acceptance.exactly-one: a lost stage ends every call, those that wait too", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const ends = [1n, 2n, 3n].map((id) => rejection(hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors)));
    await arrived(2);
    (await lane).abort();
    for (const error of await Promise.all(ends)) {
      expect(error).toMatchObject({ name: "StageLostError", rank: 1, calls: [1n, 2n] });
    }
    expect(await hop.lost).toMatchObject({ rank: 1 });
  });

  test("pp.acceptance.ahead: a result that nothing asked for ends the hop, also while it is idle", async () => {
    const { stage, hop, arrived, lane } = await held(1);
    await using _ = stage;
    const first = hop.infer(epoch1(1n), step, tensors);
    await arrived(1);
    await answer(epoch1(1n), await lane);
    await first;
    await answer(epoch1(2n), await lane);
    expect((await hop.lost).message).toContain("[sequence] call_id: expected no result");
  });

  test("one that repeats a result is answered once, and the copy is counted", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const calls = [1n, 2n].map((id) => hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors));
    await arrived(2);
    for (const id of [1n, 1n, 2n]) await answer(epoch1(id), await lane);
    await Promise.all(calls);
    expect(hop.dropped).toEqual({ "stale-epoch": 0, late: 1 });
    hop.abort("done");
  });

  test("what came before a wrong result counts, though one chunk brings both", async () => {
    const told: string[] = [];
    const judged: HopOptions["judged"] = ({ result }, verdict) => {
      told.push(`${result.call_id} ${verdict.accepted ? "accepted" : verdict.reason}`);
    };
    const { stage, hop, arrived, lane } = await held(3, { judged });
    await using _ = stage;
    const calls = [1n, 2n, 3n].map((id) => hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors));
    const lost = rejection(calls[1]!);
    void rejection(calls[2]!);
    await arrived(3);
    const bytes = [1n, 1n, 3n].flatMap((id) => {
      const { buffers } = preparePpResult({ ...epoch1(id), ok: false, error_message: "no" });
      return [...buffers];
    });
    await (await lane).write([Buffer.concat(bytes)]);
    expect((await calls[0]!).result.call_id).toBe(1n);
    const error = await lost;
    expect(error).toMatchObject({ rank: 1, calls: [2n, 3n] });
    // At the end of the frame that is wrong, not of the chunk that it came in.
    expect(error).toMatchObject({ cause: { code: "sequence", offset: Buffer.concat(bytes).length } });
    expect(told).toEqual(["1 accepted", "1 late"]);
  });

  test("pp.acceptance.digest: a driver that checks loses a stage that sends none", async () => {
    await using stage = await scriptedStage(answering);
    const connection = { address: stage.address, rank: 1, identity: somebody, ...patience };
    const hop = await Hop.open({ ...connection, checkDigest: true });
    const error = await rejection(hop.infer(ids(1n), step, tensors));
    expect(error).toMatchObject({ calls: [1n], cause: { code: "checksum" } });
  });

  test("pp-session.cache-epoch.step: an epoch that skips one or goes back is refused, and the hop lives", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const first = hop.infer(epoch1(1n), step, tensors);
    for (const epoch of [0n, 3n]) {
      const error = await rejection(hop.infer(ids(2n, epoch), step, tensors));
      expect(error).toMatchObject({ code: "sequence", fatal: false, fault: "caller" });
    }
    await arrived(1);
    await answer(epoch1(1n), await lane);
    await first;
    expect(stage.requests).toHaveLength(1);
    hop.abort("done");
  });

  test("a bounded number of calls waits for room", async () => {
    const { stage, hop } = await held(1, { maxQueued: 2 });
    await using _ = stage;
    const ends = [1n, 2n, 3n, 4n].map((id) => rejection(hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors)));
    expect(await ends[3]).toMatchObject({ code: "transport.full", fatal: false });
    hop.abort("done");
    for (const error of await Promise.all(ends.slice(0, 3))) expect(error).toMatchObject({ name: "StageLostError" });
  });

  test("SHUTDOWN with calls in flight: their results are taken before the end", async () => {
    const { stage, hop, arrived, lane } = await held(2);
    await using _ = stage;
    const calls = [1n, 2n].map((id) => hop.infer(epoch1(id), id === 1n ? step : decodeStep, tensors));
    await hop.pass({ ...epoch1(3n), action: "SHUTDOWN" });
    const closed = hop.close();
    expect(await rejection(hop.infer(epoch1(4n), decodeStep, tensors))).toMatchObject({ code: "state", fatal: false });
    await arrived(3);
    for (const id of [1n, 2n]) await answer(epoch1(id), await lane);
    expect((await Promise.all(calls)).map(({ result }) => result.call_id)).toEqual([1n, 2n]);
    await closed;
  });

  test("a stage that ends behind SHUTDOWN and still owes a result is lost, and so is one that sends another", async () => {
    for (const wrong of [false, true]) {
      const { stage, hop, arrived, lane } = await held(1, { deadlineMs: 2000 });
      await using _ = stage;
      const call = hop.infer(epoch1(1n), step, tensors).catch((error: unknown) => error);
      await hop.pass({ ...epoch1(2n), action: "SHUTDOWN" });
      await arrived(2);
      const closed = rejection(hop.close());
      if (wrong) for (const id of [1n, 2n]) await answer(epoch1(id), await lane);
      else await (await lane).end();
      expect(await closed).toMatchObject({ name: "StageLostError", calls: wrong ? [] : [1n] });
      expect(await call).toMatchObject(wrong ? { result: { call_id: 1n } } : { name: "StageLostError" });
    }
  });
});
