import type { Over } from "../corpus/wire-file.ts";
import { HEADER_SIZE, type HeaderTrail, readHeader } from "./header-trail.ts";
import type { Ending } from "./peer.ts";

/**
 * Judges how a connection ended: `got` is what came behind what the scenario has received, `may` are the messages that could still be
 * sent. Says what is wrong, or nothing. Follows `trail`. r[iut.rank.not-torn]
 *
 * A reset takes away what the operating system had not handed over yet: behind one, any beginning of what is right is right.
 */
export function judgeOver(
  over: Over,
  got: Uint8Array,
  ending: Ending,
  may: readonly Uint8Array[],
  trail: HeaderTrail,
): string | undefined {
  let at = 0;
  let next = 0;
  while (next < may.length && startsWith(got.subarray(at), may[next] as Uint8Array)) {
    const message = may[next++] as Uint8Array;
    trail.push(message);
    at += message.length;
  }
  const rest = got.subarray(at);
  const reset = ending === "reset";
  if (over === "end" && reset) return "the implementation reset the connection instead of ending it in order";
  if (over === "end" || over === "close") {
    return rest.length === 0 || (reset && cutOf(rest, may[next]))
      ? undefined
      : `${rest.length} bytes came that the scenario does not know`;
  }
  if (rest.length === 0) {
    if (over === "cut" || (over === "released" && reset)) return undefined;
    return `the implementation ${reset ? "reset the connection" : "ended its direction"} without SHUTDOWN`;
  }
  if (over === "shutdown" && reset) return "the implementation reset the connection instead of SHUTDOWN and an end";
  if (rest.length === HEADER_SIZE && (may[next] === undefined || !startsWith(may[next] as Uint8Array, rest))) {
    return trail.refuses(readHeader(rest));
  }
  const cutShutdown = rest.length < HEADER_SIZE && trail.refusesStart(rest) === undefined;
  const cut = cutOf(rest, may[next]) || cutShutdown;
  if (cut && (reset || over === "cut")) return undefined;
  const where = `${at + rest.length} bytes came behind the last one that was known`;
  return cut ? `a message was cut: ${where}, and an end` : `what came is neither a message nor SHUTDOWN: ${where}`;
}

const startsWith = (bytes: Uint8Array, head: Uint8Array) =>
  bytes.length >= head.length && Buffer.compare(bytes.subarray(0, head.length), head) === 0;

const cutOf = (rest: Uint8Array, message: Uint8Array | undefined) => message !== undefined && startsWith(message, rest);
