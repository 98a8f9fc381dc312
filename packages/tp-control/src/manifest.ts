import { type Part, refusal } from "@tensorwire/framing";
import tensorProto from "@tensorwire/spec/proto/tensor.proto" with { type: "text" };
import tpProto from "@tensorwire/spec/proto/tp_control.proto" with { type: "text" };
import {
  type Blame,
  checkSpecs,
  type MessageLimits,
  type RawSpec,
  type Tensor,
  type TensorSpec,
  takeTensors,
} from "@tensorwire/tensor-spec";
import { parseBody } from "./body.ts";
import { checkPlan, type TpPlan, type VideoStep } from "./plan.ts";
import { loadProtos, type ProtoCodec } from "./proto-codec.ts";
import { fromStruct, type StructObject, toStruct, type WireStruct } from "./struct.ts";

/** The version of `TPManifest` that this implementation speaks. */
export const TP_ENVELOPE_VERSION = 1;

/** The manifest of an INFER, as it arrived: checked, one tensor for each spec. */
export interface TpManifest {
  readonly tp_envelope_version: 1;
  readonly tensor_specs: readonly TensorSpec[];
  readonly kwargs: StructObject;
  readonly tp_plan: TpPlan;
  /** Present under `v1_generator_only` alone. */
  readonly video?: VideoStep;
}

/** The manifest of an INFER to send. Version and specs come from `prepareTp`. */
export interface TpManifestInit {
  readonly kwargs?: StructObject;
  readonly tp_plan?: TpPlan;
  readonly video?: VideoStep;
}

interface WireManifest {
  readonly tp_envelope_version: number;
  readonly tensor_specs: readonly RawSpec[];
  readonly kwargs?: WireStruct | null;
  readonly tp_plan?: string | undefined;
  readonly video?: VideoStep | null | undefined;
}

const manifestCodec: ProtoCodec<WireManifest> = loadProtos([tensorProto, tpProto])("tensorwire.tp.v1.TPManifest");

/** Reads a manifest and takes its tensors. @throws WireError as `spec/tp-control.md` says, made by `blame`. */
export function readManifest(
  body: Uint8Array,
  parts: readonly Part[],
  limits: MessageLimits,
  blame: Blame,
): { manifest: TpManifest; tensors: Tensor[] } {
  const wire = parseBody(manifestCodec, TP_ENVELOPE_VERSION, body, limits, blame);
  const kwargs = fromStruct(wire.kwargs ?? {}, "kwargs", blame);
  const tensor_specs = checkSpecs(wire.tensor_specs, limits, blame);
  const tp_plan = checkPlan({ tp_plan: wire.tp_plan, video: wire.video ?? undefined, tensor_specs }, blame);
  const tensors = takeTensors(tensor_specs, parts, blame);
  const manifest = { tp_envelope_version: TP_ENVELOPE_VERSION, tensor_specs, kwargs, tp_plan } as const;
  return { manifest: wire.video == null ? manifest : { ...manifest, video: wire.video }, tensors };
}

/**
 * Validates and converts what does not depend on specs, and returns the function that serialises the rest around them.
 *
 * @throws WireError refusals `header.field` and `spec.mismatch`, by the field's path, and `oversize.declared`.
 */
export function manifestSerialiser(
  { kwargs: given = {}, tp_plan, video }: TpManifestInit,
  { maxKwargsValues }: MessageLimits,
): (specs: readonly TensorSpec[]) => Uint8Array {
  const struct = toStruct(given, maxKwargsValues);
  const kwargs = struct.fields.length === 0 ? null : struct;
  return (tensor_specs) => {
    checkPlan({ tp_plan, video, tensor_specs }, refusal);
    return manifestCodec.encode({ tp_envelope_version: TP_ENVELOPE_VERSION, tensor_specs, kwargs, tp_plan, video });
  };
}
