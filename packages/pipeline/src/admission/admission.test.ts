import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { type Hello, prepareHello } from "@tensorwire/tp-control";
import { type Connection, memoryPair } from "@tensorwire/transport";
import { ManualClock } from "@tensorwire/transport/testing";
import { rejection } from "../testing.ts";
import { turns } from "../tp-group/testing.ts";
import { Admission, type AdmissionOptions } from "./admission.ts";
import { greet } from "./greet.ts";
import type { Identity } from "./identity.ts";
import { Roster } from "./roster.ts";

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
const driver: Identity = { job: "j", role: "PP_DRIVER", rank: 0, plan: "p", instance: bytes(16, 1) };
const stage: Identity = { job: "j", role: "PP_STAGE", rank: 0, plan: "p", instance: bytes(16, 2) };
const STAGE_0 = { role: "PP_STAGE", rank: 0 } as const;
const HELLO: Hello = { ...driver, peer_rank: 0, lane: 0, weights_digest: bytes(0, 0), instance: bytes(16, 1) };

function listening(options: AdmissionOptions = {}, over: Partial<Identity> = {}): Admission {
  return new Admission({ ...stage, ...over }, [{ role: "PP_DRIVER", rank: 0 }], { maxLanes: 4, ...options });
}

/** One connection, taken by `admission`: the dialler's end, and what becomes of it. */
function dialled(admission: Admission, clock?: ManualClock) {
  const [near, far] = memoryPair({ ...(clock && { clock }), limits: { deadlineMs: 60_000 } });
  const admitted = admission.admit(far);
  admitted.catch(() => {});
  return { near, far, admitted };
}

/** Every byte that comes until the connection is over. */
async function heard(connection: Connection): Promise<number> {
  let count = 0;
  try {
    for (let chunk = await connection.read(); chunk !== null; chunk = await connection.read()) count += chunk.length;
  } catch {
    // A reset says no more than an end.
  }
  return count;
}

describe("two that belong together", () => {
  test("link.hello.first, link.hello.answer: each hears who the other is, and then the protocol flows", async () => {
    const { near, admitted } = dialled(listening());
    const connection = await greet(near, driver, STAGE_0, { lane: 3 });
    const peer = (await admitted)!;
    expect(peer.hello).toMatchObject({ job: "j", role: "PP_DRIVER", rank: 0, peer_rank: 0, lane: 3 });
    await connection.write([bytes(5, 7)]);
    expect(await peer.connection.read()).toEqual(bytes(5, 7));
  });

  test("link.hello.behind: what comes glued to a Hello is read first, and then the rest", async () => {
    const { near, admitted } = dialled(listening());
    await near.write([prepareHello(HELLO), bytes(3, 7)]);
    const { connection } = (await admitted)!;
    await near.write([bytes(2, 8)]);
    await near.end();
    expect(await connection.read()).toEqual(bytes(3, 7));
    expect(await connection.read()).toEqual(bytes(2, 8));
    expect(await connection.read()).toBeNull();
    await connection.write([bytes(1, 9)]);
    await connection.end();
    expect((await connection.closed).kind).toBe("ended");
  });

  test("a listener may speak behind its answer at once", async () => {
    const [near, far] = memoryPair();
    const greeting = greet(near, driver, STAGE_0);
    await far.read();
    await far.write([prepareHello({ ...HELLO, ...stage, instance: bytes(16, 2) }), bytes(4, 7)]);
    expect(await (await greeting).read()).toEqual(bytes(4, 7));
  });
});

