import { describe, expect, test } from "bun:test";
import { prepareTp, type TpHeader, type TpMessage } from "@tensorwire/tp-control";
import { type Chunking, type Connection, memoryPair } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { RankLostError } from "../stage-lost.ts";
import { rejection } from "../testing.ts";
import { TpLeader } from "./leader.ts";
import { callOf, turns } from "./testing.ts";
import { TpWorker, type TpWorkerOptions } from "./worker.ts";

const ids = (call: bigint, action: TpHeader["action"] = "INFER"): TpHeader => ({
  call_id: call,
  chunk_index: 0n,
  control_epoch: call,
  cache_epoch: 0n,
  action,
});
const infer = (call: bigint, value = 1): Uint8Array<ArrayBuffer> => {
  const tensors = [{ key: "x", dtype: "float32", shape: [2], data: Float32Array.of(value, value) }];
  return new Uint8Array(Buffer.concat(prepareTp({ header: ids(call), manifest: {}, tensors }).buffers as Uint8Array[]));
};
const shutdown = (call: bigint) => prepareTp({ header: ids(call, "SHUTDOWN") }).buffers;

function start(options: TpWorkerOptions = {}, work: Parameters<TpWorker["run"]>[0] = () => {}) {
  const [leader, end] = memoryPair();
  const worker = new TpWorker(end, options);
  const done: TpMessage[] = [];
  const running = worker.run((message, signal) => {
    done.push(message);
    return work(message, signal);
  });
  running.catch(() => {});
  return { leader, end, worker, done, running };
}

/** Ends a leader's side well, once the worker has ended. */
async function finish(leader: Connection, running: Promise<void>): Promise<void> {
  await leader.close();
  await running;
}

describe("a worker", () => {
  test("serves until SHUTDOWN and sends nothing of its own", async () => {
    const { leader, end, done, running } = start();
    await leader.write([infer(1n)]);
    await leader.write(prepareTp({ header: ids(2n, "NOOP") }).buffers);
    await leader.write([infer(3n, 7)]);
    await leader.write(shutdown(4n));
    await finish(leader, running);
    expect(done.map(({ header }) => header.call_id)).toEqual([1n, 2n, 3n]);
    expect(done[2]).toMatchObject({ tensors: [{ data: new Uint8Array(Float32Array.of(7, 7).buffer) }] });
    expect(end.counters.bytesOut).toBe(0);
  });

  test("follows a leader, byte by byte", async () => {
    const [connection, end] = memoryPair({ chunking: () => 1 });
    const done: bigint[] = [];
    const running = new TpWorker(end).run(({ header }) => void done.push(header.call_id));
    const leader = new TpLeader([{ rank: 1, connection }]);
    for (const chunk of [0n, 1n, 2n]) await leader.infer(callOf(chunk));
    await leader.shutdown();
    await running;
    expect(done).toEqual([1n, 2n, 3n]);
  });

  test("tp-session.call-id.duplicate: does a repeated call once", async () => {
    const { leader, worker, done, running } = start();
    await leader.write([infer(1n), infer(1n)]);
    await leader.write(shutdown(2n));
    await finish(leader, running);
    expect(done).toHaveLength(1);
    expect(worker.duplicates).toBe(1);
  });

  test("takes no memory for what is promised: 48 bytes cost a terabyte nothing", async () => {
    const { leader, done, running } = start();
    const bomb = infer(1n).slice(0, 48);
    new DataView(bomb.buffer).setBigUint64(40, 1n << 40n);
    await leader.write([bomb]);
    expect(await rejection(running)).toMatchObject({
      rank: 0,
      message: expect.stringContaining("[oversize.declared]"),
    });
    expect(done).toEqual([]);
  });
});

