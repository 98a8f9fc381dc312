import { checkCount, DEFAULT_MAX_FRAME_LENGTH, DEFAULT_MAX_PARTS, refusal } from "@tensorwire/framing";
import { DEFAULT_DTYPES, type Dtype, isDtype } from "./dtype.ts";
import { show } from "./show.ts";

/** What a message may hold, for senders and receivers alike. Lengths are in bytes. */
export interface MessageLimits {
  /** Payload of the frame that holds manifest and tensors. Default 16 MiB. */
  readonly maxFrameLength: number;
  /** Part records of one payload. Default 1,024. */
  readonly maxParts: number;
  /** One manifest, envelope or result. Default 1 MiB. */
  readonly maxManifestLength: number;
  /**
   * Entries of objects and elements of lists in the kwargs of one manifest, at all levels together: two bytes of wire
   * can be an object of hundreds once they are parsed. Default 65,536.
   */
  readonly maxKwargsValues: number;
  /** Specs of one message. Default 64. */
  readonly maxTensors: number;
  /** Dimensions of one shape. Default 8. */
  readonly maxRank: number;
  /** One tensor. Default: `maxFrameLength`. */
  readonly maxTensorLength: number;
  /** The supported dtypes. Default: bfloat16, float16, float32, int64. */
  readonly dtypes: ReadonlySet<Dtype>;
}

/**
 * The defaults, with `options` on top. An option that is undefined is not given.
 *
 * @throws WireError refusal `state` for an option that there is not, for a limit that is not a count, and for dtypes that
 *   are not a Set of them.
 */
export function messageLimits(options: Partial<MessageLimits> = {}): MessageLimits {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const maxFrameLength = options.maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH;
  const limits: MessageLimits = {
    maxFrameLength,
    maxParts: DEFAULT_MAX_PARTS,
    maxManifestLength: 1024 * 1024,
    maxKwargsValues: 65536,
    maxTensors: 64,
    maxRank: 8,
    maxTensorLength: maxFrameLength,
    dtypes: DEFAULT_DTYPES,
  };
  for (const [name, value] of given) {
    if (!Object.hasOwn(limits, name)) {
      throw refusal("state", `${show(name)}: expected one of ${Object.keys(limits).join(", ")}`);
    }
    if (name === "dtypes") checkDtypes(value);
    else checkCount(name, value);
  }
  return { ...limits, ...Object.fromEntries(given) };
}

function checkDtypes(value: unknown): void {
  if (!(value instanceof Set)) throw refusal("state", "dtypes: expected a Set, another value came");
  for (const name of value) {
    if (typeof name === "string" && isDtype(name)) continue;
    throw refusal("state", `dtypes: expected known dtypes, ${show(String(name))} came`);
  }
}
