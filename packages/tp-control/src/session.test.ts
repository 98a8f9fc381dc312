import { describe, expect, test } from "bun:test";
import { refusal } from "@tensorwire/framing";
import type { TpHeader } from "./header.ts";
import { prepareTp } from "./message.ts";
import type { VideoStep } from "./plan.ts";
import { SessionOrder, TpSession } from "./session.ts";
import { concat, decodeEveryWay, decodeInChunks, refusalOf } from "./testing.ts";

/** call_id, action, chunk_index, control_epoch, cache_epoch */
type Row = readonly [bigint, TpHeader["action"], bigint, bigint, bigint];

const video = (init_cache: boolean): VideoStep => ({
  height: 480,
  width: 832,
  current_start_frame: 0n,
  init_cache,
  manage_cache: true,
  tp_reset_kv_cache: false,
  tp_reset_crossattn_cache: false,
  conditioning_embeds_updated: true,
  kv_cache_attention_bias: 0.3,
  tp_do_kv_recompute: false,
  tp_num_denoise_steps: 1,
  tp_expected_generator_calls: 1,
  base_seed: 2n ** 60n + 1n,
});
const latent = { dtype: "bfloat16", shape: [1], data: new Uint8Array(2) } as const;
const videoTensors = [
  { key: "denoising_step_list", dtype: "int64", shape: [1], data: new BigInt64Array([1000n]) },
  { key: "latents", ...latent },
  { key: "conditioning_embeds", ...latent },
];

function bytesOf([call_id, action, chunk_index, control_epoch, cache_epoch]: Row, init?: boolean): Uint8Array {
  const header = { call_id, action, chunk_index, control_epoch, cache_epoch };
  if (action !== "INFER") return concat(prepareTp({ header }).buffers);
  if (init === undefined) return concat(prepareTp({ header, manifest: {} }).buffers);
  const manifest = { tp_plan: "v1_generator_only", video: video(init) } as const;
  return concat(prepareTp({ header, manifest, tensors: videoTensors }).buffers);
}

/** The call_ids delivered, then the error's code and its distance from the start of the last message. */
function run(rows: readonly Row[]): readonly unknown[] {
  const parts = rows.map((row) => bytesOf(row));
  const before = concat(...parts.slice(0, -1)).length;
  const { messages, error } = decodeInChunks(new TpSession(), concat(...parts));
  return [messages.map(({ header }) => Number(header.call_id)), error?.code, error && error.offset - before];
}

describe("tp-session.call-id", () => {
  test("tp-session.call-id.increasing: from 1, over all actions, gaps allowed", () => {
    expect(
      run([
        [1n, "INFER", 0n, 1n, 0n],
        [2n, "NOOP", 0n, 2n, 0n],
        [9n, "INFER", 1n, 3n, 0n],
      ]),
    ).toEqual([[1, 2, 9], undefined, null]);
    expect(run([[7n, "INFER", 0n, 1n, 0n]])).toEqual([[7], undefined, null]);
    expect(run([[0n, "NOOP", 0n, 1n, 0n]])).toEqual([[], "sequence", 40]);
    expect(run([[-1n, "NOOP", 0n, 1n, 0n]])).toEqual([[], "sequence", 40]);
    expect(
      run([
        [2n, "INFER", 0n, 1n, 0n],
        [1n, "NOOP", 0n, 2n, 0n],
      ]),
    ).toEqual([[2], "sequence", 40]);
  });

  test("beyond 2^53 the order is still exact", () => {
    const big = 2n ** 53n;
    expect(
      run([
        [big, "NOOP", 0n, big, 0n],
        [big + 1n, "NOOP", 0n, big + 1n, 0n],
      ]),
    ).toEqual([[2 ** 53, 2 ** 53], undefined, null]);
    expect(
      run([
        [big + 1n, "NOOP", 0n, 1n, 0n],
        [big, "NOOP", 0n, 2n, 0n],
      ]),
    ).toEqual([[2 ** 53], "sequence", 40]);
  });

  test("tp-session.call-id.duplicate: read to its end, not delivered, changes nothing", () => {
    const first: Row = [3n, "INFER", 5n, 1n, 0n];
    expect(run([first, first, [4n, "INFER", 5n, 2n, 0n]])).toEqual([[3, 4], undefined, null]);
    // Whatever else it says: nothing of a duplicate is judged.
    expect(run([first, [3n, "INFER", -9n, 99n, 7n], [4n, "INFER", 5n, 2n, 0n]])).toEqual([[3, 4], undefined, null]);
    const session = new TpSession();
    session.push(concat(bytesOf(first), bytesOf(first)));
    expect(session.duplicates).toBe(1);
  });
});

