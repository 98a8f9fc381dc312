import { describe, expect, test } from "bun:test";
import { DEFAULT_LIMITS } from "./limits.ts";
import { KINDS, pattern, readBytes, rejection, settled, text, turns, until } from "./pairs.ts";

const MIB = 1024 * 1024;
const FLUSH_AT = 64 * 1024;

describe.each(Object.entries(KINDS))("%s", (kind, open) => {
  test("bytes arrive in order, in both directions", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const there = pattern(300_000);
    const back = pattern(200_000, 9);
    await Promise.all([
      a.write([there.subarray(0, 5), there.subarray(5, 60_000), there.subarray(60_000)]),
      b.write([back]),
    ]);
    expect(Buffer.compare(await readBytes(b, there.length), there)).toBe(0);
    expect(Buffer.compare(await readBytes(a, back.length), back)).toBe(0);
  });

  test("a read gives owned bytes, never none", async () => {
    await using pair = await open();
    const { a, b } = pair;
    await a.write([text("first")]);
    const first = await b.read();
    await a.write([new Uint8Array(0)]);
    await a.write([]);
    await a.write([text("again")]);
    const again = await b.read();
    expect(Buffer.from(first!).toString()).toBe("first");
    expect(Buffer.from(again!).toString()).toBe("again");
    expect(b.counters.reads).toBe(2);
  });

  test("64 MiB to a slow reader: the sender waits, and neither side buffers more than its limit", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const part = pattern(MIB);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 64; sent++) await a.write([part]);
      await a.end();
    })();
    await turns();
    expect(await settled(sending)).toBe(false);
    expect(sent).toBeLessThan(16);
    await until(() => b.counters.bufferedRead > 0);

    const hash = new Bun.CryptoHasher("sha1");
    let received = 0;
    for (let chunk = await b.read(); chunk !== null; chunk = await b.read()) {
      hash.update(chunk);
      received += chunk.length;
      // A kernel holds a few MiB of its own; what we hold ourselves is counted below.
      expect(sent * MIB - received).toBeLessThan(16 * MIB);
      if (received % 3 === 0) await turns(1);
    }
    await sending;
    const expected = new Bun.CryptoHasher("sha1");
    for (let i = 0; i < 64; i++) expected.update(part);
    expect(received).toBe(64 * MIB);
    expect(hash.digest("hex")).toBe(expected.digest("hex"));
    expect(b.counters.peakBufferedRead).toBeLessThanOrEqual(DEFAULT_LIMITS.maxBufferedRead);
    expect(a.counters.peakBufferedWrite).toBeLessThanOrEqual(DEFAULT_LIMITS.maxBufferedWrite);
    expect(a.counters).toMatchObject({ bytesOut: 64 * MIB, bytesCopied: 0 });
  });

  test("two sides that both send before they read do not block each other for good", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const bytes = pattern(12 * MIB);
    const sending = Promise.all([a.write([bytes]), b.write([bytes])]);
    await turns();
    expect(await settled(sending)).toBe(false);
    const [atA, atB] = await Promise.all([readBytes(a, bytes.length), readBytes(b, bytes.length)]);
    await sending;
    expect(Buffer.compare(atA, bytes)).toBe(0);
    expect(Buffer.compare(atB, bytes)).toBe(0);
  });

  test("small writes to a peer that does not read fill the slab, then wait", async () => {
    await using pair = await open({ limits: { maxBufferedWrite: 4096, maxBufferedRead: 4096 } });
    const { a, b } = pair;
    const message = pattern(1000);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 20_000; sent++) await a.write([message]);
    })();
    await until(() => a.counters.bufferedWrite > 3000);
    await turns();
    expect(await settled(sending)).toBe(false);
    const stalledAt = sent;
    await turns();
    expect(sent).toBe(stalledAt);
    const got = await readBytes(b, 20_000 * 1000);
    await sending;
    expect(got.length).toBe(20_000 * 1000);
    for (let at = 0; at < got.length; at += 1000) {
      if (Buffer.compare(got.subarray(at, at + 1000), message) !== 0) throw new Error(`message at ${at} is torn`);
    }
    expect(a.counters.peakBufferedWrite).toBeLessThanOrEqual(4096);
  });

  test("concurrent writes are neither torn nor reordered", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const lengths = Array.from({ length: 60 }, (_, i) => [1 + ((i * 37) % 200), (i * 7919 * 31) % 200_000, i % 3]);
    const parts = (i: number) => lengths[i]!.map((length) => new Uint8Array(length).fill(i));
    const writes = lengths.map((_, i) => a.write(parts(i)));
    const total = lengths.flat().reduce((sum, length) => sum + length, 0);
    const got = await readBytes(b, total);
    await Promise.all(writes);
    expect(Buffer.compare(got, Buffer.concat(lengths.flatMap((_, i) => parts(i))))).toBe(0);
  });

  test("more waiting writes than the limit are refused, and leave the others whole", async () => {
    await using pair = await open({ limits: { maxQueuedWrites: 2 } });
    const { a, b } = pair;
    const big = pattern(12 * MIB);
    const writes = [a.write([big]), a.write([text("x")])];
    expect(await rejection(a.write([text("y")]))).toMatchObject({
      code: "transport.full",
      fatal: false,
      fault: "caller",
    });
    expect((await readBytes(b, big.length + 1)).at(-1)).toBe(text("x")[0]!);
    await Promise.all(writes);
  });

  const MESSAGES = 10_000;
  const message = new Uint8Array(16).fill(7);
  const ways: Record<string, (write: (parts: Uint8Array[]) => Promise<void>) => Promise<unknown>> = {
    "as one batch": (write) => write(Array.from({ length: MESSAGES }, () => message)),
    "back to back": (write) => Promise.all(Array.from({ length: MESSAGES }, () => write([message]))),
    "each awaited": async (write) => {
      for (let i = 0; i < MESSAGES; i++) await write([message]);
    },
  };
  test.each(Object.entries(ways))("small messages %s leave in one write per 64 KiB", async (_, send) => {
    await using pair = await open();
    const { a, b } = pair;
    await send((parts) => a.write(parts));
    expect((await readBytes(b, MESSAGES * 16)).length).toBe(MESSAGES * 16);
    expect(a.counters.writes).toBeLessThanOrEqual(Math.ceil((MESSAGES * 16) / FLUSH_AT));
    expect(a.counters.bytesCopied).toBe(MESSAGES * 16);
  });

  test("a large part goes by reference behind the small ones that came before it", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const header = text("12345678");
    const body = pattern(100_000);
    await a.write([header, body]);
    await a.write([header]);
    const got = await readBytes(b, 100_016);
    expect(Buffer.compare(got, Buffer.concat([header, body, header]))).toBe(0);
    expect(a.counters).toMatchObject({ bytesCopied: 16, writes: 3 });
  });

  test("single bytes are bounded by their number too", async () => {
    await using pair = await open({ limits: { maxBufferedChunks: 4 } });
    const { a, b } = pair;
    for (let i = 0; i < 12; i++) {
      await a.write([Uint8Array.of(i)]);
      await turns(3);
    }
    // Four chunks wait here, and the rest is under way as one.
    expect(b.counters.reads).toBe(4);
    expect([...(await readBytes(b, 12))]).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test("an endless loop of awaited writes lets the event loop turn", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const draining = readBytes(b, 8 * MIB);
    let turned = 0;
    const count = () => {
      turned += 1;
      if (turned < 1000) setImmediate(count);
    };
    setImmediate(count);
    const part = new Uint8Array(16 * 1024);
    for (let i = 0; i < 512; i++) await a.write([part]);
    expect(turned).toBeGreaterThanOrEqual(7);
    await draining;
  });

  test(`says who it talks to (${kind})`, async () => {
    await using pair = await open();
    const tcp = /^tcp:\/\/127\.0\.0\.1:\d+$/;
    const shape = { tcp, tls: tcp, unix: /^unix:\/.+\/s$/, memory: /^memory:[ab]$/ }[kind];
    expect(pair.a.peer).toMatch(shape!);
    expect(pair.a.peer).toBe(pair.b.local);
  });
});
