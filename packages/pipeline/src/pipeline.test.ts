import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PipelineEvent, PipelineOptions, StageReady } from "./options.ts";
import { runPipeline } from "./pipeline.ts";
import { runStage } from "./stage.ts";
import { StageLostError } from "./stage-lost.ts";
import { eachLine } from "./stage-process.ts";
import { rejection, writeTinyModel } from "./testing.ts";

// It starts processes.
setDefaultTimeout(60_000);

const PROMPTS = ["one stage,", "a", "hop by hop", "kv cache."];

const TOKENS = 6;

let model: string;
beforeAll(() => {
  model = writeTinyModel();
});
afterAll(() => rmSync(model, { recursive: true }));

const run = (over: Partial<PipelineOptions> = {}) =>
  runPipeline({ model, prompts: PROMPTS, backend: "cpu", maxTokens: TOKENS, deadlineMs: 10_000, ...over });
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Runs until the n-th piece of text, does something to a stage then, and returns the error and what was ready. */
async function disturbed(act: (ready: StageReady[]) => void, over: Partial<PipelineOptions> = {}) {
  const ready: StageReady[] = [];
  let pieces = 0;
  let acted = 0;
  const onEvent = (event: PipelineEvent) => event.event === "ready" && ready.unshift(event);
  const onText = () => {
    if (++pieces !== 3) return;
    acted = performance.now();
    act(ready);
  };
  const error = await rejection(run({ onEvent, onText, maxTokens: 12, ...over }));
  return { error: error as StageLostError, ready, ms: performance.now() - acted };
}

describe("stage processes give the tokens of one process", () => {
  test.each([
    ["tcp", 2, 2, {}, {}],
    ["unix", 2, 3, { temperature: 1, topK: 5, seed: 3 }, {}],
    // The stages' processes hear of a deadline that is none, too.
    ["tcp", 3, 2, {}, { deadlineMs: Infinity, startDeadlineMs: Infinity }],
  ] as const)("over %s, %p stages, %p lanes", async (transport, stages, lanes, sampling, waits) => {
    const heard = PROMPTS.map(() => "");
    const onText = (text: string, prompt: number) => {
      heard[prompt] += text;
    };
    const result = await run({ transport, stages, lanes, sampling, verify: true, onText, ...waits });
    expect(result.verification).toEqual({ identical: true, required: true });
    expect(result.sequences.map(({ text }) => text)).toEqual(heard);
    expect(new Set(heard).size).toBe(PROMPTS.length);
    expect(result.sequences.map(({ prompt, finish }) => [prompt, finish])).toEqual(
      PROMPTS.map((_, i) => [i, "length"]),
    );
    expect(result.tokens).toBe(TOKENS * PROMPTS.length);
    expect(result.calls).toBe(TOKENS * PROMPTS.length);
    expect(result.stages.map(({ rank, calls }) => [rank, calls])).toEqual(
      Array.from({ length: stages }, (_, rank) => [rank, result.calls]),
    );
    // The driver and every stage recorded every call, on the driver's lanes.
    expect(result.records).toHaveLength((1 + stages) * result.calls);
    expect(new Set(result.records.map(({ lane }) => lane)).size).toBe(lanes);
    expect(result.stages.every(({ pid }) => !alive(pid))).toBeTrue();
    for (const { address } of result.stages) {
      expect(existsSync(dirname(address.replace("unix:", "")))).toBeFalse();
    }
  });
});

test("stages that run already are connected to, and shut down at the end", async () => {
  const common = { model, stages: 2, backend: "cpu" };
  const last = await runStage({ ...common, rank: 1 });
  const first = await runStage({ ...common, rank: 0, next: last.ready.address });
  const result = await run({ connect: first.ready.address, verify: true });
  expect(result.verification!.identical).toBeTrue();
  expect(result.stages).toEqual([]);
  expect(result.bytesOut).toBeGreaterThan(0);
  await Promise.all([first.ended, last.ended]);
});

describe("pp.acceptance.digest: a pipeline that checks digests", () => {
  test("gives the tokens of one process", async () => {
    const result = await run({ prompts: PROMPTS.slice(0, 1), checkDigest: true, verify: true });
    expect(result.verification).toEqual({ identical: true, required: true });
  });

  test("loses a stage whose results have none", async () => {
    const stage = await runStage({ model, stages: 1, rank: 0, backend: "cpu" });
    const error = await rejection(run({ connect: stage.ready.address, stages: 1, checkDigest: true }));
    expect(error).toMatchObject({ name: "StageLostError", rank: 0 });
    expect((error as Error).message).toContain("[checksum] output_digest_i64: expected");
    expect(await rejection(stage.ended)).toBeInstanceOf(Error);
  });
});

