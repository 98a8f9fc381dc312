/** For the tests of this folder: a group over memory, with a raw end for a worker that a test plays by hand. */
import { type TpHeader, type TpMessage, TpSession } from "@tensorwire/tp-control";
import { type Connection, type MemoryPairOptions, memoryPair } from "@tensorwire/transport";
import type { TpCall } from "./leader-options.ts";
import type { TpMember } from "./member.ts";

/** Rank 1 and up. `ends[i]` is the worker's side of `members[i]`. */
export function pairs(count: number, options: MemoryPairOptions = {}): { members: TpMember[]; ends: Connection[] } {
  const both = Array.from({ length: count }, () => memoryPair(options));
  return {
    members: both.map(([connection], i) => ({ rank: i + 1, connection })),
    ends: both.map(([, end]) => end),
  };
}

export function callOf(chunk_index = 0n, values: readonly number[] = [1, 2], over: Partial<TpCall> = {}): TpCall {
  const data = () => Float32Array.from(values);
  return {
    chunk_index,
    manifest: {},
    tensors: [{ key: "x", dtype: "float32", shape: [values.length], data }],
    ...over,
  };
}

/** What a worker that only listens has heard, and how its session stood at the end. */
export interface Heard {
  readonly messages: readonly TpMessage[];
  readonly headers: readonly TpHeader[];
  readonly end: "clean" | string;
}

/** Reads to the end of a connection, judges it as a worker's session does, and ends this side. */
export async function hear(end: Connection): Promise<Heard> {
  const session = new TpSession();
  const messages: TpMessage[] = [];
  let how = "";
  try {
    for (let chunk = await end.read(); chunk !== null; chunk = await end.read()) {
      messages.push(...session.push(chunk).messages);
    }
    how = session.end()?.code ?? "clean";
    await end.end();
  } catch (error) {
    how = String((error as { code?: string }).code ?? error);
  }
  return { messages, headers: messages.map(({ header }) => header), end: how };
}

export const actionsOf = ({ headers }: Heard): string[] => headers.map(({ action }) => action);

/** Lets the event loop turn, so that memory connections hand over what is under way. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
