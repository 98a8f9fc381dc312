import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { streamsOf } from "@tensorwire/conformance";
import { FrameEncoder } from "@tensorwire/framing";
import { preparePpRequest, preparePpResult } from "@tensorwire/pp-contract";
import { type Hello, prepareHello, prepareTp, type TpAction } from "@tensorwire/tp-control";
import { type Connection, connect, formatAddress, type Listener, listen } from "@tensorwire/transport";
import type { Told } from "./report.ts";
import { refusalsFor, startTap, type Tap, type TapOptions } from "./tap.ts";

// Every wait of the sockets has a deadline of 30 s; this one catches what hangs.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-tap-"));
const refusals = refusalsFor(["len64", "tp-session", "pp-session", "pp-result"]);
const running: { stop(): void }[] = [];
afterEach(() => {
  for (const one of running.splice(0)) one.stop();
});

const concat = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const frame = (text: string) => concat(...new FrameEncoder("len64").encode(new TextEncoder().encode(text)));

/** Two peers with a tap between them: what the one that listens gets is in `arrived`. */
async function tapped(options: Partial<TapOptions> = {}) {
  const arrived = Promise.withResolvers<Connection>();
  const peer: Listener = await listen(undefined, { onConnection: arrived.resolve });
  running.push(peer);
  const told: Told[] = [];
  const tap: Tap = await startTap({
    listen: "tcp://127.0.0.1:0",
    to: formatAddress(peer.address),
    profile: "len64",
    reply: "len64",
    connections: 1,
    refusals,
    tell: (one) => told.push(one),
    ...options,
  });
  running.push(tap);
  const dialler = await connect(tap.address);
  const listener = await arrived.promise;
  return { tap, told, dialler, listener };
}

async function rest(connection: Connection): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await connection.read(); chunk !== null; chunk = await connection.read()) chunks.push(chunk);
  return concat(...chunks);
}

const of = <Type extends Told["type"]>(told: readonly Told[], type: Type) =>
  told.filter((one): one is Told & { readonly type: Type } => one.type === type);

