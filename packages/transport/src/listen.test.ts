import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { type Listener, type ListenOptions, listen } from "./listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { readBytes, rejection, temporaryFolder, text, until } from "./pairs.ts";

const ignore: ListenOptions = { onConnection: () => {} };

async function withListener(
  target: string | undefined,
  options: ListenOptions,
  use: (listener: Listener) => Promise<void>,
) {
  const listener = await listen(target, options);
  try {
    await use(listener);
  } finally {
    for (const connection of listener.connections) connection.abort("the test is over");
    listener.stop();
  }
}

test.each([0, -1, 1.5, Number.NaN])("limits of connections: %p is refused before anything is bound", async (count) => {
  const error = await rejection(listen(undefined, { ...ignore, maxConnections: count }));
  expect((error as Error).message).toBe(`[state] limit maxConnections cannot be ${count}`);
});

describe("where a listener binds", () => {
  test("the default is loopback, and port 0 reports the real port", async () => {
    await withListener(undefined, ignore, async ({ address }) => {
      expect(address).toEqual({ kind: "tcp", host: "127.0.0.1", port: expect.any(Number) });
      expect(address.kind === "tcp" && address.port).toBeGreaterThan(0);
      (await connect(address)).abort();
    });
  });

  test.each(["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://10.1.2.3:0"])(
    "%p is refused and says how to allow it",
    async (address) => {
      const error = await rejection(listen(address, ignore));
      expect(error).toMatchObject({ code: "transport.refused", fault: "caller", fatal: false });
      expect((error as Error).message).toContain(`${address} can be reached from other machines`);
      expect((error as Error).message).toEndWith("bind a loopback address, or allow it (insecure; --insecure)");
    },
  );

  test("insecure: true allows it", async () => {
    await withListener("tcp://0.0.0.0:0", { ...ignore, insecure: true }, async ({ address }) => {
      expect(address).toMatchObject({ kind: "tcp", host: "0.0.0.0" });
    });
  });

  test("a port in use is refused", async () => {
    await withListener(undefined, ignore, async ({ address }) => {
      const error = await rejection(listen(address, ignore));
      expect(error).toMatchObject({ code: "transport.refused" });
      expect((error as Error).message).toEndWith("it is in use");
    });
  });
});

describe("a Unix socket's file", () => {
  test("goes with the listener", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s");
    await withListener(`unix:${path}`, ignore, async () => expect(existsSync(path)).toBe(true));
    expect(existsSync(path)).toBe(false);
  });

  test("is replaced when nobody listens on it any more", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s");
    // A listener that ends while its file has another name leaves it behind, as a killed process does.
    const killed = await listen(`unix:${path}`, ignore);
    renameSync(path, `${path}.away`);
    killed.stop();
    renameSync(`${path}.away`, path);
    expect(await rejection(connect(`unix:${path}`))).toMatchObject({ code: "transport.refused" });
    await withListener(`unix:${path}`, ignore, async ({ address }) => (await connect(address)).abort());
  });

  test("is refused when somebody listens on it, and that one lives on", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s");
    await withListener(`unix:${path}`, ignore, async ({ address }) => {
      const error = await rejection(listen(address, ignore));
      expect(error).toMatchObject({
        code: "transport.refused",
        message: expect.stringContaining("somebody listens there"),
      });
      (await connect(address)).abort();
    });
  });

  test("is refused and untouched when it is no socket", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s");
    writeFileSync(path, "precious");
    expect(await rejection(listen(`unix:${path}`, ignore))).toMatchObject({
      message: expect.stringContaining("is not a socket"),
    });
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("in a folder that does not exist is refused", async () => {
    expect(await rejection(listen("unix:/no/such/folder/s", ignore))).toMatchObject({ code: "transport.refused" });
  });
});

describe("connections of a listener", () => {
  test("a handler that fails aborts its connection only", async () => {
    const boom = new Error("boom");
    for (const onConnection of [
      () => {
        throw boom;
      },
      () => Promise.reject(boom),
    ]) {
      await withListener(undefined, { onConnection }, async (listener) => {
        const client = await connect(listener.address);
        expect(await client.closed).toMatchObject({ kind: "failed", error: { code: "transport.reset" } });
        expect(listener.connections.size).toBe(0);
        (await connect(listener.address)).abort();
      });
    }
  });

  test("one more than the limit is turned away, until one has gone", async () => {
    await withListener(undefined, { ...ignore, maxConnections: 1 }, async (listener) => {
      const first = await connect(listener.address);
      await until(() => listener.connections.size === 1);
      const second = await connect(listener.address);
      expect(await second.closed).toMatchObject({ kind: "failed" });
      expect(listener.turnedAway).toBe(1);
      first.abort();
      await until(() => listener.connections.size === 0);
      const third = await connect(listener.address);
      await until(() => listener.connections.size === 1);
      third.abort();
    });
  });

  test("stop() takes no more, and leaves those that stand", async () => {
    const accepted = Promise.withResolvers<Connection>();
    const listener = await listen(undefined, { onConnection: accepted.resolve });
    const client = await connect(listener.address);
    const server = await accepted.promise;
    listener.stop();
    expect(await rejection(connect(listener.address))).toMatchObject({ code: "transport.refused" });
    await server.write([text("still here")]);
    await server.end();
    expect((await readBytes(client)).toString()).toBe("still here");
    client.abort();
  });

  test("close() ends all in order, and drops those that are late", async () => {
    const clock = new ManualClock();
    const listener = await listen(undefined, { ...ignore, clock });
    const [polite, rude] = await Promise.all([connect(listener.address), connect(listener.address)]);
    await until(() => listener.connections.size === 2);
    const closing = listener.close(100);
    expect(await polite.read()).toBeNull();
    await polite.close();
    await until(() => listener.connections.size === 1);
    clock.advance(100);
    expect((await closing).map(({ kind }) => kind).sort()).toEqual(["aborted", "ended"]);
    expect((await rude.closed).kind).toBe("failed");
  });

  test("close() with a deadline that is none does nothing, and says so", async () => {
    await withListener(undefined, ignore, async (listener) => {
      const client = await connect(listener.address);
      await until(() => listener.connections.size === 1);
      for (const deadlineMs of [Number.NaN, -1]) {
        expect(await rejection(listener.close(deadlineMs))).toMatchObject({ code: "state", fault: "caller" });
      }
      // It still listens, and nobody has been dropped.
      (await connect(listener.address)).abort();
      await client.write([text("still here")]);
      client.abort();
    });
  });
});
