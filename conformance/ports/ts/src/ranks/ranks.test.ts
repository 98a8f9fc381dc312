import { afterEach, describe, expect, test } from "bun:test";
import type { Sent, Spoken, State, WireEvent, WireRequest } from "@tensorwire/conformance/wire";
import { WireAdapter } from "../wire.ts";

/** Two adapters play each other: what one dials, the other listens for. */
const [one, other] = [new WireAdapter(), new WireAdapter()];
afterEach(() => {
  one.clear();
  other.clear();
});

let seq = 0;
async function ask<Answer = State>(adapter: WireAdapter, request: WireRequest): Promise<Answer> {
  const answer = await adapter.handle({ ...request, seq: ++seq } as Parameters<WireAdapter["handle"]>[0]);
  expect(answer).toMatchObject({ seq });
  return answer as Answer;
}

const ofRank = { rank: 0, limits: { deadline_ms: "5000" } } as const;
type Played = Pick<Spoken, "role"> & Partial<Spoken>;

/** A connection `conn` that `one` dials in its role, and `other` answers in the complementary one. */
async function connect(conn: string, dials: Played, listens: Played): Promise<void> {
  const profile = dials.role.startsWith("tp-") ? "tp-session" : "pp-session";
  const about = { profile, ...ofRank };
  const listen = { op: "listen", listener: conn, address: "127.0.0.1:0", ...about, ...listens } as const;
  const { address } = await ask<{ readonly address: string }>(other, listen);
  await ask(one, { op: "dial", conn, address, ...about, ...dials });
  await ask(other, { op: "accept", listener: conn, conn });
}

const over = (conn: string) => ({ op: "sync", conn, n: 0, end: true }) as const;
const header = (call_id: number, action: string) => ({
  ...{ call_id: `${call_id}`, chunk_index: "0", control_epoch: `${call_id}`, cache_epoch: "0" },
  action,
});
const kinds = ({ events }: { readonly events: readonly WireEvent[] }) =>
  events.map((event) => (event.event === "error" ? `error ${event.class} ${event.at}` : event.event));

const identity = (role: "TP_LEADER" | "TP_WORKER", over: object = {}) => ({
  ...{ job: "j", role, rank: role === "TP_LEADER" ? 0 : 1, peer_rank: role === "TP_LEADER" ? 1 : 0, plan: "p" },
  ...{ weights_digest: "", instance: "00112233445566778899aabbccddeeff", lane: 0, ...over },
});

describe("a leader and a worker", () => {
  test("speak to the end, with a handshake and without", async () => {
    for (const withHello of [false, true]) {
      const [leader, worker] = withHello
        ? [{ identity: identity("TP_LEADER") }, { identity: identity("TP_WORKER") }]
        : [{}, {}];
      await connect("a", { role: "tp-leader", group: "g", rank: 1, ...leader }, { role: "tp-worker", ...worker });
      const infer = { header: header(1, "INFER"), manifest: { kwargs: {} }, tensors: [] };
      for (const value of [infer, { header: header(2, "SHUTDOWN") }]) {
        expect(await ask<Sent>(one, { op: "send", group: "g", value })).toMatchObject({ group: "g", events: [] });
      }
      expect(kinds(await ask(other, over("a")))).toEqual(["message", "message"]);
      expect(kinds(await ask(one, over("a")))).toEqual([]);
      for (const adapter of [one, other]) adapter.clear();
    }
  });

  test("r[iut.rank.handshake]: a worker that refuses the leader tells why, the leader that it is refused", async () => {
    const [leader, worker] = [identity("TP_LEADER"), identity("TP_WORKER", { plan: "q" })];
    await connect(
      "a",
      { role: "tp-leader", group: "g", rank: 1, identity: leader },
      { role: "tp-worker", identity: worker },
    );
    const { events } = await ask(other, over("a"));
    expect(events).toMatchObject([
      { event: "error", class: "header.field", fatal: true },
      { event: "lost", calls: [] },
    ]);
    expect(kinds(await ask(one, over("a")))).toEqual(["lost"]);
    // The group is over with its worker.
    const { events: refused } = await ask<Sent>(one, { op: "send", group: "g", value: { header: header(1, "NOOP") } });
    expect(refused).toMatchObject([{ event: "error", class: "state", at: "0", fatal: false }]);
  });

  test("r[iut.rank.send-group]: a value that cannot be sent is refused, and the next one is sent", async () => {
    await connect("a", { role: "tp-leader", group: "g", rank: 1 }, { role: "tp-worker" });
    const wrong = [
      [{ header: header(1, "INFER") }, "header.field"],
      [{ header: header(0, "NOOP") }, "sequence"],
      [{ header: header(1, "NOOP"), manifest: { kwargs: {} } }, "header.field"],
      [{ header: header(1, "INFER"), manifest: { tp_envelope_version: 2, kwargs: {} } }, "version"],
    ] as const;
    for (const [value, code] of wrong) {
      const { events } = await ask<Sent>(one, { op: "send", group: "g", value });
      expect(events).toMatchObject([{ event: "error", class: code, at: "0", fatal: false }]);
    }
    await ask<Sent>(one, { op: "send", group: "g", value: { header: header(1, "SHUTDOWN") } });
    expect(kinds(await ask(other, over("a")))).toEqual(["message"]);
  });
});