describe("the tap forwards", () => {
  test("bytes untouched, both ways, and a half-close as one", async () => {
    const { tap, told, dialler, listener } = await tapped();
    await dialler.write([frame("ping"), frame("")]);
    await dialler.end();
    expect(await rest(listener)).toEqual(concat(frame("ping"), frame("")));
    // The other direction is open still.
    await listener.write([frame("pong")]);
    await listener.end();
    expect(await rest(dialler)).toEqual(frame("pong"));
    expect(await tap.done).toEqual({ connections: 1, messages: 3, violations: 0, unreachable: 0, failed: 0 });
    expect(of(told, "message").map(({ from, at, bytes, kind, about }) => ({ from, at, bytes, kind, about }))).toEqual([
      { from: "dialler", at: 0, bytes: 12, kind: "frame", about: { payload: 4 } },
      { from: "dialler", at: 12, bytes: 8, kind: "frame", about: { payload: 0 } },
      { from: "listener", at: 0, bytes: 12, kind: "frame", about: { payload: 4 } },
    ]);
    expect(of(told, "ended")).toMatchObject([
      { from: "dialler", how: "end", bytes: 20, messages: 2 },
      { from: "listener", how: "end", bytes: 12, messages: 1 },
    ]);
  });

  test("a reset of either side as one", async () => {
    for (const side of ["dialler", "listener"] as const) {
      const { tap, told, ...peers } = await tapped();
      const other = side === "dialler" ? "listener" : "dialler";
      await peers[side].write([frame("last")]);
      expect(await peers[other].read()).not.toBeNull();
      peers[side].abort();
      expect(await peers[other].closed).toMatchObject({ kind: "failed" });
      expect(await tap.done).toMatchObject({ connections: 1, violations: 0 });
      expect(of(told, "ended")).toMatchObject([{ from: side, how: "reset" }]);
    }
  });

  test("no more than the other side takes, and then all of it", async () => {
    const { tap, told, dialler, listener } = await tapped({ limits: { maxFrameLength: 1 << 20 } });
    const chunk = frame("x".repeat(1 << 19));
    let count = 0;
    let held = false;
    let sent = Promise.resolve();
    while (!held && count < 512) {
      count++;
      let taken = false;
      sent = dialler.write([chunk], Number.POSITIVE_INFINITY).then(() => {
        taken = true;
      });
      // No turn of the loop, in which the tap has its own, has moved a byte.
      for (let still = 0, before = -1; !taken && still < 500; still++) {
        const { bytesOut } = dialler.counters;
        if (bytesOut !== before) still = 0;
        before = bytesOut;
        await new Promise((turn) => setImmediate(turn));
      }
      held = !taken;
    }
    expect(held).toBeTrue();
    const arriving = rest(listener);
    await sent;
    await dialler.end();
    expect((await arriving).length).toBe(count * chunk.length);
    await listener.end();
    expect(await tap.done).toMatchObject({ messages: count, violations: 0 });
    expect(of(told, "ended")[0]).toMatchObject({ from: "dialler", bytes: count * chunk.length });
  });

  test("a reset to a side that does not read", async () => {
    const { tap, told, dialler, listener } = await tapped();
    const big = frame("x".repeat(1 << 24));
    void dialler.write([big, big, big], Number.POSITIVE_INFINITY).catch(() => {});
    await listener.read();
    dialler.abort();
    expect(await listener.closed).toMatchObject({ kind: "failed" });
    await tap.done;
    expect(of(told, "ended")).toMatchObject([{ from: "dialler", how: "reset" }]);
  });

  test("nothing where the other peer cannot be reached, and says so", async () => {
    const gone = await listen(undefined, { onConnection: () => {} });
    const to = formatAddress(gone.address);
    gone.stop();
    const told: Told[] = [];
    const tap = await startTap({
      listen: "tcp://127.0.0.1:0",
      to,
      profile: "len64",
      reply: "len64",
      connections: 1,
      refusals,
      tell: (one) => told.push(one),
    });
    const dialler = await connect(tap.address);
    expect(await dialler.closed).toMatchObject({ kind: "failed" });
    expect(await tap.done).toMatchObject({ connections: 0, unreachable: 1 });
    expect(of(told, "unreachable")[0]?.text).toContain(to);
  });

  test("several connections at once, each under its number, and ends what stands when it is stopped", async () => {
    const peer = await listen(undefined, { onConnection: async (one) => void (await one.write([frame("hello")])) });
    running.push(peer);
    const told: Told[] = [];
    const tap = await startTap({
      listen: "tcp://127.0.0.1:0",
      to: formatAddress(peer.address),
      profile: "len64",
      reply: "len64",
      refusals,
      tell: (one) => told.push(one),
    });
    const diallers = await Promise.all([1, 2, 3].map(() => connect(tap.address)));
    for (const dialler of diallers) expect(await dialler.read()).toEqual(frame("hello"));
    tap.stop();
    for (const dialler of diallers) expect(await dialler.closed).toMatchObject({ kind: "failed" });
    expect(await tap.done).toMatchObject({ connections: 3, messages: 3 });
    expect(new Set(of(told, "message").map(({ connection }) => connection))).toEqual(new Set([1, 2, 3]));
  });
});

const header = (
  call_id: bigint,
  action: TpAction,
  over: Partial<Record<"control_epoch" | "cache_epoch", bigint>> = {},
) =>
  concat(
    ...prepareTp({ header: { call_id, chunk_index: 0n, control_epoch: call_id, cache_epoch: 0n, action, ...over } })
      .buffers,
  );

