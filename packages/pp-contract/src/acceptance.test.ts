import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { refusalOf } from "@tensorwire/tp-control/testing";
import fc from "fast-check";
import { PpAcceptance } from "./acceptance.ts";
import type { PpResult } from "./result.ts";
import { header, lm, video } from "./testing.ts";

const step = { lm: lm() };
const result = (call_id: bigint, over: Partial<PpResult> = {}): PpResult => ({
  pp_result_version: 1,
  call_id,
  chunk_index: call_id,
  cache_epoch: 1n,
  tensor_specs: [],
  ok: true,
  error_message: "",
  observed_generator_calls: 0,
  mesh_current_start_frame: 0n,
  ...over,
});
/** A lane with the calls given in flight, each with its call_id as chunk_index. */
function lane(...calls: readonly bigint[]): PpAcceptance {
  const acceptance = new PpAcceptance({ window: 4 });
  for (const call_id of calls) acceptance.sent(header({ call_id, chunk_index: call_id }), step);
  return acceptance;
}
function faultOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError && error.fatal && error.fault === "peer") return error.code;
    throw error;
  }
  return undefined;
}

test("results in the order of their calls are accepted, error results too", () => {
  const acceptance = lane(1n, 4n);
  expect(acceptance.judge(result(1n))).toMatchObject({ accepted: true, call: { call_id: 1n, step } });
  const failed = result(4n, { ok: false, error_message: "boom" });
  expect(acceptance.judge(failed)).toMatchObject({ accepted: true, call: { call_id: 4n } });
  expect(acceptance.inFlight).toEqual([]);
});

