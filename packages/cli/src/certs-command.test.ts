import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, listen } from "@tensorwire/transport";
import { tensorwire } from "./testing.ts";

// Each test starts processes.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-certs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const set = (dir: string, host: string) => ({
  ca: join(dir, "ca.pem"),
  cert: join(dir, `${host}.pem`),
  key: join(dir, `${host}.key`),
});

describe("tensorwire certs", () => {
  test("makes a set by which two hosts trust each other", async () => {
    const dir = join(folder, "two");
    const { out, code } = await tensorwire(
      "certs",
      "--out",
      dir,
      "--host",
      "node1,10.0.0.1",
      "--host",
      "node2.example",
    );
    expect(code).toBe(0);
    expect(out).toContain("It is a test set and no PKI");
    expect(readdirSync(dir).sort()).toEqual([
      "ca.pem",
      "node1.key",
      "node1.pem",
      "node2.example.key",
      "node2.example.pem",
    ]);

    const listener = await listen(undefined, { tls: set(dir, "node1"), onConnection: (each) => each.end() });
    for (const serverName of ["node1", "10.0.0.1", "localhost", "127.0.0.1", "::1"]) {
      const connection = await connect(listener.address, { tls: set(dir, "node2.example"), serverName });
      expect(await connection.read()).toBeNull();
      connection.abort();
    }
    listener.stop();
    for (const key of ["node1.key", "node2.example.key"]) expect(statSync(join(dir, key)).mode & 0o777).toBe(0o600);
  });

  test("keeps the authority's key from everybody, and the days", async () => {
    const dir = join(folder, "days");
    const { out } = await tensorwire("certs", "--out", dir, "--days", "7", "--json");
    const { days, hosts } = JSON.parse(out);
    expect(days).toBe(7);
    expect(hosts).toEqual([{ names: ["localhost", "127.0.0.1", "::1"], ...set(dir, "localhost") }]);
    expect(readFileSync(join(dir, "ca.pem"), "utf8")).not.toContain("PRIVATE KEY");
    const authority = new X509Certificate(readFileSync(join(dir, "ca.pem")));
    const leaf = new X509Certificate(readFileSync(join(dir, "localhost.pem")));
    expect([authority.ca, leaf.ca]).toEqual([true, false]);
    const left = Date.parse(leaf.validTo) - Date.now();
    expect(left).toBeGreaterThan(6.9 * 86_400_000);
    expect(left).toBeLessThanOrEqual(7 * 86_400_000);
  });

  test("writes over nothing without --force, and with it leaves no key that others can read", async () => {
    const dir = join(folder, "force");
    const words = ["certs", "--out", dir, "--host", "node1"];
    await tensorwire(...words);
    const before = readFileSync(join(dir, "node1.pem"), "utf8");
    const refused = await tensorwire(...words);
    expect(refused.code).toBe(64);
    expect(refused.err).toContain("node1.key: there already; --force writes over them");
    expect(readFileSync(join(dir, "node1.pem"), "utf8")).toBe(before);
    chmodSync(join(dir, "node1.key"), 0o644);
    expect((await tensorwire(...words, "--force")).code).toBe(0);
    expect(readFileSync(join(dir, "node1.pem"), "utf8")).not.toBe(before);
    expect(statSync(join(dir, "node1.key")).mode & 0o777).toBe(0o600);
  });

  test.each(["../up", "a b", "", "node1,", "-x"])("%p is no host", async (host) => {
    const { code, err } = await tensorwire("certs", "--out", join(folder, "none"), `--host=${host}`);
    expect(code).toBe(64);
    expect(err).toContain("expected names and IP addresses of a host");
  });
});
