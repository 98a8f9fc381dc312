import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { preparePpRequest } from "@tensorwire/pp-contract";
import { chooseBackend, openModel, Sampler } from "@tensorwire/tensor-stage";
import { type Connection, connect } from "@tensorwire/transport";
import { idsTensor } from "./activations.ts";
import type { DecodeOptions } from "./decode.ts";
import { Driver } from "./driver.ts";
import { Hop } from "./hop.ts";
import type { StageOptions } from "./options.ts";
import { type RunningStage, runStage } from "./stage.ts";
import { StageLostError } from "./stage-lost.ts";
import { answering, type Script, scriptedStage, TINY_CONFIG, writeTinyModel } from "./testing.ts";
import type { CallRecord } from "./trace.ts";
import { runWhole } from "./verify.ts";

let model: string;
beforeAll(() => {
  model = writeTinyModel();
});
afterAll(() => rmSync(model, { recursive: true }));

const patience = { deadlineMs: 5000, startDeadlineMs: 5000 };
const start = (over: Partial<StageOptions> = {}, onCall?: (call: CallRecord) => void) =>
  runStage({ rank: 0, stages: 1, model, backend: "cpu", ...patience, ...over }, onCall);

/** Starts all stages in this process, the last one first, and returns them in the order of their ranks. */
async function startAll(stages: number, onCall?: (call: CallRecord) => void): Promise<RunningStage[]> {
  const running: RunningStage[] = [];
  for (let rank = stages - 1; rank >= 0; rank--) {
    const next = running[0] && { next: running[0].ready.address };
    running.unshift(await start({ rank, stages, ...next }, onCall));
  }
  return running;
}

const lane = (stage: RunningStage) => Hop.open({ address: stage.ready.address, rank: 0, ...patience });
const ids = (call_id: bigint, cache_epoch = 1n, chunk_index = 0n) => ({ call_id, chunk_index, cache_epoch });
const shutdown = async (hop: Hop, cache_epoch = 1n) => {
  await hop.pass({ ...ids(99n, cache_epoch), control_epoch: 0n, action: "SHUTDOWN" });
  await hop.close();
};
const call = (hop: Hop, id: bigint, position = 0, tokens = 2, epoch = 1n) => {
  const lm = { position, num_tokens: tokens, init_cache: position === 0 };
  return hop.infer(ids(id, epoch), { lm }, [idsTensor(new Int32Array(tokens).fill(3))], () => {});
};
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

const jobOf = (length: number): DecodeOptions => ({
  ids: Int32Array.from({ length }, (_, i) => (7 * i + length) % TINY_CONFIG.vocab_size),
  maxTokens: 6,
  context: TINY_CONFIG.n_positions,
  eos: null,
  sampler: new Sampler({ temperature: 1, seed: length }),
});

