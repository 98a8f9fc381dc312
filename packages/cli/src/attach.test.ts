import { expect, setDefaultTimeout, test } from "bun:test";
import { hostname } from "node:os";
import { join } from "node:path";
import { tensorwire } from "./testing.ts";

// Each test starts processes; the harness has deadlines of its own.
setDefaultTimeout(60_000);

const SHIM = join(import.meta.dir, "../../../conformance/ports/ts/src/main.ts");

/** A run that waits at `listen`, and the reference, which is started with what the run prints; `named` is the host it prints. */
async function attached(listen: readonly string[]): Promise<{ named: string; out: string; code: number }> {
  const words = ["conformance", "--attach", ...listen, "--filter", "len32/hello", "--json", "-"];
  const run = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const out = run.stdout.text();
  let err = "";
  let named = "";
  for await (const chunk of run.stderr) {
    err += new TextDecoder().decode(chunk);
    const told = /TENSORWIRE_ADDR=(ws:\/\/)?(\S+):(\d+)\/? TENSORWIRE_TOKEN=([^\s;]+).*\n/.exec(err);
    if (told === null || named !== "") continue;
    const [, scheme = "", host, port, token] = told;
    named = host!;
    // Nothing resolves the name of this machine for certain; another machine would dial the name.
    const address = `${scheme}${named === hostname() ? "127.0.0.1" : named}:${port}`;
    const env = { ...process.env, TENSORWIRE_ADDR: address, TENSORWIRE_TOKEN: token };
    Bun.spawn([process.execPath, SHIM], { env, stdin: "ignore", stdout: "ignore" });
  }
  return { named, out: await out, code: await run.exited };
}

test.each([
  ["a free port of loopback", [], "127.0.0.1"],
  ["a port of loopback that is given", ["127.0.0.1:0"], "127.0.0.1"],
  ["every interface", ["0.0.0.0:0", "--insecure"], hostname()],
  ["a WebSocket", ["ws://127.0.0.1:0"], "127.0.0.1"],
  ["a WebSocket of every interface", ["ws://0.0.0.0:0", "--insecure"], hostname()],
])("--attach waits at %s, and names a host that can be dialled", async (_, listen, named) => {
  const run = await attached(listen);
  expect([run.named, run.code]).toEqual([named, 0]);
  expect(JSON.parse(run.out).summary).toMatchObject({ fail: 0, exit: 0 });
});

test.each([
  [["nonsense"], "not tcp://host:port"],
  [["127.0.0.1:65536"], "the port is a number from 0 to 65535"],
  [["0.0.0.0:0"], "or allow it with --insecure"],
  [["node1:4000"], "or allow it with --insecure"],
  [["ws://0.0.0.0:0"], "or allow it with --insecure"],
  [["ws://nonsense"], "not tcp://host:port"],
  [["wss://127.0.0.1:0"], "expected ws://HOST:PORT"],
  // Documentation only (RFC 5737): no interface of this machine.
  [["192.0.2.1:4000", "--insecure"], "cannot listen on 192.0.2.1:4000"],
  [["--insecure"], "--insecure is for --attach HOST:PORT"],
])("--attach %j is refused in words", async (words, says) => {
  const { code, err } = await tensorwire("conformance", "--attach", ...words);
  expect(code).toBe(64);
  expect(err).toContain(says);
});
