/** Helpers for the tests of packages that stand on this one. */
export type { Link, LinkEvents } from "./link.ts";
export { ManualClock } from "./manual-clock.ts";
export { StreamConnection } from "./stream-connection.ts";
