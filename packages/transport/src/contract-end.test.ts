import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { KINDS, pattern, readBytes, rejection, text, turns, until } from "./pairs.ts";

const MIB = 1024 * 1024;

describe.each(Object.entries(KINDS))("%s", (kind, open) => {
  test("after the peer's end this side still sends, in either role", async () => {
    for (const swap of [false, true]) {
      await using pair = await open();
      const [first, second] = swap ? [pair.b, pair.a] : [pair.a, pair.b];
      await first.write([text("last words")]);
      await first.end();
      expect((await readBytes(second)).toString()).toBe("last words");
      const answer = pattern(2 * MIB);
      const sending = second.write([answer]);
      expect(Buffer.compare(await readBytes(first, answer.length), answer)).toBe(0);
      await sending;
      await second.end();
      expect(await first.read()).toBeNull();
      expect(await Promise.all([first.closed, second.closed])).toEqual([
        { kind: "ended", error: null },
        { kind: "ended", error: null },
      ]);
    }
  });

  test("the end comes after every byte, and stays", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const bytes = pattern(6 * MIB);
    const sending = Promise.all([a.write([bytes]), a.write([text("tail")]), a.end()]);
    await turns();
    const got = await readBytes(b);
    await sending;
    expect(got.length).toBe(bytes.length + 4);
    expect(got.subarray(-4).toString()).toBe("tail");
    expect(await b.read()).toBeNull();
    expect(await b.read()).toBeNull();
  });

  test("a read that waits gets the end", async () => {
    await using pair = await open();
    const reading = pair.b.read();
    await pair.a.end();
    expect(await reading).toBeNull();
  });

  test("bytes that wait when both sides have ended can still be read", async () => {
    await using pair = await open();
    const { a, b } = pair;
    await a.write([text("unread")]);
    await Promise.all([a.end(), b.end()]);
    await Promise.all([a.closed, b.closed]);
    expect((await readBytes(b)).toString()).toBe("unread");
    expect(await rejection(b.write([text("x")]))).toMatchObject({ code: "transport.closed" });
  });

  test("a write after end() is refused, end() again is not", async () => {
    await using pair = await open();
    await pair.a.end();
    expect(await rejection(pair.a.write([text("x")]))).toMatchObject({ code: "state", fault: "caller", fatal: false });
    await pair.a.end();
  });

  test("abort() rejects what waits here, and drops what was not read", async () => {
    await using pair = await open();
    const { a, b } = pair;
    await b.write([text("unread")]);
    await until(() => a.counters.bytesIn > 0);
    const writing = rejection(a.write([pattern(16 * MIB)]));
    a.abort("enough");
    const aborted = { code: "transport.closed", fatal: true, fault: "transport" };
    expect(await writing).toMatchObject(aborted);
    expect(await rejection(a.read())).toMatchObject(aborted);
    expect(await rejection(a.write([text("x")]))).toMatchObject(aborted);
    expect(await rejection(a.end())).toMatchObject(aborted);
    expect(await a.closed).toMatchObject({ kind: "aborted", error: { message: "[transport.closed] enough" } });
    a.abort("twice");
    expect(await a.close()).toBe(await a.closed);
  });

  test("the peer sees an abort, whether it reads or writes", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const reading = b.read().catch((error: unknown) => error);
    await turns();
    a.abort();
    const seen = await reading;
    const reason = await b.closed;
    if (kind === "unix") {
      // No reset on a Unix socket with nothing unread: an end, and a connection that is known to be closed.
      expect(seen).toBeNull();
      expect(reason).toMatchObject({ kind: "peer-closed", error: { code: "transport.closed" } });
      await b.end();
    } else {
      expect(seen).toMatchObject({ code: "transport.reset", fatal: true });
      expect(reason).toMatchObject({ kind: "failed", error: { code: "transport.reset" } });
    }
    expect(await rejection(b.write([text("x")]))).toBeInstanceOf(WireError);
  });

  test("an abort with bytes unread on the aborting side is a failure on every kind", async () => {
    await using pair = await open({ limits: { maxBufferedRead: 1 } });
    const { a, b } = pair;
    const writing = rejection(b.write([pattern(16 * MIB)]));
    await until(() => a.counters.bufferedRead > 0);
    a.abort();
    // Over a Unix socket it depends on who asks first whether the kernel says reset or broken pipe.
    const code = kind === "unix" ? expect.stringMatching(/^transport\.(reset|closed)$/) : "transport.reset";
    expect(await writing).toMatchObject({ code, fatal: true });
    expect(await b.closed).toMatchObject({ kind: "failed", error: { code } });
  });

  test("what arrived before a reset is handed out before the error", async () => {
    await using pair = await open({ limits: { maxBufferedRead: 1 } });
    const { a, b } = pair;
    await a.write([text("kept")]);
    await until(() => b.counters.bytesIn === 4);
    await b.write([pattern(65_536)]);
    await until(() => a.counters.bytesIn > 0);
    await b.write([text("never read")]);
    await turns();
    a.abort();
    await b.closed;
    expect((await readBytes(b, 4)).toString()).toBe("kept");
    expect(await rejection(b.read())).toMatchObject({ code: "transport.reset" });
  });

  test("close() on both sides flushes and ends in order", async () => {
    await using pair = await open();
    const { a, b } = pair;
    await a.write([text("bye")]);
    const closing = a.close();
    expect((await readBytes(b)).toString()).toBe("bye");
    expect(await b.close()).toEqual({ kind: "ended", error: null });
    expect(await closing).toEqual({ kind: "ended", error: null });
  });

  test("close() throws away what the peer still sends, and refuses to read", async () => {
    await using pair = await open();
    const { a, b } = pair;
    const waiting = rejection(a.read());
    const closing = a.close();
    expect(await waiting).toMatchObject({ code: "transport.closed" });
    expect(await rejection(a.read())).toMatchObject({ code: "state" });
    await b.write([pattern(8 * MIB)]);
    await b.end();
    expect(await closing).toEqual({ kind: "ended", error: null });
    expect(a.counters).toMatchObject({ bytesIn: 8 * MIB, bufferedRead: 0 });
  });

  test("one read at a time", async () => {
    await using pair = await open();
    const first = pair.b.read();
    expect(await rejection(pair.b.read())).toMatchObject({ code: "state", fault: "caller", fatal: false });
    await pair.a.write([text("x")]);
    expect(await first).toHaveLength(1);
  });
});
