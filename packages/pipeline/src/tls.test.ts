/** Real stage processes over mutual TLS: the same tokens for who may be there, and words for who may not. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TlsOptions } from "@tensorwire/transport";
import { setPaths, TestAuthority, validFor, writeSet } from "@tensorwire/transport/certificates";
import { type PipelineResult, runPipeline } from "./pipeline.ts";
import { runStage } from "./stage.ts";
import type { StageMainOptions } from "./stage-main.ts";
import { StageProcess } from "./stage-process.ts";
import { patience, rejection, writeTinyModel } from "./testing.ts";

// It starts processes.
setDefaultTimeout(60_000);

const HOSTS = ["localhost", "127.0.0.1"];

let model: string;
let folder: string;
/** One for each rank, by one authority. */
let stage0: TlsOptions;
let stage1: TlsOptions;
let driver: TlsOptions;
/** Trusts the same authority, and is known to another one only. */
let stranger: TlsOptions;

beforeAll(async () => {
  model = writeTinyModel();
  folder = mkdtempSync(join(tmpdir(), "tensorwire-tls-"));
  const authority = await TestAuthority.create("the cluster's", validFor(1));
  const other = await TestAuthority.create("somebody else's", validFor(1));
  const issue = async (name: string, by: TestAuthority) => {
    const paths = setPaths(folder, name);
    writeSet(paths, authority, await by.issue({ name, hosts: HOSTS }));
    return paths;
  };
  stage0 = await issue("stage0", authority);
  stage1 = await issue("stage1", authority);
  driver = await issue("driver", authority);
  stranger = await issue("stranger", other);
});
afterAll(() => {
  for (const dir of [model, folder]) rmSync(dir, { recursive: true });
});

const running: StageProcess[] = [];
afterEach(async () => {
  for (const stage of running) stage.kill();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

/** A stage process, where it listens, and a wait until it has said some words on stderr. */
async function start(over: Partial<StageMainOptions>) {
  const lines: string[] = [];
  let next = Promise.withResolvers<void>();
  const said = async (words: string): Promise<void> => {
    while (!lines.some((line) => line.includes(words))) await next.promise;
  };
  const settings = { rank: 0, stages: 2, model, backend: "cpu", ...patience };
  const stage = new StageProcess({ ...settings, ...over }, (event) => {
    if (event.event !== "stderr") return;
    lines.push(event.line);
    next.resolve();
    next = Promise.withResolvers();
  });
  running.push(stage);
  return { stage, address: (await stage.ready).address, said };
}

async function pair() {
  const last = await start({ rank: 1, tls: stage1 });
  const first = await start({ rank: 0, tls: stage0, next: last.address });
  return { last, first };
}

const run = (over = {}): Promise<PipelineResult> =>
  runPipeline({ model, prompts: ["ab", "ba."], stages: 2, backend: "cpu", maxTokens: 6, ...patience, ...over });

describe("a pipeline over mutual TLS", () => {
  test("of stages that it starts gives the tokens of one process", async () => {
    const { tokens, verification } = await run({ tls: driver, verify: true });
    expect(tokens).toBe(12);
    expect(verification).toMatchObject({ identical: true });
  });

  test("of stages with certificates of their own gives the same tokens as one without", async () => {
    const { first, last } = await pair();
    const { sequences } = await run({ connect: first.address, tls: driver });
    expect(await Promise.all([first.stage.ended, last.stage.ended])).toEqual([null, null]);
    expect(sequences).toEqual((await run()).sequences);
  });

  test("tells a driver with a certificate of another authority that it may not be accepted, and goes on", async () => {
    const { first } = await pair();
    const failure = (await rejection(run({ connect: first.address, tls: stranger }))) as Error;
    expect(failure.message).toStartWith("rank 0 is lost: ");
    expect(failure.message).toContain(`it may not have accepted the certificate in ${stranger.cert}`);
    await first.said("vouches for, CN=stranger is issued by CN=somebody else's");
    expect((await run({ connect: first.address, tls: driver })).tokens).toBe(12);
  });

  test("tells a driver without TLS that it is not taken, and goes on", async () => {
    const { first } = await pair();
    const failure = (await rejection(run({ connect: first.address, lanes: 1 }))) as Error;
    // An alert of TLS comes before the reset, where the kernel does not throw it away with the rest.
    expect(failure.message).toMatch(/^rank 0 is lost: .*(it takes connections with TLS only|reset the connection)/);
    await first.said("it does not speak TLS");
    expect((await run({ connect: first.address, tls: driver })).tokens).toBe(12);
  });

  test("does not wait for a stage that shows the wrong certificate, and tells it nothing", async () => {
    const last = await start({ rank: 1, tls: stranger });
    const first = await start({ rank: 0, tls: stage0, next: last.address });
    const failure = (await rejection(run({ connect: first.address, tls: driver }))) as Error;
    expect(failure.message).toContain(
      `expected a certificate that an authority in ${stage0.ca} vouches for, CN=stranger`,
    );
  });

  test("gives a stranger who asks over plain TCP an alert of TLS, and no more", async () => {
    const stage = await runStage({ rank: 0, stages: 1, model, backend: "cpu", tls: stage0, ...patience });
    const connection = await connect(stage.ready.address);
    await connection.write([new Uint8Array(40)]);
    const got = await connection.read();
    // An alert of TLS, and nothing else.
    expect(got?.[0]).toBe(21);
    expect(
      await rejection(connection.read().then((more) => more ?? Promise.reject(new Error("the end")))),
    ).toBeInstanceOf(Error);
    stage.stop("the test has seen enough");
    await stage.ended;
  });

  test("has no use for Unix sockets", async () => {
    const failure = (await rejection(run({ tls: driver, transport: "unix" }))) as Error;
    expect(failure.message).toContain("tls: expected transport tcp");
  });
});

describe("a stage without TLS", () => {
  const options = { rank: 0, stages: 2, backend: "cpu", next: "tcp://192.0.2.1:7000", ...patience };

  test("does not start with a next stage on another machine", async () => {
    const error = (await rejection(runStage({ ...options, model }))) as Error;
    expect(error.message).toContain("tcp://192.0.2.1:7000 is on another machine");
  });

  test("starts when that is allowed, or when it has TLS for it", async () => {
    for (const protection of [
      { insecure: true },
      { tls: stage0 },
      { tls: stage0, listen: `unix:${join(folder, "s")}` },
    ]) {
      const stage = await runStage({ ...options, model, ...protection });
      stage.stop("the test has seen enough");
      await stage.ended;
    }
  });
});
