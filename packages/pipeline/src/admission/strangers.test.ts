/** Real stage processes and sockets: who is let in, who is not, and that the right pipeline runs all the same. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openModel } from "@tensorwire/tensor-stage";
import { connect } from "@tensorwire/transport";
import { Hop } from "../hop.ts";
import { splitLayers } from "../layers.ts";
import { DEFAULT_JOB } from "../options.ts";
import { runPipeline } from "../pipeline.ts";
import type { StageMainOptions } from "../stage-main.ts";
import { StageProcess } from "../stage-process.ts";
import { callOn, patience, rejection, shutDown, writeTinyModel } from "../testing.ts";
import { DEFAULT_MAX_PENDING } from "./admission.ts";
import type { Identity } from "./identity.ts";
import { pipelineIdentity } from "./pipeline-identity.ts";

// It starts processes.
setDefaultTimeout(60_000);

let model: string;
let otherModel: string;
beforeAll(() => {
  model = writeTinyModel();
  otherModel = writeTinyModel(8);
});
afterAll(() => {
  for (const dir of [model, otherModel]) rmSync(dir, { recursive: true });
});

const running: StageProcess[] = [];
afterEach(async () => {
  for (const stage of running) stage.kill();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

/** A stage process, what it writes to stderr, and its next line there. */
async function start(over: Partial<StageMainOptions> = {}) {
  const lines: string[] = [];
  let next = Promise.withResolvers<string>();
  const stage = new StageProcess({ rank: 0, stages: 1, model, backend: "cpu", ...patience, ...over }, (event) => {
    if (event.event !== "stderr") return;
    lines.push(event.line);
    next.resolve(event.line);
    next = Promise.withResolvers();
  });
  running.push(stage);
  const { address } = await stage.ready;
  const said = async (text: string): Promise<string> => {
    for (;;) {
      const line = lines.find((each) => each.includes(text));
      if (line !== undefined) return line;
      await next.promise;
    }
  };
  return { stage, address, said };
}

async function driverOf(stages: number, over: Partial<Identity> = {}): Promise<Identity> {
  const shared = await pipelineIdentity(DEFAULT_JOB, await openModel(model), splitLayers(3, stages));
  return { ...shared, role: "PP_DRIVER", rank: 0, ...over };
}

const run = (address: string, over = {}) =>
  runPipeline({ model, prompts: ["a", "b"], stages: 1, backend: "cpu", maxTokens: 4, connect: address, ...over });

