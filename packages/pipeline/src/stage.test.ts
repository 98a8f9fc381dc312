import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { chooseBackend, openModel, Sampler } from "@tensorwire/tensor-stage";
import { idsTensor } from "./activations.ts";
import type { DecodeOptions } from "./decode.ts";
import { Driver } from "./driver.ts";
import type { StageOptions } from "./options.ts";
import { type RunningStage, runStage } from "./stage.ts";
import {
  answering,
  callOn,
  idsOf,
  openLane,
  patience,
  rejection,
  type Script,
  scriptedStage,
  shutDown,
  TINY_CONFIG,
  upstreamOf,
  writeTinyModel,
} from "./testing.ts";
import type { CallRecord } from "./trace.ts";
import { runWhole } from "./verify.ts";

let model: string;
beforeAll(() => {
  model = writeTinyModel();
});
afterAll(() => rmSync(model, { recursive: true }));

const start = (over: Partial<StageOptions> = {}, onCall?: (call: CallRecord) => void) =>
  runStage({ rank: 0, stages: 1, model, backend: "cpu", ...patience, ...over }, { ...(onCall && { onCall }) });

/** Starts all stages in this process, the last one first, and returns them in the order of their ranks. */
async function startAll(stages: number, onCall?: (call: CallRecord) => void): Promise<RunningStage[]> {
  const running: RunningStage[] = [];
  for (let rank = stages - 1; rank >= 0; rank--) {
    const next = running[0] && { next: running[0].ready.address };
    running.unshift(await start({ rank, stages, ...next }, onCall));
  }
  return running;
}

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
    const identity = upstreamOf(stages[0]!);
    const driver = await Driver.open({ address, rank: 0, identity, lanes: 2, ...patience });
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
    const hops = [await openLane(stage), await openLane(stage, 1)];
    const answers = await Promise.all(hops.map((hop, i) => callOn(hop, BigInt(i + 1))));
    expect(answers.map(({ result }) => result.ok)).toEqual([true, true]);
    for (const hop of hops) hop.abort("the test has its answers");
    expect(await rejection(stage.ended)).toBeInstanceOf(Error);
  });

  test("NOOP passes through every stage, and nothing answers it", async () => {
    await using last = await scriptedStage(answering);
    const stage = await start({ stages: 2, next: last.address });
    const hop = await openLane(stage);
    await hop.pass({ ...idsOf(1n), action: "NOOP" });
    await callOn(hop, 2n);
    await shutDown(hop);
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
    const hop = await openLane(stage);
    await callOn(hop, 1n, 0, 2);
    const { result } = await callOn(hop, 2n, 5, 1);
    expect(result).toMatchObject({ ok: false, call_id: 2n });
    expect(result.error_message).toContain(
      "rank 0, call 2: [state] lm.position: expected 2, the tokens in the cache, 5",
    );
    const step = { lm: { position: 2, num_tokens: 1, init_cache: false } };
    const unknown = await hop.infer(idsOf(3n), step, [idsTensor(Int32Array.of(1000))], () => {});
    expect(unknown.result.error_message).toContain("token 0 has id 1000");
    expect((await callOn(hop, 4n, 2, 1)).result.ok).toBeTrue();
    await shutDown(hop);
    await stage.ended;
  });

  test("of hidden states in the first stage, and of a video step", async () => {
    const stage = await start();
    const hop = await openLane(stage);
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
    const refused = await hop.infer(idsOf(1n), { video }, latents, () => {});
    expect(refused.result.error_message).toContain("expected a language-model step, a video step came");
    const { n_embd } = TINY_CONFIG;
    const hidden = { key: "hidden", dtype: "float32", shape: [1, n_embd], data: new Float32Array(n_embd) };
    const lm = { position: 0, num_tokens: 1, init_cache: true };
    const wrong = await hop.infer(idsOf(2n, 2n), { lm }, [hidden], () => {});
    expect(wrong.result.error_message).toContain("takes token ids");
    await shutDown(hop, 2n);
    await stage.ended;
  });
});

describe("what cannot start", () => {
  test.each([
    ["an address that others can reach", { listen: "tcp://0.0.0.0:0" }, "[transport.refused]"],
    ["a stage without a next one", { stages: 2 }, "rank 0 of 2 needs the address of rank 1"],
    ["a rank that does not exist", { rank: 1 }, "rank: expected from 0 to 0"],
    ["layers that the model does not have", { split: [9] }, "split: expected 1 numbers of layers, 3 together, 9 came"],
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
