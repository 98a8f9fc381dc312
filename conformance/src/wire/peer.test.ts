import { expect, setDefaultTimeout, test } from "bun:test";
import { startEndpoint } from "../../liars/start-endpoint.ts";
import { dialPeer } from "./open.ts";
import { Overdue, WireFailure } from "./peer.ts";
import { Timeline } from "./timeline.ts";

setDefaultTimeout(60_000);

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

test("a peer that floods gets no more time than one that is silent", async () => {
  using endpoint = await startEndpoint("floods-at-once");
  const peer = await dialPeer("a", endpoint.address, new Timeline(), 5000);
  peer.most = Number.POSITIVE_INFINITY;
  const error = await failureOf(peer.ended(50));
  peer.close();
  expect(error).toBeInstanceOf(Overdue);
  expect((error as Error).message).toMatch(/left its direction open behind byte \d+ within 0\.1 s/);
  // The flood is of 512 MiB.
  expect(peer.received).toBeLessThan(400 << 20);
});

test("a peer that floods while nobody waits for it is let go, and that is said to the next who waits", async () => {
  using endpoint = await startEndpoint("floods-at-once");
  const timeline = new Timeline();
  const peer = await dialPeer("a", endpoint.address, timeline, 5000);
  peer.most = 1 << 20;
  while (!peer.gone) await new Promise((turn) => setImmediate(turn));
  const error = await failureOf(peer.take(5000));
  expect(error).toBeInstanceOf(WireFailure);
  expect(error).not.toBeInstanceOf(Overdue);
  expect((error as Error).message).toMatch(/^a: \d+ bytes came that nobody waits for, and at most 1048576 are kept$/);
  expect(peer.waiting).toBeGreaterThan(1 << 20);
  expect(peer.waiting).toBeLessThan(8 << 20);
  expect(peer.gone).toBe(true);
  expect(timeline.lines().at(-1)).toMatch(/harness lets go of the connection/);
});

test("as many bytes as may wait can wait", async () => {
  using server = listener((socket) => void socket.end(new Uint8Array(1000)));
  const address = `127.0.0.1:${server.port}`;
  const peer = await dialPeer("a", address, new Timeline(), 5000);
  peer.most = 1000;
  expect(await peer.ended(5000)).toBe("end");
  expect((await peer.takeAll(5000)).length).toBe(1000);
  const other = await dialPeer("b", address, new Timeline(), 5000);
  other.most = 999;
  expect(await failureOf(other.ended(5000))).toBeInstanceOf(WireFailure);
});

test("what has been taken waits no more", async () => {
  using server = listener((socket) => void socket.end(new Uint8Array(1000)));
  const peer = await dialPeer("a", `127.0.0.1:${server.port}`, new Timeline(), 5000);
  await peer.takeExactly(600, 5000);
  expect(peer.waiting).toBe(400);
  expect((await peer.takeAll(5000)).length).toBe(400);
  expect(peer.waiting).toBe(0);
});

test.each(["127.0.0.1:99999", "nonsense", "", "/nonexistent/socket", "/nul\0", `/${"long".repeat(100)}`])(
  "an address of an implementation may be any string: %j",
  async (address) => {
    const error = await failureOf(dialPeer("a", address, new Timeline(), 30_000));
    expect(error).toBeInstanceOf(WireFailure);
    expect((error as Error).message).toStartWith(`a: cannot connect to ${address}: `);
  },
);

function listener(open: (socket: Bun.Socket<undefined>) => void) {
  return Bun.listen<undefined>({ hostname: "127.0.0.1", port: 0, data: undefined, socket: { open, data: () => {} } });
}