describe("tp-session.chunk-index", () => {
  test("tp-session.chunk-index.infer-only: may repeat and grow, not fall, and is not read on NOOP", () => {
    expect(
      run([
        [1n, "INFER", 4n, 1n, 0n],
        [2n, "NOOP", -1n, 2n, 0n],
        [3n, "INFER", 4n, 3n, 0n],
      ]),
    ).toEqual([[1, 2, 3], undefined, null]);
    expect(
      run([
        [1n, "INFER", 4n, 1n, 0n],
        [2n, "INFER", 3n, 2n, 0n],
      ]),
    ).toEqual([[1], "sequence", 40]);
    expect(run([[1n, "INFER", -1n, 1n, 0n]])).toEqual([[], "sequence", 40]);
  });

  test("tp-session.chunk-index.hard-cut: starts again with the cache epoch, and only then", () => {
    expect(
      run([
        [1n, "INFER", 4n, 1n, 0n],
        [2n, "INFER", 0n, 2n, 1n],
      ]),
    ).toEqual([[1, 2], undefined, null]);
    expect(
      run([
        [1n, "INFER", 4n, 1n, 0n],
        [2n, "INFER", 0n, 2n, 0n],
      ]),
    ).toEqual([[1], "sequence", 40]);
    expect(
      run([
        [1n, "INFER", 4n, 1n, 0n],
        [2n, "INFER", -1n, 2n, 1n],
      ]),
    ).toEqual([[1], "sequence", 40]);
  });
});

test("tp-session.chunk-index.infer-only: each INFER is held against the one before, after a hard cut too", () => {
  const rows: Row[] = [
    [1n, "INFER", 0n, 1n, 0n],
    [2n, "INFER", 4n, 2n, 0n],
    [3n, "INFER", 3n, 3n, 0n],
  ];
  expect(run(rows)).toEqual([[1, 2], "sequence", 40]);
  const cut: Row[] = [
    [1n, "INFER", 9n, 1n, 0n],
    [2n, "INFER", 4n, 2n, 1n],
    [3n, "INFER", 3n, 3n, 1n],
  ];
  expect(run(cut)).toEqual([[1, 2], "sequence", 40]);
});

describe("tp-session epochs", () => {
  test("tp-session.control-epoch.step: the first sets it, then exactly one more each", () => {
    expect(
      run([
        [1n, "NOOP", 0n, 41n, 0n],
        [2n, "NOOP", 0n, 42n, 0n],
      ]),
    ).toEqual([[1, 2], undefined, null]);
    for (const next of [41n, 43n, 40n]) {
      expect(
        run([
          [1n, "NOOP", 0n, 41n, 0n],
          [2n, "NOOP", 0n, next, 0n],
        ]),
      ).toEqual([[1], "sequence", 40]);
    }
  });

  test("tp-session.cache-epoch.step: the same or one more", () => {
    for (const [next, code] of [
      [6n, undefined],
      [7n, undefined],
      [8n, "sequence"],
      [5n, "sequence"],
    ] as const) {
      expect(
        run([
          [1n, "INFER", 0n, 1n, 6n],
          [2n, "INFER", 0n, 2n, next],
        ])[1],
      ).toBe(code);
    }
  });

  test("tp-session.epoch.not-negative", () => {
    expect(run([[1n, "NOOP", 0n, -1n, 0n]])).toEqual([[], "sequence", 40]);
    expect(run([[1n, "NOOP", 0n, 0n, -1n]])).toEqual([[], "sequence", 40]);
  });

  test("tp-session.cache-epoch.init: init_cache is true on the first INFER and at each hard cut, at the end of the frame", () => {
    const verdict = (stream: Uint8Array) => decodeInChunks(new TpSession(), stream);
    const first = bytesOf([1n, "INFER", 0n, 1n, 0n], true);
    const cases: [Uint8Array, string | undefined][] = [
      [concat(first, bytesOf([2n, "INFER", 1n, 2n, 0n], false)), undefined],
      [concat(first, bytesOf([2n, "INFER", 0n, 2n, 1n], true)), undefined],
      [concat(first, bytesOf([2n, "NOOP", 0n, 2n, 1n]), bytesOf([3n, "INFER", 0n, 3n, 1n], true)), undefined],
      [concat(first, bytesOf([2n, "INFER", 0n, 2n, 1n], false)), "sequence"],
      [concat(first, bytesOf([2n, "INFER", 1n, 2n, 0n], true)), "sequence"],
      [bytesOf([1n, "INFER", 0n, 1n, 0n], false), "sequence"],
    ];
    for (const [stream, code] of cases) {
      const { error } = verdict(stream);
      expect([error?.code, error?.offset]).toEqual([code, code && stream.length]);
    }
  });
});