describe("a chain of stages", () => {
  test("an error result ends one sequence; the next hard cut is in order in every stage, and other lanes go on", async () => {
    const records: CallRecord[] = [];
    const stages = await startAll(3, (record) => records.push(record));
    const address = stages[0]!.ready.address;
    const driver = await Driver.open({ address, rank: 0, lanes: 2, ...patience });
    const lengths = [30, 5, 3, 25, 4, 24];
    const decoded = await driver.run(lengths.map(jobOf));
    await driver.shutdown();
    await Promise.all(stages.map(({ ended }) => ended));
    await chooseBackend("cpu");
    const whole = await runWhole(await openModel(model), lengths.map(jobOf));
    expect(decoded.map(({ tokens }) => tokens)).toEqual(whole.map(({ tokens }) => tokens));
    expect(decoded.map(({ finish }) => finish)).toEqual(["error", "length", "length", "error", "length", "context"]);
    expect(String(decoded[0]!.error)).toContain("rank 0, call 1: [state] lane 0 has 0 tokens and 30 more came");
    const spans = (rank: number) => records.find((each) => each.rank === rank && each.call_id === 2n)?.spans;
    expect(spans(0)?.map(({ name }) => name)).toEqual(["queue", "compute", "send", "relay"]);
    expect(spans(2)?.map(({ name }) => name)).toEqual(["queue", "compute", "send"]);
    expect(records.filter(({ rank }) => rank === 0)).toHaveLength(driver.calls);
    expect(stages.map(({ hopBytes }) => hopBytes.out > 0)).toEqual([true, true, false]);
  });

  test("while one lane is in the next stage, the other is in this one", async () => {
    const held: Parameters<Script>[] = [];
    await using last = await scriptedStage(async (request, connection) => {
      held.push([request, connection]);
      // No lane has its answer before both have come: one at a time would wait for ever.
      if (held.length === 2) await Promise.all(held.map(([request, connection]) => answering(request, connection)));
    });
    const stage = await start({ stages: 2, next: last.address });
    const hops = [await lane(stage), await lane(stage)];
    const answers = await Promise.all(hops.map((hop, i) => call(hop, BigInt(i + 1))));
    expect(answers.map(({ result }) => result.ok)).toEqual([true, true]);
    for (const hop of hops) hop.abort("the test has its answers");
    expect(await rejection(stage.ended)).toBeInstanceOf(Error);
  });

  test("NOOP passes through every stage, and nothing answers it", async () => {
    await using last = await scriptedStage(answering);
    const stage = await start({ stages: 2, next: last.address });
    const hop = await lane(stage);
    await hop.pass({ ...ids(1n), control_epoch: 0n, action: "NOOP" });
    await call(hop, 2n);
    await shutdown(hop);
    await stage.ended;
    expect(last.requests.map(({ header }) => [header.call_id, header.action])).toEqual([
      [1n, "NOOP"],
      [2n, "INFER"],
      [99n, "SHUTDOWN"],
    ]);
  });
});

describe("a call that cannot be done gets an error result", () => {
  test("of another position than that of the cache; of an unknown token; and the lane goes on", async () => {
    const stage = await start();
    const hop = await lane(stage);
    await call(hop, 1n, 0, 2);
    const { result } = await call(hop, 2n, 5, 1);
    expect(result).toMatchObject({ ok: false, call_id: 2n });
    expect(result.error_message).toContain(
      "rank 0, call 2: [state] lm.position: expected 2, the tokens in the cache, 5",
    );
    const step = { lm: { position: 2, num_tokens: 1, init_cache: false } };
    const unknown = await hop.infer(ids(3n), step, [idsTensor(Int32Array.of(1000))], () => {});
    expect(unknown.result.error_message).toContain("token 0 has id 1000");
    expect((await call(hop, 4n, 2, 1)).result.ok).toBeTrue();
    await shutdown(hop);
    await stage.ended;
  });

  test("of hidden states in the first stage, and of a video step", async () => {
    const stage = await start();
    const hop = await lane(stage);
    const video = {
      ...{ height: 1, width: 1, current_start_frame: 0n, do_kv_recompute: false, num_denoise_steps: 1 },
      ...{ expected_generator_calls: 1, init_cache: true, reset_kv_cache: false, reset_crossattn_cache: false },
      ...{ base_seed: 0n, kv_cache_attention_bias: 0, noise_scale: 0, pp_disable_vace: true },
    };
    const bfloat16 = { dtype: "bfloat16", shape: [1], data: new Uint8Array(2) };
    const latents = [
      { ...bfloat16, key: "conditioning_embeds" },
      { ...bfloat16, key: "latents_in" },
      { key: "current_denoising_step_list", dtype: "int64", shape: [1], data: new Uint8Array(8) },
    ];
    const refused = await hop.infer(ids(1n), { video }, latents, () => {});
    expect(refused.result.error_message).toContain("expected a language-model step, a video step came");
    const { n_embd } = TINY_CONFIG;
    const hidden = { key: "hidden", dtype: "float32", shape: [1, n_embd], data: new Float32Array(n_embd) };
    const lm = { position: 0, num_tokens: 1, init_cache: true };
    const wrong = await hop.infer(ids(2n, 2n), { lm }, [hidden], () => {});
    expect(wrong.result.error_message).toContain("takes token ids");
    await shutdown(hop, 2n);
    await stage.ended;
  });
});