describe("the tap says what a peer breaks", () => {
  test("with direction, place, class and rule, and forwards on without decoding", async () => {
    const { tap, told, dialler, listener } = await tapped({ limits: { maxFrameLength: 10 } });
    const stream = concat(frame("fits"), frame("is too long"), frame("more"));
    await dialler.write([stream]);
    await dialler.end();
    expect(await rest(listener)).toEqual(stream);
    await listener.write([frame("fine")]);
    await listener.end();
    expect(await rest(dialler)).toEqual(frame("fine"));
    expect(await tap.done).toEqual({ connections: 1, messages: 2, violations: 1, unreachable: 0, failed: 0 });
    expect(of(told, "violation")).toEqual([
      {
        type: "violation",
        connection: 1,
        from: "dialler",
        at: 20,
        class: "oversize.declared",
        rules: ["len64.limit.oversize"],
        text: "expected a payload of at most 10 bytes, a length of 11 came, at byte 20 of the stream",
        ends: true,
      },
    ]);
    expect(of(told, "ended")).toMatchObject([
      { from: "dialler", bytes: stream.length, messages: 1 },
      { from: "listener", bytes: 12, messages: 1 },
    ]);
  });

  test("at an end inside a message, and not at a reset there", async () => {
    for (const how of ["end", "reset"] as const) {
      const { tap, told, dialler, listener } = await tapped();
      await dialler.write([frame("half").subarray(0, 10)]);
      expect(await listener.read()).toEqual(frame("half").subarray(0, 10));
      if (how === "end") await dialler.end();
      else dialler.abort();
      if (how === "end") await listener.end();
      await tap.done;
      const expected = how === "end" ? [{ at: 10, class: "eof.in-body", rules: ["len64.eof.mid-body"] }] : [];
      expect(of(told, "violation")).toMatchObject(expected);
    }
  });

  test.each([
    [
      "a header out of order",
      [header(1n, "NOOP"), header(2n, "NOOP", { control_epoch: 9n })],
      { at: 80, class: "sequence", rules: ["tp-session.control-epoch.step"] },
    ],
    [
      "an id that goes back",
      [header(2n, "NOOP"), header(1n, "NOOP", { control_epoch: 3n })],
      { at: 80, class: "sequence", rules: ["tp-session.call-id.increasing"] },
    ],
    [
      "a byte behind SHUTDOWN",
      [header(1n, "SHUTDOWN"), Uint8Array.of(0)],
      { at: 41, class: "state", rules: ["tp-session.shutdown.last"] },
    ],
    [
      "no action that there is",
      [header(1n, "NOOP").with(32, 7)],
      { at: 40, class: "header.field", rules: ["tp.action.unknown"] },
    ],
  ])("of a session's memory: %s", async (_, parts, violation) => {
    const { tap, told, dialler, listener } = await tapped({ profile: "tp-session", reply: "tp-session" });
    await dialler.write([...parts]);
    await dialler.end();
    expect(await rest(listener)).toEqual(concat(...parts));
    await listener.end();
    await tap.done;
    expect(of(told, "violation")).toMatchObject([{ from: "dialler", ...violation }]);
  });

  test("and says which message a session drops, and which has no SHUTDOWN", async () => {
    const { tap, told, dialler, listener } = await tapped({ profile: "tp-session", reply: "tp-session" });
    await dialler.write([header(1n, "NOOP"), header(1n, "SHUTDOWN"), header(3n, "NOOP", { control_epoch: 2n })]);
    await dialler.end();
    await rest(listener);
    await listener.end();
    expect(await tap.done).toMatchObject({ messages: 3, violations: 0 });
    expect(of(told, "message").map(({ at, kind, dropped }) => [at, kind, dropped ?? false])).toEqual([
      [0, "NOOP", false],
      [40, "SHUTDOWN", true],
      [80, "NOOP", false],
    ]);
    expect(of(told, "ended").map(({ remark }) => remark)).toEqual(["without SHUTDOWN", "without SHUTDOWN"]);
  });

  const infer = (call_id: bigint) => {
    const header = { call_id, chunk_index: call_id, control_epoch: call_id, cache_epoch: 1n, action: "INFER" } as const;
    const ids = { key: "input_ids", dtype: "int64", shape: [1], data: new BigInt64Array(1) };
    const lm = { position: Number(call_id - 1n), num_tokens: 1, init_cache: call_id === 1n };
    return concat(...preparePpRequest({ header, step: { lm }, tensors: [ids] }).buffers);
  };
  const result = (call_id: bigint) => {
    const tensors = [{ key: "logits", dtype: "float32", shape: [2], data: new Float32Array(2) }];
    return concat(...preparePpResult({ call_id, chunk_index: call_id, cache_epoch: 1n, tensors }).buffers);
  };
  const pp = { profile: "pp-session", reply: "pp-result" } as const;

  test("of PP results, with their calls", async () => {
    const { tap, told, dialler, listener } = await tapped(pp);
    await dialler.write([infer(1n), infer(2n)]);
    await dialler.end();
    expect((await rest(listener)).length).toBe(infer(1n).length + infer(2n).length);
    const answered = concat(result(1n), result(2n).subarray(0, -1));
    await listener.write([answered]);
    await listener.end();
    expect(await rest(dialler)).toEqual(answered);
    await tap.done;
    expect(of(told, "message").map(({ kind, about: { call_id } }) => `${kind} ${call_id}`)).toEqual([
      "INFER 1",
      "INFER 2",
      "result 1",
    ]);
    expect(of(told, "message")[2]).toMatchObject({ about: { ok: true, tensors: 1, tensor_bytes: 8 } });
    expect(of(told, "violation")).toMatchObject([{ from: "listener", class: "eof.in-body", at: answered.length }]);
  });

  test("of both directions together: a result that no call is waiting for, and calls that have none", async () => {
    const { tap, told, dialler, listener } = await tapped(pp);
    await dialler.write([infer(1n), infer(2n)]);
    await dialler.end();
    await rest(listener);
    await listener.write([result(2n), result(1n)]);
    await listener.end();
    await rest(dialler);
    expect(await tap.done).toMatchObject({ messages: 4, violations: 1 });
    expect(of(told, "violation")).toMatchObject([
      {
        from: "listener",
        at: result(2n).length,
        class: "sequence",
        rules: ["pp.acceptance.ahead"],
        text: expect.stringContaining("expected the result of call 1, that of call 2 came"),
        ends: false,
      },
    ]);

    const short = await tapped(pp);
    await short.dialler.write([infer(1n), infer(2n), infer(3n)]);
    await short.dialler.end();
    await rest(short.listener);
    await short.listener.write([result(1n)]);
    await short.listener.end();
    await rest(short.dialler);
    expect(await short.tap.done).toMatchObject({ violations: 0 });
    expect(of(short.told, "ended").find(({ from }) => from === "listener")?.remark).toBe("2 calls without a result");
  });
});

