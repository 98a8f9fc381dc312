import tensorProto from "@tensorwire/spec/proto/tensor.proto" with { type: "text" };
import type { Blame, MessageLimits, RawSpec } from "@tensorwire/tensor-spec";
import { loadProtos, type ProtoCodec } from "./proto-codec.ts";
import { tallyOf } from "./struct.ts";

/** Reads field 1, which is the version in every version of every message. */
export const versionedCodec: ProtoCodec<{ readonly version: number }> = loadProtos([tensorProto])(
  "tensorwire.tensor.v1.Versioned",
);

/** The repeated fields of Struct and ListValue. No other message has fields of these names. */
const KWARGS_VALUES: ReadonlySet<string> = new Set(["fields", "values"]);

/**
 * Parses the body record of a manifest, envelope or result, in the order that keeps a hostile one cheap: its length, its
 * version (field 1 in every version of each), the counts of its specs, dimensions and kwargs, and only then the message.
 *
 * @throws WireError `oversize.declared`, `version`, `spec.mismatch`, `header.length`, made by `blame`.
 */
export function parseBody<Wire extends { readonly tensor_specs: readonly RawSpec[] }>(
  codec: ProtoCodec<Wire>,
  version: number,
  body: Uint8Array,
  limits: MessageLimits,
  blame: Blame,
): Wire {
  // r[tp.manifest.limit] r[pp.manifest.limit]
  if (body.length > limits.maxManifestLength) {
    const message = `expected a ${codec.name} of at most ${limits.maxManifestLength} bytes, ${body.length} bytes came`;
    throw blame("oversize.declared", message);
  }
  // r[tp.manifest.version-first] r[pp.manifest.version-first]
  const { version: came } = versionedCodec.decode(body, blame);
  // r[tp.manifest.version] r[pp.manifest.version]
  if (came !== version) throw blame("version", `expected version ${version} of ${codec.name}, ${came} came`);
  // r[tp.spec.count] r[tp.spec.rank]: two bytes of wire can be an object of hundreds once they are parsed.
  const most = new Map([
    ["tensor_specs", limits.maxTensors],
    ["shape", limits.maxRank],
  ]);
  const tallyValue = tallyOf(limits.maxKwargsValues, blame);
  return codec.decode(body, blame, (field, elements) => {
    if (KWARGS_VALUES.has(field)) tallyValue();
    const limit = most.get(field);
    if (limit === undefined || elements <= limit) return;
    throw blame("spec.mismatch", `${field}: expected at most ${limit} elements, ${elements} or more came`);
  });
}
