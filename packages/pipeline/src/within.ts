import { systemClock } from "@tensorwire/transport";

/** The promise, or an Error after so many milliseconds or when the signal fires. */
export async function within<T>(promise: Promise<T>, ms: number, what: string, signal?: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const timer = systemClock.setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms);
  const cancel = () => reject(signal?.reason);
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    systemClock.clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}
