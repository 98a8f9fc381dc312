import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { connect } from "./connect.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { fulfilment, readBytes, rejection, text, turns, until } from "./pairs.ts";
import type { TlsOptions } from "./tls-files.ts";
import { TlsSet } from "./tls-set.ts";

/** What a plain TCP socket without any TLS gets from a listener: the bytes, and how it ended. */
interface Stranger {
  readonly got: number[];
  readonly gone: Promise<void>;
  send(bytes: Uint8Array): void;
}

async function stranger({ address }: Listener): Promise<Stranger> {
  if (address.kind !== "tcp") throw new Error("a TCP listener was expected");
  const got: number[] = [];
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let rest: Uint8Array = new Uint8Array(0);
  const socket = await Bun.connect({
    hostname: address.host,
    port: address.port,
    socket: {
      data: (_, bytes) => void got.push(...bytes),
      drain: (socket) => {
        rest = rest.subarray(Math.max(0, socket.write(rest)));
      },
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  const send = (bytes: Uint8Array) => {
    rest = bytes.subarray(Math.max(0, socket.write(bytes)));
  };
  return { got, gone, send };
}

/** Bytes above TLS would be in a record of application data, and there is none before a handshake. */
function applicationBytes({ got }: Stranger): boolean {
  return got.length > 0 && got[0] !== 21;
}

const ALERT_BYTES = 7;

/** The header of a handshake record of 16 KiB. */
const HELLO_RECORD = Buffer.of(0x16, 3, 1, 0x40, 0);
/** A record with the first 4 bytes of a hello of 16,128, and one with 200 more. */
const HELLO_BEGINS = Uint8Array.of(0x16, 3, 1, 0, 4, 1, 0, 0x3f, 0);
const HELLO_GOES_ON = Buffer.concat([Buffer.of(0x16, 3, 1, 0, 200), Buffer.alloc(200)]);

async function withListener(
  options: Partial<ListenOptions>,
  use: (listener: Listener, files: TlsOptions) => Promise<void>,
  clients = 1,
): Promise<void> {
  using set = await TlsSet.create();
  const taken: string[] = [];
  const onConnection = (each: { peer: string; write(parts: Uint8Array[]): Promise<void> }) => {
    taken.push(each.peer);
    return each.write([text("welcome")]);
  };
  const listener = await listen(undefined, { tls: set.node, onConnection, ...options });
  try {
    await use(listener, set.node);
    // Whatever strangers did, a good client gets in, and only good ones did.
    const client = await connect(listener.address, { tls: set.node });
    expect((await readBytes(client, 7)).toString()).toBe("welcome");
    expect(taken).toHaveLength(clients);
    expect(taken.at(-1)).toBe(client.local);
    client.abort("the test has seen enough");
  } finally {
    listener.stop();
    for (const connection of listener.connections) connection.abort("the test is over");
  }
}

describe("r[link.tls.limits] a stranger without TLS", () => {
  test("who says nothing is dropped at the deadline, having got nothing", async () => {
    const clock = new ManualClock();
    const refusals: Error[] = [];
    await withListener({ clock, handshakeMs: 70, onRefused: (error) => refusals.push(error) }, async (listener) => {
      const silent = await stranger(listener);
      await until(() => clock.pending === 1);
      clock.advance(69);
      expect(listener.refused).toBe(0);
      clock.advance(1);
      expect(listener.refused).toBe(1);
      await silent.gone;
      expect(silent.got).toEqual([]);
      expect(refusals[0]).toMatchObject({ code: "transport.deadline", fault: "peer" });
      expect(refusals[0]!.message).toEndWith("its TLS handshake was not done in 70 ms");
    });
  });

  test("who sends half a hello gets nothing either", async () => {
    const clock = new ManualClock();
    await withListener({ clock }, async (listener) => {
      const slow = await stranger(listener);
      slow.send(Uint8Array.of(0x16, 3, 1, 0x02, 0x00, 1));
      await until(() => clock.pending === 1);
      clock.advance(5000);
      expect(listener.refused).toBe(1);
      await slow.gone;
      expect(slow.got).toEqual([]);
    });
  });

  test.each([
    ["garbage", text("PP or TP, whichever you speak")],
    ["a request of HTTP", text("GET / HTTP/1.1\r\nHost: stage\r\n\r\n")],
    ["a header of ours", new Uint8Array(40)],
    ["a megabyte of garbage", new Uint8Array(1024 * 1024).fill(0x41)],
    ["a megabyte of handshake records", Buffer.alloc(1024 * 1024, Buffer.concat([HELLO_RECORD, Buffer.alloc(16_384)]))],
  ])("who sends %s gets an alert at most", async (_, bytes) => {
    await withListener({}, async (listener) => {
      const loud = await stranger(listener);
      loud.send(bytes);
      await loud.gone;
      expect(applicationBytes(loud)).toBe(false);
      expect(loud.got.length).toBeLessThanOrEqual(ALERT_BYTES);
      await until(() => listener.refused === 1);
    });
  });

  test("who drips a handshake record by record is dropped at the limit", async () => {
    const refusals: Error[] = [];
    const options = { maxHandshakeBytes: 4096, onRefused: (error: Error) => refusals.push(error) };
    await withListener(options, async (listener) => {
      const drip = await stranger(listener);
      drip.send(HELLO_BEGINS);
      for (let sent = 0; refusals.length === 0 && sent < 4 * 4096; sent += HELLO_GOES_ON.length) {
        drip.send(HELLO_GOES_ON);
        await turns();
      }
      expect(refusals).toHaveLength(1);
      await drip.gone;
      expect(drip.got).toEqual([]);
      expect(refusals[0]).toMatchObject({ code: "transport.reset", fault: "peer" });
      expect(refusals[0]!.message).toEndWith("it sent over 4096 bytes before its handshake was done");
    });
  });

  test("who hangs up at once leaves nothing behind", async () => {
    const clock = new ManualClock();
    await withListener({ clock }, async (listener) => {
      (await connect(listener.address)).abort();
      await until(() => listener.refused === 1);
      expect(clock.pending).toBe(0);
    });
  });
});

describe("r[link.tls.limits] handshakes at a time", () => {
  test("an idle stranger keeps nobody out", async () => {
    await withListener({}, async (listener) => {
      await stranger(listener);
    });
  });

  test.each([
    ["2, as it is told", 2, { maxHandshakes: 2 }],
    ["64, unless it is told", 64, {}],
  ])("for one more than %s, the one that has taken longest is dropped", async (_, limit, told) => {
    const clock = new ManualClock();
    const refusals: Error[] = [];
    const options = { ...told, clock, onRefused: (error: Error) => refusals.push(error) };
    await withListener(options, async (listener) => {
      const idle: Stranger[] = [];
      while (idle.length < limit) {
        idle.push(await stranger(listener));
        await until(() => clock.pending === idle.length || refusals.length > 0);
        expect(refusals).toEqual([]);
      }
      idle.push(await stranger(listener));
      await until(() => clock.pending > limit || refusals.length > 0);
      expect(clock.pending).toBe(limit);
      const gone = idle.map(async (each) => {
        await each.gone;
        return each;
      });
      expect(await Promise.race(gone)).toBe(idle[0]!);
      expect(idle[0]!.got).toEqual([]);
      expect(refusals[0]).toMatchObject({ code: "transport.full", fault: "peer" });
      expect(refusals[0]!.message).toEndWith(`over ${limit} TLS handshakes are under way, and its has taken longest`);
      expect(listener.refused).toBe(1);
    });
  });

  test("take no place of a connection, and a connection that stands has one", async () => {
    await withListener(
      { maxConnections: 1 },
      async (listener, tls) => {
        await Promise.all([stranger(listener), stranger(listener)]);
        const first = await fulfilment(connect(listener.address, { tls }));
        await until(() => listener.connections.size === 1);
        const second = connect(listener.address, { tls }).then((connection) => connection.read());
        expect(await rejection(second)).toBeInstanceOf(WireError);
        expect(listener.turnedAway).toBe(1);
        first.abort("its place is for the next");
        await until(() => listener.connections.size === 0);
      },
      2,
    );
  });

  test("end with the listener, and are no refusals", async () => {
    using set = await TlsSet.create();
    const clock = new ManualClock();
    const listener = await listen(undefined, { clock, tls: set.node, onConnection: () => {} });
    const waiting = await stranger(listener);
    await until(() => clock.pending === 1);
    listener.stop();
    await waiting.gone;
    expect(clock.pending).toBe(0);
    expect(listener.refused).toBe(0);
  });
});
