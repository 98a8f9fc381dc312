import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePpResult } from "@tensorwire/pp-contract";
import { idsTensor, logitsOf } from "./activations.ts";
import { Hop } from "./hop.ts";
import { StageLostError } from "./stage-lost.ts";
import { answering, patience, rejection, type Script, scriptedStage } from "./testing.ts";

const step = { lm: { position: 0, num_tokens: 1, init_cache: true } };
const tensors = [idsTensor(Int32Array.of(1))];
const ids = (call_id: bigint, cache_epoch = call_id) => ({ call_id, chunk_index: 0n, cache_epoch });
const ignore = () => {};

const open = (address: string, over: Partial<typeof patience> = {}) =>
  Hop.open({ address, rank: 1, ...patience, ...over });

describe("a hop", () => {
  test("sends a call and takes its result, bytes counted", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
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

  test("a request that cannot be made goes as a NOOP, so that the next hard cut is in order", async () => {
    await using stage = await scriptedStage(answering);
    const hop = await open(stage.address);
    await hop.infer(ids(1n), step, tensors, ignore);
    const unfit = { lm: { ...step.lm, num_tokens: 2 } };
    expect(await rejection(hop.infer(ids(2n), unfit, tensors, ignore))).toMatchObject({
      fault: "caller",
      fatal: false,
    });
    await hop.infer(ids(3n), step, tensors, ignore);
    expect(stage.requests.map(({ header }) => header)).toEqual([
      { ...ids(1n), control_epoch: 1n, action: "INFER" },
      { ...ids(2n), control_epoch: 2n, action: "NOOP" },
      { ...ids(3n), control_epoch: 3n, action: "INFER" },
    ]);
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
    const hop = await open(stage.address, { deadlineMs: 30 });
    const error = await rejection(hop.infer(ids(1n), step, tensors, ignore));
    expect((error as Error).message).toStartWith("rank 1 is lost with call 1 in flight: [transport.deadline]");
  });

  test("a late result before the one that is due is dropped", async () => {
    await using stage = await scriptedStage(async (request, connection) => {
      if (request.header.call_id === 2n) await connection.write(result(1n));
      await answering(request, connection);
    });
    const hop = await open(stage.address);
    await hop.infer(ids(1n, 1n), step, tensors, ignore);
    const again = await hop.infer(ids(2n, 1n), step, tensors, ignore);
    expect(again.result).toMatchObject({ call_id: 2n, ok: true });
    hop.abort("done");
  });
});
