import { describe, expect, test } from "bun:test";
import type { Over } from "../corpus/wire-file.ts";
import { HeaderTrail } from "./header-trail.ts";
import { judgeOver } from "./over.ts";
import type { Ending } from "./peer.ts";

const header = (action: bigint, call_id: bigint, control_epoch = call_id, cache_epoch = 0n) => {
  const bytes = Buffer.alloc(40);
  [call_id, 0n, control_epoch, cache_epoch, action].forEach((slot, i) => {
    bytes.writeBigInt64LE(slot, 8 * i);
  });
  return bytes;
};
const shutdown = (call_id: bigint, control_epoch = call_id, cache_epoch = 0n) =>
  header(2n, call_id, control_epoch, cache_epoch);
/** An INFER with a frame of five bytes. */
const infer = (call_id: bigint) =>
  Buffer.concat([header(1n, call_id), Buffer.from("00000000000000050102030405", "hex")]);

/** Behind one message that was received. */
function judged(over: Over, got: Uint8Array, ending: Ending = "end", may: readonly Uint8Array[] = []) {
  const trail = new HeaderTrail();
  trail.push(infer(1n));
  return judgeOver(over, got, ending, may, trail);
}
const NOTHING = Buffer.alloc(0);

describe("r[iut.rank.not-stranded]: how a connection may end", () => {
  test("released: SHUTDOWN and an end, or a reset", () => {
    expect(judged("released", shutdown(2n))).toBeUndefined();
    expect(judged("released", NOTHING, "reset")).toBeUndefined();
    expect(judged("released", NOTHING)).toContain("ended its direction without SHUTDOWN");
  });

  test("shutdown: that alone, and no reset", () => {
    expect(judged("shutdown", shutdown(2n))).toBeUndefined();
    expect(judged("shutdown", shutdown(2n), "reset")).toContain("instead of SHUTDOWN");
    expect(judged("shutdown", NOTHING, "reset")).toContain("without SHUTDOWN");
  });

  test("end and close: not a byte more", () => {
    expect(judged("end", NOTHING)).toBeUndefined();
    expect(judged("end", NOTHING, "reset")).toContain("reset the connection");
    expect(judged("close", NOTHING, "reset")).toBeUndefined();
    for (const over of ["end", "close"] as const) expect(judged(over, shutdown(2n))).toContain("40 bytes came");
  });
});

describe("r[iut.rank.not-torn]: what stands before an end", () => {
  const may = [infer(2n), infer(3n)];

  test("whole messages, in order, each at most once", () => {
    expect(judged("released", shutdown(2n), "end", may)).toBeUndefined();
    expect(judged("released", Buffer.concat([infer(2n), shutdown(3n)]), "end", may)).toBeUndefined();
    expect(judged("released", Buffer.concat([...may, shutdown(4n)]), "end", may)).toBeUndefined();
    for (const wrong of [
      [infer(3n), shutdown(4n)],
      [infer(2n), infer(2n), shutdown(3n)],
      [...may, infer(4n)],
    ]) {
      expect(judged("released", Buffer.concat(wrong), "end", may)).toBeString();
    }
  });

  test("a message that is cut is torn, unless a reset took the rest along", () => {
    const torn = infer(2n).subarray(0, 45);
    expect(judged("released", torn, "end", may)).toContain("a message was cut: 45 bytes");
    expect(judged("released", torn, "reset", may)).toBeUndefined();
    expect(judged("cut", torn, "end", may)).toBeUndefined();
    expect(judged("close", torn, "reset", may)).toBeUndefined();
  });

  test("SHUTDOWN may be cut as well, and what is no beginning of one is none", () => {
    for (const size of [1, 8, 20, 39]) {
      expect(judged("cut", shutdown(2n).subarray(0, size))).toBeUndefined();
      expect(judged("released", shutdown(2n).subarray(0, size))).toContain("a message was cut");
    }
    for (const wrong of [shutdown(1n).subarray(0, 8), shutdown(2n, 3n).subarray(0, 24), Buffer.alloc(39, 0xff)]) {
      expect(judged("cut", wrong)).toContain("neither a message nor SHUTDOWN");
      expect(judged("released", wrong, "reset")).toContain("neither a message nor SHUTDOWN");
    }
    expect(new HeaderTrail().refusesStart(shutdown(9n, 4n, 3n).subarray(0, 32))).toBeUndefined();
  });

  test("no SHUTDOWN behind a cut", () => {
    const torn = Buffer.concat([infer(2n).subarray(0, 45), shutdown(3n)]);
    for (const over of ["cut", "released"] as const) {
      expect(judged(over, torn, "reset", may)).toContain("neither a message nor SHUTDOWN");
    }
  });

  test("SHUTDOWN once, with ids that a session takes behind the messages before", () => {
    expect(judged("released", shutdown(2n, 2n, 1n))).toBeUndefined();
    expect(judged("released", shutdown(9n, 2n))).toBeUndefined();
    expect(judged("released", shutdown(1n, 2n))).toContain("call_id 1 behind 1");
    expect(judged("released", shutdown(2n, 3n))).toContain("control_epoch 3 behind 1");
    expect(judged("released", shutdown(2n, 2n, 2n))).toContain("cache_epoch 2 behind 0");
    expect(judged("released", header(0n, 2n))).toContain("action 0, not SHUTDOWN");
    expect(judged("released", Buffer.concat([shutdown(2n), shutdown(3n)]))).toBeString();
    // Behind a message that may have come its own ids count.
    expect(judged("released", Buffer.concat([infer(2n), shutdown(2n)]), "end", may)).toContain("call_id 2 behind 2");
  });
});

describe("the trail of headers", () => {
  test("is the same for every way to cut the bytes, and skips frames and a handshake", () => {
    const hello = Buffer.from("0000000000000003aabbcc", "hex");
    const bytes = Buffer.concat([hello, infer(5n), header(0n, 6n), infer(7n)]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const trail = new HeaderTrail(true);
      trail.push(bytes.subarray(0, cut));
      trail.push(bytes.subarray(cut));
      expect(trail.last?.call_id).toBe(7n);
      expect(trail.refuses({ ...trail.last!, call_id: 8n, control_epoch: 8n, action: 2n })).toBeUndefined();
    }
  });

  test("a session's first message sets the epochs, but no negative ones", () => {
    const first = { call_id: 1n, chunk_index: -1n, control_epoch: 40n, cache_epoch: 7n, action: 2n };
    expect(new HeaderTrail().refuses(first)).toBeUndefined();
    for (const wrong of [{ call_id: 0n }, { control_epoch: -1n }, { cache_epoch: -1n }]) {
      expect(new HeaderTrail().refuses({ ...first, ...wrong })).toContain("below their first");
    }
  });
});
