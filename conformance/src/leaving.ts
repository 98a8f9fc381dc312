const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const acts = new Set<() => void>();

function leave(): void {
  for (const act of [...acts]) act();
}

/** The signal is taken, once everything is done that it must not find undone. */
function interrupted(signal: NodeJS.Signals): void {
  leave();
  for (const name of SIGNALS) process.off(name, interrupted);
  process.kill(process.pid, signal);
}

process.on("exit", leave);

/** Has this done when the process leaves, by an end of its own or by a signal. What comes back takes it off the list again. */
export function beforeLeaving(act: () => void): () => void {
  if (acts.size === 0) for (const name of SIGNALS) process.on(name, interrupted);
  acts.add(act);
  return () => {
    acts.delete(act);
    if (acts.size === 0) for (const name of SIGNALS) process.off(name, interrupted);
  };
}
