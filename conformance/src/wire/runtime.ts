import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dialPeer, PeerListener } from "./open.ts";
import { type Ending, type Peer, WireFailure } from "./peer.ts";
import { Timeline } from "./timeline.ts";

/** The runtime's sockets are not what the wire levels stand on: exit 4, since no verdict about an implementation would mean anything. */
export class RuntimeDefect extends Error {
  override readonly name = "RuntimeDefect";
}

export interface RuntimeFacts {
  /** Bytes that the operating system takes on loopback TCP when nobody reads. */
  readonly kernelTakes: number;
}

const DEADLINE = 30_000;
const BLOCK = new Uint8Array(1 << 20);
/** A system that takes more than this for a peer that does not read leaves nothing to see of backpressure. */
const MOST = 256 << 20;

/** The test of the sockets, which a run makes once: at its start where its way in has any, and else before the first scenario. */
export function runtimeOnce(check = () => checkRuntime()): () => Promise<RuntimeFacts> {
  let facts: Promise<RuntimeFacts> | undefined;
  return () => (facts ??= check());
}

interface Pair {
  readonly dialled: Peer;
  readonly accepted: Peer;
}

/**
 * Tests the running Bun over loopback TCP and a Unix socket, before any verdict about an implementation: an end is seen as an end,
 * a connection whose one direction has ended carries bytes in the other, a reset is seen as a reset. Throws `RuntimeDefect`.
 * r[iut.wire.runtime]
 */
export async function checkRuntime(allowHalfOpen = true): Promise<RuntimeFacts> {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-runtime-"));
  try {
    for (const at of ["127.0.0.1:0", join(folder, "half.sock")]) {
      await withPair(at, (pair) => halfOpen(pair, nameOf(at)), allowHalfOpen);
    }
    // The kernel has no reset for a Unix socket: there an abort is seen as an end.
    await withPair("127.0.0.1:0", (pair) => aborted(pair, nameOf("127.0.0.1:0"), "reset"));
    await withPair(join(folder, "reset.sock"), (pair) => aborted(pair, "a Unix socket", "end"));
    return { kernelTakes: await withPair("127.0.0.1:0", backpressure) };
  } catch (error) {
    if (!(error instanceof WireFailure)) throw error;
    throw new RuntimeDefect(
      `the sockets of this Bun (${Bun.version}) are not what the harness needs: ${error.message}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const nameOf = (at: string) => (at.startsWith("/") ? "a Unix socket" : "loopback TCP");

async function withPair<T>(at: string, act: (pair: Pair) => Promise<T>, allowHalfOpen = true): Promise<T> {
  const timeline = new Timeline();
  const listener = new PeerListener(at as "127.0.0.1:0", timeline, allowHalfOpen);
  try {
    const dialled = await dialPeer("dialled", listener.address, timeline, DEADLINE);
    const accepted = await listener.accept("accepted");
    return await act({ dialled, accepted });
  } finally {
    listener.stop();
  }
}

function demand(holds: boolean, where: string, what: string): void {
  if (!holds) throw new WireFailure(`on ${where} ${what}`);
}

/** Turns of the event loop: what the runtime does by itself, it has then done. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((turn) => setImmediate(turn));
}

async function halfOpen({ dialled, accepted }: Pair, where: string): Promise<void> {
  await dialled.write(new TextEncoder().encode("ping"), DEADLINE);
  dialled.end();
  const there = Buffer.from(await accepted.takeAll(DEADLINE)).toString();
  demand(there === "ping", where, `the bytes before an end came as ${JSON.stringify(there)}`);
  demand(accepted.ending === "end", where, "the end of a direction is seen as a reset");
  await turns();
  demand(!accepted.gone && dialled.ending === undefined, where, "the end of one direction ends both");
  await accepted.write(new TextEncoder().encode("pong"), DEADLINE);
  accepted.end();
  const back = Buffer.from(await dialled.takeAll(DEADLINE)).toString();
  demand(back === "pong", where, `a half-open connection carried ${JSON.stringify(back)} back`);
  demand(dialled.ending === "end", where, "the second end is seen as a reset");
}

async function aborted({ dialled, accepted }: Pair, where: string, seen: Ending): Promise<void> {
  await dialled.write(new TextEncoder().encode("ping"), DEADLINE);
  await accepted.takeExactly(4, DEADLINE);
  dialled.reset();
  const how = await accepted.ended(DEADLINE);
  demand(how === seen, where, `an abort is seen as ${how}, not as ${seen}`);
}

async function backpressure({ dialled, accepted }: Pair): Promise<number> {
  accepted.stall();
  while (dialled.written < MOST) {
    if (dialled.offer(BLOCK) === BLOCK.length) continue;
    // What the system still moves out of its own buffers makes room once more; then it is full for good.
    const before = dialled.written;
    await turns();
    dialled.offer(BLOCK);
    if (dialled.written === before) break;
  }
  demand(dialled.written < MOST, "loopback TCP", `${MOST} bytes were taken though nobody reads`);
  return dialled.written;
}
