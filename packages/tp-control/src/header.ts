import { refusal } from "@tensorwire/framing";
import { type Blame, peerFault } from "@tensorwire/tensor-spec";

/** Bytes of a header. */
export const HEADER_SIZE = 40;

/** The actions, at their numbers on the wire. r[tp.action.values] r[pp.action.values] */
export const TP_ACTIONS = ["NOOP", "INFER", "SHUTDOWN"] as const;
export type TpAction = (typeof TP_ACTIONS)[number];

/**
 * The fixed header of TP and PP. Four counters, each a signed 64-bit integer:
 *
 * ```
 * 0          8          16         24         32         40
 * | call_id  | chunk_   | control_ | cache_   | action   |   int64 little-endian each
 * |          | index    | epoch    | epoch    |          |
 * ```
 *
 * They are bigints because every 64-bit value has to survive. Reading five as bigints costs about 5 ns more than as
 * checked safe integers, and a header is read once a call, next to a manifest that costs microseconds: a second form for
 * small values would be one more thing to get wrong and buy nothing.
 */
export interface TpHeader {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly control_epoch: bigint;
  readonly cache_epoch: bigint;
  readonly action: TpAction;
}

const COUNTERS = ["call_id", "chunk_index", "control_epoch", "cache_epoch"] as const;

/**
 * Reads the header at `bytes[from, from + 40)`.
 *
 * @throws WireError `header.field` for an unknown action, made by `blame`.
 */
export function decodeHeader(bytes: Uint8Array, from = 0, blame: Blame = peerFault(from + HEADER_SIZE)): TpHeader {
  // r[tp.header.layout] r[tp.header.byte-order] r[tp.header.int64-exact]
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, HEADER_SIZE);
  // r[tp.action.full-width]: the number is compared as 64 bits, never as its low half.
  const number = view.getBigInt64(32, true);
  const action = number >= 0n && number < 3n ? TP_ACTIONS[Number(number)] : undefined;
  // r[tp.action.unknown]
  if (action === undefined)
    throw blame("header.field", `expected action NOOP 0, INFER 1 or SHUTDOWN 2, ${number} came`);
  return {
    call_id: view.getBigInt64(0, true),
    chunk_index: view.getBigInt64(8, true),
    control_epoch: view.getBigInt64(16, true),
    cache_epoch: view.getBigInt64(24, true),
    action,
  };
}

/**
 * The 40 bytes of a header.
 *
 * @throws WireError refusal `header.field` for a counter that is no signed 64-bit integer or an action without a number.
 */
export function encodeHeader(header: TpHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  COUNTERS.forEach((name, i) => {
    const value = header[name];
    // r[tp.encode.field-range]: setBigInt64 would wrap.
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
      throw refusal("header.field", `${name}: expected a signed 64-bit integer as a bigint, ${value} came`);
    }
    view.setBigInt64(8 * i, value, true);
  });
  const action = TP_ACTIONS.indexOf(header.action);
  if (action < 0) throw refusal("header.field", `action: expected ${TP_ACTIONS.join(", ")}, ${header.action} came`);
  view.setBigInt64(32, BigInt(action), true);
  return bytes;
}