describe("the tap follows a handshake", () => {
  const hello: Hello = {
    job: "j",
    role: "TP_LEADER",
    rank: 0,
    peer_rank: 1,
    plan: "p",
    weights_digest: new Uint8Array(),
    instance: new Uint8Array(16),
    lane: 0,
  };
  const answer: Hello = { ...hello, role: "TP_WORKER", rank: 1, peer_rank: 0 };
  const spoken = { profile: "tp-session", reply: "tp-session", handshake: true } as const;

  test("and counts the places of the protocol from behind it", async () => {
    const { tap, told, dialler, listener } = await tapped(spoken);
    await dialler.write([prepareHello(hello)]);
    await listener.read();
    await listener.write([prepareHello(answer)]);
    await dialler.read();
    await dialler.write([header(1n, "SHUTDOWN")]);
    await dialler.end();
    await rest(listener);
    await listener.end();
    expect(await tap.done).toMatchObject({ messages: 3, violations: 0 });
    expect(of(told, "message")).toMatchObject([
      { from: "dialler", kind: "hello", about: { job: "j", role: "TP_LEADER", rank: 0, peer_rank: 1 } },
      { from: "listener", kind: "hello", about: { role: "TP_WORKER" } },
      { from: "dialler", kind: "SHUTDOWN", at: 0, bytes: 40 },
    ]);
  });

  test.each<[string, Uint8Array, Uint8Array, object]>([
    [
      "a byte before it may be",
      concat(prepareHello(hello), header(1n, "NOOP")),
      prepareHello(answer),
      { from: "dialler", rules: ["link.hello.first"], ends: false },
    ],
    [
      "a Hello of another version",
      prepareHello(hello).with(9, 2),
      prepareHello(answer),
      { from: "dialler", class: "version", rules: ["link.hello.version"], ends: true },
    ],
    [
      "no Hello at all",
      header(1n, "NOOP"),
      prepareHello(answer),
      { from: "dialler", class: "oversize.declared", rules: ["link.hello.limit"] },
    ],
    [
      "an answer of another job",
      prepareHello(hello),
      prepareHello({ ...answer, job: "k" }),
      { from: "listener", class: "header.field", rules: ["link.hello.job"] },
    ],
    [
      "an answer of another lane",
      prepareHello(hello),
      prepareHello({ ...answer, lane: 4 }),
      { from: "listener", class: "header.field", rules: ["link.hello.lane"] },
    ],
  ])("and says what is broken in it: %s", async (_, ours, theirs, violation) => {
    const { tap, told, dialler, listener } = await tapped(spoken);
    await dialler.write([ours]);
    await listener.read();
    await listener.write([theirs]);
    await dialler.read();
    await dialler.end();
    await listener.end();
    await tap.done;
    expect(of(told, "violation")[0]).toMatchObject(violation);
  });

  test("and says when the listener speaks first", async () => {
    const { tap, told, dialler, listener } = await tapped(spoken);
    await listener.write([prepareHello(answer)]);
    await dialler.read();
    dialler.abort();
    await tap.done;
    expect(of(told, "violation")).toMatchObject([
      { from: "listener", class: "state", rules: ["link.hello.answer"], ends: false },
    ]);
  });
});

test("the tap writes a capture that holds both directions, and the violation as a comment", async () => {
  const capture = join(folder, "seen.pcapng");
  const { tap, dialler, listener } = await tapped({ capture, limits: { maxFrameLength: 4 } });
  await dialler.write([frame("fits"), frame("too long")]);
  await dialler.end();
  await rest(listener);
  await listener.write([frame("ok")]);
  await listener.end();
  await rest(dialler);
  await tap.done;
  const file = new Uint8Array(readFileSync(capture));
  const [stream] = streamsOf(file).map((one) => one.stream());
  expect(Buffer.concat(stream?.dialler.reads ?? [])).toEqual(Buffer.from(concat(frame("fits"), frame("too long"))));
  expect(stream).toMatchObject({ dialler: { ending: "end" }, listener: { length: 10, ending: "end" } });
  expect(Buffer.from(file).toString("latin1")).toContain(
    '{"violation":{"at":20,"class":"oversize.declared","rules":["len64.limit.oversize"]',
  );
});

