import { dlopen, FFIType } from "bun:ffi";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STDERR = 2;

/**
 * Runs `use` with what native code writes to stderr going to a file, and returns both. TensorFlow greets every process with
 * notices there, and the same stream says why it found no GPU: the first is noise, the second belongs into an error.
 */
export function withNativeLog<T>(use: () => T): { result: T; log: string } {
  const { symbols } = dlopen("libc.so.6", {
    dup: { args: [FFIType.i32], returns: FFIType.i32 },
    dup2: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  });
  const dir = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const file = openSync(join(dir, "log"), "w+");
  const saved = symbols.dup(STDERR);
  try {
    symbols.dup2(file, STDERR);
    let result: T;
    try {
      result = use();
    } finally {
      symbols.dup2(saved, STDERR);
    }
    return { result, log: readFileSync(join(dir, "log"), "utf8") };
  } finally {
    symbols.close(saved);
    closeSync(file);
    rmSync(dir, { recursive: true });
  }
}
