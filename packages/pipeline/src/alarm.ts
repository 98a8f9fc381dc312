import { WireError } from "@tensorwire/framing";
import type { Clock } from "@tensorwire/transport";

/** One deadline, which each new one takes the place of. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (why: WireError) => void;
  #timer: unknown = null;

  /** `ring` gets a `transport.deadline` error. */
  constructor(clock: Clock, ring: (why: WireError) => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  set(ms: number, message: string): void {
    this.clear();
    const late = () => this.#ring(new WireError({ code: "transport.deadline", message, fault: "transport" }));
    this.#timer = this.#clock.setTimeout(late, ms);
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