describe("behind SHUTDOWN", () => {
  test("tp-session.shutdown.last: a byte is a breach, in the same chunk or in a later one", async () => {
    for (const later of [false, true]) {
      const { leader, running } = start();
      const end = Buffer.concat(shutdown(1n) as Uint8Array[]);
      await leader.write(later ? [end] : [end, Uint8Array.of(9)]);
      if (later) {
        await turns();
        await leader.write([Uint8Array.of(9)]);
      }
      expect(await rejection(running)).toMatchObject({ rank: 0, calls: [1n], cause: { code: "state", offset: 41 } });
    }
  });

  test("the worker ends first, and a leader that does not is lost at the deadline", async () => {
    const clock = new ManualClock();
    const { leader, running } = start({ messageMs: 50, clock });
    await leader.write(shutdown(1n));
    expect(await leader.read()).toBeNull();
    clock.advance(50);
    expect(await rejection(running)).toMatchObject({
      message: expect.stringContaining("no end behind SHUTDOWN in 50 ms"),
    });
    expect(clock.pending).toBe(0);
  });

  test("a leader that resets is no loss", async () => {
    const { leader, running } = start();
    await leader.write(shutdown(1n));
    await turns();
    leader.abort();
    await running;
  });
});

test("each message is told in its turn, SHUTDOWN too, and what was whole before a breach", async () => {
  const taken: string[] = [];
  const { leader, running } = start({ taken: ({ header }) => void taken.push(`${header.call_id} ${header.action}`) });
  await leader.write([infer(1n), infer(1n), infer(2n), ...shutdown(3n), Uint8Array.of(0)]);
  expect(await rejection(running)).toMatchObject({ calls: [3n] });
  expect(taken).toEqual(["1 INFER", "2 INFER", "3 SHUTDOWN"]);
});

describe("tp-session.eof: a leader that is gone", () => {
  const whole = infer(2n);
  const steps: [string, number][] = [
    ["before the header", 0],
    ["inside the header", 17],
    ["between header and frame", 40],
    ["inside the prefix", 44],
    ["inside the manifest", 60],
    ["inside a tensor", whole.length - 3],
  ];
  test.each(steps)("%s: the worker ends, and delivers nothing of the call", async (_, quota) => {
    for (const end of ["end", "abort"] as const) {
      const { leader, done, running } = start({ leader: 4 });
      await leader.write([infer(1n), whole.subarray(0, quota)]);
      await turns();
      await leader[end]();
      expect(await rejection(running)).toMatchObject({ name: "RankLostError", rank: 4, calls: [1n] });
      expect(done.map(({ header }) => header.call_id)).toEqual([1n]);
    }
  });

  test("silent between messages: the worker ends at its deadline", async () => {
    const clock = new ManualClock();
    const { leader, running } = start({ silenceMs: 100, clock });
    await leader.write([infer(1n)]);
    await turns();
    clock.advance(99);
    await turns();
    clock.advance(1);
    expect(await rejection(running)).toMatchObject({
      calls: [1n],
      message: expect.stringContaining("no message in 100 ms"),
    });
    expect(clock.pending).toBe(0);
  });

  test("trickling: bytes inside a message do not put off its deadline", async () => {
    const clock = new ManualClock();
    const { leader, running } = start({ silenceMs: 100, messageMs: 50, clock });
    for (const byte of infer(1n).subarray(0, 5)) {
      await leader.write([Uint8Array.of(byte)]);
      await turns();
      clock.advance(10);
    }
    expect(await rejection(running)).toMatchObject({ message: expect.stringContaining("no whole message in 50 ms") });
  });

  test("while a call is at work: its signal fires, and the worker does not wait for it", async () => {
    const stuck = Promise.withResolvers<AbortSignal>();
    const { leader, running } = start({}, (_, signal) => {
      stuck.resolve(signal);
      return new Promise(() => {});
    });
    await leader.write([infer(1n)]);
    const signal = await stuck.promise;
    expect(signal.aborted).toBeFalse();
    leader.abort();
    expect(await rejection(running)).toMatchObject({ rank: 0, calls: [1n] });
    expect(signal.aborted).toBeTrue();
  });
});

