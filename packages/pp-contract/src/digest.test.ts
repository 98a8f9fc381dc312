import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { concat } from "@tensorwire/tp-control/testing";
import { PpAcceptance } from "./acceptance.ts";
import { outputDigest, type Sha256, withDigest } from "./digest.ts";
import { PpResultDecoder, type PpResultInit, preparePpResult } from "./result.ts";
import { header, lm } from "./testing.ts";

const sha256: Sha256 = (parts) => {
  const hash = new Bun.CryptoHasher("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const ids = { call_id: 1n, chunk_index: 0n, cache_epoch: 1n };
const tensors = [
  { key: "b", dtype: "int64", shape: [1], data: () => BigInt64Array.of(2n) },
  { key: "a", dtype: "float32", shape: [2], data: Float32Array.of(1, 2) },
];

/** A driver that checks, with one call in flight, and a result as it arrives. */
function judge(init: Partial<PpResultInit>): string {
  const acceptance = new PpAcceptance({ window: 1, sha256 });
  acceptance.sent(header(ids), { lm: lm() });
  const { messages } = new PpResultDecoder().push(concat(preparePpResult({ ...ids, ...init }).buffers));
  const [message] = messages;
  try {
    return acceptance.judge(message!.result, 7, message!.tensors).accepted ? "accepted" : "dropped";
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect([error.fatal, error.fault, error.offset, acceptance.inFlight.length]).toEqual([true, "peer", 7, 1]);
    return error.message;
  }
}

test("without tensors the digest is that of nothing", () => {
  const { output_digest_i64, tensors: made } = withDigest({ ...ids }, sha256);
  expect([output_digest_i64, made]).toEqual([0x141cfc9842c4b0e3n, []]);
  const acceptance = new PpAcceptance({ window: 1, sha256 });
  acceptance.sent(header(ids), { lm: lm() });
  const [message] = new PpResultDecoder().push(concat(preparePpResult({ ...ids, tensors }).buffers)).messages;
  expect(acceptance.judge({ ...message!.result, output_digest_i64: 0x141cfc9842c4b0e3n })).toMatchObject({
    accepted: true,
  });
});

test("the digest is of the bytes in spec order, its first 8 bytes signed and little-endian", () => {
  // SHA-256 of nothing begins e3b0c44298fc1c14, and of "abc" ba7816bf8f01cfea.
  expect(outputDigest([], sha256)).toBe(0x141cfc9842c4b0e3n);
  const abc = [{ data: Buffer.from("a") }, { data: Buffer.from("bc") }];
  expect(outputDigest(abc, sha256)).toBe(BigInt.asIntN(64, 0xeacf018fbf1678ban));
  const [b, a] = [Buffer.from(BigInt64Array.of(2n).buffer), Buffer.from(Float32Array.of(1, 2).buffer)];
  const { output_digest_i64 } = withDigest({ ...ids, tensors }, sha256);
  expect(output_digest_i64).toBe(outputDigest([{ data: a }, { data: b }], sha256));
});

describe("pp.acceptance.digest", () => {
  test("a result with its digest is accepted, an error result without one too", () => {
    expect(judge(withDigest({ ...ids, tensors }, sha256))).toBe("accepted");
    const failed = { ...ids, ok: false, error_message: "no" };
    expect(withDigest(failed, sha256)).toBe(failed);
    expect(judge(failed)).toBe("accepted");
  });

  test("an absent one and one of other tensors are refused", () => {
    expect(judge({ tensors })).toMatch(/^\[checksum\] output_digest_i64: expected -?\d+, none came/);
    const other = withDigest({ ...ids, tensors: tensors.slice(0, 1) }, sha256);
    expect(judge({ ...other, tensors })).toStartWith("[checksum] output_digest_i64: expected");
  });

  test("a driver that was not told looks at none", () => {
    const acceptance = new PpAcceptance({ window: 1 });
    acceptance.sent(header(ids), { lm: lm() });
    const made = preparePpResult({ ...ids, tensors, output_digest_i64: 0n });
    const [message] = new PpResultDecoder().push(concat(made.buffers)).messages;
    expect(acceptance.judge(message!.result).accepted).toBeTrue();
  });
});

test("a tensor is made once, though its digest and its bytes are both sent", () => {
  let count = 0;
  const data = () => {
    count++;
    return Float32Array.of(3);
  };
  preparePpResult(withDigest({ ...ids, tensors: [{ key: "a", dtype: "float32", shape: [1], data }] }, sha256));
  expect(count).toBe(1);
});

test("each result comes with the offset of its end", () => {
  const made = preparePpResult({ ...ids, tensors });
  const bytes = concat(made.buffers, made.buffers, made.buffers.slice(0, 1));
  const { ends, messages } = new PpResultDecoder().push(bytes);
  expect(messages).toHaveLength(2);
  expect(ends).toEqual([made.byteLength, 2 * made.byteLength]);
});
