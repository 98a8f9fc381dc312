import type { Sent } from "@tensorwire/conformance/wire";
import { refusal, WireError } from "@tensorwire/framing";
import { RankLostError, TpLeader } from "@tensorwire/pipeline/ranks";
import type { Connection } from "@tensorwire/transport";
import { errorEvent } from "../handle-case.ts";
import { readMessage } from "../tp.ts";
import { type Rank, refusalOf, type Value } from "./rank.ts";
import type { RankSpoken } from "./spoken.ts";

/** One TP group: the library's leader, and the connections that it leads. */
export class Group {
  readonly leader: TpLeader;
  readonly #members = new Map<number, Rank>();
  /** Each is over when a member has joined, or was refused. */
  readonly #opening: Promise<void>[] = [];
  /** The loss of a worker has been told on its connection, or there is none to tell. */
  #over = false;

  constructor({ limits, deadlineMs }: RankSpoken) {
    const waits = deadlineMs === undefined ? {} : { deadlineMs, graceMs: Math.min(1000, deadlineMs) };
    // The ids are the harness's or upstream's, and no sign of life was asked for.
    const heartbeatMs = Number.POSITIVE_INFINITY;
    this.leader = new TpLeader([], { ...waits, limits, heartbeatMs, givenIds: true });
    void this.leader.lost.then((why) => this.#tell(why));
    // A worker that does not end behind SHUTDOWN is known then.
    void this.leader.ended.then((why) => this.#tell(why));
  }

  /** A connection of the group, once `opened` says that its handshake is over, where it has one. */
  join(member: Rank, rank: number, opened: Promise<Connection>): void {
    this.#members.set(rank, member);
    const joined = opened.then(
      (connection) => this.leader.join({ rank, connection }),
      (why: unknown) => {
        // Its own connection has told that.
        this.#over = true;
        void this.leader.terminate(new RankLostError(rank, [], String(why), { cause: why }));
      },
    );
    this.#opening.push(joined);
    member.done = joined.then(() => Promise.race([this.leader.lost, this.leader.ended]));
  }

  /** r[iut.rank.send-group] */
  async send(seq: number, group: string, value: Value): Promise<Sent> {
    await Promise.all(this.#opening);
    const connections = [...this.#members.values()].map(({ connection }) => connection);
    const broadcast = () => {
      if (this.#over) throw refusal("state", "expected a group to send to, it has ended");
      return this.leader.broadcast(readMessage(value));
    };
    const refused = await refusalOf(broadcast, connections);
    const events = refused instanceof WireError && !refused.fatal ? [errorEvent(refused)] : [];
    return { op: "sent", seq, group, events };
  }

  #tell(why: RankLostError | null): void {
    if (why !== null && !this.#over) this.#members.get(why.rank)?.lost(why, why.calls);
    this.#over = true;
  }
}
