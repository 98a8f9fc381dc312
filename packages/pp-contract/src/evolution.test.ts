import { describe, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import ppProto from "@tensorwire/spec/proto/pp_contract.proto" with { type: "text" };
import tensorProto from "@tensorwire/spec/proto/tensor.proto" with { type: "text" };
import { encodeHeader, loadProtos } from "@tensorwire/tp-control";
import { concat, decodeInChunks } from "@tensorwire/tp-control/testing";
import v2Proto from "./evolution-v2.proto" with { type: "text" };
import { PpRequestDecoder, preparePpRequest } from "./request.ts";
import { PpResultDecoder } from "./result.ts";
import type { LmStep } from "./step.ts";
import { header, lm } from "./testing.ts";

interface Ids {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly cache_epoch: bigint;
  readonly tensor_specs: readonly { readonly key: string; readonly dtype: string; readonly shape: readonly bigint[] }[];
}
interface EnvelopeV2 extends Ids {
  readonly pp_envelope_version: number;
  readonly action: string;
  readonly lm?: LmStep;
  readonly train?: { readonly micro_batch: number };
  readonly trace: string;
}
interface ResultV2 extends Ids {
  readonly pp_result_version: number;
  readonly error_message: string;
  readonly queued_us: bigint;
  readonly outcome: string;
}

const codecOf = loadProtos([tensorProto, ppProto, v2Proto]);
const envelopeV2 = codecOf<EnvelopeV2>("tensorwire.pp.v2.PPEnvelope");
const resultV2 = codecOf<ResultV2>("tensorwire.pp.v2.PPResult");

const { call_id, chunk_index, cache_epoch } = header();
const hidden = { key: "hidden", dtype: "float32", shape: [2n, 1n] };
const bomb = { key: "hidden", dtype: "float32", shape: [2n ** 53n - 1n] };
const ids: Ids = { call_id, chunk_index, cache_epoch, tensor_specs: [hidden] };
const envelope: EnvelopeV2 = { ...ids, pp_envelope_version: 1, action: "INFER", lm: lm(), trace: "a1b2" };
const result: ResultV2 = { ...ids, pp_result_version: 1, error_message: "", queued_us: 5n, outcome: "DONE" };
const HIDDEN = new Uint8Array(8).fill(7);

function frame(body: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const payload = encodeMultipart({ body: { bytes: body }, parts: parts.map((bytes) => ({ bytes })) });
  return concat(new FrameEncoder("len64").encode(payload));
}

describe("a driver of version 2, a stage of version 1", () => {
  const received = (message: EnvelopeV2, parts: readonly Uint8Array[] = [HIDDEN]) => {
    const stream = concat(encodeHeader(header()), frame(envelopeV2.encode(message), parts));
    return { ...decodeInChunks(new PpRequestDecoder(), stream), end: stream.length };
  };

  test("pp.manifest.unknown-fields: what may be ignored is sent as version 1, and passes", () => {
    const { messages, error } = received(envelope);
    expect(error).toBeNull();
    expect(messages).toMatchObject([{ envelope: { call_id, lm: lm() }, tensors: [{ key: "hidden", data: HIDDEN }] }]);
    expect(messages[0]).not.toHaveProperty("envelope.trace");
  });

  test("pp.evolution.version-bump: a new kind of step says version 2, and is refused as such", () => {
    const { lm: _, ...rest } = envelope;
    const train = { ...rest, train: { micro_batch: 4 } };
    const { messages, error, end } = received({ ...train, pp_envelope_version: 2 });
    expect(messages).toEqual([]);
    expect(error).toEqual({ code: "version", offset: end });
    // What the rule is for: under version 1 the stage sees a call without a step, and says so.
    expect(received(train).error?.code).toBe("header.field");
  });

  test("pp.manifest.version: refused before a spec is looked at or memory taken", () => {
    const code = (version: number) =>
      received({ ...envelope, tensor_specs: [bomb], pp_envelope_version: version }, []).error?.code;
    expect([code(1), code(2)]).toEqual(["spec.mismatch", "version"]);
  });

  test("pp.action.values: ERROR 3 is an error at the end of its header, whatever follows", () => {
    const noop = concat(preparePpRequest({ header: header({ action: "NOOP" }) }).buffers);
    const error3 = concat(encodeHeader(header()));
    error3[32] = 3;
    const { messages, error } = decodeInChunks(new PpRequestDecoder(), concat(noop, error3, noop));
    expect(messages).toHaveLength(1);
    expect(error).toEqual({ code: "header.field", offset: 80 });
  });
});

describe("a stage of version 2, a driver of version 1", () => {
  const received = (message: ResultV2, parts: readonly Uint8Array[] = [HIDDEN]) => {
    const stream = frame(resultV2.encode(message), parts);
    return { ...decodeInChunks(new PpResultDecoder(), stream), end: stream.length };
  };

  test("pp.manifest.unknown-fields, pp.result.ok-default: what may be ignored is sent as version 1, and passes", () => {
    const { messages, error } = received(result);
    expect(error).toBeNull();
    expect(messages).toMatchObject([{ result: { call_id, ok: true }, tensors: [{ data: HIDDEN }] }]);
    expect(messages[0]).not.toHaveProperty("result.queued_us");
  });

  test("pp.manifest.version: an outcome in the place of ok says version 2, and is not taken for a success", () => {
    const { messages, error, end } = received({ ...result, pp_result_version: 2, outcome: "RETRY" });
    expect(messages).toEqual([]);
    expect(error).toEqual({ code: "version", offset: end });
  });

  test("pp.manifest.version: refused before a spec is looked at or memory taken", () => {
    const code = (version: number) =>
      received({ ...result, tensor_specs: [bomb], pp_result_version: version }, []).error?.code;
    expect([code(1), code(2)]).toEqual(["spec.mismatch", "version"]);
  });
});
