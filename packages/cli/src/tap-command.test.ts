import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstLine } from "@tensorwire/conformance/testing";
import { connect, formatAddress, listen } from "@tensorwire/transport";
import type { Told } from "./tap/report.ts";
import { startTap } from "./tap/tap.ts";
import { startStage, tensorwire } from "./testing.ts";

// Each test starts processes.
setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-tap-"));
const file = (name: string) => join(folder, name);

/** Sends these bytes through `tensorwire tap` to a peer that ends behind them. */
async function through(hex: string, ...flags: readonly string[]) {
  const peer = await listen(undefined, {
    onConnection: async (one) => {
      while ((await one.read()) !== null);
      await one.end();
    },
  });
  const to = formatAddress(peer.address).replace("tcp://", "");
  const words = ["tap", "--listen", "127.0.0.1:0", "--to", to, "--profile", "len64", "--connections", "1", ...flags];
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  let out = "";
  const decoder = new TextDecoder();
  let sent = false;
  for await (const chunk of child.stdout) {
    out += decoder.decode(chunk, { stream: true });
    // Whole only when something stands behind it: a chunk may end within the number.
    const [, address] = /(tcp:\/\/127\.0\.0\.1:\d+)\D/.exec(out) ?? [];
    if (sent || address === undefined) continue;
    sent = true;
    const dialler = await connect(address);
    await dialler.write([Uint8Array.fromHex(hex)]);
    await dialler.end();
    expect(await dialler.read()).toBeNull();
  }
  peer.stop();
  return { out, code: await child.exited };
}

describe("tensorwire tap", () => {
  test("prints a line for each message and a summary, and exits 0 where nothing is broken", async () => {
    const { out, code } = await through("000000000000000568656c6c6f");
    expect(out).toContain("1 →        0  frame, 13 bytes: payload 5\n");
    expect(out).toEndWith("1 connection, 1 message, 0 violations\n");
    expect(code).toBe(0);
  });

  test("names the rule that is broken, exits 1, and says the same as JSON Lines", async () => {
    const plain = await through("00000000000000056865");
    expect(plain.out).toContain("eof.in-body r[len64.eof.mid-body]");
    expect(plain.code).toBe(1);
    const json = await through("00000000000000056865", "--json");
    const told = json.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Told);
    expect(told.map(({ type }) => type)).toEqual(["listening", "opened", "violation", "ended", "ended", "summary"]);
    expect(told.find(({ type }) => type === "violation")).toMatchObject({
      at: 10,
      class: "eof.in-body",
      rules: ["len64.eof.mid-body"],
    });
    expect(json.code).toBe(1);
  });

  test("exits by the traffic where nobody reads what it says any more", async () => {
    const peer = await listen(undefined, {
      onConnection: async (one) => {
        await one.read();
        await one.end();
      },
    });
    const to = formatAddress(peer.address).replace("tcp://", "");
    const words = ["tap", "--listen", "127.0.0.1:0", "--to", to, "--profile", "len64", "--connections", "1"];
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
      ...{ stdout: "pipe", stderr: "pipe", stdin: "ignore" },
    });
    const [, address] = /(tcp:\/\/127\.0\.0\.1:\d+)/.exec(await firstLine(child.stdout)) ?? [];
    const dialler = await connect(address!);
    await dialler.write([Uint8Array.fromHex("000000000000000568656c6c6f")]);
    await dialler.end();
    expect(await dialler.read()).toBeNull();
    expect([await child.exited, await child.stderr.text()]).toEqual([0, ""]);
    peer.stop();
  });

  test("writes a capture, which becomes a vector", async () => {
    expect((await through("000000000000000568656c6c6f", "--capture", file("seen.pcapng"))).code).toBe(0);
    const listed = await tensorwire("capture", "list", file("seen.pcapng"));
    expect(listed.out).toMatch(/^stream 0 {2}198\.18\.0\.1:49152 → 198\.19\.0\.1:47102 {2}13 bytes, 0 back\n$/);
    const made = await tensorwire(
      "capture",
      "import",
      file("seen.pcapng"),
      "--profile",
      "len64",
      "--out",
      file("made.json"),
    );
    expect([made.code, made.out]).toEqual([
      0,
      expect.stringMatching(/^len64\/imported-[0-9a-f]{8}: 1 event, then end\n$/),
    ]);
    const { vectors } = JSON.parse(readFileSync(file("made.json"), "utf8"));
    expect(vectors[0].events).toEqual([{ at: 13, event: "message", value: { payload: "68656c6c6f" } }]);
  });

  test("refuses words that it cannot take", async () => {
    const some = ["--to", "127.0.0.1:1", "--profile", "len64"];
    const cases: readonly [readonly string[], string][] = [
      [["--listen", "0.0.0.0:7000", ...some], "lets other machines in, and the tap has no TLS"],
      [
        ["--listen", "127.0.0.1:0", "--to", "192.0.2.1:7000", "--profile", "len64"],
        "is on another machine, and the tap has no TLS",
      ],
      [["--listen", "nowhere", ...some], "nowhere"],
      [["--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--profile", "http"], "expected one of len32"],
      [["--listen", "127.0.0.1:0"], "--to"],
      [["--listen", "127.0.0.1:0", ...some, "--capture", file("nowhere/x")], `cannot write ${file("nowhere/x")}`],
    ];
    for (const [words, message] of cases) {
      const { code, err } = await tensorwire("tap", ...words);
      expect([words, code]).toEqual([words, 64]);
      expect(err).toContain(message);
    }
  });

  test("sees a pipeline of two stages make the tokens that it makes without a tap, and nothing broken on either hop", async () => {
    const small = ["--backend", "cpu", "--prompt", "A decoder MUST", "--max-tokens", "4", "--json", "--no-verify"];
    const told: Told[] = [];
    const spoken = {
      profile: "pp-session",
      reply: "pp-result",
      handshake: true,
      connections: 1,
      listen: "tcp://127.0.0.1:0",
    } as const;
    const tap = (to: string) => startTap({ ...spoken, to, tell: (one) => told.push(one) });
    await using last = await startStage("--rank", "1", "--stages", "2", "--backend", "cpu");
    const hop = await tap(last.address);
    await using first = await startStage("--rank", "0", "--stages", "2", "--backend", "cpu", "--next", hop.address);
    const door = await tap(first.address);
    const run = await tensorwire("pipeline", "--connect", door.address, "--stages", "2", ...small);
    expect([run.err, run.code]).toEqual(["", 0]);
    const counts = await Promise.all([hop.done, door.done]);
    expect(counts.map(({ violations }) => violations)).toEqual([0, 0]);
    expect(told.filter(({ type }) => type === "violation")).toEqual([]);
    const messages = told.filter((one) => one.type === "message");
    const kinds = new Set(messages.map(({ kind, from }) => `${from} ${kind}`));
    expect(kinds).toEqual(
      new Set(["dialler hello", "listener hello", "dialler INFER", "listener result", "dialler SHUTDOWN"]),
    );
    const whole = await tensorwire("pipeline", ...small);
    expect(JSON.parse(run.out).sequences).toEqual(JSON.parse(whole.out).sequences);
  });
});