describe("a sender's order", () => {
  const noop = (call_id: bigint, control_epoch = call_id) =>
    ({ call_id, chunk_index: 0n, control_epoch, cache_epoch: 0n, action: "NOOP" }) as const;

  test("a copy goes its own way, and what it refuses is the caller's fault", () => {
    const order = new SessionOrder();
    order.follow(noop(3n), refusal);
    const copy = order.copy();
    copy.follow(noop(4n), refusal);
    expect(refusalOf(() => copy.follow(noop(4n, 5n), refusal))).toBe("[sequence] call_id: expected at least 5, 4 came");
    // What the copy took, the order has not seen.
    order.follow(noop(4n), refusal);
    order.follow({ ...noop(5n), action: "SHUTDOWN" }, refusal);
    expect([order.closed, copy.closed]).toEqual([true, false]);
  });

  test("a copy knows of the cut and of the chunks before it", () => {
    const order = new SessionOrder();
    order.follow({ ...noop(1n), chunk_index: 7n, action: "INFER" }, refusal);
    const infer = { ...noop(2n), chunk_index: 2n, action: "INFER" } as const;
    expect(refusalOf(() => order.copy().follow(infer, refusal))).toContain("chunk_index: expected at least 7");
    order.follow({ ...noop(2n), cache_epoch: 1n }, refusal);
    const cut = order.copy();
    cut.follow({ ...infer, call_id: 3n, control_epoch: 3n, cache_epoch: 1n }, refusal);
    cut.copy().checkInit(true, refusal);
    expect(refusalOf(() => cut.copy().checkInit(false, refusal))).toContain("init_cache: expected true");
  });
});

describe("tp-session end", () => {
  test("tp-session.shutdown.last: the first byte after SHUTDOWN is state, EOF there is a clean end", () => {
    expect(run([[1n, "SHUTDOWN", 0n, 1n, 0n]])).toEqual([[1], undefined, null]);
    expect(
      run([
        [1n, "SHUTDOWN", 0n, 1n, 0n],
        [2n, "NOOP", 0n, 2n, 0n],
      ]),
    ).toEqual([[1], "state", 1]);
    const session = new TpSession();
    session.push(bytesOf([1n, "SHUTDOWN", 0n, 1n, 0n]));
    expect(session.closed).toBeTrue();
    expect(session.push(new Uint8Array(0)).error).toBeNull();
    expect(session.end()).toBeNull();
  });

  test("tp-session.eof: a stream without SHUTDOWN ends cleanly, and says that it was not closed", () => {
    const session = new TpSession();
    session.push(bytesOf([1n, "NOOP", 0n, 1n, 0n]));
    expect([session.end(), session.closed]).toEqual([null, false]);
  });

  test("an order error needs the header alone, and every cut gives the same", () => {
    const good = bytesOf([5n, "INFER", 0n, 1n, 0n]);
    const bad = bytesOf([4n, "INFER", 0n, 2n, 0n]);
    const stream = concat(good, bad.slice(0, 40));
    for (const { messages, error } of decodeEveryWay(() => new TpSession(), stream)) {
      expect([messages.length, error]).toEqual([1, { code: "sequence", offset: good.length + 40 }]);
    }
  });
});

test("what breaks the order is named, with what was expected and what came", () => {
  const first: Row = [2n, "INFER", 4n, 5n, 6n];
  const wrong: [Row, string][] = [
    [[1n, "INFER", 4n, 6n, 6n], "call_id: expected at least 3, 1 came"],
    [[3n, "INFER", 4n, 9n, 6n], "control_epoch: expected 6, 9 came"],
    [[3n, "INFER", 4n, -1n, 6n], "control_epoch: expected 0 or more, -1 came"],
    [[3n, "INFER", 4n, 6n, 9n], "cache_epoch: expected 6, or 7 at a hard cut, 9 came"],
    [[3n, "INFER", 4n, 6n, -1n], "cache_epoch: expected 0 or more, -1 came"],
    [[3n, "INFER", 3n, 6n, 6n], "chunk_index: expected at least 4, 3 came"],
    [[3n, "INFER", -1n, 6n, 7n], "chunk_index: expected at least 0, -1 came"],
  ];
  for (const [row, text] of wrong) {
    const { error } = new TpSession().push(concat(bytesOf(first), bytesOf(row)));
    expect(error?.message).toContain(`[sequence] ${text}`);
  }
  expect(new TpSession().push(bytesOf([1n, "INFER", -1n, 0n, 0n])).error?.message).toContain("at least 0, -1 came");
  expect(new TpSession().push(bytesOf([1n, "INFER", 0n, 0n, 0n], false)).error?.message).toContain(
    "init_cache: expected true, as cache_epoch says, false came",
  );
});
