import type { Sent, Spoken } from "@tensorwire/conformance/wire";
import { RankLostError } from "@tensorwire/pipeline/ranks";
import type { Connection } from "@tensorwire/transport";
import { Group } from "./group.ts";
import { type Handshake, handshakeOf } from "./handshake.ts";
import { Rank, type Value } from "./rank.ts";
import { runDriver, runStage, runWorker } from "./roles.ts";
import { type RankSpoken, readSpoken } from "./spoken.ts";

/** Makes a rank of a connection, as `listen` or `dial` has said. */
export type OpenRank = (name: string, connection: Connection) => Rank;

/** The ranks of one link: the classes of `@tensorwire/pipeline` behind the requests of level 2. */
export class Ranks {
  readonly #groups = new Map<string, Group>();

  /** Declines what is not done. Groups are complete when the stage that leads them listens. */
  prepare(request: Spoken & { readonly op: "listen" | "dial" }): OpenRank {
    const spoken = readSpoken(request);
    const handshake = handshakeOf(spoken.identity, request.op === "dial", spoken.deadlineMs);
    return (name, connection) => this.#open(new Rank(name, connection), request.role, spoken, handshake);
  }

  async send(seq: number, group: string, value: Value): Promise<Sent> {
    const found = this.#groups.get(group);
    if (found === undefined) throw new Error(`no group is named ${group}`);
    return found.send(seq, group, value);
  }

  clear(): void {
    for (const { leader } of this.#groups.values()) {
      void leader.terminate(new RankLostError(0, [], "the scenario is over"));
    }
    this.#groups.clear();
  }

  #open(rank: Rank, role: string, spoken: RankSpoken, handshake: Handshake): Rank {
    const opened = handshake(rank.connection);
    rank.opened = opened;
    opened.catch((why: unknown) => rank.lost(why, []));
    if (role === "tp-leader") {
      this.#group(spoken).join(rank, spoken.rank, opened);
    } else {
      const run = (connection: Connection) => {
        if (role === "tp-worker") return runWorker(rank, connection, spoken);
        if (role === "pp-driver") return runDriver(rank, connection, spoken);
        return runStage(rank, connection, spoken, this.#group(spoken).leader);
      };
      rank.done = opened.then(run, () => {});
    }
    return rank;
  }

  /** A stage without a group leads one of nobody. */
  #group(spoken: RankSpoken): Group {
    if (spoken.group === undefined) return new Group(spoken);
    const group = this.#groups.get(spoken.group) ?? new Group(spoken);
    this.#groups.set(spoken.group, group);
    return group;
  }
}