describe("link.hello.refusal: a peer that is refused gets no byte", () => {
  const other: [string, Partial<Identity>, string][] = [
    ["another job", { job: "k" }, '[header.field] handshake with memory:a: Hello.job: expected "j", "k" came'],
    ["another role", { role: "TP_LEADER" }, "Hello.role: expected PP_DRIVER or PP_STAGE beside PP_STAGE"],
    ["another rank", { rank: 1 }, "Hello.rank: expected PP_DRIVER 0, PP_DRIVER 1 came"],
    ["a role that others of its kind wait for", { role: "PP_STAGE" }, "expected PP_DRIVER 0, PP_STAGE 0 came"],
    ["another plan", { plan: "q" }, 'Hello.plan: expected "p", "q" came'],
    ["other weights", { weights_digest: bytes(32, 4) }, "Hello.weights_digest: expected"],
  ];
  test.each(other)("%s", async (_, over, message) => {
    const { near, admitted } = dialled(listening({}, { weights_digest: bytes(32, 3) }));
    const failure = await rejection(greet(near, { ...driver, ...over }, STAGE_0));
    expect(failure).toMatchObject({ code: "transport.refused", fault: "transport" });
    expect((failure as Error).message).toContain("expected the Hello of PP_STAGE 0, it closed the connection");
    expect((await rejection(admitted)) as Error).toHaveProperty("message", expect.stringContaining(message));
    expect(near.counters.bytesIn).toBe(0);
  });

  test("a lane beyond those that there are", async () => {
    const { near, admitted } = dialled(listening());
    await rejection(greet(near, driver, STAGE_0, { lane: 4 }));
    expect(String(await rejection(admitted))).toContain("Hello.lane: expected below 4, 4 came");
  });

  test("garbage, at the byte that decides it", async () => {
    const { near, admitted } = dialled(listening());
    await near.write([new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")]);
    expect(await rejection(admitted)).toMatchObject({ code: "oversize.declared", offset: 8, fault: "peer" });
    expect(await heard(near)).toBe(0);
  });

  test("link.hello.cut: a Hello that is cut, by an end and by a reset", async () => {
    for (const [cut, failure] of [
      ["end", { code: "eof.in-body", offset: 20, fault: "peer" }],
      ["abort", { code: "transport.reset", fault: "transport" }],
    ] as const) {
      const { near, admitted } = dialled(listening());
      await near.write([prepareHello(HELLO).subarray(0, 20)]);
      await turns();
      await near[cut]();
      expect(await rejection(admitted)).toMatchObject(failure);
    }
  });

  test("a port probe is nobody, and no error", async () => {
    for (const cut of ["end", "abort"] as const) {
      const { near, far, admitted } = dialled(listening());
      await near[cut]();
      expect(await admitted).toBeNull();
      await far.closed;
    }
  });
});

describe("link.hello.deadline", () => {
  test("silence and trickled bytes both end at it, at the listener", async () => {
    const clock = new ManualClock();
    const admission = listening({ clock });
    const silent = dialled(admission, clock);
    const slow = dialled(admission, clock);
    const hello = prepareHello(HELLO);
    for (let i = 0; i < 5; i++) {
      expect(admission.pending).toBe(2);
      await slow.near.write([hello.subarray(i, i + 1)]);
      await turns();
      clock.advance(1000);
      await turns();
    }
    for (const { near, admitted } of [silent, slow]) {
      expect(await rejection(admitted)).toMatchObject({ code: "transport.deadline", fault: "transport" });
      expect(await heard(near)).toBe(0);
    }
    expect(admission.pending).toBe(0);
  });

  test("and at the dialler, which nobody answers", async () => {
    const clock = new ManualClock();
    const [near] = memoryPair({ clock });
    const greeting = greet(near, driver, STAGE_0, { clock, deadlineMs: 50 });
    await turns();
    clock.advance(50);
    const failure = await rejection(greeting);
    expect(failure).toMatchObject({ code: "transport.deadline" });
    expect(String(failure)).toContain("handshake with memory:b: expected a whole Hello within 50 ms, none came");
  });
});

describe("link.hello.pending", () => {
  test("for one more than the bound the oldest is dropped, so that silence keeps nobody out", async () => {
    const admission = listening({ maxPending: 2 });
    const strangers = [dialled(admission), dialled(admission), dialled(admission)] as const;
    expect(admission.pending).toBe(2);
    const dropped = strangers.map(async ({ near, admitted }) => ({ near, why: await rejection(admitted) }));
    const { near, why } = await Promise.race(dropped);
    expect(why).toMatchObject({ code: "transport.full", fault: "transport" });
    const [first, second, third] = strangers;
    expect(near).toBe(first.near);
    expect(await heard(near)).toBe(0);
    await greet(third.near, driver, STAGE_0);
    expect(admission.pending).toBe(1);
    await greet(dialled(admission).near, driver, STAGE_0, { lane: 1 });
    await greet(second.near, driver, STAGE_0, { lane: 2 });
    expect(admission.pending).toBe(0);
  });
});

describe("link.hello.instance.held, link.hello.lane: each rank is one process, each lane one connection", () => {
  test("a second process is refused while the first has a lane, and taken when it has none", async () => {
    const admission = listening();
    const first = dialled(admission);
    await greet(first.near, driver, STAGE_0);
    const second = { ...driver, instance: bytes(16, 9) };
    const early = dialled(admission);
    await rejection(greet(early.near, second, STAGE_0, { lane: 1 }));
    expect(await rejection(early.admitted)).toMatchObject({ code: "sequence", fault: "peer" });
    first.near.abort();
    await first.far.closed;
    await greet(dialled(admission).near, second, STAGE_0, { lane: 1 });
  });

  test("a lane that is open is refused, and free when it is closed", async () => {
    const admission = listening();
    const first = dialled(admission);
    await greet(first.near, driver, STAGE_0);
    await greet(dialled(admission).near, driver, STAGE_0, { lane: 1 });
    const twice = dialled(admission);
    await rejection(greet(twice.near, driver, STAGE_0));
    expect(String(await rejection(twice.admitted))).toContain("PP_DRIVER 0 has lane 0 open already");
    first.near.abort();
    await first.far.closed;
    await greet(dialled(admission).near, driver, STAGE_0);
  });

  test("a dialler whose lanes end at two processes refuses the second", async () => {
    const roster = new Roster();
    await greet(dialled(listening()).near, driver, STAGE_0, { roster });
    const other = dialled(listening({}, { instance: bytes(16, 5) }));
    const failure = await rejection(greet(other.near, driver, STAGE_0, { lane: 1, roster }));
    expect(failure).toMatchObject({ code: "sequence", offset: 38, fault: "peer" });
  });
});

describe("the dialler judges too", () => {
  const answers: [string, Partial<Hello>, string][] = [
    ["another job", { job: "k" }, "Hello.job"],
    ["a driver where a stage was dialled", { role: "PP_DRIVER" }, "Hello.role: expected PP_STAGE, PP_DRIVER came"],
    ["another rank", { rank: 1 }, "Hello.rank: expected 0, 1 came"],
    ["an answer to another lane", { lane: 2 }, "Hello.lane: expected 0, 2 came"],
  ];
  test.each(answers)("%s", async (_, over, message) => {
    const [near, far] = memoryPair();
    const greeting = greet(near, driver, STAGE_0);
    await far.read();
    await far.write([prepareHello({ ...HELLO, ...STAGE_0, ...over })]);
    const failure = await rejection(greeting);
    expect(failure).toMatchObject({ code: "header.field", fault: "peer", fatal: true });
    expect(String(failure)).toContain(message);
    expect(await heard(far)).toBe(0);
  });

  test("an identity that cannot be said is refused before a byte leaves", async () => {
    const [near, far] = memoryPair();
    const failure = await rejection(greet(near, { ...driver, job: "" }, STAGE_0));
    expect(failure).toMatchObject({ code: "header.field", fault: "caller" });
    expect(await heard(far)).toBe(0);
    expect(() => listening({}, { job: "" })).toThrow(WireError);
  });
});

test("a wait that is no deadline, and a bound that is no count, are refused at once", async () => {
  for (const deadlineMs of [Number.NaN, -1]) {
    const words = `deadlineMs: expected 0 or more milliseconds, or Infinity, ${deadlineMs} came`;
    expect(() => listening({ deadlineMs })).toThrow(words);
    const [near] = memoryPair();
    expect(((await rejection(greet(near, driver, STAGE_0, { deadlineMs }))) as Error).message).toContain(words);
    expect((await near.closed).kind).toBe("aborted");
  }
  expect(() => listening({ maxPending: 0 })).toThrow("limit maxPending cannot be 0");
  expect(() => listening({ maxLanes: 0 })).toThrow("limit maxLanes cannot be 0");
});
