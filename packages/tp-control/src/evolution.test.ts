import { describe, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import tensorProto from "@tensorwire/spec/proto/tensor.proto" with { type: "text" };
import tpProto from "@tensorwire/spec/proto/tp_control.proto" with { type: "text" };
import { peerFault } from "@tensorwire/tensor-spec";
import v2Proto from "./evolution-v2.proto" with { type: "text" };
import { encodeHeader, type TpHeader } from "./header.ts";
import { prepareTp, TpDecoder } from "./message.ts";
import { loadProtos } from "./proto-codec.ts";
import { concat, decodeInChunks } from "./testing.ts";

interface ManifestV2 {
  readonly tp_envelope_version: number;
  readonly tensor_specs: readonly { readonly key: string; readonly dtype: string; readonly shape: readonly bigint[] }[];
  readonly tp_plan: string;
  readonly trace: string;
  readonly hint?: { readonly budget_ms: number; readonly ranks: readonly bigint[] };
  readonly compressed: boolean;
}

const codecOf = loadProtos([tensorProto, tpProto, v2Proto]);
const manifestV2 = codecOf<ManifestV2>("tensorwire.tp.v2.TPManifest");
const rewritten = codecOf<{ tp_envelope_version: number; tensor_specs: string; kwargs: bigint }>(
  "tensorwire.tp.v2.Rewritten",
);

const ids = { call_id: 7n, chunk_index: 3n, control_epoch: 7n, cache_epoch: 1n };
const header = { ...ids, action: "INFER" } as const satisfies TpHeader;
const spec = { key: "x", dtype: "float32", shape: [1n] };
const additions = { trace: "a1b2", hint: { budget_ms: 12.5, ranks: [0n, 2n ** 60n] }, compressed: false };
const base: ManifestV2 = { tp_envelope_version: 1, tensor_specs: [spec], tp_plan: "", ...additions };
const ONE = new Uint8Array([0, 0, 128, 63]);

/** What a sender of version 2 writes, and what a receiver of version 1 makes of it. */
function received(body: Uint8Array, parts: readonly Uint8Array[] = [ONE]) {
  const payload = encodeMultipart({ body: { bytes: body }, parts: parts.map((bytes) => ({ bytes })) });
  const stream = concat(encodeHeader(header), new FrameEncoder("len64").encode(payload));
  return { ...decodeInChunks(new TpDecoder(), stream), end: stream.length };
}

describe("a sender of version 2, a receiver of version 1", () => {
  test("tp.manifest.unknown-fields: what may be ignored is sent as version 1, and passes", () => {
    const { messages, error } = received(manifestV2.encode(base));
    expect(error).toBeNull();
    expect(messages).toEqual([
      {
        header,
        manifest: {
          tp_envelope_version: 1,
          tensor_specs: [{ key: "x", dtype: "float32", shape: [1] }],
          kwargs: {},
          tp_plan: "",
        },
        tensors: [{ key: "x", dtype: "float32", shape: [1], data: ONE }],
      },
    ]);
  });

  test("tp.evolution.version-bump, tp.manifest.version: what must be obeyed is sent as version 2, and is refused", () => {
    const { messages, error, end } = received(manifestV2.encode({ ...base, tp_envelope_version: 2, compressed: true }));
    expect(messages).toEqual([]);
    expect(error).toEqual({ code: "version", offset: end });
  });

  test("tp.manifest.version-first: version 2 is refused as such even where nothing else can be read", () => {
    const body = rewritten.encode({ tp_envelope_version: 2, tensor_specs: "\u{10ffff}", kwargs: 5n });
    expect(received(body, []).error?.code).toBe("version");
    const claimed = rewritten.encode({ tp_envelope_version: 1, tensor_specs: "\u{10ffff}", kwargs: 5n });
    expect(received(claimed, []).error?.code).toBe("header.length");
  });

  test.each([
    ["a tensor of 2^53 - 1 elements", [{ ...spec, shape: [2n ** 53n - 1n] }]],
    ["more specs than a message may have", Array.from({ length: 2_000 }, () => spec)],
    ["more dimensions than a shape may have", [{ ...spec, shape: Array.from({ length: 2_000 }, () => 1n) }]],
  ])("tp.manifest.version: refused before a spec is looked at or memory taken: %s", (_, tensor_specs) => {
    const code = (version: number) =>
      received(manifestV2.encode({ ...base, tp_envelope_version: version, tensor_specs }), []).error?.code;
    expect([code(1), code(2)]).toEqual(["spec.mismatch", "version"]);
  });

  test("tp.action.unknown: ERROR 3 is an error at the end of its header, with no byte behind it and none read", () => {
    const noop = concat(prepareTp({ header: { ...header, action: "NOOP" } }).buffers);
    const error3 = concat(encodeHeader(header));
    error3[32] = 3;
    for (const behind of [new Uint8Array(0), concat(noop, noop)]) {
      const { messages, error } = decodeInChunks(new TpDecoder(), concat(noop, error3, behind));
      expect(messages).toHaveLength(1);
      expect(error).toEqual({ code: "header.field", offset: 80 });
    }
  });
});

test("a sender of version 1, a receiver of version 2: what is absent means as before", () => {
  const data = new Float32Array([1]);
  const made = prepareTp({ header, manifest: {}, tensors: [{ key: "x", dtype: "float32", shape: [1], data }] });
  const stream = concat(made.buffers);
  // 40 of header, 8 of prefix, 8 of record length; then the manifest.
  const length = Number(new DataView(stream.buffer).getBigUint64(48));
  const read = manifestV2.decode(stream.subarray(56, 56 + length), peerFault(0));
  expect(read).toMatchObject({ tp_envelope_version: 1, tp_plan: "", trace: "", compressed: false });
  expect(read.hint ?? null).toBeNull();
  expect(read.tensor_specs.map(({ key }) => key)).toEqual(["x"]);
});
