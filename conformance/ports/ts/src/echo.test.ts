import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runConformance } from "@tensorwire/conformance";
import { FRAMING_PROFILES } from "@tensorwire/framing";
import { serveEcho } from "./echo.ts";

// The harness has deadlines of its own; this one catches a hang.
setDefaultTimeout(60_000);

test.each([...FRAMING_PROFILES])("r[iut.echo.endpoint]: the reference echoes %s", async (profile) => {
  const listener = await serveEcho("tcp://127.0.0.1:0", { profile, maxFrameLength: 1024 });
  const { address } = listener;
  const where = address.kind === "tcp" ? `${address.host}:${address.port}` : address.path;
  const way = { kind: "wire", address: where, profile, maxFrameLength: 1024 } as const;
  const { exitCode, report } = await runConformance({ way, log: () => {}, print: () => {} });
  listener.stop();
  expect(report?.outcomes.filter(({ verdict }) => verdict === "fail")).toEqual([]);
  expect(report?.outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(1000);
  expect(exitCode).toBe(0);
});

test("r[iut.echo.endpoint]: over a Unix socket too", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "tensorwire-echo-")), "socket");
  const listener = await serveEcho(`unix:${path}`, { profile: "len64", maxFrameLength: 1024 });
  const way = { kind: "wire", address: path, profile: "len64" } as const;
  const { exitCode } = await runConformance({ way, filter: "len64/two*", log: () => {}, print: () => {} });
  listener.stop();
  expect(exitCode).toBe(0);
});