describe("pp.acceptance", () => {
  test("pp.acceptance.window: a full window is the caller's fault, and opens with a result", () => {
    const acceptance = lane(1n, 2n, 3n, 4n);
    expect(acceptance.open).toBeFalse();
    expect(refusalOf(() => acceptance.sent(header({ call_id: 5n }), step))).toContain(
      "[state] expected at most 4 calls",
    );
    acceptance.judge(result(1n));
    expect(acceptance.open).toBeTrue();
    expect(refusalOf(() => new PpAcceptance({ window: 0 }))).toContain("[state] window: expected an integer from 1");
  });

  test("sent() keeps the driver to its own order", () => {
    const acceptance = lane(5n);
    expect(refusalOf(() => acceptance.sent(header({ call_id: 5n }), step))).toContain("[sequence] call_id");
    expect(refusalOf(() => acceptance.sent(header({ call_id: 6n, cache_epoch: 0n }), step))).toContain(
      "[sequence] cache_epoch",
    );
    expect(acceptance.inFlight).toHaveLength(1);
  });

  test("pp.acceptance.late: a duplicate and a late one are dropped and counted", () => {
    const acceptance = lane(2n, 3n);
    acceptance.judge(result(2n));
    expect(acceptance.judge(result(2n))).toEqual({ accepted: false, reason: "late" });
    expect(acceptance.judge(result(1n))).toEqual({ accepted: false, reason: "late" });
    expect(acceptance.judge(result(3n, { chunk_index: 2n }))).toEqual({ accepted: false, reason: "late" });
    acceptance.judge(result(3n));
    expect(acceptance.judge(result(3n))).toEqual({ accepted: false, reason: "late" });
    expect(acceptance.dropped).toEqual({ "stale-epoch": 0, late: 4 });
  });

  test("pp.acceptance.ahead: out of turn is an error", () => {
    expect(faultOf(() => lane(1n, 2n).judge(result(2n)))).toBe("sequence");
    expect(faultOf(() => lane(1n).judge(result(9n)))).toBe("sequence");
    expect(faultOf(() => lane(1n).judge(result(1n, { chunk_index: 2n })))).toBe("sequence");
    // By its call_id alone: its chunk_index is that of the one due.
    expect(() => lane(1n, 2n).judge(result(2n, { chunk_index: 1n }))).toThrow("expected the result of call 1");
    const idle = lane(1n);
    idle.judge(result(1n));
    expect(() => idle.judge(result(2n))).toThrow("expected no result, since no call is in flight");
  });

  test("pp.acceptance.stale-epoch, pp.acceptance.hard-cut: old results are received, counted and dropped", () => {
    const acceptance = lane(1n, 2n);
    acceptance.sent(header({ call_id: 3n, chunk_index: 3n, cache_epoch: 2n }), step);
    expect(acceptance.judge(result(1n))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.inFlight.map(({ call_id }) => call_id)).toEqual([2n, 3n]);
    expect(acceptance.judge(result(3n, { cache_epoch: 2n }))).toMatchObject({ accepted: true });
    expect(acceptance.judge(result(2n))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.inFlight).toEqual([]);
    expect(acceptance.judge(result(3n, { cache_epoch: 7n }))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.dropped).toEqual({ "stale-epoch": 3, late: 0 });
  });

  test("a cut counts before its first call is sent", () => {
    const acceptance = lane(1n, 2n);
    acceptance.cut(2n);
    expect(acceptance.judge(result(1n))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.inFlight.map(({ call_id }) => call_id)).toEqual([2n]);
    expect(refusalOf(() => acceptance.cut(2n))).toContain("[sequence] cache_epoch: expected more than 2, 2 came");
    expect(refusalOf(() => acceptance.sent(header({ call_id: 3n, cache_epoch: 1n }), step))).toContain("[sequence]");
    const none = lane();
    none.cut(0n);
    expect(none.judge(result(1n))).toMatchObject({ accepted: false });
  });

  test("a stale result ends its own call, and not the oldest of its epoch", () => {
    const acceptance = lane(1n, 2n);
    acceptance.cut(2n);
    expect(acceptance.judge(result(2n))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.inFlight.map(({ call_id }) => call_id)).toEqual([1n]);
  });

  test("a stale result that answers no call in flight ends none", () => {
    const acceptance = lane(1n, 2n);
    expect(acceptance.judge(result(1n, { cache_epoch: 0n }))).toEqual({ accepted: false, reason: "stale-epoch" });
    expect(acceptance.inFlight).toHaveLength(2);
  });

  test("before anything was sent there is no epoch, and every result is stale", () => {
    expect(lane().judge(result(1n))).toEqual({ accepted: false, reason: "stale-epoch" });
  });

  test("pp.acceptance.generator-calls, pp.acceptance.latents-out: a video result fits its call", () => {
    const latents = { key: "latents_out", dtype: "bfloat16", shape: [1] } as const;
    const judge = (over: Partial<PpResult>) => {
      const acceptance = new PpAcceptance({ window: 1 });
      acceptance.sent(header({ call_id: 1n, chunk_index: 1n }), { video: video() });
      return () => acceptance.judge(result(1n, { observed_generator_calls: 3, tensor_specs: [latents], ...over }));
    };
    expect(judge({})()).toMatchObject({ accepted: true });
    expect(judge({ ok: false, error_message: "x", observed_generator_calls: 1, tensor_specs: [] })()).toMatchObject({
      accepted: true,
    });
    expect(faultOf(judge({ observed_generator_calls: 2 }))).toBe("header.field");
    const none = 'expected a bfloat16 tensor "latents_out", none came';
    expect(faultOf(judge({ tensor_specs: [] }))).toBe("spec.mismatch");
    expect(judge({ tensor_specs: [{ ...latents, dtype: "float32" }] })).toThrow("float32 came");
    // r[tp.spec.named]: neither another key nor an index is it, and neither hides it.
    for (const other of [
      { ...latents, key: "latents" },
      { ...latents, index: 0 },
    ]) {
      expect(judge({ tensor_specs: [other] })).toThrow(none);
      const decoy = { ...other, dtype: "float32" } as const;
      expect(judge({ tensor_specs: [decoy, latents] })()).toMatchObject({ accepted: true });
    }
  });

  test("pp.acceptance.exactly-one: whatever arrives, no call has two ends and none is lost", () => {
    const event = fc.record({ kind: fc.constantFrom("send", "cut", "result"), call: fc.nat(12), epoch: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const acceptance = new PpAcceptance({ window: 3 });
        const ends = new Map<bigint, number>();
        let call_id = 0n;
        let cache_epoch = 1n;
        const sent: bigint[] = [];
        let stale = 0;
        for (const { kind, call, epoch } of events) {
          if (kind === "cut") cache_epoch++;
          else if (kind === "send" && acceptance.open) {
            call_id++;
            acceptance.sent(header({ call_id, chunk_index: call_id, cache_epoch }), step);
            sent.push(call_id);
          } else if (kind === "result") {
            const before = acceptance.inFlight.length;
            try {
              const verdict = acceptance.judge(result(BigInt(call), { cache_epoch: BigInt(epoch) }));
              if (verdict.accepted) ends.set(verdict.call.call_id, (ends.get(verdict.call.call_id) ?? 0) + 1);
              else stale += before - acceptance.inFlight.length;
            } catch (error) {
              expect(error).toBeInstanceOf(WireError);
              expect(acceptance.inFlight).toHaveLength(before);
            }
          }
        }
        for (const { call_id: lost } of acceptance.abandon()) ends.set(lost, (ends.get(lost) ?? 0) + 1);
        expect([...ends.values()].every((count) => count === 1)).toBeTrue();
        expect(ends.size + stale).toBe(sent.length);
      }),
    );
  });
});