describe("a tap that fails itself", () => {
  /** A capture that can be opened, and not written on once `full()` was called. */
  function filling() {
    const capture = join(folder, `${crypto.randomUUID()}.fifo`);
    expect(Bun.spawnSync(["mkfifo", capture]).exitCode).toBe(0);
    const reader = openSync(capture, constants.O_RDONLY | constants.O_NONBLOCK);
    return { capture, full: () => closeSync(reader) };
  }

  test("at its capture, forwards and decodes on, in this connection and the next, and counts it once", async () => {
    const peer = await listen(undefined, {
      onConnection: async (one) => {
        await rest(one);
        await one.end();
      },
    });
    running.push(peer);
    const { capture, full } = filling();
    const told: Told[] = [];
    const tap = await startTap({
      ...{ listen: "tcp://127.0.0.1:0", to: formatAddress(peer.address), profile: "len64", reply: "len64" },
      ...{ connections: 2, refusals, capture, tell: (one) => told.push(one) },
    });
    running.push(tap);
    full();
    for (let i = 0; i < 2; i++) {
      const dialler = await connect(tap.address);
      await dialler.write([frame("seen")]);
      await dialler.end();
      expect(await dialler.read()).toBeNull();
    }
    expect(await tap.done).toEqual({ connections: 2, messages: 2, violations: 0, unreachable: 0, failed: 1 });
    expect(of(told, "ended").map(({ how }) => how)).toEqual(["end", "end", "end", "end"]);
  });

  test.each(["opened", "message"] as const)(
    "where it tells of what is %s, forwards on, ends, and counts it",
    async (type) => {
      const { tap, dialler, listener } = await tapped({
        tell: (one) => {
          if (one.type === type) throw new Error("for a test");
        },
      });
      await dialler.write([frame("on")]);
      await dialler.end();
      expect(await rest(listener)).toEqual(frame("on"));
      await listener.end();
      expect(await rest(dialler)).toEqual(new Uint8Array());
      expect(await tap.done).toMatchObject({ connections: 1, failed: 1 });
    },
  );

  test("when it tells of a peer that cannot be reached, ends all the same", async () => {
    const gone = await listen(undefined, { onConnection: () => {} });
    gone.stop();
    const tap = await startTap({
      ...{ listen: "tcp://127.0.0.1:0", to: formatAddress(gone.address), profile: "len64", reply: "len64" },
      ...{ connections: 1, refusals },
      tell: ({ type }) => {
        if (type === "unreachable") throw new Error("for a test");
      },
    });
    running.push(tap);
    expect(await (await connect(tap.address)).closed).toMatchObject({ kind: "failed" });
    expect(await tap.done).toMatchObject({ unreachable: 1 });
  });

  test("at the start leaves a capture as it was, and the address free", async () => {
    const some = { to: "tcp://127.0.0.1:1", profile: "len64", reply: "len64", refusals, tell: () => {} } as const;
    const capture = join(folder, "kept.pcapng");
    writeFileSync(capture, "what was here before");
    const taken = await listen(undefined, { onConnection: () => {} });
    running.push(taken);
    await expect(startTap({ ...some, listen: formatAddress(taken.address), capture })).rejects.toThrow("in use");
    expect(readFileSync(capture, "utf8")).toBe("what was here before");
    const path = join(folder, "tap.sock");
    const nowhere = join(folder, "nowhere", "seen.pcapng");
    await expect(startTap({ ...some, listen: `unix:${path}`, capture: nowhere })).rejects.toThrow(
      `cannot write ${nowhere}`,
    );
    expect(existsSync(path)).toBeFalse();
  });
});

test("r[link.tls.non-loopback]: the tap neither listens for other machines nor dials one, unless it is told to", async () => {
  const some = { profile: "len64", reply: "len64", refusals, tell: () => {} } as const;
  await expect(startTap({ ...some, listen: "tcp://0.0.0.0:0", to: "tcp://127.0.0.1:1" })).rejects.toThrow("--insecure");
  const open = await startTap({ ...some, listen: "tcp://0.0.0.0:0", to: "tcp://127.0.0.1:1", insecure: true });
  open.stop();
  await open.done;
});
