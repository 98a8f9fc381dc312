import { expect, test } from "bun:test";
import { Handshakes } from "./handshakes.ts";
import { listen } from "./listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { rejection, until } from "./pairs.ts";
import { type SocketData, socketHandlers } from "./socket-link.ts";
import { readTlsFiles } from "./tls-files.ts";
import { TlsSet } from "./tls-set.ts";

test("a socket that is gone before its handshake begins leaves no timer", async () => {
  using set = await TlsSet.create();
  const clock = new ManualClock();
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const handshakes = new Handshakes(await readTlsFiles(set.node), address, { clock, onConnection: () => {} });
  const thrown: unknown[] = [];
  const server = Bun.listen<SocketData>({
    hostname: address.host,
    port: address.port,
    data: undefined,
    socket: socketHandlers((socket) => {
      socket.terminate();
      try {
        handshakes.begin(socket, () => {});
      } catch (error) {
        thrown.push(error, socket.data);
        throw error;
      }
    }),
  });
  await Bun.connect({ hostname: address.host, port: server.port, socket: { data: () => {} } });
  await until(() => thrown.length > 0);
  expect(thrown).toEqual([expect.any(TypeError), undefined]);
  expect(clock.pending).toBe(0);
  server.stop();
});

test.each(["maxHandshakes", "handshakeMs", "maxHandshakeBytes"])(
  "limits of handshakes: %s cannot be 0",
  async (name) => {
    using set = await TlsSet.create();
    const error = await rejection(listen(undefined, { tls: set.node, onConnection: () => {}, [name]: 0 }));
    expect((error as Error).message).toBe(`[state] limit ${name} cannot be 0`);
  },
);