describe("a driver and a stage", () => {
  const lm = { position: 0, num_tokens: 1, init_cache: true };
  const tensor = { tensor_specs: [{ key: "input_ids", dtype: "int64", shape: [1] }], tensors: ["0100000000000000"] };
  const infer = { header: header(1, "INFER"), lm, ...tensor };
  const result = (over: object = {}) => ({
    ...{
      call_id: "1",
      chunk_index: "0",
      cache_epoch: "0",
      tensor_specs: [],
      ok: false,
      error_message: "no",
      tensors: [],
    },
    ...over,
  });
  const start = async () => {
    await connect("a", { role: "pp-driver", rank: 1 }, { role: "pp-stage" });
    await ask(one, { op: "send", conn: "a", value: infer });
    const { written } = await ask(one, { op: "sync", conn: "a", n: 0 });
    return ask(other, { op: "sync", conn: "a", n: written });
  };

  /** What the driver tells from its SHUTDOWN to the end. */
  const shutDown = async () => {
    const { events } = await ask(one, { op: "send", conn: "a", value: { header: header(2, "SHUTDOWN") } });
    return [...events, ...(await ask(one, over("a"))).events];
  };

  test("each request has its result", async () => {
    expect(kinds(await start())).toEqual(["message"]);
    expect(kinds(await ask(other, { op: "send", conn: "a", value: result() }))).toEqual([]);
    expect(await shutDown()).toMatchObject([{ event: "message", value: { call_id: "1", ok: false } }]);
    expect(kinds(await ask(other, over("a")))).toEqual(["message"]);
  });

  test("r[iut.rank.send-stage]: what cannot be sent becomes an error result; what nobody is owed is `state`", async () => {
    for (const [wrong, code] of [
      [{ ok: true }, "header.field"],
      [{ call_id: "2" }, "header.field"],
      [{ pp_result_version: 2 }, "version"],
    ] as const) {
      await start();
      expect(kinds(await ask(other, { op: "send", conn: "a", value: result(wrong) }))).toEqual([`error ${code} 0`]);
      expect(kinds(await ask(other, { op: "send", conn: "a", value: result() }))).toEqual(["error state 0"]);
      expect(await shutDown()).toMatchObject([{ event: "message", value: { call_id: "1", ok: false } }]);
      for (const adapter of [one, other]) adapter.clear();
    }
  });

  test("r[iut.rank.lost]: a stage that is lost is told once, and nothing more can be sent to it", async () => {
    await start();
    await ask(other, { op: "close", conn: "a", how: "reset" });
    const { events } = await ask(one, over("a"));
    expect(events).toMatchObject([{ event: "lost", calls: ["1"] }]);
    const state = await ask(one, { op: "send", conn: "a", value: { header: header(2, "SHUTDOWN") } });
    expect([kinds(state), state.buffered, state.reading]).toEqual([["error state 0"], 0, false]);
  });

  test("r[iut.rank.send-driver]: a value that cannot be sent is refused without a byte", async () => {
    await start();
    const { written } = await ask(one, { op: "sync", conn: "a", n: 0 });
    for (const [value, code] of [
      [{ ...infer, header: header(1, "INFER") }, "sequence"],
      [{ ...infer, header: header(2, "NOOP") }, "header.field"],
      [{ header: header(2, "INFER") }, "header.field"],
      [{ header: header(2, "JUMP") }, "header.field"],
    ] as const) {
      const state = await ask(one, { op: "send", conn: "a", value });
      expect([...kinds(state), state.written]).toEqual([`error ${code} 0`, written]);
    }
  });
});

test("what the program above does with a rank's messages is not asked for", async () => {
  await connect("a", { role: "tp-leader", group: "g", rank: 1 }, { role: "tp-worker" });
  for (const op of ["pause", "resume"] as const) {
    expect(await ask<object>(other, { op, conn: "a" })).toMatchObject({ op: "declined", reason: "operation" });
  }
});

test("r[iut.rank.capability]: a role on another profile is declined", async () => {
  const dial = { op: "dial", conn: "a", address: "127.0.0.1:1", role: "tp-leader", profile: "pp-session" } as const;
  expect(await ask<object>(one, { ...dial, ...ofRank })).toMatchObject({ op: "declined", reason: "role" });
});
