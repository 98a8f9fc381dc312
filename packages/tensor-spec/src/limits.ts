import { DEFAULT_MAX_FRAME_LENGTH, DEFAULT_MAX_PARTS, refusal } from "@tensorwire/framing";
import { DEFAULT_DTYPES, type Dtype } from "./dtype.ts";

/** What a message may hold, for senders and receivers alike. Lengths are in bytes. */
export interface MessageLimits {
  /** Payload of the frame that holds manifest and tensors. Default 16 MiB. */
  readonly maxFrameLength: number;
  /** Part records of one payload. Default 1,024. */
  readonly maxParts: number;
  /** One manifest, envelope or result. Default 1 MiB. */
  readonly maxManifestLength: number;
  /** Specs of one message. Default 64. */
  readonly maxTensors: number;
  /** Dimensions of one shape. Default 8. */
  readonly maxRank: number;
  /** One tensor. Default: `maxFrameLength`. */
  readonly maxTensorLength: number;
  /** The supported dtypes. Default: bfloat16, float16, float32, int64. */
  readonly dtypes: ReadonlySet<Dtype>;
}

/** The defaults, with `options` on top. Throws a refusal for a limit that is not a count. */
export function messageLimits(options: Partial<MessageLimits> = {}): MessageLimits {
  const maxFrameLength = options.maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH;
  const limits = {
    maxFrameLength,
    maxParts: DEFAULT_MAX_PARTS,
    maxManifestLength: 1024 * 1024,
    maxTensors: 64,
    maxRank: 8,
    maxTensorLength: maxFrameLength,
    dtypes: DEFAULT_DTYPES,
    ...options,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (name === "dtypes" || (Number.isSafeInteger(value) && Number(value) >= 0)) continue;
    throw refusal("state", `${name}: expected an integer from 0 to 2^53 - 1, ${value} came`);
  }
  return limits;
}
