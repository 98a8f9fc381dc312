export { flags } from "@tensorwire/scripts/flags";

const MOST = 64;

/** @throws TypeError unless it is a whole number of processes. */
export function jobsOf(value: string): number {
  const jobs = Number(value);
  if (/^\d+$/.test(value) && jobs >= 1 && jobs <= MOST) return jobs;
  throw new TypeError(`--jobs must be a whole number from 1 to ${MOST}, not ${value}`);
}
