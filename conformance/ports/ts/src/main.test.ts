import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runConformance, type Way } from "@tensorwire/conformance";

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
  const { value } = await child.stderr.getReader().read();
  const address = /listening on (\S+)/.exec(new TextDecoder().decode(value))?.[1] ?? "";
  return {
    address,
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

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
    await run({ kind: "attach" }, 1, (line) => {
      const told = /TENSORWIRE_ADDR=(\S+) TENSORWIRE_TOKEN=(\S+)/.exec(line);
      if (told === null) return;
      const [, TENSORWIRE_ADDR, TENSORWIRE_TOKEN] = told;
      children.push(
        Bun.spawn([process.execPath, main], { env: { ...process.env, TENSORWIRE_ADDR, TENSORWIRE_TOKEN } }),
      );
    });
    expect(children).toHaveLength(1);
    expect(await children[0]?.exited).toBe(0);
  });
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
