/**
 * What `parse` makes of the words behind a command of the repository. `--help` prints the usage and ends with 0; where `parse` throws a
 * TypeError, as `parseArgs` does, the process ends with 64 and the usage.
 */
export function flags<T>(program: string, usage: string, parse: () => T): T {
  if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${program}: ${error.message}\n${usage}`);
    process.exit(64);
  }
}