describe("a stage that is told to listen", () => {
  test("refuses a driver of another job, of another number of stages, with other weights; and then serves its own", async () => {
    const { stage, address, said } = await start({ job: "nightly" });
    const strangers = [
      [{ job: "weekly" }, 'Hello.job: expected "nightly", "weekly" came'],
      [{}, 'Hello.job: expected "nightly", "tensorwire" came'],
      [{ job: "nightly", stages: 2 }, 'Hello.plan: expected "split=3 '],
      [{ job: "nightly", model: otherModel }, "Hello.weights_digest: expected"],
    ] as const;
    for (const [over, words] of strangers) {
      const failure = (await rejection(run(address, over))) as Error;
      expect(failure.message).toStartWith("rank 0 is lost: [transport.refused] handshake with tcp://127.0.0.1:");
      expect(failure.message).toContain("expected the Hello of PP_STAGE 0, it closed the connection: it does not take");
      expect(await said(words)).toContain("[header.field] handshake with tcp://127.0.0.1:");
    }
    const { tokens } = await run(address, { job: "nightly", verify: true });
    expect(tokens).toBe(8);
    expect(await stage.ended).toBeNull();
  });

  test("refuses a second driver while one runs, which goes on", async () => {
    const { stage, address, said } = await start();
    const lane = await Hop.open({ address, rank: 0, identity: await driverOf(1), ...patience });
    expect((await callOn(lane, 1n)).result.ok).toBeTrue();
    const index = JSON.stringify(join(import.meta.dir, "../index.ts"));
    const options = JSON.stringify({ model, prompts: ["a"], stages: 1, backend: "cpu", connect: address });
    const second = Bun.spawn(
      [process.execPath, "-e", `const { runPipeline } = await import(${index}); await runPipeline(${options});`],
      { stdout: "ignore", stderr: "pipe" },
    );
    expect(await new Response(second.stderr).text()).toContain("it does not take PP_DRIVER 0 of job");
    expect(await second.exited).toBe(1);
    expect(await said("[sequence]")).toContain("Hello.instance: expected");
    expect((await callOn(lane, 2n, 2)).result.ok).toBeTrue();
    await shutDown(lane);
    expect(await stage.ended).toBeNull();
  });

  /** Connects, says this, and waits to be dropped without a byte. */
  async function dropped(address: string, text: string): Promise<void> {
    const client = await connect(address);
    if (text !== "") await client.write([new TextEncoder().encode(text)]);
    expect((await client.closed).kind).not.toBe("ended");
    expect(client.counters.bytesIn).toBe(0);
  }

  test("refuses clients that send garbage, without a byte, and then serves its own", async () => {
    const { stage, address, said } = await start({ handshakeMs: 60_000 });
    await dropped(address, "GET / HTTP/1.1\r\n\r\n");
    await said("[oversize.declared]");
    await dropped(address, "\0\0\0\0\0\0\0\u0005hello");
    await said("[header.length]");
    expect((await run(address)).tokens).toBe(8);
    expect(await stage.ended).toBeNull();
  });

  test("refuses clients that fall silent, without a byte", async () => {
    const { address, said } = await start({ handshakeMs: 200 });
    for (const text of ["\0\0\0", ""]) await dropped(address, text);
    expect(await said("[transport.deadline]")).toContain("expected a whole Hello within 200 ms, none came");
  });

  test("link.hello.pending: lets its driver in past a crowd that says nothing", async () => {
    const { stage, address, said } = await start({ handshakeMs: 60_000 });
    const dials = Array.from({ length: DEFAULT_MAX_PENDING + 4 }, () => connect(address));
    const dialled = await Promise.allSettled(dials);
    // One that is dropped as soon as it has come may see the reset before it is open.
    const crowd = dialled.flatMap((dial) => (dial.status === "fulfilled" ? [dial.value] : []));
    expect(crowd.length).toBeGreaterThanOrEqual(DEFAULT_MAX_PENDING);
    await said("[transport.full]");
    expect((await run(address)).tokens).toBe(8);
    expect(await stage.ended).toBeNull();
    // None of them outlives the stage, and none has heard a byte.
    await Promise.all(crowd.map(({ closed }) => closed));
    expect(crowd.map(({ counters }) => counters.bytesIn)).toEqual(crowd.map(() => 0));
  });

  test("is not the one that was dialled: a stage refuses the driver of another rank", async () => {
    const { address, said } = await start({ rank: 1, stages: 2 });
    const failure = (await rejection(run(address, { stages: 2 }))) as Error;
    expect(failure.message).toContain("rank 0 is lost: [transport.refused]");
    await said("Hello.peer_rank: expected 1, 0 came");
  });
});

test("a stage that was told to cut the model elsewhere is refused", async () => {
  const last = await start({ rank: 1, stages: 2, split: [1, 2] });
  const wrong = await start({ rank: 0, stages: 2, next: last.address });
  await run(wrong.address, { stages: 2 }).catch(() => {});
  expect(await last.said("Hello.plan: expected")).toContain('expected "split=1,2 config=');
  const right = await start({ rank: 0, stages: 2, split: [1, 2], next: last.address });
  const { verification } = await run(right.address, { stages: 2, split: [1, 2], verify: true });
  expect(verification!.identical).toBeTrue();
});

test("a stage with other weights is refused by the next one, which then serves the right one", async () => {
  const last = await start({ rank: 1, stages: 2 });
  const wrong = await start({ rank: 0, stages: 2, next: last.address, model: otherModel });
  const { sequences } = await run(wrong.address, { stages: 2, model: otherModel }).catch((error: Error) => ({
    sequences: [{ error: error.message }],
  }));
  expect(sequences[0]!.error).toContain("it does not take PP_STAGE 0 of job");
  expect(await last.said("Hello.weights_digest: expected")).toContain("[header.field]");
  const right = await start({ rank: 0, stages: 2, next: last.address });
  const { verification } = await run(right.address, { stages: 2, verify: true });
  expect(verification!.identical).toBeTrue();
  expect([await right.stage.ended, await last.stage.ended]).toEqual([null, null]);
});
