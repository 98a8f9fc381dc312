import { describe, expect, test } from "bun:test";
import { ManualClock } from "./manual-clock.ts";
import { KINDS, pattern, readBytes, rejection, settled, text, turns } from "./pairs.ts";

const MIB = 1024 * 1024;

describe.each(Object.entries(KINDS))("%s", (_, open) => {
  test("read: not fatal, says what it waited for, loses nothing", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a, b } = pair;
    const reading = rejection(b.read(50));
    clock.advance(49);
    expect(await settled(reading)).toBe(false);
    clock.advance(1);
    const error = await reading;
    expect(error).toMatchObject({ code: "transport.deadline", fatal: false, fault: "transport" });
    expect((error as Error).message).toBe(`[transport.deadline] nothing came from ${b.peer} in 50 ms, after 0 bytes`);
    await a.write([text("late")]);
    expect((await readBytes(b, 4)).toString()).toBe("late");
    expect(clock.pending).toBe(0);
  });

  test("read: a deadline of 0 takes only what is there", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a, b } = pair;
    const none = rejection(b.read(0));
    clock.advance(0);
    expect(await none).toMatchObject({ code: "transport.deadline" });
    await a.write([text("here")]);
    await turns();
    expect(await b.read(0)).toHaveLength(4);
  });

  test("write: after its first byte it poisons the connection", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a, b } = pair;
    const writing = rejection(a.write([pattern(16 * MIB)], 50));
    const behind = rejection(a.write([text("behind it")], 1000));
    await turns();
    clock.advance(50);
    const error = await writing;
    expect(error).toMatchObject({ code: "transport.deadline", fatal: true, fault: "transport" });
    expect((error as Error).message).toMatch(/ took \d+ of the 16777216 bytes of a write in 50 ms$/);
    expect(await behind).toBe(error);
    expect(await rejection(a.write([text("x")]))).toBe(error);
    expect(await a.closed).toEqual({ kind: "aborted", error: error as never });
    // A Unix socket reports the close behind the bytes, so they have to be read to learn of it.
    await readBytes(b).catch(() => {});
    expect(await b.closed).not.toMatchObject({ kind: "ended" });
    expect(clock.pending).toBe(0);
  });

  test("write: before its first byte it is withdrawn whole", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a, b } = pair;
    const first = pattern(16 * MIB);
    const writing = a.write([first], Number.POSITIVE_INFINITY);
    const withdrawn = rejection(a.write([text("never"), pattern(100_000)], 50));
    const last = a.write([text("last")], 1000);
    await turns();
    clock.advance(50);
    expect(await withdrawn).toMatchObject({ code: "transport.deadline", fatal: false });
    const got = await readBytes(b, first.length + 4);
    await Promise.all([writing, last]);
    expect(Buffer.compare(got, Buffer.concat([first, text("last")]))).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("end: bytes that nobody takes are fatal", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock, limits: { maxBufferedRead: 1 } });
    const { a } = pair;
    const writing = rejection(a.write([pattern(16 * MIB)], Number.POSITIVE_INFINITY));
    const ending = rejection(a.end(70));
    await turns();
    clock.advance(70);
    expect(await ending).toMatchObject({ code: "transport.deadline", fatal: true });
    expect(await writing).toBe(await ending);
    expect((await a.closed).kind).toBe("aborted");
  });

  test("close: a peer that does not end is dropped", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a, b } = pair;
    await b.write([text("one more thing")]);
    const closing = rejection(a.close(80));
    await turns();
    clock.advance(80);
    const error = await closing;
    expect((error as Error).message).toBe(`[transport.deadline] ${a.peer} did not end its side in 80 ms`);
    expect(await a.closed).toEqual({ kind: "aborted", error: error as never });
    expect(await b.closed).not.toMatchObject({ kind: "ended" });
  });

  test("end: a second call has a deadline of its own", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock, limits: { maxBufferedRead: 1 } });
    const { a } = pair;
    const writing = rejection(a.write([pattern(16 * MIB)], Number.POSITIVE_INFINITY));
    const endings = [rejection(a.end(1000)), rejection(a.end(70))];
    await turns();
    clock.advance(70);
    const error = await writing;
    expect((error as Error).message).toBe(`[transport.deadline] ${a.peer} did not take the last bytes in 70 ms`);
    for (const each of endings) expect(await each).toBe(error);
    expect(clock.pending).toBe(0);
  });

  test("close: a second call has a deadline of its own", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const { a } = pair;
    const [first, second] = [a.close(1000), rejection(a.close(80))];
    await turns();
    clock.advance(80);
    const error = await second;
    expect((error as Error).message).toBe(`[transport.deadline] ${a.peer} did not end its side in 80 ms`);
    expect(await first).toEqual({ kind: "aborted", error: error as never });
    expect(clock.pending).toBe(0);
  });

  test("a call that names no deadline has the connection's", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock, limits: { deadlineMs: 7 } });
    const reading = rejection(pair.a.read());
    clock.advance(7);
    expect(await reading).toMatchObject({ code: "transport.deadline" });
  });

  test.each([-1, Number.NaN])("%p is not a deadline", async (deadlineMs) => {
    await using pair = await open();
    const { a } = pair;
    for (const call of [a.read(deadlineMs), a.write([text("x")], deadlineMs), a.end(deadlineMs), a.close(deadlineMs)]) {
      expect(await rejection(call)).toMatchObject({ code: "state", fault: "caller", fatal: false });
    }
    expect(a.counters.bytesOut).toBe(0);
  });

  test("Infinity sets no timer", async () => {
    const clock = new ManualClock();
    await using pair = await open({ clock });
    const reading = pair.b.read(Number.POSITIVE_INFINITY);
    expect(clock.pending).toBe(0);
    await pair.a.write([text("x")]);
    expect(await reading).toHaveLength(1);
  });
});
