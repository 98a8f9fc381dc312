import { describe, expect, test } from "bun:test";
import { connect } from "./connect.ts";
import { listen } from "./listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { rejection, until } from "./pairs.ts";

describe("connect", () => {
  test("nobody listens", async () => {
    const listener = await listen(undefined, { onConnection: () => {} });
    listener.stop();
    const error = await rejection(connect(listener.address));
    expect(error).toMatchObject({ code: "transport.refused", fault: "transport", fatal: true });
    expect((error as Error).message).toEndWith("cannot be reached: nobody listens there (ECONNREFUSED)");
  });

  test("no such socket file", async () => {
    const error = await rejection(connect("unix:/no/such/file"));
    expect((error as Error).message).toBe(
      "[transport.refused] unix:/no/such/file cannot be reached: there is no such socket file (ENOENT)",
    );
  });

  test("port 0 and a bad deadline are refused before anything happens", async () => {
    expect(await rejection(connect("tcp://127.0.0.1:0"))).toMatchObject({ code: "transport.refused", fault: "caller" });
    expect(await rejection(connect("unix:/x", { deadlineMs: -1 }))).toMatchObject({ code: "state", fault: "caller" });
    expect(await rejection(connect("unix:/x", { limits: { maxBufferedRead: 0 } }))).toMatchObject({ code: "state" });
  });

  test("a deadline that passes; a socket that opens later is dropped", async () => {
    const clock = new ManualClock();
    const listener = await listen(undefined, { onConnection: () => {} });
    // No turn of the event loop happens between the call and the deadline, so the socket cannot have opened.
    const connecting = rejection(connect(listener.address, { deadlineMs: 40, clock }));
    clock.advance(40);
    const error = await connecting;
    expect(error).toMatchObject({ code: "transport.deadline", fatal: true });
    expect((error as Error).message).toEndWith("did not answer in 40 ms");
    await until(() => listener.connections.size === 1);
    await until(() => listener.connections.size === 0);
    expect(clock.pending).toBe(0);
    listener.stop();
  });

  test("a signal that fires; a socket that opens later is dropped", async () => {
    const listener = await listen(undefined, { onConnection: () => {} });
    const controller = new AbortController();
    const connecting = rejection(connect(listener.address, { signal: controller.signal }));
    controller.abort("changed my mind");
    expect(await connecting).toMatchObject({ code: "transport.closed", cause: "changed my mind" });
    await until(() => listener.connections.size === 1);
    await until(() => listener.connections.size === 0);
    expect(await rejection(connect(listener.address, { signal: controller.signal }))).toMatchObject({
      code: "transport.closed",
    });
    listener.stop();
  });
});
