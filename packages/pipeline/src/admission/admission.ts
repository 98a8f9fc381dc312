import { WireError } from "@tensorwire/framing";
import { peerFault } from "@tensorwire/tensor-spec";
import { type Hello, judgeHello, prepareHello } from "@tensorwire/tp-control";
import { type Connection, checkCounts, checkDeadlines } from "@tensorwire/transport";
import { helloTo, type Identity, type Peer } from "./identity.ts";
import { drop, HandshakeDeadline, type HandshakeOptions, receiveHello } from "./receive-hello.ts";
import { Roster } from "./roster.ts";
import { withBytesFirst } from "./with-bytes-first.ts";

/** Connections that a listener holds without knowing whose they are. r[link.hello.pending] */
export const DEFAULT_MAX_PENDING = 64;
const DEFAULT_MAX_LANES = 1;

export interface AdmissionOptions extends HandshakeOptions {
  /** Connections that are not yet admitted; for one more, the one that has waited longest is dropped. 64 unless told. */
  readonly maxPending?: number;
  /** Lanes that each peer may have: 0 to one below. 1 unless told. */
  readonly maxLanes?: number;
}

/** A peer that was let in. */
export interface Admitted {
  /** For the protocol: what came behind the Hello is read first. */
  readonly connection: Connection;
  readonly hello: Hello;
}

/** The listener's side of the handshake: lets in the peers that this rank waits for, and nobody else. */
export class Admission {
  readonly #identity: Identity;
  readonly #peers: readonly Peer[];
  readonly #options: AdmissionOptions;
  readonly #roster = new Roster();
  /** Oldest first, each with what ends its wait. */
  readonly #pending = new Map<Connection, (why: WireError) => void>();

  /** @throws WireError refusal when the identity cannot be said, for a deadline that is none, and for bounds that are no counts. */
  constructor(identity: Identity, peers: readonly Peer[], options: AdmissionOptions = {}) {
    const { deadlineMs, maxPending = DEFAULT_MAX_PENDING, maxLanes = DEFAULT_MAX_LANES } = options;
    checkDeadlines({ deadlineMs });
    checkCounts({ maxPending, maxLanes });
    this.#identity = identity;
    this.#peers = peers;
    this.#options = options;
    prepareHello(helloTo(identity, 0, 0));
  }

  /** Connections whose Hello is awaited. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Resolves with the peer when it is let in, and with null when the connection ended before its first byte, as a port probe's
   * does. A peer that is not let in gets no byte. r[link.hello.refusal]
   *
   * @throws WireError after the connection was dropped: the class of `spec/handshake.md`, `transport.deadline`, or `transport.full`
   *   when too many came after it.
   */
  async admit(connection: Connection): Promise<Admitted | null> {
    const { promise: evicted, reject } = Promise.withResolvers<never>();
    this.#pending.set(connection, reject);
    this.#makeRoom();
    try {
      return await Promise.race([this.#exchange(connection), evicted]);
    } catch (why) {
      throw drop(connection, why);
    } finally {
      this.#pending.delete(connection);
    }
  }

  /** A rank says its Hello at once; so it is the oldest that is least likely to be one. */
  #makeRoom(): void {
    const { maxPending = DEFAULT_MAX_PENDING } = this.#options;
    if (this.#pending.size <= maxPending) return;
    const [connection, evict] = this.#pending.entries().next().value!;
    this.#pending.delete(connection);
    const message = `expected at most ${maxPending} connections that are not yet admitted, and this one has waited longest`;
    evict(new WireError({ code: "transport.full", message, fault: "transport" }));
  }

  async #exchange(connection: Connection): Promise<Admitted | null> {
    const deadline = new HandshakeDeadline(this.#options);
    const received = await receiveHello(connection, deadline);
    if (received === null) {
      connection.abort("it ended before its Hello");
      return null;
    }
    const { hello, rest, at } = received;
    const own = this.#judge(hello, at);
    const release = this.#roster.hold(hello, peerFault(at));
    void connection.closed.then(release);
    // r[link.hello.answer]
    await connection.write([prepareHello(own)], deadline.leftMs);
    return { connection: withBytesFirst(connection, rest), hello };
  }

  /** What this rank answers to a Hello that it takes. */
  #judge(theirs: Hello, at: number): Hello {
    const blame = peerFault(at);
    const { maxLanes = DEFAULT_MAX_LANES } = this.#options;
    // First the job, so that what is told of a stranger is that it is one.
    const own = helloTo(this.#identity, theirs.rank, theirs.lane);
    judgeHello(own, theirs, blame);
    if (!this.#peers.some(({ role, rank }) => role === theirs.role && rank === theirs.rank)) {
      const expected = this.#peers.map(({ role, rank }) => `${role} ${rank}`).join(" or ");
      throw blame("header.field", `Hello.rank: expected ${expected}, ${theirs.role} ${theirs.rank} came`);
    }
    // r[link.hello.lane]
    if (theirs.lane >= maxLanes) {
      throw blame("header.field", `Hello.lane: expected below ${maxLanes}, ${theirs.lane} came`);
    }
    return own;
  }
}
