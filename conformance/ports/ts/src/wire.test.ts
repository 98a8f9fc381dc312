import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { runConformance } from "@tensorwire/conformance";
import type { WireAnswer, WireRequest } from "@tensorwire/conformance/wire";
import { WireAdapter } from "./wire.ts";

// The harness has deadlines of its own; this one catches a hang.
setDefaultTimeout(120_000);

const main = fileURLToPath(new URL("main.ts", import.meta.url));

test("the reference passes every scenario on connections", async () => {
  const way = { kind: "launch", command: `"${process.execPath}" "${main}"` } as const;
  const { exitCode, report } = await runConformance({ way, filter: "wire/*", log: () => {}, print: () => {} });
  const other = report?.outcomes.filter(({ verdict }) => verdict !== "pass") ?? [];
  expect(other.map(({ id, verdict, text }) => `${verdict} ${id} ${text}`)).toEqual([]);
  expect(report?.outcomes.length).toBeGreaterThan(1500);
  expect(exitCode).toBe(0);
});

describe("what the adapter does not do", () => {
  const spoken = { profile: "len32", role: "peer", limits: {} } as const;
  const ask = (request: WireRequest) => new WireAdapter().handle({ ...request, seq: 3 });

  test.each<[string, Partial<WireRequest>, string]>([
    ["r[iut.wire.role]: a role that it does not know", { role: "tp-worker" }, "role"],
    ["r[iut.decline.unknown]: a profile", { profile: "len31" }, "profile"],
    ["r[iut.decline.unknown]: a limit", { limits: { max_patience: "1" } }, "limit"],
  ])("%s is declined", async (_, given, reason) => {
    const request = { op: "listen", listener: "l", address: "127.0.0.1:0", ...spoken, ...given } as WireRequest;
    expect(await ask(request)).toMatchObject({ op: "declined", seq: 3, reason });
  });

  test("a connection that nobody opened is errored", async () => {
    expect(await ask({ op: "sync", conn: "a", n: 0 })).toMatchObject({ op: "errored", seq: 3 });
  });

  test("r[iut.wire.clear]: after clear nobody listens", async () => {
    const adapter = new WireAdapter();
    const listen = { op: "listen", listener: "l", address: "127.0.0.1:0", ...spoken, seq: 1 } as const;
    const { address } = (await adapter.handle(listen)) as WireAnswer & { readonly op: "listening" };
    expect(await adapter.handle({ op: "clear", seq: 2 })).toEqual({ op: "cleared", seq: 2 });
    const dial = { op: "dial", conn: "a", address, ...spoken, seq: 3 } as const;
    expect(await adapter.handle(dial)).toMatchObject({
      op: "errored",
      text: expect.stringContaining("nobody listens"),
    });
  });
});
