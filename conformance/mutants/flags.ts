/** What `parse` makes of the flags; where it throws a TypeError, as `parseArgs` does, the process ends with status 64 and the usage. */
export function flags<T>(program: string, usage: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`tensorwire ${program}: ${error.message}\n${usage}`);
    process.exit(64);
  }
}

const MOST = 64;

/** @throws TypeError unless it is a whole number of processes. */
export function jobsOf(value: string): number {
  const jobs = Number(value);
  if (/^\d+$/.test(value) && jobs >= 1 && jobs <= MOST) return jobs;
  throw new TypeError(`--jobs must be a whole number from 1 to ${MOST}, not ${value}`);
}
