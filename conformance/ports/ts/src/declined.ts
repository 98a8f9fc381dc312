import type { DeclineReason } from "@tensorwire/conformance/protocol";

/** What the adapter does not do: the answer is a decline, never a guess. r[iut.decline.unknown] */
export class Declined extends Error {
  override readonly name = "Declined";
  readonly reason: DeclineReason;

  constructor(reason: DeclineReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
