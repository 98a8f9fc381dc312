import type { Blame } from "@tensorwire/tensor-spec";
import type { Hello } from "@tensorwire/tp-control";

/** Who is there: which process holds each rank, and on which lanes. */
export class Roster {
  readonly #held = new Map<string, { readonly instance: string; readonly lanes: Set<number> }>();

  /**
   * Gives the rank and lane of a Hello to its sender until the answer is called; the rank is free again when its last lane is.
   *
   * @throws WireError `sequence`, made by `blame`, when another process holds the rank, or the lane is open already.
   */
  hold({ role, rank, lane, instance }: Hello, blame: Blame): () => void {
    const name = `${role} ${rank}`;
    const own = instance.toHex();
    const held = this.#held.get(name) ?? { instance: own, lanes: new Set() };
    // r[link.hello.instance.held]
    if (held.instance !== own) {
      const message = `Hello.instance: expected ${held.instance}, which is ${name} here already, ${own} came`;
      throw blame("sequence", message);
    }
    // r[link.hello.lane]
    if (held.lanes.has(lane)) throw blame("sequence", `Hello.lane: ${name} has lane ${lane} open already`);
    held.lanes.add(lane);
    this.#held.set(name, held);
    return () => {
      held.lanes.delete(lane);
      if (held.lanes.size === 0 && this.#held.get(name) === held) this.#held.delete(name);
    };
  }
}
