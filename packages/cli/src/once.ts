import type { Command } from "commander";
import { UsageError } from "./output.ts";

type Collector<T> = (text: string, before?: T) => T;

const collectors = new WeakSet<object>();

/** Reads an option that may be given several times. */
export function collecting<T>(read: Collector<T>): Collector<T> {
  collectors.add(read);
  return read;
}

/**
 * Makes any other option that comes twice with a value an error, here and in the commands below: commander would take the last one, and
 * who gave two filters would learn nothing of what the first one selects.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.variadic || (option.parseArg && collectors.has(option.parseArg))) continue;
    let given: unknown;
    command.on(`option:${option.name()}`, (value: unknown) => {
      if (given !== undefined)
        throw new UsageError(
          `expected --${option.name()} once, got ${JSON.stringify(given)} and ${JSON.stringify(value)}`,
        );
      given = value ?? "";
    });
  }
  for (const below of command.commands) refuseRepeats(below);
}
