import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { runConformance } from "@tensorwire/conformance";
import { firstLine } from "@tensorwire/conformance/testing";

// The harness has deadlines of its own; this one catches a hang.
setDefaultTimeout(120_000);

const missing = Bun.which("python3") === null && process.env.TENSORWIRE_REQUIRE_PORTS === undefined;
if (missing) console.log("no python3 on this machine: its echo endpoint is not tried");

test.skipIf(missing).each(["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed"])(
  "r[iut.echo.endpoint]: the Python port echoes %s, without a shim",
  async (profile) => {
    const echo = Bun.spawn(["python3", join(import.meta.dir, "python", "echo.py"), profile], { stdout: "pipe" });
    try {
      const [, address] = / on (\S+)$/.exec(await firstLine(echo.stdout)) ?? [];
      const way = { kind: "wire", address: String(address), profile, maxFrameLength: 1024 } as const;
      const { exitCode, report } = await runConformance({ way, log: () => {}, print: () => {} });
      expect(report?.outcomes.filter(({ verdict }) => verdict === "fail").slice(0, 3)).toEqual([]);
      expect(report?.outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(300);
      expect(exitCode).toBe(0);
    } finally {
      echo.kill();
      await echo.exited;
    }
  },
);
