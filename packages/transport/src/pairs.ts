import { fail } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "./address.ts";
import { connect } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { listen } from "./listen.ts";
import { memoryPair } from "./memory.ts";
import type { ConnectionOptions } from "./stream-connection.ts";
import type { TlsOptions } from "./tls-files.ts";
import { TlsSet } from "./tls-set.ts";

/** Fixtures of this package's tests: one pair of connected ends for each kind of link. */
export interface Pair extends AsyncDisposable {
  readonly a: Connection;
  readonly b: Connection;
}

export const KINDS: Record<string, (options?: ConnectionOptions) => Promise<Pair>> = {
  tcp: (options) => socketPair("tcp://127.0.0.1:0", options),
  tls: async (options) => {
    // Read when each end opens, and not again.
    using set = await TlsSet.create();
    return await socketPair("tcp://127.0.0.1:0", { ...options, tls: set.node });
  },
  unix: async (options) => {
    const folder = temporaryFolder();
    const pair = await socketPair({ kind: "unix", path: join(folder.path, "s") }, options);
    folder[Symbol.dispose]();
    return pair;
  },
  memory: async (options) => {
    const [a, b] = memoryPair(options);
    return disposable(a, b, () => {});
  },
};

async function socketPair(
  target: Address | string,
  options: ConnectionOptions & { tls?: TlsOptions } = {},
): Promise<Pair> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listen(target, { ...options, onConnection: accepted.resolve });
  const a = await connect(listener.address, options);
  return disposable(a, await accepted.promise, () => listener.stop());
}

function disposable(a: Connection, b: Connection, stop: () => void): Pair {
  return {
    a,
    b,
    [Symbol.asyncDispose]: async () => {
      a.abort("the test is over");
      b.abort("the test is over");
      stop();
    },
  };
}

export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "tw-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Lets the event loop turn, so that sockets report what the kernel already holds. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Turns the loop until it holds; the test's own timeout ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turns(1);
}

/** Reads until `length` bytes are there, or the end. */
export async function readBytes(connection: Connection, length = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let have = 0; have < length; ) {
    const chunk = await connection.read();
    if (chunk === null) break;
    chunks.push(chunk);
    have += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** What a promise was rejected with; a failed expectation when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const fulfilled = Symbol();
  const outcome = await promise.then(
    () => fulfilled,
    (error: unknown) => error,
  );
  return outcome === fulfilled ? fail("the promise was fulfilled, a rejection was expected") : outcome;
}

/** What a promise was fulfilled with; a failed expectation, and not its own error, when it was not. */
export function fulfilment<Value>(promise: Promise<Value>): Promise<Value> {
  return promise.catch((error: unknown) => fail(`the promise was rejected, a value was expected: ${String(error)}`));
}

/** True when the promise is settled by now. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  const first = await Promise.race([promise.catch(() => {}), Promise.resolve(pending)]);
  return first !== pending;
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Bytes in which each place differs from its neighbours, and each 64 KiB from the next. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 16) * 7 + seed) & 0xff;
  return bytes;
}
