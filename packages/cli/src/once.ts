import type { Command } from "commander";
import { UsageError } from "./output.ts";

/**
 * Makes an option with a value that comes twice an error, here and in the commands below: commander would take the last one, and who gave
 * two filters would learn nothing of what the first one selects. Options that collect their values have a list as their default.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || option.variadic || Array.isArray(option.defaultValue)) continue;
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