test("narrower wires carry half the bytes of hidden, and say that other tokens may come of it", async () => {
  const prompts = PROMPTS.slice(0, 2);
  const [wide, narrow] = await Promise.all(
    (["float32", "float16"] as const).map((wireDtype) => run({ prompts, wireDtype, transport: "unix", verify: true })),
  );
  expect(narrow!.verification!.required).toBeFalse();
  expect(narrow!.tokens).toBe(wide!.tokens);
  // 16 values, 2 bytes less each, for the 11 tokens of both prompts and for each token that was fed back.
  expect(wide!.bytesOut - narrow!.bytesOut).toBe((11 + 2 * (TOKENS - 1)) * 16 * 2);
});

test("a prompt that does not fit the context is an error of its own sequence", async () => {
  const { sequences } = await run({ prompts: ["a".repeat(40), "b", "c"], verify: true });
  expect(sequences.map(({ finish }) => finish)).toEqual(["error", "length", "length"]);
  expect(sequences[0]!.error).toContain("rank 0, call 1: ");
});

describe("nothing hangs, and nothing is left behind", () => {
  test.each([0, 1])("when rank %p is killed", async (rank) => {
    const { error, ready, ms } = await disturbed((stages) => process.kill(stages[rank]!.pid, "SIGKILL"));
    expect(error).toBeInstanceOf(StageLostError);
    expect(error.rank).toBe(rank);
    expect(error.calls.length).toBeGreaterThan(0);
    expect(error.message).toStartWith(`rank ${rank} is lost with call`);
    for (const call of error.calls) expect(error.message).toContain(String(call));
    expect(ms).toBeLessThan(10_000);
    expect(ready.some(({ pid }) => alive(pid))).toBeFalse();
  });

  test("when a rank stops answering", async () => {
    const stall = (stages: StageReady[]) => process.kill(stages[1]!.pid, "SIGSTOP");
    const { error, ready } = await disturbed(stall, { deadlineMs: 1000 });
    expect(error).toMatchObject({ rank: 1 });
    expect(error.message).toContain("[transport.deadline]");
    expect(ready.some(({ pid }) => alive(pid))).toBeFalse();
  });

  test("when the caller cancels", async () => {
    const controller = new AbortController();
    const { error, ready } = await disturbed(() => controller.abort(new Error("enough")), {
      signal: controller.signal,
    });
    expect(error.message).toBe("enough");
    expect(ready.some(({ pid }) => alive(pid))).toBeFalse();
  });

  test("when the parent of a stage dies", async () => {
    const options = { rank: 0, stages: 1, model, backend: "cpu", untilStdinEnds: true };
    const stdio = { stdin: "pipe", stdout: "pipe", stderr: "inherit" } as const;
    const stage = Bun.spawn([process.execPath, join(import.meta.dir, "stage-main.ts"), JSON.stringify(options)], stdio);
    const first = Promise.withResolvers<string>();
    eachLine(stage.stdout, first.resolve).then(() => first.resolve(""), first.reject);
    expect(JSON.parse(await first.promise)).toMatchObject({ event: "ready", rank: 0 });
    // The kernel closes the pipe of a parent that dies.
    await stage.stdin.end();
    expect(await stage.exited).toBe(0);
  });
});

describe("what is refused before a stage starts", () => {
  test.each([
    ["more stages than layers", { stages: 4 }, "stages: expected from 1 to 3"],
    ["no prompt", { prompts: [] }, "prompts: expected at least one"],
    ["an empty prompt", { prompts: ["a", ""] }, "prompt 1: expected at least one token"],
    ["too many lanes", { lanes: 65 }, "lanes: expected from 1 to 64, 65 came"],
    ["no deadline", { deadlineMs: Number.NaN }, "deadlineMs: expected 0 or more milliseconds, or Infinity, NaN came"],
    ["no deadline to start", { startDeadlineMs: -1 }, "startDeadlineMs: expected 0 or more milliseconds"],
    ["no tokens", { maxTokens: 0 }, "maxTokens: expected at least 1"],
    ["a sampler that cannot be", { sampling: { temperature: -1 } }, "temperature is -1"],
    ["no model", { model: "/no/such/folder" }, "/no/such/folder is no model folder"],
  ])("%s", async (_, over, message) => {
    const onEvent = () => expect.unreachable();
    expect((await rejection(run({ ...over, onEvent }))) as Error).toMatchObject({
      message: expect.stringContaining(message),
    });
  });

  test("a stage that cannot start says why", async () => {
    const error = (await rejection(run({ backend: "abacus" }))) as Error;
    expect(error.message).toContain('stage 1 did not start: it exited with status 1: backend "abacus" is unknown');
  });
});
