import { lstatSync, type Stats, unlinkSync } from "node:fs";
import { WireError } from "@tensorwire/framing";

/** A live listener on the same machine answers a connect at once; one that does not in this time counts as live but busy. */
const PROBE_MS = 1000;

/**
 * Binds a Unix socket. A file that is in the way is removed only when it is a socket, a connect to it is refused, and it is
 * still the same file afterwards; then the bind is tried once more. Anything else is refused with `transport.refused`.
 */
export async function bindUnix<T>(path: string, bind: () => T): Promise<T> {
  try {
    return bind();
  } catch (error) {
    if (!hasCode(error, "EADDRINUSE")) throw error;
    await removeStale(path, error);
    return bind();
  }
}

async function removeStale(path: string, cause: unknown): Promise<void> {
  const found = stat(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw inTheWay(path, "it exists and is not a socket", cause);
  if (await answers(path)) throw inTheWay(path, "somebody listens there", cause);
  const now = stat(path);
  if (now === undefined) return;
  // Another process may have replaced it meanwhile: that one is alive.
  if (now.ino !== found.ino || now.dev !== found.dev)
    throw inTheWay(path, "somebody has just begun to listen there", cause);
  unlinkSync(path);
}

/** Only a refused connect shows that nobody listens; anything else counts as an answer. */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, PROBE_MS, true);
  const socket = { open: () => {}, data: () => {}, error: () => {}, connectError: () => {} };
  Bun.connect({ unix: path, socket }).then(
    (probe) => {
      probe.terminate();
      resolve(true);
    },
    (error: unknown) => resolve(!hasCode(error, "ECONNREFUSED")),
  );
  const answer = await promise;
  clearTimeout(timer);
  return answer;
}

function stat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function inTheWay(path: string, why: string, cause: unknown): WireError {
  const message = `cannot listen on unix:${path}: ${why}`;
  return new WireError({ code: "transport.refused", message, fault: "caller", fatal: false, cause });
}