describe("a lost next stage", () => {
  const inFlight = async (hang: (connections: Connection[]) => void, deadlineMs = 5000) => {
    const connections: Connection[] = [];
    await using next = await scriptedStage((_, connection) => {
      connections.push(connection);
      if (connections.length === 2) hang(connections);
    });
    const stage = await start({ stages: 2, next: next.address, deadlineMs });
    const hops = [await lane(stage), await lane(stage)];
    const answers = await Promise.all(hops.map((hop, i) => call(hop, BigInt(i + 1))));
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
    const hop = await lane(stage);
    expect((await call(hop, 1n)).result.error_message).toContain("rank 1 is lost");
    hop.abort("the test has its answer");
    expect(await rejection(stage.ended)).toMatchObject({ rank: 1 });
  });
});

describe("the end of a stage", () => {
  test("a port probe, which sends no byte, is no lane", async () => {
    const stage = await start();
    await (await connect(stage.ready.address)).close();
    const hop = await lane(stage);
    expect((await call(hop, 1n)).result.ok).toBeTrue();
    await shutdown(hop);
    await stage.ended;
  });

  test("a lane that breaks the contract is dropped, the others go on, and the end says so", async () => {
    const stage = await start();
    const good = await lane(stage);
    const bad = await connect(stage.ready.address);
    for (const call_id of [5n, 4n]) {
      const header = { ...ids(call_id), control_epoch: call_id, action: "NOOP" } as const;
      await bad.write(preparePpRequest({ header }).buffers);
    }
    expect((await bad.closed).kind).not.toBe("ended");
    expect((await call(good, 1n)).result.ok).toBeTrue();
    await shutdown(good);
    const error = await rejection(stage.ended);
    expect((error as Error).message).toContain("[sequence] call_id: expected at least 6, 4 came");
  });

  test("an upstream that leaves without SHUTDOWN is lost", async () => {
    const stage = await start();
    const hop = await lane(stage);
    await call(hop, 1n);
    await hop.close();
    expect((await rejection(stage.ended)) as Error).toMatchObject({
      message: "rank 0 has lost the driver: it ended the connection without SHUTDOWN",
    });
  });

  test("an upstream stage that is lost is named by its rank", async () => {
    const stage = await start({ rank: 1, stages: 2 });
    const hop = await lane(stage);
    await call(hop, 1n);
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
    const hop = await lane(stage);
    expect((await call(hop, 1n)).result).toMatchObject({ ok: false, call_id: 1n });
    hop.abort("the test has its answer");
    expect(await rejection(stage.ended)).toMatchObject({ message: "rank 0 got no message for 50 ms" });
  });

  test("stop answers the call in flight, and is no failure", async () => {
    let stage: RunningStage | null = null;
    await using next = await scriptedStage(() => stage?.stop("somebody said so"));
    stage = await start({ stages: 2, next: next.address });
    const hop = await lane(stage);
    const { result } = await call(hop, 1n);
    expect(result.error_message).toBe("rank 0, call 1: rank 0 ends: somebody said so");
    hop.abort("the test has its answer");
    await stage.ended;
  });
});

describe("what cannot start", () => {
  test.each([
    ["an address that others can reach", { listen: "tcp://0.0.0.0:0" }, "[transport.refused]"],
    ["a stage without a next one", { stages: 2 }, "rank 0 of 2 needs the address of rank 1"],
    ["a rank that does not exist", { rank: 1 }, "rank: expected from 0 to 0"],
    ["layers that the model does not have", { layers: { from: 2, to: 9 } }, "layers [2, 9) are no stage"],
    ["an unknown backend", { backend: "abacus" }, 'backend "abacus" is unknown'],
  ])("%s", async (_, over, message) => {
    expect((await rejection(start(over))) as Error).toMatchObject({ message: expect.stringContaining(message) });
  });

  test("insecure allows the address", async () => {
    const stage = await start({ listen: "tcp://0.0.0.0:0", insecure: true });
    expect(stage.ready.address).toMatch(/^tcp:\/\/0\.0\.0\.0:[1-9]/);
    stage.stop("the test is over");
    await stage.ended;
  });
});
