import { describe, expect, test } from "bun:test";
import { ShapeError } from "../schema.ts";
import type { Identity, WireRequest } from "./protocol.ts";
import { checkRequest, readWireAnswer } from "./schema.ts";

const context = { seq: 5, profile: "tp-session", granularity: "class" } as const;
const broadcast = { op: "send", group: "g", value: {} } as const;
const sync = { op: "sync", conn: "a", n: 0 } as const;
const state = { op: "state", seq: 5, conn: "a", read: 0, written: 0, buffered: 0, reading: false };
const told = (...events: readonly unknown[]) => readWireAnswer({ ...state, events }, sync, context);

describe("r[iut.rank.send-group]: a broadcast", () => {
  const sent = { op: "sent", seq: 5, group: "g", events: [] };

  test("is answered by sent, for its group", () => {
    expect(readWireAnswer(sent, broadcast, context)).toEqual(sent as never);
    const refused = { event: "error", class: "header.field", at: "0", fatal: false };
    expect(readWireAnswer({ ...sent, events: [refused] }, broadcast, context)).toMatchObject({ events: [refused] });
  });

  test("is not answered by state, for another group, or with a class that there is not", () => {
    expect(() => readWireAnswer({ ...state, events: [] }, broadcast, context)).toThrow(
      '"sent", "declined" or "errored"',
    );
    expect(() => readWireAnswer({ ...sent, group: "h" }, broadcast, context)).toThrow('group must be "g"; it is "h"');
    expect(() => readWireAnswer(sent, sync, context)).toThrow(ShapeError);
    const events = [{ event: "error", class: "mine", at: "0", fatal: false }];
    expect(() => readWireAnswer({ ...sent, events }, broadcast, context)).toThrow(ShapeError);
  });

  test("is not answered by what can be read and not written", () => {
    const op: unknown = JSON.parse("[".repeat(50_000) + "]".repeat(50_000));
    expect(() => readWireAnswer({ ...sent, op }, broadcast, context)).toThrow("nested more than 1000 deep");
    expect(() => readWireAnswer({ ...sent, group: op }, broadcast, context)).toThrow(ShapeError);
  });

  test("goes to a group or to a connection, never to both or to neither", () => {
    const { group, ...neither } = broadcast;
    expect(() => checkRequest({ ...broadcast, seq: 1 })).not.toThrow();
    expect(() => checkRequest({ ...neither, conn: "a", seq: 1 })).not.toThrow();
    for (const wrong of [neither, { ...broadcast, conn: "a" }]) {
      expect(() => checkRequest({ ...wrong, seq: 1 } as WireRequest & { seq: number })).toThrow(ShapeError);
    }
  });
});

describe("r[iut.rank.lost]: what is told of ranks", () => {
  const lost = { event: "lost", calls: ["1", "2"] };
  const dropped = { event: "dropped", reason: "stale", call_id: "7" };

  test("is lost with its calls, and dropped with its reason", () => {
    expect(told(dropped, { event: "reset", at: "3" }, lost)).toMatchObject({
      events: [dropped, { event: "reset" }, lost],
    });
    expect(() => told({ ...lost, text: "for people" })).not.toThrow();
  });

  test("is nothing that bears other fields", () => {
    const wrong = [
      { event: "lost" },
      { event: "lost", calls: [1] },
      { ...lost, at: "3" },
      { ...dropped, reason: "other" },
      { event: "dropped", reason: "late" },
      { event: "reset" },
      { event: "vanished" },
    ];
    for (const event of wrong) expect(() => told(event)).toThrow(ShapeError);
  });
});

test("r[iut.rank.handshake]: identity, rank and group are the fields of a rank's connection", () => {
  const spoken = { profile: "tp-session", role: "tp-worker", limits: { deadline_ms: "300" }, rank: 0 } as const;
  const identity: Identity = {
    ...{ job: "demo", role: "TP_WORKER", rank: 1, peer_rank: 0, plan: "tp=2", weights_digest: "" },
    ...{ instance: "00".repeat(16), lane: 0 },
  };
  const listen = { op: "listen", listener: "l", address: "127.0.0.1:0", ...spoken, identity } as const;
  expect(() => checkRequest({ ...listen, seq: 1 })).not.toThrow();
  for (const wrong of [{ rank: "0" }, { group: "" }, { identity: { ...identity, role: "WORKER" } }, { identity: {} }]) {
    expect(() => checkRequest({ ...listen, ...wrong, seq: 1 } as never)).toThrow(ShapeError);
  }
});
