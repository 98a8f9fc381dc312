import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_CORPUS, loadCorpus, runConformance, type Way } from "@tensorwire/conformance";
import { firstLine } from "@tensorwire/conformance/testing";
import { reference } from "./index.ts";

// Every process has deadlines of its own; this one catches a hang.
setDefaultTimeout(60_000);

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const command = `"${process.execPath}" "${main}"`;

async function run(way: Way, jobs: number, log: (line: string) => void = () => {}) {
  const { exitCode, report } = await runConformance({ way, jobs, filter: "*/hello", log, print: () => {} });
  expect(report?.trouble).toBeUndefined();
  expect(report?.outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(100);
  expect(exitCode).toBe(0);
  return report;
}

/** Starts the reference as a listener, and gives the address that it prints. */
async function listening(place: string): Promise<{ address: string; stop(): Promise<void> }> {
  const child = Bun.spawn([process.execPath, main, "--listen", place], { stdout: "ignore", stderr: "pipe" });
  const address = /listening on (\S+)/.exec(await firstLine(child.stderr))?.[1] ?? "";
  return {
    address,
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

/** Starts the reference with what a run that waits for it prints. */
const starter = (children: Bun.Subprocess[]) => (line: string) => {
  const told = /TENSORWIRE_ADDR=(\S+) TENSORWIRE_TOKEN=([^\s;]+)/.exec(line);
  if (told === null) return;
  const [, TENSORWIRE_ADDR, TENSORWIRE_TOKEN] = told;
  children.push(Bun.spawn([process.execPath, main], { env: { ...process.env, TENSORWIRE_ADDR, TENSORWIRE_TOKEN } }));
};

describe("r[iut.ways]: the reference passes by every way in", () => {
  test("launch, over two links", async () => {
    const report = await run({ kind: "launch", command }, 2);
    expect(report?.links).toBe(2);
  });

  test("launch, in a path with spaces and quotes, is the shell's matter", async () => {
    await run({ kind: "launch", command: `true && exec ${command}` }, 1);
  });

  test("stdio", async () => {
    await run({ kind: "stdio", command: `${command} --stdio` }, 1);
  });

  test("connect, over TCP, two links to one process", async () => {
    const { address, stop } = await listening("127.0.0.1:0");
    const report = await run({ kind: "connect", address }, 2);
    expect(report?.links).toBe(2);
    await stop();
  });

  test("connect, over a Unix socket", async () => {
    const { address, stop } = await listening(join(mkdtempSync(join(tmpdir(), "tensorwire-")), "iut.sock"));
    await run({ kind: "connect", address }, 1);
    await stop();
  });

  test("attach: whoever has the address and the token", async () => {
    const children: Bun.Subprocess[] = [];
    await run({ kind: "attach" }, 1, starter(children));
    expect(children).toHaveLength(1);
    expect(await children[0]?.exited).toBe(0);
  });

  test("connect, by WebSocket, two links to one process", async () => {
    const { address, stop } = await listening("ws://127.0.0.1:0");
    const report = await run({ kind: "connect", address }, 2);
    expect(report?.links).toBe(2);
    await stop();
  });

  test("attach, by WebSocket", async () => {
    const children: Bun.Subprocess[] = [];
    await run({ kind: "attach", listen: "ws://127.0.0.1:0" }, 1, starter(children));
    expect(children).toHaveLength(1);
    expect(await children[0]?.exited).toBe(0);
  });
});

test("r[iut.ways]: each way in gives the same verdicts", async () => {
  // What passes by the link alone: a function has no connections beside it.
  const corpus = { ...loadCorpus(DEFAULT_CORPUS), wire: [] };
  const verdicts = async (way: Way, log: (line: string) => void = () => {}) => {
    const { report } = await runConformance({
      ...{ way, corpus, jobs: 1, seed: "ways", profiles: ["len64", "tp"], filter: "*/*#eof=*", log, print: () => {} },
    });
    return report?.outcomes.map(({ id, verdict }) => `${verdict} ${id}`);
  };
  const tcp = await listening("127.0.0.1:0");
  const unix = await listening(join(mkdtempSync(join(tmpdir(), "tensorwire-")), "iut.sock"));
  const web = await listening("ws://127.0.0.1:0");
  const children: Bun.Subprocess[] = [];
  const byFunction = await verdicts({ kind: "in-process", iut: reference });
  expect(byFunction?.length).toBeGreaterThan(20);
  for (const way of [
    { kind: "launch", command },
    { kind: "stdio", command: `${command} --stdio` },
    ...[tcp, unix, web].map(({ address }) => ({ kind: "connect", address }) as const),
    { kind: "attach" },
    { kind: "attach", listen: "ws://127.0.0.1:0" },
  ] satisfies Way[]) {
    expect({ way, verdicts: await verdicts(way, starter(children)) }).toEqual({ way, verdicts: byFunction });
  }
  for (const { stop } of [tcp, unix, web]) await stop();
});

test("an address where nobody listens is exit 3, and named", async () => {
  const address = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "nobody.sock");
  const { exitCode, report } = await runConformance({
    way: { kind: "connect", address },
    log: () => {},
    print: () => {},
  });
  expect(exitCode).toBe(3);
  expect(report?.trouble).toContain(address);
});
