import { expect, test } from "bun:test";
import { concat, decodeInChunks } from "@tensorwire/tp-control/testing";
import { preparePpRequest } from "./request.ts";
import { PpSession } from "./session.ts";
import { header, hidden, inputIds, lm } from "./testing.ts";

const prefill = { step: { lm: lm() }, tensors: [inputIds] };
const decode = { step: { lm: lm({ position: 2, init_cache: false }) }, tensors: [hidden] };
const bytes = (over: Parameters<typeof header>[0], payload: Partial<typeof prefill> = {}) =>
  concat(preparePpRequest({ header: header(over), ...payload }).buffers);
const first = bytes({ call_id: 1n, chunk_index: 0n, control_epoch: 1n }, prefill);
const run = (...streams: Uint8Array[]) => {
  const { messages, error } = decodeInChunks(new PpSession(), concat(...streams));
  return [messages.length, error?.code, error && error.offset - first.length];
};

test("a lane: prefill, decode, a hard cut, shutdown", () => {
  const stream = [
    first,
    bytes({ call_id: 2n, chunk_index: 1n, control_epoch: 2n }, decode),
    bytes({ call_id: 5n, chunk_index: 0n, control_epoch: 3n, cache_epoch: 2n }, prefill),
    bytes({ call_id: 6n, control_epoch: 4n, cache_epoch: 2n, action: "SHUTDOWN" }),
  ];
  expect(run(...stream)).toEqual([4, undefined, null]);
});

test("pp-session.call-id, pp-session.sequence.step, pp-session.chunk-index, pp-session.cache-epoch.step: by the header", () => {
  const next = { call_id: 2n, chunk_index: 1n, control_epoch: 2n };
  expect(run(first, bytes({ ...next, call_id: 0n }, decode))).toEqual([1, "sequence", 40]);
  expect(run(first, bytes({ ...next, control_epoch: 3n }, decode))).toEqual([1, "sequence", 40]);
  expect(run(first, bytes({ ...next, chunk_index: -1n }, decode))).toEqual([1, "sequence", 40]);
  expect(run(first, bytes({ ...next, cache_epoch: 3n }, decode))).toEqual([1, "sequence", 40]);
  expect(run(first, bytes({ ...next, cache_epoch: 0n }, decode))).toEqual([1, "sequence", 40]);
});

test("pp-session.call-id.duplicate: dropped and counted", () => {
  const session = new PpSession();
  expect(session.push(concat(first, first)).messages).toHaveLength(1);
  expect(session.duplicates).toBe(1);
});

test("pp-session.cache-epoch.init: init_cache and the epoch agree, at the end of the frame", () => {
  const ids = { call_id: 2n, chunk_index: 1n, control_epoch: 2n };
  const anew = bytes(ids, prefill);
  expect(run(first, anew)).toEqual([1, "sequence", anew.length]);
  const cut = bytes({ ...ids, cache_epoch: 2n }, decode);
  expect(run(first, cut)).toEqual([1, "sequence", cut.length]);
});

test("pp-session.shutdown.last: the first byte after SHUTDOWN is state", () => {
  const end = bytes({ call_id: 2n, control_epoch: 2n, action: "SHUTDOWN" });
  expect(run(first, end, Uint8Array.of(0))).toEqual([2, "state", 41]);
  const session = new PpSession();
  session.push(first);
  expect(session.closed).toBeFalse();
  session.push(end);
  expect(session.closed).toBeTrue();
});
