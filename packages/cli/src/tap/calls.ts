import { WireError } from "@tensorwire/framing";
import { PpAcceptance, type PpRequest, type PpResultMessage } from "@tensorwire/pp-contract";

/** Calls that are waited for, at most: a driver that has more in flight is not followed further. */
const MOST_CALLS = 4096;

const RULES: Readonly<Record<string, readonly string[]>> = {
  sequence: ["pp.acceptance.ahead"],
  "header.field": ["pp.acceptance.generator-calls"],
  "spec.mismatch": ["pp.acceptance.latents-out"],
};

/** Holds the results of one direction against the requests of the other, as the driver does that gets them (`spec/pp-contract.md`, "Acceptance"). */
export class CallLint {
  readonly #acceptance = new PpAcceptance({ window: MOST_CALLS });
  readonly #broken: (error: WireError, rules: readonly string[]) => void;
  #follows = true;

  constructor(broken: (error: WireError, rules: readonly string[]) => void) {
    this.#broken = broken;
  }

  request(request: PpRequest): void {
    if (!("envelope" in request)) return;
    this.#follows &&= this.#acceptance.open;
    if (this.#follows) this.#acceptance.sent(request.header, request.envelope);
  }

  /** `at`: its end in the stream. What is late or stale is dropped by the driver, and breaks nothing. */
  result({ result, tensors }: PpResultMessage, at: number): void {
    if (!this.#follows) return;
    try {
      this.#acceptance.judge(result, at, tensors);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // Which call the next one would answer is not known any more.
      this.#follows = false;
      this.#broken(error, RULES[error.code] ?? []);
    }
  }

  /** Of a stage that has ended: r[pp.acceptance.exactly-one] is its driver's to keep, who has lost these calls. */
  get remark(): string | undefined {
    const { length } = this.#acceptance.inFlight;
    if (!this.#follows || length === 0) return undefined;
    return length === 1 ? "1 call without a result" : `${length} calls without a result`;
  }
}
