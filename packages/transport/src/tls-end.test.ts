import { describe, expect, test } from "bun:test";
import { type Address, formatAddress } from "./address.ts";
import { connect } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { listen } from "./listen.ts";
import { fulfilment, pattern, readBytes, rejection, text, until } from "./pairs.ts";
import { TlsSet } from "./tls-set.ts";

/** Somebody between two ends who sees ciphertext only: he can cut it, reset it or change it. */
interface Middle extends Disposable {
  readonly a: Connection;
  readonly b: Connection;
  /** Ends the TCP stream towards `b`, as anybody on the way can. */
  cut(): Promise<void>;
  reset(): void;
  /** Changes one bit of each chunk towards `b` from now on. */
  corrupt(): void;
}

async function throughMiddle(): Promise<Middle> {
  using set = await TlsSet.create();
  const accepted = Promise.withResolvers<Connection>();
  const target = await listen(undefined, { tls: set.node, onConnection: accepted.resolve });
  const halves: Connection[] = [];
  let corrupting = false;
  const relay = await listen(undefined, {
    onConnection: async (near) => {
      const far = await connect(target.address);
      halves.push(near, far);
      void pump(far, near, () => {});
      await pump(near, far, (chunk) => {
        if (corrupting) chunk[chunk.length - 1]! ^= 1;
      });
    },
  });
  const a = await connect(relay.address, { tls: set.node });
  const b = await accepted.promise;
  return {
    a,
    b,
    cut: () => halves[1]!.end(),
    reset: () => halves[1]!.abort(),
    corrupt: () => {
      corrupting = true;
    },
    [Symbol.dispose]: () => {
      for (const each of [a, b, ...halves]) each.abort("the test is over");
      relay.stop();
      target.stop();
    },
  };
}

async function pump(from: Connection, to: Connection, change: (chunk: Uint8Array) => void): Promise<void> {
  try {
    for (let chunk = await from.read(); chunk !== null; chunk = await from.read()) {
      change(chunk);
      await to.write([chunk]);
    }
    await to.end();
  } catch {
    // One of the two is gone; the test looks at the ends.
  }
}

const BROKEN = { code: "transport.reset", fatal: true, fault: "transport" };

describe("r[link.tls.end] a TLS stream that somebody cuts is no stream that ended", () => {
  test.each([0, 1, 2, 3, 2 * 1024, 300_000])("after %d bytes", async (length) => {
    using middle = await throughMiddle();
    const { a, b } = middle;
    const bytes = pattern(length);
    await a.write([bytes]);
    await until(() => b.counters.bytesIn === length);
    await middle.cut();
    if (length > 0) expect(Buffer.compare(await readBytes(b, length), bytes)).toBe(0);
    const error = await rejection(b.read());
    expect(error).toMatchObject(BROKEN);
    expect((error as Error).message).toEndWith("the TLS stream broke off without close_notify");
    expect(await b.closed).toEqual({ kind: "failed", error: error as never });
  });

  test("also when two bytes come in the same chunk as more", async () => {
    using middle = await throughMiddle();
    const { a, b } = middle;
    // Written one by one in one turn of the loop, they are records of their own and come together.
    await Promise.all([a.write([pattern(20_000)]), a.write([pattern(20_000)])]);
    await a.write([text("ab")]);
    await until(() => b.counters.bytesIn === 40_002);
    await middle.cut();
    await readBytes(b, 40_002);
    expect(await rejection(b.read())).toMatchObject(BROKEN);
  });

  test("also when this side has ended already", async () => {
    using middle = await throughMiddle();
    const { a, b } = middle;
    await b.end();
    expect(await a.read()).toBeNull();
    await a.write([text("almost")]);
    await until(() => b.counters.bytesIn === 6);
    await middle.cut();
    await readBytes(b, 6);
    expect(await rejection(b.read())).toMatchObject(BROKEN);
    expect((await b.closed).kind).toBe("failed");
  });

  test("nor is one that is reset", async () => {
    using middle = await throughMiddle();
    middle.reset();
    expect(await rejection(middle.b.read())).toMatchObject(BROKEN);
    expect((await middle.b.closed).kind).toBe("failed");
  });

  test("nor one that is changed, of which not one wrong byte is handed out", async () => {
    using middle = await throughMiddle();
    const { a, b } = middle;
    await a.write([text("right")]);
    expect((await readBytes(b, 5)).toString()).toBe("right");
    middle.corrupt();
    await a.write([text("wrong")]);
    const error = await rejection(b.read());
    expect(error).toMatchObject(BROKEN);
    expect((error as Error).message).toEndWith("a TLS record was changed on the way");
    expect(b.counters.bytesIn).toBe(5);
  });
});

describe("r[link.tls.end] a TLS stream that its sender ended has ended", () => {
  test.each([0, 1, 2, 3, 19, 300_000])("after %d bytes in one piece with the end", async (length) => {
    using middle = await throughMiddle();
    const { a, b } = middle;
    const bytes = pattern(length);
    await a.write([bytes]);
    await a.end();
    expect(Buffer.compare(await fulfilment(readBytes(b)), bytes)).toBe(0);
    expect(await b.read()).toBeNull();
    await b.write([text("and the other way still goes")]);
    await b.end();
    expect((await readBytes(a)).toString()).toBe("and the other way still goes");
    expect(await Promise.all([a.closed, b.closed])).toEqual([
      { kind: "ended", error: null },
      { kind: "ended", error: null },
    ]);
  });

  test("right behind the handshake, before the other side has seen that", async () => {
    using set = await TlsSet.create();
    for (const length of [0, 1, 2, 700]) {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await listen(undefined, { tls: set.node, onConnection: accepted.resolve });
      const a = await connect(listener.address, { tls: set.node });
      await a.write([pattern(length)]);
      await a.end();
      const b = await accepted.promise;
      expect(await readBytes(b)).toHaveLength(length);
      await b.end();
      expect(await b.closed).toEqual({ kind: "ended", error: null });
      expect(await a.closed).toEqual({ kind: "ended", error: null });
      listener.stop();
    }
  });

  test("sent by code other than ours, with tickets or none", async () => {
    using set = await TlsSet.create();
    const { address, stop } = await foreignServer(set.node);
    const a = await connect(address, { tls: set.node });
    expect((await readBytes(a)).toString()).toBe("all of it");
    await a.end();
    expect((await a.closed).kind).toBe("ended");
    stop();
  });
});

/** A server by `node:tls`, which says something and ends, all at once. */
async function foreignServer(files: { ca: string; cert: string; key: string }) {
  const { createServer } = await import("node:tls");
  const read = (path: string) => Bun.file(path).text();
  const pems = { ca: await read(files.ca), cert: await read(files.cert), key: await read(files.key) };
  const server = createServer({ ...pems, requestCert: true }, (socket) => socket.end("all of it"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const address: Address = { kind: "tcp", host: "127.0.0.1", port };
  return { address: formatAddress(address), stop: () => server.close() };
}
