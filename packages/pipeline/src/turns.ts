/**
 * One forward at a time. A lane has at most one call in a stage, so first come, first served is fair: between two turns of a lane
 * every other lane that waits has had its own.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` once all that came before is done, and rejects with what it throws. */
  take<T>(work: () => T): Promise<T> {
    const turn = this.#last.then(async () => {
      // A forward holds the thread. In between the sockets must get their turn: what the one before made has to leave.
      await new Promise((resolve) => setImmediate(resolve));
      return work();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}
