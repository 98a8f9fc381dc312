import { describe, expect, test } from "bun:test";
import { PreparedMessage } from "@tensorwire/tensor-spec";
import { prepareTp } from "@tensorwire/tp-control";
import { memoryPair } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { MessageSender, type Sendable } from "./message-sender.ts";
import { rejection } from "./testing.ts";

const MIB = 1024 * 1024;
const ids = { call_id: 7n, chunk_index: 0n, control_epoch: 1n, cache_epoch: 0n };
const noop = prepareTp({ header: { ...ids, action: "NOOP" } });
const large = prepareTp({
  header: { ...ids, action: "INFER" },
  manifest: {},
  tensors: [{ key: "x", dtype: "float32", shape: [MIB], data: new Uint8Array(4 * MIB) }],
});

test("tp.send.order, pp.send.order: what only looks like a prepared message is refused, and leaves nothing", async () => {
  const [connection] = memoryPair();
  const sender = new MessageSender(connection, 1);
  const forged = { ...noop, buffers: [new Uint8Array(40)] } as unknown as Sendable;
  expect(PreparedMessage.is(forged)).toBeFalse();
  expect(await rejection(sender.send(forged, 1000))).toMatchObject({ code: "state", fatal: false, fault: "caller" });
  expect(connection.counters.bytesOut).toBe(0);
  await sender.send(noop, 1000);
  expect(connection.counters.bytesOut + connection.counters.bufferedWrite).toBe(40);
  // @ts-expect-error bytes are no message for the compiler either
  expect(await rejection(sender.send(noop.buffers, 1000))).toMatchObject({ code: "state" });
});

describe("tp.send.poison, pp.send.poison", () => {
  test("a failure behind the first byte names rank and call, ends the connection, and stays", async () => {
    const clock = new ManualClock();
    const [connection, peer] = memoryPair({ clock });
    const sender = new MessageSender(connection, 3);
    const sending = rejection(sender.send(large, 50));
    clock.advance(50);
    const error = await sending;
    expect(error).toMatchObject({ name: "RankLostError", rank: 3, calls: [7n] });
    expect((error as Error).message).toContain("rank 3 is lost with call 7 in flight: [transport.deadline]");
    expect(await connection.closed).toMatchObject({ kind: "aborted" });
    const before = connection.counters.bytesOut;
    expect(await rejection(sender.send(noop, 50))).toBe(error);
    expect(sender.poison).toBe(error as never);
    expect(connection.counters.bytesOut).toBe(before);
    expect(await peer.closed).toMatchObject({ kind: "failed" });
  });

  test("tp.send.nothing, pp.send.nothing: a failure before it does not, the next message can be sent", async () => {
    const clock = new ManualClock();
    const [connection, peer] = memoryPair({ clock });
    const sender = new MessageSender(connection, 3);
    const first = sender.send(large, 1000);
    const second = rejection(sender.send(noop, 50));
    clock.advance(50);
    expect(await second).toMatchObject({ code: "transport.deadline", fatal: false });
    expect(sender.poison).toBeNull();
    void (async () => {
      while ((await peer.read()) !== null);
    })().catch(() => {});
    await first;
    await sender.send(noop, 1000);
    connection.abort();
  });
});
