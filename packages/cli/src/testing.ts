/** For the tests of this package. */
import { join } from "node:path";

/** Runs the command in a process of its own, to its end. */
export async function tensorwire(...words: readonly string[]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}
