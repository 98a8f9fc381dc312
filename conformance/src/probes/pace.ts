/** A case with twice the bytes may take this many times the time: twice, and as much again for what a machine adds. */
const MOST_RATIO = 3;
/** Below this, milliseconds say nothing. */
const LEAST_MS = 100;
const ROUNDS = 5;

/**
 * Times a whole case and its half, the best of five, and says so when the whole takes more than three times as long. Nothing but a
 * warning comes of it: the time is the machine's too. r[iut.probe.memory.pace]
 */
export async function paceOf(
  run: (which: "half" | "whole") => Promise<unknown>,
  now: () => number = () => performance.now(),
): Promise<string | undefined> {
  const best = { half: Number.POSITIVE_INFINITY, whole: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of ["half", "whole"] as const) {
      const from = now();
      await run(which);
      best[which] = Math.min(best[which], now() - from);
    }
    if (best.whole < LEAST_MS || best.whole <= MOST_RATIO * best.half) return undefined;
  }
  const [half, whole] = [best.half, best.whole].map((ms) => ms.toFixed(0));
  return `the case took ${whole} ms and half of its bytes took ${half} ms, each the best of ${ROUNDS}: the cost may be quadratic`;
}
