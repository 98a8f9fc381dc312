import { expect, test } from "bun:test";
import type { Way } from "../link/ways.ts";
import { sampleIut } from "../report/testing.ts";
import { runConformance } from "../run.ts";
import { testCase, testCorpus } from "../testing.ts";
import { checkRuntime, RuntimeDefect, runtimeOnce } from "./runtime.ts";

test("r[iut.wire.runtime]: this Bun sees ends, half-open connections and resets, and its kernel stops taking bytes", async () => {
  const { kernelTakes } = await checkRuntime();
  expect(kernelTakes).toBeGreaterThan(1000);
});

test("r[iut.wire.runtime]: sockets that end both directions at once are a defect, and named", async () => {
  const error = await checkRuntime(false).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(RuntimeDefect);
  expect(String(error)).toMatch(/the sockets of this Bun .* on loopback TCP the end of one direction ends both/);
});

const broken: Parameters<typeof runConformance>[0] = {
  checkRuntime: async () => {
    throw new RuntimeDefect("a reset is seen as an end");
  },
  corpus: testCorpus(testCase("len32/0")),
  log: () => {},
  print: () => {},
};

test("r[iut.wire.runtime]: a run over sockets tests them first, and starts no implementation where they differ", async () => {
  const said: string[] = [];
  const ways: readonly Way[] = [
    { kind: "launch", command: "echo was-started >&2; exit 1" },
    { kind: "connect", address: "127.0.0.1:1" },
    { kind: "wire", address: "127.0.0.1:1", profile: "len32" },
  ];
  for (const way of ways) {
    const { exitCode, report } = await runConformance({ ...broken, way, log: (line) => void said.push(line) });
    expect([exitCode, report?.trouble]).toEqual([4, "a reset is seen as an end"]);
  }
  expect(said.join("\n")).not.toContain("was-started");
});

test("r[iut.wire.runtime]: a run without sockets does not test them, unless it comes to connections", async () => {
  const { exitCode } = await runConformance({ ...broken, way: { kind: "in-process", iut: sampleIut("sample") } });
  expect(exitCode).toBe(0);
});

test("a run tests its sockets once", async () => {
  let times = 0;
  const runtime = runtimeOnce(async () => ({ kernelTakes: ++times }));
  expect([await runtime(), await runtime()]).toEqual([{ kernelTakes: 1 }, { kernelTakes: 1 }]);
});
