import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStage, tensorwire } from "./testing.ts";

// Each test starts processes.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-tls-"));
const flags = (host: string, dir = "ours") => [
  "--tls-ca",
  join(folder, "ours", "ca.pem"),
  "--tls-cert",
  join(folder, dir, `${host}.pem`),
  "--tls-key",
  join(folder, dir, `${host}.key`),
];
const SMALL = ["--backend", "cpu", "--prompt", "A decoder MUST", "--max-tokens", "4", "--json", "--no-verify"];

beforeAll(async () => {
  await tensorwire("certs", "--out", join(folder, "ours"), "--host", "node0", "--host", "node1", "--host", "driver");
  await tensorwire("certs", "--out", join(folder, "theirs"), "--host", "driver");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("stages and a driver that are started one by one, with certificates of tensorwire certs", () => {
  test("make the tokens that one command makes, and refuse a driver of another set in words", async () => {
    await using last = await startStage("--rank", "1", "--stages", "2", "--backend", "cpu", ...flags("node1"));
    const next = ["--next", last.address];
    await using first = await startStage(
      "--rank",
      "0",
      "--stages",
      "2",
      "--backend",
      "cpu",
      ...next,
      ...flags("node0"),
    );
    const connect = ["pipeline", "--connect", first.address, "--stages", "2", ...SMALL];

    const stranger = await tensorwire(...connect, ...flags("driver", "theirs"));
    expect([stranger.out, stranger.code]).toEqual(["", 1]);
    expect(stranger.err).toContain("it may not have accepted the certificate in");
    const plain = await tensorwire(...connect);
    expect([plain.out, plain.code]).toEqual(["", 1]);
    expect(plain.err).toContain("rank 0 is lost");

    const own = await tensorwire(...connect, ...flags("driver"));
    const whole = await tensorwire("pipeline", ...SMALL);
    expect([own.code, whole.code]).toEqual([0, 0]);
    expect(JSON.parse(own.out).sequences).toEqual(JSON.parse(whole.out).sequences);
  });
});

test("a Unix socket has no TLS, and the report claims none", async () => {
  const listen = `unix:${join(folder, "s")}`;
  await using _ = await startStage("--rank", "0", "--stages", "1", "--backend", "cpu", "--listen", listen);
  const words = SMALL.filter((word) => word !== "--json");
  const { out, code } = await tensorwire(
    "pipeline",
    "--connect",
    listen,
    "--stages",
    "1",
    ...words,
    ...flags("driver"),
  );
  expect(code).toBe(0);
  expect(out).toContain(`tokens/s through ${listen}, float32 on the wire`);
});

describe("words on the command line", () => {
  test.each([
    [["--tls-ca", "ca.pem"], "--tls-cert and --tls-key did not come"],
    [["--tls-ca", "ca.pem", "--tls-key", "k.pem"], "--tls-cert did not come"],
  ])("%p is not enough", async (some, words) => {
    for (const command of [["pipeline"], ["stage", "--rank", "0", "--stages", "1"]]) {
      const { code, err } = await tensorwire(...command, ...some);
      expect(code).toBe(64);
      expect(err).toContain(words);
    }
  });

  test("an address on another machine needs TLS or --insecure, and the error says both", async () => {
    const listen = await tensorwire("stage", "--rank", "0", "--stages", "1", "--listen", "tcp://0.0.0.0:0");
    const next = await tensorwire("stage", "--rank", "0", "--stages", "2", "--next", "tcp://192.0.2.1:7000");
    const connect = await tensorwire("pipeline", "--connect", "tcp://192.0.2.1:7000", ...SMALL);
    for (const { code, err } of [listen, next, connect]) {
      expect(code).toBe(1);
      expect(err).toContain("give it certificates (tls; --tls-ca and so on)");
      expect(err).toContain("or allow it (insecure; --insecure)");
    }
  });

  test("a file that is not there is named", async () => {
    const { code, err } = await tensorwire("pipeline", ...SMALL, ...flags("nobody"));
    expect(code).toBe(1);
    expect(err).toContain(`TLS file ${join(folder, "ours", "nobody.pem")}: expected a certificate`);
  });
});
