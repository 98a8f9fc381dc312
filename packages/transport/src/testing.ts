/** Helpers for the tests of packages that stand on this one. */
export { ManualClock } from "./manual-clock.ts";
