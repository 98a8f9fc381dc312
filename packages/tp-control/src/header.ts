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
 * They are bigints because every 64-bit value has to survive, and one form that is always exact is better than a fast one
 * for small values beside it. What costs is not the bigint (3 ns each) but a fresh view for each header, so one is kept.
 */
export interface TpHeader {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly control_epoch: bigint;
  readonly cache_epoch: bigint;
  readonly action: TpAction;
}

/** One header's bytes and a view of them: warm, and never left to a caller. */
const scratch = new Uint8Array(HEADER_SIZE);
const view = new DataView(scratch.buffer);
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Reads the header at `bytes[from, from + 40)`.
 *
 * @throws WireError `header.field` for an unknown action, made by `blame`.
 */
export function decodeHeader(bytes: Uint8Array, from = 0, blame: Blame = peerFault(from + HEADER_SIZE)): TpHeader {
  if (bytes.length < from + HEADER_SIZE) {
    throw refusal("state", `expected ${HEADER_SIZE} bytes of header, ${bytes.length - from} came`);
  }
  for (let i = 0; i < HEADER_SIZE; i++) scratch[i] = bytes[from + i]!;
  // r[tp.action.full-width]: the high half counts.
  const action = view.getUint32(36, true) === 0 ? TP_ACTIONS[view.getUint32(32, true)] : undefined;
  if (action === undefined) {
    // r[tp.action.unknown]
    const number = view.getBigInt64(32, true);
    throw blame("header.field", `expected action NOOP 0, INFER 1 or SHUTDOWN 2, ${number} came`);
  }
  // r[tp.header.layout] r[tp.header.byte-order] r[tp.header.int64-exact]
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
  put(0, "call_id", header.call_id);
  put(8, "chunk_index", header.chunk_index);
  put(16, "control_epoch", header.control_epoch);
  put(24, "cache_epoch", header.cache_epoch);
  const action = TP_ACTIONS.indexOf(header.action);
  if (action < 0) throw refusal("header.field", `action: expected ${TP_ACTIONS.join(", ")}, ${header.action} came`);
  view.setUint32(32, action, true);
  view.setUint32(36, 0, true);
  return scratch.slice();
}

function put(at: number, name: string, value: bigint): void {
  // r[tp.encode.field-range]: setBigInt64 would wrap.
  if (typeof value !== "bigint" || value < INT64_MIN || value > INT64_MAX) {
    throw refusal("header.field", `${name}: expected a signed 64-bit integer as a bigint, ${value} came`);
  }
  view.setBigInt64(at, value, true);
}
