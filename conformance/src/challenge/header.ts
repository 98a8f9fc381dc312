import type { Draw } from "./draw.ts";
import { bigEndian, type Writer } from "./writer.ts";

export const SLOTS = ["call_id", "chunk_index", "control_epoch", "cache_epoch"] as const;
/** Signed, 64 bits each. */
export type Ids = Readonly<Record<(typeof SLOTS)[number], bigint>>;
export const ACTIONS = { NOOP: 0n, INFER: 1n, SHUTDOWN: 2n } as const;
export type Action = keyof typeof ACTIONS;

export const HEADER = "eof.in-header";

const little = (word: bigint) => bigEndian(BigInt.asUintN(64, word), 8).toReversed();

export function drawIds(draw: Draw): Ids {
  const word = () => BigInt.asIntN(64, draw.word(8));
  return { call_id: word(), chunk_index: word(), control_epoch: word(), cache_epoch: word() };
}

/** The 40 bytes. r[tp.header.layout] */
export function putHeader(writer: Writer, ids: Ids, action: bigint): Writer {
  for (const slot of SLOTS) writer.put(slot, little(ids[slot]), HEADER);
  return writer.put("action", little(action), HEADER);
}

export const shownIds = (ids: Ids) => Object.fromEntries(SLOTS.map((slot) => [slot, ids[slot].toString()]));
export const shownHeader = (ids: Ids, action: Action) => ({ ...shownIds(ids), action });