describe("a call at work", () => {
  test("hears of SHUTDOWN by its signal, and may finish", async () => {
    const { leader, running } = start({}, (_, signal) => {
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    });
    await leader.write([infer(1n)]);
    await turns();
    await leader.write(shutdown(2n));
    await finish(leader, running);
  });

  test("that is not done in time ends the worker, and is no loss of the leader", async () => {
    const clock = new ManualClock();
    const { leader, end, running } = start({ callMs: 100, clock }, () => new Promise(() => {}));
    await leader.write([infer(1n)]);
    await turns();
    clock.advance(100);
    const why = await rejection(running);
    expect(why).toMatchObject({
      code: "transport.deadline",
      message: expect.stringContaining("call 1 not done in 100 ms"),
    });
    expect(why).not.toBeInstanceOf(RankLostError);
    expect(await end.closed).toMatchObject({ kind: "aborted" });
  });

  test("that throws ends the worker with what it threw", async () => {
    const { leader, running } = start({}, () => {
      throw new Error("device lost");
    });
    await leader.write([infer(1n)]);
    expect(await rejection(running)).toMatchObject({ message: "device lost" });
  });

  test("holds back what comes behind it: the leader feels it", async () => {
    const gate = Promise.withResolvers<void>();
    const [leader, end] = memoryPair({ capacity: 4096, limits: { maxBufferedRead: 4096, maxBufferedWrite: 4096 } });
    const running = new TpWorker(end, { maxAhead: 4096 }).run(() => gate.promise);
    let written = 0;
    const writing = (async () => {
      for (let call = 1n; call <= 2000n; call++) {
        await leader.write([infer(call)]);
        written++;
      }
      await leader.write(shutdown(2001n));
    })();
    await turns(300);
    expect(written).toBeLessThan(2000);
    gate.resolve();
    await writing;
    await finish(leader, running);
  });
});