describe("tensorwire capture", () => {
  test("lists what can be read, and says what was passed over", async () => {
    const packet = "00000000000000000100000001000000" + "45";
    writeFileSync(file("link.pcap"), Uint8Array.fromHex(`d4c3b2a1020004000000000000000000ffff000093000000${packet}`));
    expect(await tensorwire("capture", "list", file("link.pcap"))).toEqual({
      ...{ out: "", code: 0 },
      err: "1 packet passed over, the first: packet 1 at byte 24: expected a link type of Ethernet, Linux cooked, loopback or raw IP, 147 came\n",
    });
  });

  test("says where a capture is broken, and exits 1; 64 for words that it cannot take", async () => {
    writeFileSync(file("broken.pcap"), Uint8Array.fromHex("a1b2c3d4000200040000000000000000000000ff00000065ff"));
    const broken = await tensorwire("capture", "list", file("broken.pcap"));
    expect([broken.code, broken.err]).toEqual([
      1,
      "error: packet 1 at byte 24: its header is cut by the end of the file\n",
    ]);
    for (const words of [
      ["list", file("gone")],
      ["import", file("broken.pcap")],
      ["import", file("broken.pcap"), "--profile"],
    ]) {
      expect((await tensorwire("capture", ...words)).code).toBe(64);
    }
  });
});

test("help of each command teaches by example", async () => {
  for (const command of [["tap"], ["capture"], ["capture", "list"], ["capture", "import"]]) {
    const { out, code } = await tensorwire(...command, "--help");
    expect([command, code]).toEqual([command, 0]);
    expect(out).toMatch(/^Examples:\n {2}(?:tensorwire|tcpdump) /m);
  }
});