describe("what comes behind a call at work", () => {
  /** A worker whose first call waits for the test, with or without its signal. */
  function atWork(options: TpWorkerOptions = {}, chunking?: Chunking) {
    const [leader, end] = memoryPair(chunking && { chunking });
    const began = Promise.withResolvers<AbortSignal>();
    const gate = Promise.withResolvers<void>();
    const done: bigint[] = [];
    const running = new TpWorker(end, options).run(({ header }, signal) => {
      done.push(header.call_id);
      if (done.length > 1) return;
      began.resolve(signal);
      signal.addEventListener("abort", () => gate.resolve(), { once: true });
      return gate.promise;
    });
    running.catch(() => {});
    return { leader, end, done, running, signal: began.promise, finishCall: () => gate.resolve() };
  }
  const noop = (call: bigint) => Buffer.concat(prepareTp({ header: ids(call, "NOOP") }).buffers as Uint8Array[]);
  const size = infer(1n).length;

  /** A worker at its first call, with these messages behind it, which do not end the call. */
  async function atWorkBefore(messages: readonly Uint8Array<ArrayBuffer>[]) {
    const { signal, ...parts } = atWork();
    await parts.leader.write([infer(1n)]);
    const heard = await signal;
    for (const message of messages) {
      await parts.leader.write([message]);
      await turns();
    }
    expect(heard.aborted).toBeFalse();
    return { ...parts, heard };
  }

  const behind: [string, Uint8Array<ArrayBuffer>[], bigint[]][] = [
    ["the next call", [infer(2n)], [1n, 2n]],
    ["a NOOP", [noop(2n)], [1n, 2n]],
    ["signs of life", [noop(1n), noop(1n), noop(1n)], [1n]],
    ["calls and a part of one", [infer(2n), infer(3n), infer(4n).subarray(0, 50)], []],
  ];

  test.each(behind)("tp-session.eof: a leader that is gone behind %s is seen at once", async (_, messages) => {
    for (const how of ["abort", "end"] as const) {
      const { leader, done, running, heard } = await atWorkBefore(messages);
      await leader[how]();
      expect(await rejection(running)).toMatchObject({ name: "RankLostError", rank: 0, calls: [1n] });
      expect(heard.aborted).toBeTrue();
      expect(done).toEqual([1n]);
    }
  });

  test.each(behind.slice(0, 3))("SHUTDOWN behind %s is told to the call", async (_, messages, calls) => {
    const { leader, done, running, heard } = await atWorkBefore(messages);
    await leader.write(shutdown(calls.at(-1)! + 1n));
    await finish(leader, running);
    expect(heard.aborted).toBeTrue();
    expect(done).toEqual(calls);
  });

  test("is read up to maxAhead and no further, and signs of life do not count", async () => {
    for (const [maxAhead, read] of [
      [1, 1],
      [size, 1],
      [size + 1, 2],
    ] as const) {
      const { leader, end, done, running, signal, finishCall } = atWork({ maxAhead }, () => size);
      await leader.write([infer(1n)]);
      await signal;
      for (let sign = 0; sign < 5; sign++) await leader.write([infer(1n)]);
      await turns();
      expect(end.counters.bufferedRead).toBe(0);
      for (const call of [2n, 3n, 4n, 5n]) await leader.write([infer(call)]);
      await turns();
      expect(end.counters.bufferedRead).toBe((4 - read) * size);
      finishCall();
      await leader.write(shutdown(6n));
      await finish(leader, running);
      expect(done).toEqual([1n, 2n, 3n, 4n, 5n]);
    }
  });

  test("leaves room as it is done, and not only when all of it is", async () => {
    const [leader, end] = memoryPair({ chunking: () => size });
    const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
    let at = 0;
    const running = new TpWorker(end, { maxAhead: 3 * size }).run(() => gates[at++]!.promise);
    for (const call of [1n, 2n, 3n, 4n, 5n, 6n]) await leader.write([infer(call)]);
    const left: number[] = [];
    for (const { resolve } of gates) {
      await turns();
      left.push(end.counters.bufferedRead / size);
      resolve();
    }
    // A message counts until the one behind it is taken.
    expect(left).toEqual([2, 2, 1, 0, 0, 0]);
    await leader.write(shutdown(7n));
    await finish(leader, running);
  });

  test("is read up to a thousand messages: one of 40 bytes is no small thing here", async () => {
    const { leader, end, done, running, signal, finishCall } = atWork({}, () => 40);
    await leader.write([infer(1n)]);
    await signal;
    for (let call = 2n; call < 2n + 1024n; call++) await leader.write([noop(call)]);
    await turns();
    expect(end.counters.bufferedRead).toBe(0);
    await leader.write([noop(1026n)]);
    await turns();
    expect(end.counters.bufferedRead).toBe(40);
    finishCall();
    await leader.write(shutdown(1027n));
    await finish(leader, running);
    expect(done).toHaveLength(1026);
  });

  test("and is held back is no hiding place: a reset behind it is seen, and what came before it is read", async () => {
    for (const ended of [false, true]) {
      const { leader, end, done, running, signal } = atWork({ maxAhead: 1 }, () => size);
      await leader.write([infer(1n)]);
      const heard = await signal;
      for (const call of [2n, 3n]) await leader.write([infer(call)]);
      if (ended) await leader.write(shutdown(4n));
      await turns();
      expect(end.counters.bufferedRead).toBeGreaterThan(0);
      expect(heard.aborted).toBeFalse();
      leader.abort();
      if (ended) await running;
      else expect(await rejection(running)).toMatchObject({ rank: 0, calls: [1n] });
      expect(heard.aborted).toBeTrue();
      expect(done).toEqual(ended ? [1n, 2n, 3n] : [1n]);
    }
  });

  test("may be the beginning of a message: the time at work does not count for it", async () => {
    for (const late of [false, true]) {
      const clock = new ManualClock();
      const { leader, running, signal, finishCall } = atWork({ messageMs: 50, clock });
      const next = infer(2n);
      await leader.write([infer(1n), next.subarray(0, 60)]);
      await signal;
      clock.advance(200);
      finishCall();
      await turns();
      clock.advance(49);
      await turns();
      if (late) {
        clock.advance(1);
        expect(await rejection(running)).toMatchObject({ why: expect.stringContaining("no whole message in 50 ms") });
      } else {
        await leader.write([next.subarray(60), ...shutdown(3n)]);
        await finish(leader, running);
      }
    }
  });
});

test("a wait that is no deadline, and a bound that is no count, are refused at once", () => {
  const [end] = memoryPair();
  for (const name of ["silenceMs", "messageMs", "callMs"]) {
    for (const ms of [Number.NaN, -1]) {
      expect(() => new TpWorker(end, { [name]: ms })).toThrow(`${name}: expected 0 or more milliseconds, or Infinity`);
    }
  }
  expect(() => new TpWorker(end, { maxAhead: 0 })).toThrow("limit maxAhead cannot be 0");
});
